"""Feeds that lead elsewhere: for good, for now, to one that is gone, to one that is polled already."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from monitor.polling import Polled, poll_feed
from monitor.sources.http import Fetcher
from monitor.sources.manners import HostBook
from storage import feeds
from storage.errors import HostRestsError
from storage.records import Feed, FeedSpec, FeedState
from tests.monitor.test_cycle import TITLE, TOLL
from tests.support.desk import START, Desk
from tests.support.webserver import Reply, Request, WebServer


def leads(path: str, *, status: int) -> Reply:
    return Reply(status=status, headers={"Location": path})


def feed(desk: Desk, number: int = 1) -> Feed:
    with desk.database.read() as session:
        return feeds.get_feed(session, number)


def poll(desk: Desk, number: int) -> Polled:
    async def run() -> Polled:
        async with Fetcher(allow_private=True) as fetcher:
            tools = desk.tools(fetcher)
            try:
                return await poll_feed(tools, feed(desk, number))
            finally:
                tools.close()

    return asyncio.run(run())


def test_a_feed_that_leads_for_now_to_one_that_is_gone_is_not_given_up(desk: Desk) -> None:
    desk.site.add("/feed", leads("/gone", status=302))
    desk.site.add("/gone", Reply(status=410))
    desk.go_on()
    assert (feed(desk).state, feed(desk).failures) == (FeedState.ACTIVE, 1)


@pytest.mark.parametrize("route", ["itself", "moved"])
def test_a_feed_that_is_gone_or_moved_for_good_to_one_that_is_gone_is_given_up(desk: Desk, route: str) -> None:
    desk.site.add("/feed", Reply(status=410) if route == "itself" else leads("/gone", status=301))
    desk.site.add("/gone", Reply(status=410))
    desk.go_on()
    assert feed(desk).state is FeedState.GONE


def test_a_feed_that_moved_to_one_that_is_polled_says_so_once_and_is_asked_rarely(desk: Desk) -> None:
    desk.publish("a", TITLE, TOLL)
    with desk.database.write() as session:
        old = feeds.add_feed(session, FeedSpec(url=desk.site.url("/old")), due_at=START)
    desk.site.add("/old", leads("/feed", status=301))
    first, second = poll(desk, old.feed_id), poll(desk, old.feed_id)
    assert "a feed of its own here; remove one of both" in first.update.message
    assert second.update.message == ""
    held = feed(desk, old.feed_id)
    assert held.url == desk.site.url("/old")
    assert held.due_at is not None
    assert held.due_at - START >= timedelta(hours=24)


@pytest.fixture
def site() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def test_a_time_to_come_back_is_heard_of_a_server_that_does_not_say_what_time_it_has(site: WebServer) -> None:
    now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    when = format_datetime(now + timedelta(seconds=100), usegmt=True)
    site.add("/x", Reply(status=503, headers={"Retry-After": when}))

    async def run() -> float | None:
        async with Fetcher(allow_private=True, book=HostBook(clock=lambda: now)) as fetcher:
            answer = await fetcher.get(site.url("/x"))
            with pytest.raises(HostRestsError):
                await fetcher.get(site.url("/y"))
            return answer.retry_after

    assert asyncio.run(run()) == 100.0


@pytest.mark.parametrize("outcome", ["news", "nothing new", "failure"])
def test_what_a_person_does_to_a_feed_while_it_is_polled_stays(desk: Desk, outcome: str) -> None:
    desk.publish("a", TITLE, TOLL)
    if outcome == "nothing new":
        poll(desk, 1)
    answer = desk.site.routes["/feed"]
    assert callable(answer)

    def meanwhile(request: Request) -> Reply:
        with desk.database.write() as session:
            held = feeds.remove_feed(session, 1)
            feeds.update_feed(session, replace(held, source="Another name"))
        if outcome == "failure":
            return Reply(status=500)
        return answer(request)

    desk.site.add("/feed", meanwhile)
    poll(desk, 1)
    assert (feed(desk).state, feed(desk).source) == (FeedState.REMOVED, "Another name")
