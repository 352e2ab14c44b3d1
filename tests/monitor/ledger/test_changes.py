"""The change log: news is told once, history is filled silently, and what was wrong is taken back."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.ledger.changes import find_revisions
from monitor.ledger.fold import fold_story
from storage.records import Judgement, JudgementKind, Revision, RevisionKind, StampedClaim
from tests.support.ledger import STORY, day_at, parse_claim, show_figure


class Desk:
    """Learns claims commit by commit and keeps the log, as the store does."""

    def __init__(self) -> None:
        self.claims: list[StampedClaim] = []
        self.judgements: list[Judgement] = []
        self.log: list[Revision] = []
        self.held = fold_story([], (), STORY)
        self.day = 0

    def learn(self, *lines: str) -> list[str]:
        start = len(self.claims)
        self.claims += [parse_claim(line, start + number) for number, line in enumerate(lines)]
        return self.settle()

    def judge(self, kind: JudgementKind, target: str, payload: str = "{}", *, is_silent: bool = False) -> list[str]:
        number = len(self.judgements) + 1
        made = day_at(20 + number)
        self.judgements.append(
            Judgement(
                judgement_id=number, story=STORY.slug, kind=kind, target=target, payload=payload, who="ed", made_at=made
            )
        )
        return self.settle(is_silent=is_silent)

    def revoke(self) -> list[str]:
        """Take the last judgement back."""
        self.judgements[-1] = replace(self.judgements[-1], revoked_at=day_at(25))
        return self.settle()

    def settle(self, *, is_silent: bool = False) -> list[str]:
        self.day += 1
        now = fold_story(self.claims, self.judgements, STORY)
        known = {stamped.claim_id: stamped for stamped in self.claims}
        found = find_revisions(
            self.held, now, claims=known, recorded_at=day_at(self.day), log=self.log, is_silent=is_silent
        )
        self.held = now
        self.log += found
        return [shown(one) for one in found]

    def claim_id(self, number: int) -> str:
        return self.claims[number].claim_id


def shown(one: Revision) -> str:
    silent = " silently" if one.is_silent else ""
    return f"{one.kind} {show_figure(one.before)} → {show_figure(one.after)}{silent}"


def told(log: Sequence[Revision]) -> list[str]:
    return [shown(one) for one in log if not one.is_silent]


def test_news_is_told_with_both_sides_and_its_sentence() -> None:
    desk = Desk()
    assert desk.learn("6 tass 44 by=police") == ["first none → 44"]
    assert desk.learn("9 tass 164 by=health") == ["raised 44 → 164"]
    (revision,) = [one for one in desk.log if one.kind is RevisionKind.RAISED]
    assert revision.evidence[0].sentence == "9 tass 164 by=health"
    assert revision.evidence[0].source == "tass"
    assert revision.origins == ("health",)


def test_repeats_and_laggards_tell_nothing() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    assert desk.learn("9 khabar 164 by=health") == []
    assert desk.learn("10 tass 164 by=health status=retracted") == ["retracted 164 → 44"]
    assert desk.learn("11 herald 164 by=health", "11 post more_than:160 by=authorities") == []


def test_a_late_arrival_fills_history_silently() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("15 tass 225 by=court")
    assert desk.learn("9 khabar 164 by=health") == ["backfilled 44 → 164 silently"]


def test_a_late_denial_of_the_standing_figure_is_news() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    assert desk.learn("12 tass 164 by=health status=denied") == ["retracted 164 → 44"]


def test_a_previous_figure_that_first_appears_with_its_lowering() -> None:
    desk = Desk()
    assert desk.learn("1 ap 174 status=previous", "1 ap 125 by=governor") == [
        "backfilled none → 174 silently",
        "lowered 174 → 125",
    ]


def test_a_restated_lowering_is_kept_silently() -> None:
    desk = Desk()
    desk.learn("1 ap 2053 by=ministry")
    assert desk.learn("4 ap 1000 by=health", "4 ap 2053 status=previous") == ["lowered 2053 → 1000"]
    assert desk.learn("6 gz 1000 by=ministry", "6 gz 2400 status=previous") == [
        "backfilled 2053 → 2400 silently",
        "lowered 2400 → 1000 silently",
    ]


def test_rejecting_a_claim_takes_back_what_was_told() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    raised = desk.log[-1]
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction 164 → 44"]
    assert desk.log[-1].corrects == raised.revision_id
    assert desk.log[-1].reason == "correction"


def test_what_was_never_told_needs_no_correction() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("15 tass 225 by=court")
    desk.learn("9 khabar 164 by=health")
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(2)) == []


def test_a_correction_carries_what_stands_instead() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 264 by=health")
    assert desk.judge(JudgementKind.RESCOPE, desk.claim_id(1), '{"value": 164}') == [
        "correction 264 → 164",
        "raised 44 → 164 silently",
    ]


def test_what_a_correction_said_instead_is_taken_back_when_it_proves_wrong() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 264 by=health")
    desk.judge(JudgementKind.RESCOPE, desk.claim_id(1), '{"value": 164}')
    first = desk.log[-2]
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction 164 → 44"]
    second = desk.log[-1]
    assert (second.corrects, second.reason) == (first.revision_id, "correction")
    assert desk.revoke() == ["correction 44 → 164", "raised 44 → 164"]
    assert (desk.log[-2].corrects, desk.log[-2].reason) == (second.revision_id, "stands_after_all")


def test_what_was_told_first_holds_after_all_the_corrections() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 264 by=health")
    desk.judge(JudgementKind.RESCOPE, desk.claim_id(1), '{"value": 164}')
    assert desk.revoke() == ["correction 164 → 264", "raised 44 → 264"]
    assert desk.log[-2].reason == "stands_after_all"
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction 264 → 44"] * 2


def test_what_a_correction_fell_back_to_is_taken_back_too() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    desk.learn("7 khabar 100 by=police")
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction 164 → 100"]
    told = desk.log[-1]
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(2)) == ["correction 100 → 44"]
    assert desk.log[-1].corrects == told.revision_id


def test_a_figure_that_was_only_disputed_for_is_news_once_it_is_read_right() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    assert desk.learn("9 tass 614 by=health") == ["contested 44 → 614"]
    assert desk.judge(JudgementKind.RESCOPE, desk.claim_id(1), '{"value": 164}') == [
        "correction 614 → 164",
        "raised 44 → 164",
    ]


@pytest.mark.parametrize("claims", [["6 tass state=in_force metric=emergency"], ["6 tass 80 status=unconfirmed"]])
def test_all_that_was_told_of_a_record_is_taken_back_when_nothing_is_left(claims: list[str]) -> None:
    desk = Desk()
    desk.learn(*claims)
    told = desk.log[-1]
    (correction,) = desk.judge(JudgementKind.REJECT, desk.claim_id(0))
    assert correction.endswith("→ none")
    assert desk.log[-1].corrects == told.revision_id


def test_a_state_that_proves_wrong_is_taken_back_and_given_back() -> None:
    desk = Desk()
    desk.learn("6 tass state=in_force metric=emergency")
    assert desk.learn("9 khabar state=lifted metric=emergency") == ["state_changed in_force → lifted"]
    told = desk.log[-1]
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction lifted → in_force"]
    assert desk.log[-1].corrects == told.revision_id
    assert desk.revoke() == ["correction in_force → lifted", "state_changed in_force → lifted"]
    assert desk.log[-2].reason == "stands_after_all"


def test_a_state_that_stands_again_anyway_needs_no_correction() -> None:
    desk = Desk()
    desk.learn("6 tass state=in_force metric=emergency")
    desk.learn("9 khabar state=lifted metric=emergency")
    desk.learn("12 tass state=in_force metric=emergency")
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction lifted → in_force"]


def test_a_dispute_that_rests_on_a_rejected_claim_is_taken_back() -> None:
    desk = Desk()
    desk.learn("9 tass 164 by=health")
    assert desk.learn("12 khabar 120 by=court") == ["contested 164 → 120"]
    told = desk.log[-1]
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction 120 → 164"]
    assert (desk.log[-1].corrects, desk.log[-1].reason) == (told.revision_id, "no_dispute")
    assert desk.revoke() == ["correction none → 164", "contested 164 → 120"]
    assert desk.log[-2].reason == "disputed_after_all"


def test_a_denial_that_was_misread_disputes_nothing() -> None:
    desk = Desk()
    desk.learn("9 tass 164 by=health")
    assert desk.learn("10 khabar 164 by=court status=denied") == ["contested 164 → 164"]
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction none → 164"]
    assert desk.log[-1].reason == "no_dispute"


def test_a_dispute_that_was_settled_by_a_misread_claim_goes_on() -> None:
    desk = Desk()
    desk.learn("9 tass 164 by=health")
    desk.learn("12 khabar 120 by=court")
    assert desk.learn("13 herald 164 by=ministry") == ["resolved 164 → 164"]
    told = desk.log[-1]
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(2)) == ["correction none → 164"]
    assert (desk.log[-1].corrects, desk.log[-1].reason) == (told.revision_id, "still_disputed")


def test_a_dispute_that_a_late_report_decides_is_not_taken_back() -> None:
    desk = Desk()
    desk.learn("9 tass 164 by=health")
    desk.learn("12 khabar 120 by=court")
    assert desk.learn("11 herald 120 by=court", "11 herald 164 status=previous") == ["lowered 164 → 120"]


def test_a_step_that_comes_back_corrects_the_correction_and_is_news_for_those_who_never_heard_of_it() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    desk.judge(JudgementKind.REJECT, desk.claim_id(1))
    taken_back = desk.log[-1]
    assert desk.revoke() == ["correction 44 → 164", "raised 44 → 164"]
    given_back = desk.log[-2]
    assert (given_back.corrects, given_back.reason) == (taken_back.revision_id, "stands_after_all")
    assert len({one.revision_id for one in desk.log}) == len(desk.log)


def test_corrections_follow_one_another_as_often_as_we_change_our_mind() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    for times in (1, 2, 3):  # each time those who just heard of it as news are one group more
        assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction 164 → 44"] * times
        assert desk.revoke() == ["correction 44 → 164"] * times + ["raised 44 → 164"]
    assert len({one.revision_id for one in desk.log}) == len(desk.log)


def test_fresh_evidence_for_a_figure_that_was_taken_back_is_news() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    desk.judge(JudgementKind.REJECT, desk.claim_id(1))
    assert desk.learn("12 khabar 164 by=ministry") == ["raised 44 → 164"]


def test_a_figure_that_did_stand_before_the_present_one_is_given_back_to_those_who_lost_it() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    desk.learn("12 tass 225 by=court")
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction 164 → 225"]
    assert desk.revoke() == ["correction 164 → 225", "backfilled 44 → 164 silently"]
    assert desk.log[-2].reason == "stood_after_all"


def test_a_late_report_gives_back_what_was_taken_back() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    desk.judge(JudgementKind.REJECT, desk.claim_id(1))
    desk.learn("15 tass 225 by=court")
    assert desk.learn("10 khabar 164 by=health") == ["correction 164 → 225", "backfilled 44 → 164 silently"]


def test_a_retraction_that_was_taken_back_wrongly_is_given_back() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    desk.learn("10 tass 164 by=health status=retracted")
    desk.judge(JudgementKind.REJECT, desk.claim_id(2))
    assert desk.revoke() == ["correction 164 → 44", "retracted 164 → 44"]


def test_a_silent_correction_told_nobody_and_the_next_is_told() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    desk.learn("9 tass 164 by=health")
    desk.judge(JudgementKind.REJECT, desk.claim_id(1), is_silent=True)
    assert desk.revoke() == []
    assert desk.judge(JudgementKind.REJECT, desk.claim_id(1)) == ["correction 164 → 44"]


def test_a_replayed_commit_writes_nothing_twice() -> None:
    desk = Desk()
    desk.learn("6 tass 44 by=police")
    before = desk.held
    desk.learn("9 tass 164 by=health")
    known = {stamped.claim_id: stamped for stamped in desk.claims}
    again = find_revisions(before, desk.held, claims=known, recorded_at=day_at(30))
    assert [one.revision_id for one in again] == [desk.log[-1].revision_id]
    assert find_revisions(before, desk.held, claims=known, recorded_at=day_at(30), log=desk.log) == ()


def test_a_fallback_that_changes_is_no_second_retraction() -> None:
    desk = Desk()
    desk.learn("5 ap vague:24-99 by=police")
    desk.learn("9 tass 164 by=health")
    desk.learn("9 info 164 status=retracted")
    assert told(desk.log)[-1] == "retracted 164 → vague:24-99"
    assert desk.learn("9 tiroler 164 by=health", "9 tiroler more_than:40 status=previous") == [
        "backfilled vague:24-99 → more_than:40 silently"
    ]


def test_any_order_of_commits_ends_in_the_same_history() -> None:
    lines = ["6 a 44 by=police", "9 b 164 by=health", "10 c 164 by=health status=retracted", "15 d 225 by=court"]
    one, other = Desk(), Desk()
    for line in lines:
        one.learn(line)
    other.claims = list(reversed(one.claims))
    other.settle()
    assert one.held == other.held


def test_silent_commits_tell_nothing() -> None:
    now = fold_story([parse_claim("6 tass 44 by=police")], (), STORY)
    found = find_revisions({}, now, claims={}, recorded_at=day_at(1), is_silent=True)
    assert [one.is_silent for one in found] == [True]
