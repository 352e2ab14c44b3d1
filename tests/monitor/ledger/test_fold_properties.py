"""The fold as a pure function: any order, any batches, no exception, nothing twice."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.ledger.changes import find_revisions
from monitor.ledger.fold import StoryFold, affected_records, as_known_at, fold_story
from storage.records import (
    Claim,
    ClaimKind,
    ClaimStatus,
    Qualifier,
    Revision,
    RevisionKind,
    Span,
    StampedClaim,
    Trust,
)
from tests.support.ledger import STORY, day_at, day_span

VALUES = st.sampled_from(
    [1, 3, 5, 12, 15, 18, 40, 44, 45, 49, 100, 103, 144, 150, 160, 164, 225, 230, 1000, 2053, 5000]
)


@st.composite
def stamped_claims(draw: st.DrawFn) -> StampedClaim:
    value = float(draw(VALUES))
    qualifier = draw(st.sampled_from(list(Qualifier)))
    number = draw(st.integers(0, 10**9))
    day = draw(st.integers(1, 9))
    outlet = draw(st.sampled_from(["ap", "tass", "bbc", "post"]))
    span: Span | None = day_span(day)
    if draw(st.booleans()):
        at = day_at(day) + timedelta(minutes=draw(st.integers(0, 1439)))
        span = Span(not_before=at, not_after=at)
    metric = draw(st.sampled_from(["killed", "killed", "injured", "missing"]))
    is_open = qualifier in (Qualifier.VAGUE, Qualifier.RANGE)
    claim = Claim(
        metric=metric,
        value=None if is_open else value,
        low=value,
        high=value * 2 if is_open else None,
        qualifier=qualifier,
        kind=draw(st.sampled_from([ClaimKind.LEVEL] * 6 + [ClaimKind.INCREMENT])),
        status=draw(st.sampled_from([ClaimStatus.CURRENT] * 6 + list(ClaimStatus))),
        place=draw(st.sampled_from([None, None, None, "almaty", "unresolved"])),
        population=draw(st.sampled_from([None, None, None, "other:part"])),
        origin=draw(st.sampled_from([None, "police", "officials", "health", "army"])),
        replaces=draw(st.sampled_from([None, None, None, 164.0, 44.0])),
        field=draw(st.sampled_from(["text", "text", "title"])),
        rule="property",
    )
    by_edit = draw(st.integers(0, 9)) == 0
    is_ended = draw(st.integers(0, 9)) == 0
    return StampedClaim(
        claim_id=f"c{number}",
        claim=claim,
        story=STORY.slug,
        article_id=0,
        url=f"{outlet}/{draw(st.integers(1, 4))}",
        source=outlet,
        sentence=draw(st.sampled_from(["", f"{value:g} victims"])),
        trust=draw(st.sampled_from(list(Trust))),
        asserted_at=span if draw(st.integers(0, 15)) else None,
        ended_at=day_at(day) + timedelta(days=2) if is_ended else None,
        recorded_at=day_at(day + draw(st.integers(0, 2))),
        by_edit=by_edit,
        version_first=2 if by_edit else 1,
        version_last=(2 if by_edit else 1) if is_ended else None,
        wire_group=draw(st.sampled_from([None, None, None, "w"])),
    )


CLAIMS = st.lists(stamped_claims(), max_size=18, unique_by=lambda one: one.claim_id)


@settings(max_examples=60, deadline=None)
@given(CLAIMS, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_histories(claims: list[StampedClaim], rng: random.Random) -> None:
    expected = fold_story(claims, (), STORY)
    shuffled = list(claims)
    rng.shuffle(shuffled)
    assert fold_story(shuffled, (), STORY) == expected


@settings(max_examples=40, deadline=None)
@given(CLAIMS)
def test_folding_twice_adds_nothing(claims: list[StampedClaim]) -> None:
    assert fold_story([*claims, *claims], (), STORY) == fold_story(claims, (), STORY)


@settings(max_examples=60, deadline=None)
@given(CLAIMS, st.randoms(use_true_random=False))
def test_claims_one_by_one_give_what_folding_all_gives(claims: list[StampedClaim], rng: random.Random) -> None:
    fold = StoryFold(STORY)
    rng.shuffle(claims)
    for stamped in claims:
        fold.add([stamped])
    assert fold.histories() == fold_story(claims, (), STORY)


@settings(max_examples=40, deadline=None)
@given(CLAIMS, st.randoms(use_true_random=False))
def test_taking_claims_out_again_leaves_what_never_was_folded(claims: list[StampedClaim], rng: random.Random) -> None:
    kept = [stamped for stamped in claims if rng.random() < 0.5]
    fold = StoryFold(STORY)
    fold.add(claims)
    fold.remove([stamped.claim_id for stamped in claims if stamped not in kept])
    assert fold.histories() == fold_story(kept, (), STORY)


@settings(max_examples=40, deadline=None)
@given(CLAIMS)
def test_a_claim_that_changes_gives_what_folding_the_new_one_gives(claims: list[StampedClaim]) -> None:
    fold = StoryFold(STORY)
    fold.add(claims)
    changed = [
        replace(stamped, ended_at=stamped.recorded_at, version_last=stamped.version_first) for stamped in claims[::2]
    ]
    fold.add(changed)
    assert fold.histories() == fold_story([*changed, *claims[1::2]], (), STORY)


@settings(max_examples=40, deadline=None)
@given(CLAIMS, st.randoms(use_true_random=False))
def test_the_change_log_ends_where_the_history_does_and_repeats_no_id(
    claims: list[StampedClaim], rng: random.Random
) -> None:
    rng.shuffle(claims)
    known = {stamped.claim_id: stamped for stamped in claims}
    log: list[Revision] = []
    held = fold_story([], (), STORY)
    for number in range(len(claims)):
        now = fold_story(claims[: number + 1], (), STORY)
        log += find_revisions(held, now, claims=known, recorded_at=day_at(20 + number), log=log)
        assert find_revisions(now, now, claims=known, recorded_at=day_at(20), log=log) == ()
        held = now
    ids = [revision.revision_id for revision in log]
    assert len(ids) == len(set(ids))
    for history in held.values():
        assert all(step.figure is not None or step.kind is RevisionKind.RETRACTED for step in history.steps)
        for before, after in pairwise(history.steps):
            if before.kind not in (RevisionKind.CONTESTED, RevisionKind.RESOLVED):
                assert after.before == before.figure
        if history.low is not None and history.best is not None and history.high is not None:
            assert history.low <= history.high
            assert history.best <= history.high


@settings(max_examples=40, deadline=None)
@given(CLAIMS)
def test_folding_what_is_affected_gives_what_folding_all_gives(claims: list[StampedClaim]) -> None:
    everything = fold_story(claims, (), STORY)
    only = affected_records(claims[:2], (), STORY)
    some = fold_story(claims, (), STORY, only=only)
    assert some == {key: history for key, history in everything.items() if key in only}


@settings(max_examples=50, deadline=None)
@given(CLAIMS, st.integers(1, 10))
def test_as_known_at_never_sees_what_was_learned_later(claims: list[StampedClaim], day: int) -> None:
    seen = as_known_at(claims, day_at(day))
    assert all(stamped.recorded_at <= day_at(day) for stamped in seen)
