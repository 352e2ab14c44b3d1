"""Who was told what, and took back what, through the real store: corrections reach those who were told, and only they."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.intake import refold
from monitor.watch import Watch
from storage import claims, judgements, stories
from storage.records import JudgementKind, RevisionKind, Subscription
from tests.support.desk import EVERYTHING, Desk
from tests.support.outlet import FILLER
from tests.support.webserver import WebServer

TOLL = "The unrest in Harbour City has left 44 people dead, the Health Ministry said on Sunday." + FILLER
STATE = "state_of_emergency"
FALLS_ONLY = Subscription(name="falls", kinds=("lowered",), channels=("hook",), group_wait=0, group_interval=0)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with WebServer() as site:
        made = Desk(site, tmp_path, subscriptions=(EVERYTHING, FALLS_ONLY))
        yield made
        made.database.close()


def rule(desk: Desk, *, value: int | str | None = None, revoke: int | None = None) -> None:
    """Reject the claim of this value or state, or take a judgement back, as the commands do."""
    with desk.database.write() as session:
        if value is not None:
            held = claims.list_claims(session, "unrest")
            (wrong,) = (one for one in held if value in (one.claim.value, one.claim.state))
            judgements.add_judgement(
                session, story="unrest", kind=JudgementKind.REJECT, target=wrong.claim_id, who="me", made_at=desk.now
            )
        if revoke is not None:
            judgements.revoke_judgement(session, revoke, revoked_at=desk.now)
        watch = Watch(stories.list_stories(session), desk.subscriptions)
        refold(session, watch, stories.get_story(session, "unrest"), now=desk.now)


def heard(desk: Desk, name: str, *, metric: str = "killed") -> list[tuple[RevisionKind, float | str | None]]:
    """What was planned for a subscription, in order: kind and new figure or state."""
    planned = {alert.revision_id for alert in desk.alerts() if alert.subscription == name}
    told = [one for one in desk.revisions(metric=metric) if one.revision_id in planned]
    return [(one.kind, (one.after.state or one.after.value) if one.after else None) for one in told]


def test_a_figure_rejected_by_mistake_is_given_back_to_those_who_lost_it(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TOLL)
    desk.publish("b", "Clashes in Harbour City", TOLL.replace("44", "164").replace("Sunday", "Sunday evening"))
    desk.go_on()
    assert heard(desk, "desk") == [(RevisionKind.FIRST, 44), (RevisionKind.RAISED, 164)]
    rule(desk, value=164)
    rule(desk, revoke=1)
    assert heard(desk, "desk")[2:] == [(RevisionKind.CORRECTION, 44), (RevisionKind.CORRECTION, 164)]
    rule(desk, value=164)
    assert heard(desk, "desk")[4:] == [(RevisionKind.CORRECTION, 44)]
    assert heard(desk, "falls") == []


def test_each_time_a_judgement_turns_it_is_told_once(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TOLL)
    desk.publish("b", "Clashes in Harbour City", TOLL.replace("44", "164").replace("Sunday", "Sunday evening"))
    desk.go_on()
    for turn in range(1, 5):
        rule(desk, value=164)
        rule(desk, revoke=turn)
        assert len(heard(desk, "desk")) == 2 + 2 * turn
    assert heard(desk, "desk")[2:] == [(RevisionKind.CORRECTION, 44), (RevisionKind.CORRECTION, 164)] * 4


def test_what_a_correction_left_standing_is_taken_back_once(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TOLL)
    desk.publish("b", "Clashes in Harbour City", TOLL.replace("44", "164").replace("Sunday", "Sunday evening"))
    desk.go_on()
    rule(desk, value=164)
    rule(desk, value=44)
    assert heard(desk, "desk")[2:] == [(RevisionKind.CORRECTION, 44), (RevisionKind.CORRECTION, None)]


def test_a_state_that_was_misread_is_taken_back_from_those_who_were_told(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", "A state of emergency is in force in Harbour City." + FILLER)
    desk.go_on(30)
    desk.publish(
        "b", "Clashes in Harbour City", "The state of emergency was lifted in Harbour City on Sunday." + FILLER
    )
    desk.go_on(30)
    assert heard(desk, "desk", metric=STATE)[-1] == (RevisionKind.STATE_CHANGED, "lifted")
    rule(desk, value="lifted")
    assert heard(desk, "desk", metric=STATE)[-1] == (RevisionKind.CORRECTION, "in_force")
    assert heard(desk, "falls", metric=STATE) == []
