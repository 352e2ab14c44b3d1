"""A clock that steps forth and back: nothing waits for the hour that never was."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.stepping import StepWatch
from storage import articles, deliveries, feeds
from storage.database import Database
from storage.records import RevisionKind
from tests.support.desk import START, Desk

MINUTE = timedelta(minutes=1)
TEXT = "The unrest left {} people dead in Harbour City, the Health Ministry said. Shops stayed shut on Sunday."


def look(desk: Desk) -> int:
    return asyncio.run(StepWatch(desk.database, clock=lambda: desk.now).look())


def test_feeds_pages_and_articles_are_read_on_after_the_clock_stepped_back(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TEXT.format(44))
    desk.go_on()
    desk.now = START + timedelta(hours=1)
    desk.go_on(2, step=1)  # polls and reads the article again, an hour ahead of the time
    desk.now = START + 20 * MINUTE
    desk.publish("b", "Riots in Harbour City go on", TEXT.format(50))
    desk.edit("a", "Riots in Harbour City", TEXT.format(46))
    desk.go_on(2, step=1)
    assert len(desk.articles()) == 1
    assert look(desk) >= 2
    desk.go_on(20, step=5)
    assert len(desk.articles()) == 2
    assert desk.revisions(RevisionKind.EDITED)


def test_a_clock_that_goes_on_as_it_should_changes_nothing(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TEXT.format(44))
    for _ in range(3):
        desk.go_on(60, step=5)
        assert look(desk) == 0


def test_the_store_is_asked_again_at_once_when_our_own_clock_is_seen_to_step_back(desk: Desk) -> None:
    watch = StepWatch(desk.database, clock=lambda: desk.now)

    async def play() -> list[int]:
        found = [await watch.look()]
        desk.now = START + timedelta(hours=1)
        found.append(await watch.look())
        _poll_at(desk.database, desk.now)
        desk.now = START
        found.append(await watch.look())
        _poll_at(desk.database, START + timedelta(hours=1))  # a poll that began before the step ends after it
        found.append(await watch.look())
        return found

    assert asyncio.run(play()) == [0, 0, 1, 1]


def _poll_at(database: Database, now: datetime) -> None:
    with database.write() as session:
        feed = feeds.get_feed(session, 1)
        feeds.update_feed(session, replace(feed, last_polled_at=now, due_at=now + 5 * MINUTE))


def test_alerts_planned_in_the_hour_that_never_was_are_told_now(desk: Desk) -> None:
    desk.now = START + timedelta(hours=1)
    desk.publish("a", "Riots in Harbour City", TEXT.format(44))
    desk.go_on()
    desk.now = START
    assert look(desk) > 0
    with desk.database.read() as session:
        assert {one.planned_at for one in deliveries.list_alerts(session)} == {START}
        assert articles.list_due_articles(session, START)
