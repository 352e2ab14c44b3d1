"""What a person overruled, replayed by the fold."""

import json
from dataclasses import replace
from typing import Any

import pytest

from monitor.ledger.bindings import binding_of
from monitor.ledger.fold import StoryFold, fold_story
from monitor.ledger.judgements import public_judgements
from storage.keys import key_text
from storage.records import History, Judgement, JudgementKind, RecordKey, StampedClaim
from tests.support.ledger import STORY, day_at, parse_claim, show_figure

KILLED = RecordKey(story=STORY.slug, metric="killed")


def judgement(kind: JudgementKind, target: str, number: int = 1, **payload: object) -> Judgement:
    return Judgement(
        judgement_id=number,
        story=STORY.slug,
        kind=kind,
        target=target,
        payload=json.dumps(payload),
        who="editor",
        made_at=day_at(10),
    )


def claims(*lines: str) -> list[StampedClaim]:
    return [parse_claim(line, number) for number, line in enumerate(lines)]


def steps(history: History) -> list[str]:
    return [f"{step.kind} {show_figure(step.figure)}" for step in history.steps]


def test_reject_by_claim_id() -> None:
    known = claims("1 ap 44 by=police", "2 ap 164 by=health")
    history = fold_story(known, [judgement(JudgementKind.REJECT, known[1].claim_id)], STORY)[KILLED]
    assert steps(history) == ["first 44"]


def test_reject_survives_a_re_extraction_by_address_and_quote() -> None:
    known = claims("1 ap 44 by=police", "2 ap 164 by=health")
    ruling = judgement(JudgementKind.REJECT, "an old id", url=known[1].url, quote=known[1].claim.quote)
    assert steps(fold_story(known, [ruling], STORY)[KILLED]) == ["first 44"]


def bound(stamped: StampedClaim, *beside: StampedClaim) -> dict[str, Any]:
    """What a judgement on a claim is bound to, as it is stored."""
    return binding_of(stamped, beside)


def read_anew(known: list[StampedClaim]) -> list[StampedClaim]:
    """The same claims as a lexicon with other rules reads them: under other ids."""
    return [replace(one, claim_id=f"{one.claim_id}-anew") for one in known]


def in_one_sentence(*lines: str) -> list[StampedClaim]:
    """Claims of one article that share their sentence and quote."""
    return [
        replace(one, url="ap/1", claim=replace(one.claim, quote="44 killed and 130 injured"), sentence="The sentence.")
        for one in claims(*lines)
    ]


def test_of_two_claims_in_one_quote_each_is_judged_for_itself() -> None:
    known = in_one_sentence("1 ap 44 by=police", "1 ap 130 by=police metric=injured")
    injured = RecordKey(story=STORY.slug, metric="injured")
    ruling = judgement(JudgementKind.REJECT, known[1].claim_id, **bound(known[1], *known))
    for told in (known, read_anew(known)):
        histories = fold_story(told, [ruling], STORY)
        assert steps(histories[KILLED]) == ["first 44"]
        assert injured not in histories


def test_two_places_with_one_number_in_one_sentence_are_judged_apart() -> None:
    known = in_one_sentence("1 ap 5 by=police place=almaty", "1 ap 5 by=police place=aktau")
    ruling = judgement(JudgementKind.REJECT, known[0].claim_id, **bound(known[0], *known))
    assert {key.place for key in fold_story(read_anew(known), [ruling], STORY)} == {"aktau"}


def test_two_claims_that_read_alike_are_told_apart_by_where_they_stand() -> None:
    first, second = in_one_sentence("1 ap 5 by=police", "1 ap 5 by=police")
    second = replace(second, claim=replace(second.claim, start=40, end=60))
    ruling = judgement(JudgementKind.RESCOPE, first.claim_id, population="age=child", **bound(first, first, second))
    histories = fold_story(read_anew([first, second]), [ruling], STORY)
    assert {key.population: len(one.positions) for key, one in histories.items()} == {"": 1, "age=child": 1}


def test_a_figure_that_is_read_otherwise_is_judged_anew() -> None:
    known = claims("1 ap 44 by=police", "2 ap 4400 by=health")
    ruling = judgement(JudgementKind.REJECT, known[1].claim_id, **bound(known[1]))
    mended = replace(known[1], claim_id="another", claim=replace(known[1].claim, value=57, low=57, high=57))
    assert steps(fold_story([known[0], mended], [ruling], STORY)[KILLED]) == ["first 44", "raised 57"]


def test_judgements_by_id_and_by_what_it_says_hold_together() -> None:
    known = claims("1 ap 44 by=police", "2 ap 164 by=health")
    earlier = judgement(JudgementKind.RESCOPE, "an old id", place="almaty", **bound(known[1]))
    later = judgement(JudgementKind.RESCOPE, known[1].claim_id, 2, population="age=child", **bound(known[1]))
    histories = fold_story(known, [later, earlier], STORY)
    key = RecordKey(story=STORY.slug, metric="killed", population="age=child", place="almaty")
    assert steps(histories[key]) == ["first 164"]
    assert steps(histories[KILLED]) == ["first 44"]


def test_a_split_survives_a_re_extraction() -> None:
    known = claims("1 ap 44 by=police", "2 ap 164 by=health")
    other = RecordKey(story=STORY.slug, metric="killed", period="second night")
    ruling = judgement(
        JudgementKind.SPLIT, key_text(KILLED), claims=[known[1].claim_id], bound=[bound(known[1])], into=key_text(other)
    )
    histories = fold_story(read_anew(known), [ruling], STORY)
    assert steps(histories[KILLED]) == ["first 44"]
    assert steps(histories[other]) == ["first 164"]


def test_rescope_moves_a_claim_to_a_part() -> None:
    known = claims("1 ap 44 by=police", "2 ap 103 by=health")
    ruling = judgement(JudgementKind.RESCOPE, known[1].claim_id, population="age=child")
    histories = fold_story(known, [ruling], STORY)
    assert steps(histories[KILLED]) == ["first 44"]
    assert steps(histories[RecordKey(story=STORY.slug, metric="killed", population="age=child")]) == ["first 103"]


def test_rescope_sets_status_and_value() -> None:
    known = claims("1 ap 44 by=police", "2 ap 614 by=health")
    ruling = judgement(JudgementKind.RESCOPE, known[1].claim_id, value=164, qualifier="at_least")
    assert steps(fold_story(known, [ruling], STORY)[KILLED]) == ["first 44", "raised at_least:164"]


def test_merge_joins_two_records() -> None:
    known = claims("1 ap 44 by=police", "2 ap 164 by=health place=kz")
    part = RecordKey(story=STORY.slug, metric="killed", place="kz")
    histories = fold_story(known, [judgement(JudgementKind.MERGE, key_text(part), into=key_text(KILLED))], STORY)
    assert list(histories) == [KILLED]
    assert steps(histories[KILLED]) == ["first 44", "raised 164"]


def test_split_gives_claims_a_record_of_their_own() -> None:
    known = claims("1 ap 44 by=police", "2 ap 164 by=health")
    other = RecordKey(story=STORY.slug, metric="killed", period="second night")
    ruling = judgement(JudgementKind.SPLIT, key_text(KILLED), claims=[known[1].claim_id], into=key_text(other))
    histories = fold_story(known, [ruling], STORY)
    assert steps(histories[KILLED]) == ["first 44"]
    assert steps(histories[other]) == ["first 164"]


def test_alias_makes_two_names_one_origin() -> None:
    known = claims("1 ap 88 by=sheriff", "5 ap 85 by=honea")
    without = fold_story(known, [], STORY)[KILLED]
    assert steps(without) == ["first 88", "contested 85"]
    ruled = fold_story(known, [judgement(JudgementKind.ALIAS, "honea", origin="sheriff")], STORY)[KILLED]
    assert steps(ruled) == ["first 88", "lowered 85"]


@pytest.mark.parametrize(
    ("name", "origin"), [("Honea", "The Sheriff"), ("HONEA", "the sheriff"), ("honea", "the-sheriff")]
)
def test_an_alias_is_one_however_it_is_written(name: str, origin: str) -> None:
    known = [
        replace(one, claim=replace(one.claim, origin=who))
        for one, who in zip(claims("1 ap 88", "5 ap 85"), ("The Sheriff", "Honea"), strict=True)
    ]
    ruled = fold_story(known, [judgement(JudgementKind.ALIAS, name, origin=origin)], STORY)[KILLED]
    assert steps(ruled) == ["first 88", "lowered 85"]


def test_an_alias_of_an_alias_speaks_for_the_last() -> None:
    known = claims("1 ap 88 by=sheriff", "5 ap 85 by=honea")
    chain = [
        judgement(JudgementKind.ALIAS, "honea", origin="coroner"),
        judgement(JudgementKind.ALIAS, "coroner", 2, origin="sheriff"),
    ]
    assert steps(fold_story(known, chain, STORY)[KILLED]) == ["first 88", "lowered 85"]


def test_who_speaks_for_nobody_in_particular_lowers_nothing() -> None:
    known = claims("1 ap 88 by=honea", "5 ap 85 by=honea")
    assert steps(fold_story(known, [], STORY)[KILLED]) == ["first 88", "lowered 85"]
    for umbrella in ("authorities", "Official sources", "Local media"):
        ruled = fold_story(known, [judgement(JudgementKind.ALIAS, "honea", origin=umbrella)], STORY)[KILLED]
        assert steps(ruled) == ["first 88"]


def test_a_pin_follows_its_record_into_another_and_shows_what_it_rests_on() -> None:
    known = claims("1 ap 44 by=police place=kz", "2 ap 60 by=police", "12 ap 225 by=court")
    part = RecordKey(story=STORY.slug, metric="killed", place="kz")
    pin = judgement(JudgementKind.PIN, key_text(part), value=50)
    merge = judgement(JudgementKind.MERGE, key_text(part), 2, into=key_text(KILLED))
    fold = StoryFold(STORY, [pin, merge])
    fold.add(known)
    histories = fold.histories()
    assert list(histories) == [KILLED]
    assert histories[KILLED].best == 50
    (proof,) = histories[KILLED].steps[-1].evidence
    assert fold.claims[proof].source == "editor"


def test_pin_holds_until_it_is_revoked() -> None:
    known = claims("1 ap 44 by=police", "12 ap 225 by=court")
    pin = judgement(JudgementKind.PIN, key_text(KILLED), value=50)
    history = fold_story(known, [pin], STORY)[KILLED]
    assert steps(history) == ["first 44", "raised 50"]
    assert history.best == 50
    assert [refusal.rule for refusal in history.refusals] == ["J.pin"]
    revoked = Judgement(**{name: getattr(pin, name) for name in pin.__slots__} | {"revoked_at": day_at(13)})
    assert steps(fold_story(known, [revoked], STORY)[KILLED]) == ["first 44", "raised 225"]


def test_add_states_a_claim_by_hand() -> None:
    known = claims("1 ap 44 by=police")
    ruling = judgement(
        JudgementKind.ADD, key_text(KILLED), value=57, origin="health", asserted_at="2022-01-03T12:00:00+00:00"
    )
    history = fold_story(known, [ruling], STORY)[KILLED]
    assert steps(history) == ["first 44", "raised 57"]
    assert history.steps[1].origins == ("health",)


def test_a_rejected_match_takes_the_article_out() -> None:
    known = claims("1 ap 44 by=police", "2 blog 900 by=nobody url=blog")
    rejected = judgement(JudgementKind.REJECT_MATCH, "blog")
    assert steps(fold_story(known, [rejected], STORY)[KILLED]) == ["first 44"]
    accepted = replace(judgement(JudgementKind.ACCEPT_MATCH, "blog"), judgement_id=rejected.judgement_id + 1)
    assert fold_story(known, [rejected, accepted], STORY) == fold_story(known, [], STORY)


def test_a_payload_that_is_no_json_names_the_judgement() -> None:
    wrong = Judgement(
        judgement_id=7, story="story", kind=JudgementKind.PIN, target="x", payload="{", who="e", made_at=day_at(1)
    )
    with pytest.raises(ValueError, match="judgement 7"):
        fold_story([], [wrong], STORY)


def test_what_was_public_hears_no_figure_that_a_person_stated_later_but_reads_as_people_read_it_now() -> None:
    known = claims("1 ap 44 by=police", "2 ap 164 by=health")
    stated = [
        judgement(JudgementKind.PIN, key_text(KILLED), 1, value=50),
        judgement(JudgementKind.ADD, key_text(KILLED), 2, value=300, asserted_at="2022-01-09T12:00:00+00:00"),
        judgement(JudgementKind.ADD, key_text(KILLED), 3, value=57, asserted_at="2022-01-03T12:00:00+00:00"),
        judgement(JudgementKind.REJECT, known[1].claim_id, 4),
    ]
    history = fold_story(known, public_judgements(stated, day_at(5)), STORY)[KILLED]
    assert steps(history) == ["first 44", "raised 57"]
