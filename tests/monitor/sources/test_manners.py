"""What a host asked holds for all that we would ask of it, and for the next start."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from monitor.errands import Errands
from monitor.housekeeping import FORGET_MANNERS_AFTER, Housekeeping
from monitor.sources.http import Fetcher
from monitor.sources.manners import HostBook
from monitor.sources.robots import Robots
from monitor.tools import Tools
from monitor.watch import Watch
from storage import articles, feeds, hosts
from storage.database import Database
from storage.errors import HostRestsError
from storage.records import Article, FeedSpec, HostManners, SeenEntry
from tests.support.desk import STORY
from tests.support.webserver import Reply, WebServer

NOON = datetime(2022, 1, 10, 12, tzinfo=UTC)
HOST = "127.0.0.1"
RSS = b"<rss version='2.0'><channel><title>N</title></channel></rss>"


@pytest.fixture
def site() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


class Shift:
    """A service's life between two restarts: a fetcher that knows what was kept, and errands."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.database = Database(f"sqlite:///{folder}/shift.db")
        self.database.upgrade()

    def add(self, url: str) -> None:
        with self.database.write() as session:
            feeds.add_feed(session, FeedSpec(url=url), due_at=self.now)

    def work(self) -> None:
        """Start, do all that is due, and end."""
        asyncio.run(self._work())

    async def _work(self) -> None:
        with self.database.read() as session:
            book = HostBook(hosts.list_manners(session), clock=lambda: self.now)
        async with Fetcher(allow_private=True, book=book) as fetcher:
            tools = Tools(
                database=self.database, fetcher=fetcher, watch=Watch([STORY]), clock=lambda: self.now, rng=Random(1)
            )
            errands = Errands(tools)
            with self.database.read() as session:
                due = feeds.list_due_feeds(session, self.now)
            for feed in due:
                await errands.poll(feed)
            with self.database.read() as session:
                waiting = feeds.list_waiting_entries(session, self.now)
                reading = articles.list_due_articles(session, self.now)
            for seen in waiting:
                with self.database.read() as session:
                    feed = feeds.get_feed(session, seen.feed_id)
                await errands.read(feed, seen)
            for article in reading:
                await errands.reread(article)
            tools.close()

    def manners(self) -> tuple[HostManners, ...]:
        with self.database.read() as session:
            return hosts.list_manners(session)

    def waiting(self) -> tuple[SeenEntry, ...]:
        with self.database.read() as session:
            return feeds.list_waiting_entries(session, self.now + timedelta(days=30))

    def articles(self) -> tuple[Article, ...]:
        with self.database.read() as session:
            return articles.list_articles(session)


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    made = Shift(tmp_path)
    yield made
    made.database.close()


def test_a_host_that_asked_for_rest_is_left_alone_after_a_restart_too(site: WebServer, shift: Shift) -> None:
    site.add("/a", Reply(status=429, headers={"Retry-After": "3600"}))
    site.add("/b", Reply(body=RSS))
    shift.add(site.url("/a"))
    shift.work()
    (kept,) = shift.manners()
    assert (kept.host, kept.quiet_until) == (HOST, NOON + timedelta(hours=1))
    shift.add(site.url("/b"))
    shift.now += timedelta(minutes=10)
    shift.work()
    assert site.asked("/b") == 0
    with shift.database.read() as session:
        rested = feeds.get_feed(session, site.url("/b"))
    assert rested.failures == 0
    assert rested.last_error is not None
    assert "asked for no request before 2022-01-10 13:00:00 UTC" in rested.last_error
    assert rested.due_at is not None
    assert rested.due_at >= NOON + timedelta(hours=1)
    shift.now = rested.due_at
    shift.work()
    assert site.asked("/b") == 1


def test_pages_of_a_host_that_rests_wait_and_lose_no_attempt(site: WebServer, shift: Shift) -> None:
    link = site.url("/page")
    item = f"<item><title>Riots in Harbour City</title><link>{link}</link></item>"
    site.add("/feed", Reply(body=RSS.replace(b"</channel>", item.encode() + b"</channel>")))
    site.add("/page", Reply(status=503, headers={"Retry-After": "600"}))
    shift.add(site.url("/feed"))
    shift.work()
    (first,) = shift.waiting()
    assert first.attempts == 1
    shift.now += timedelta(minutes=5)
    shift.work()
    (again,) = shift.waiting()
    assert (again.attempts, again.retry_at) == (1, NOON + timedelta(minutes=10))
    assert site.asked("/page") == 1


def test_a_crawl_delay_holds_from_the_first_request_after_a_restart(site: WebServer) -> None:
    site.add("/robots.txt", Reply(body=b"User-agent: *\nCrawl-delay: 0.2\n"))
    site.add("/a", Reply(body=RSS))

    async def run(book: HostBook, *, is_asked: bool) -> float:
        loop = asyncio.get_running_loop()
        async with Fetcher(allow_private=True, book=book) as fetcher:
            if is_asked:
                await Robots(fetcher).is_allowed(site.url("/a"))
            start = loop.time()
            await fetcher.get(site.url("/a"))
            return loop.time() - start

    book = HostBook(clock=lambda: NOON)
    asyncio.run(run(book, is_asked=True))
    (kept,) = book.take_changes()
    assert (kept.host, kept.crawl_delay) == (HOST, 0.2)
    assert asyncio.run(run(HostBook([kept], clock=lambda: NOON), is_asked=False)) >= 0.19
    site.add("/robots.txt", Reply(body=b"User-agent: *\nAllow: /\n"))
    later = HostBook([kept], clock=lambda: NOON)
    asyncio.run(run(later, is_asked=True))
    assert [one.crawl_delay for one in later.take_changes()] == [0.0]


def test_robots_txt_is_asked_for_when_its_host_is_rested(site: WebServer) -> None:
    site.add("/robots.txt", Reply(body=b"User-agent: *\nDisallow: /\n"))
    now = [NOON]
    book = HostBook(
        [HostManners(host=HOST, quiet_until=NOON + timedelta(hours=1), noted_at=NOON)], clock=lambda: now[0]
    )

    async def run() -> bool:
        async with Fetcher(allow_private=True, book=book) as fetcher:
            robots = Robots(fetcher)
            with pytest.raises(HostRestsError):
                await robots.check(site.url("/a"))
            now[0] += timedelta(hours=1)
            return await robots.is_allowed(site.url("/a"))

    assert asyncio.run(run()) is False


def test_what_a_host_asks_is_bounded_and_never_shortened_by_others() -> None:
    book = HostBook(clock=lambda: NOON)
    book.note_rest("a.example", 0)
    assert book.take_changes() == ()
    book.note_rest("a.example", 10.0**9)
    (one,) = book.take_changes()
    assert one.quiet_until == NOON + timedelta(days=7)
    book.note_rest("a.example", 60)
    book.note_crawl_delay("b.example", 0)
    assert book.take_changes() == ()
    book.learn([HostManners(host="a.example", quiet_until=NOON + timedelta(days=8), noted_at=NOON)])
    with pytest.raises(HostRestsError, match="before 2022-01-18 12:00:00 UTC") as raised:
        book.check("a.example", "https://a.example/feed")
    assert raised.value.seconds == timedelta(days=8).total_seconds()
    book.put_back([one])
    assert [held.host for held in book.take_changes()] == ["a.example"]


def test_hosts_that_ask_for_nothing_any_more_are_forgotten(shift: Shift) -> None:
    old = NOON - FORGET_MANNERS_AFTER - timedelta(days=1)
    with shift.database.write() as session:
        hosts.note_manners(
            session,
            [
                HostManners(host="gone.example", crawl_delay=5, noted_at=old),
                HostManners(host="rests.example", quiet_until=NOON + timedelta(days=1), noted_at=old),
                HostManners(host="used.example", crawl_delay=5, noted_at=NOON),
            ],
        )

    async def tidy() -> None:
        await Housekeeping(shift.database, clock=lambda: NOON, stop=asyncio.Event()).look()

    asyncio.run(tidy())
    assert [one.host for one in shift.manners()] == ["rests.example", "used.example"]
