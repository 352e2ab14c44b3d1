"""Who of the service lives, on both databases: by the database's clock, whatever the machines' clocks show."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage import parts
from storage.database import Database
from storage.liveness import KEPT_FOR, LIVE_FOR, PAGE, RUN, SCHEDULER, WORKER, Part, find_leader
from tests.support.parts import note, silence

ONE = Part(role=WORKER, place="box:1", work=("polls", "pages"))
OTHER = Part(role=WORKER, place="box:2", work=("deliveries",))
MOMENT = timedelta(seconds=1)


def roles(database: Database) -> list[tuple[str, str, bool]]:
    with database.read() as session:
        return [(one.part.role, one.part.place, one.is_live) for one in parts.list_parts(session)]


def test_a_part_lives_while_it_is_heard_of_and_is_forgotten_when_it_ends(database: Database) -> None:
    noted = note(database, ONE)
    note(database, OTHER)
    assert roles(database) == [(WORKER, "box:1", True), (WORKER, "box:2", True)]
    silence(database, [ONE], LIVE_FOR + MOMENT)
    assert roles(database) == [(WORKER, "box:1", False), (WORKER, "box:2", True)]
    again = note(database, noted)
    assert again == noted, "it lives since it first said so"
    assert roles(database)[0][2]
    with database.write() as session:
        parts.forget_part(session, ONE)
    assert roles(database) == [(WORKER, "box:2", True)]


def test_who_has_been_silent_for_an_hour_is_no_more(database: Database) -> None:
    note(database, ONE, silent=KEPT_FOR + MOMENT)
    note(database, OTHER, silent=KEPT_FOR - 10 * MOMENT)
    assert roles(database) == [(WORKER, "box:2", False)]
    with database.write() as session:
        assert parts.forget_silent(session) == 1
        assert parts.forget_silent(session) == 0


def test_a_clock_that_was_set_back_by_a_day_leaves_nobody_live_for_a_day(database: Database) -> None:
    note(database, ONE, silent=-timedelta(days=1))
    assert roles(database) == []
    note(database, ONE)
    assert roles(database) == [(WORKER, "box:1", True)]


def test_of_two_that_say_they_lead_the_last_to_have_begun_does(database: Database) -> None:
    first = note(database, Part(role=SCHEDULER, place="a:1"), leads=True)
    assert (first.leads_since, first.since) == (first.since, first.since)
    second = note(database, Part(role=SCHEDULER, place="b:1"))
    note(database, Part(role=PAGE, place="a:2"))

    def leader() -> str | None:
        with database.read() as session:
            found = find_leader(parts.list_parts(session))
        return found.part.place if found else None

    assert leader() == "a:1"
    second = note(database, second, leads=True)
    assert leader() == "b:1"
    note(database, second)
    assert leader() == "a:1"
    silence(database, [first], LIVE_FOR + MOMENT)
    assert leader() is None


def test_a_role_is_forgotten_whole_and_others_are_not(database: Database) -> None:
    for part in (Part(role=RUN, place="a:1"), Part(role=RUN, place="a:2"), ONE):
        note(database, part)
    with database.write() as session:
        assert parts.forget_role(session, RUN) == 2
    assert roles(database) == [(WORKER, "box:1", True)]


@pytest.mark.parametrize("seconds", [0, 5])
def test_the_silence_of_a_part_is_told(database: Database, seconds: int) -> None:
    note(database, replace(ONE), silent=timedelta(seconds=seconds))
    with database.read() as session:
        (heard,) = parts.list_parts(session)
    assert timedelta(seconds=seconds) <= heard.silence < timedelta(seconds=seconds + 30)
