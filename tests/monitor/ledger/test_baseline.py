"""What the seed article says opens records, silently, and only once its time has come."""

from dataclasses import replace

from monitor.ledger.baseline import baseline_claims, is_baseline, is_unquoted
from monitor.ledger.changes import find_revisions
from monitor.ledger.fold import StoryFold, fold_story
from storage.records import BaselineClaim, BaselineState, Qualifier, RecordKey
from tests.support.ledger import STORY, day_at, day_span, parse_claim, show_figure

SEEDED = replace(
    STORY,
    claims=(
        BaselineClaim(metric="killed", value=225, qualifier=Qualifier.EXACT, origin="court", effective_at=day_span(15)),
    ),
    states=(BaselineState(subject="state_of_emergency", state="lifted", effective_at=day_span(19)),),
)
KILLED = RecordKey(story=STORY.slug, metric="killed")
EMERGENCY = RecordKey(story=STORY.slug, metric="state_of_emergency")


def test_a_baseline_opens_records_and_is_told_to_nobody() -> None:
    histories = fold_story([], (), SEEDED)
    assert [show_figure(histories[key].current) for key in (KILLED, EMERGENCY)] == ["225", "lifted"]
    assert all(one.is_silent for one in find_revisions({}, histories, claims={}, recorded_at=day_at(20)))
    assert all(is_baseline(stamped.claim_id) for stamped in baseline_claims(SEEDED))


def test_what_was_known_before_the_seeds_article_holds_none_of_its_figures() -> None:
    assert fold_story([], (), SEEDED, known_at=day_at(14)) == {}
    known = fold_story([], (), SEEDED, known_at=day_at(16))
    assert [(key.metric, show_figure(history.current)) for key, history in known.items()] == [("killed", "225")]
    early = parse_claim("6 ap 44 by=police learned=6")
    steps = fold_story([early], (), SEEDED, known_at=day_at(16))[KILLED].steps
    assert [show_figure(step.figure) for step in steps] == ["44"]


def test_a_seed_that_quotes_its_article_gives_the_sentence() -> None:
    said = "The unrest left 225 people dead, the court said."
    quoted = replace(SEEDED, claims=(replace(SEEDED.claims[0], quote=said),))
    (killed, lifted) = baseline_claims(quoted)
    assert (killed.sentence, killed.claim.quote) == (said, "225")
    assert not is_unquoted(killed.claim_id, killed.sentence, killed.claim.quote)
    assert is_unquoted(lifted.claim_id, lifted.sentence, lifted.claim.quote)
    assert killed.claim_id == baseline_claims(SEEDED)[0].claim_id


def test_news_after_the_baseline_is_news() -> None:
    history = fold_story([parse_claim("40 ap 230 by=court")], (), SEEDED)[KILLED]
    assert [show_figure(step.figure) for step in history.steps] == ["225", "230"]


def test_a_replay_of_older_reports_does_not_know_the_baseline_yet() -> None:
    early, late = parse_claim("6 ap 44 by=police"), parse_claim("15 ap 225 by=court learned=16")
    assert [show_figure(step.figure) for step in fold_story([early], (), SEEDED)[KILLED].steps] == ["44"]
    fold = StoryFold(SEEDED)
    fold.add([early])
    fold.add([late])
    assert fold.histories() == fold_story([late, early], (), SEEDED)
    assert [show_figure(step.figure) for step in fold.histories()[KILLED].steps] == ["44", "225"]
    fold.remove([late.claim_id])
    assert fold.histories() == fold_story([early], (), SEEDED)
