"""What the seed article says opens records, silently, and only once its time has come."""

from dataclasses import replace

from monitor.ledger.baseline import baseline_claims, is_baseline
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
