"""Which of what is due is begun, against a real server: hosts that hang hold back nobody else."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.dealing import Dealer, deal
from monitor.looking import Looker
from monitor.sources.http import Fetcher
from monitor.tools import Tools
from monitor.watch import Watch
from storage import feeds, stories
from storage.database import Database
from storage.records import FeedSpec
from tests.support.desk import START, STORY
from tests.support.webserver import Reply, WebServer

FEED = Reply(body=b"<rss version='2.0'><channel><title>News</title></channel></rss>")
HANGING = Reply(after_seconds=600)


class OnLoopback(AbstractResolver):
    """Every name is this machine's."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


class Town:
    """Feeds on many hosts of one server; `name` tells the hosts apart."""

    def __init__(self, site: WebServer, folder: Path) -> None:
        self.site = site
        self.database = Database(f"sqlite:///{folder}/town.db")
        self.database.upgrade()
        with self.database.write() as session:
            stories.add_story(session, STORY, now=START)

    def add(self, path: str, host: str, reply: Reply) -> None:
        """A feed, due after those that were added before it."""
        self.site.add(path, reply)
        with self.database.write() as session:
            feeds.add_feed(session, FeedSpec(url=self.site.url(path, host=host)), due_at=START)

    async def look_until_asked(self, paths: list[str], *, concurrency: int, slow_seconds: float) -> None:
        """Look again and again, as the ticker does, until all these were asked for."""
        async with Fetcher(allow_private=True, resolver=OnLoopback()) as fetcher:
            tools = Tools(
                database=self.database,
                fetcher=fetcher,
                watch=Watch((STORY,), ()),
                clock=lambda: START,
                rng=Random(1),
            )
            looker = Looker(tools, concurrency=concurrency, slow_seconds=slow_seconds)
            try:
                async with asyncio.timeout(20):
                    while not all(self.site.asked(path) for path in paths):
                        await looker.look()
                        await asyncio.sleep(0.01)
            finally:
                await asyncio.to_thread(self.site.close)
                await looker.finish()
                tools.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with WebServer() as site:
        made = Town(site, tmp_path)
        yield made
        made.database.close()


def test_a_slow_host_with_many_feeds_holds_back_no_other(town: Town) -> None:
    for number in range(60):
        town.add(f"/slow/{number}", "slow.example", HANGING)
    quick = [f"/quick/{number}" for number in range(12)]
    for number, path in enumerate(quick):
        town.add(path, f"quick{number}.example", FEED)
    asyncio.run(town.look_until_asked(quick, concurrency=4, slow_seconds=600))
    assert town.site.asked("/slow/0") == 1


def test_more_slow_hosts_than_places_hold_back_no_other(town: Town) -> None:
    for number in range(6):
        town.add(f"/slow/{number}", f"slow{number}.example", HANGING)
    quick = [f"/quick/{number}" for number in range(6)]
    for number, path in enumerate(quick):
        town.add(path, f"quick{number}.example", FEED)
    asyncio.run(town.look_until_asked(quick, concurrency=4, slow_seconds=0.05))


def test_a_host_that_rests_is_given_no_place_and_one_that_will_rest_only_one() -> None:
    rests = {"resting.example": 4.0}
    dealer = Dealer(8, pause_of=lambda _: 5.0, rest_of=lambda host, _: rests.get(host, 0.0))
    room = dealer.room(100.0)
    assert not room.take("resting.example")
    assert [room.take("rested.example") for _ in range(3)] == [True, False, False]


def test_slow_hosts_have_places_of_their_own_and_lose_them_when_they_answer_again() -> None:
    dealer = Dealer(2, slow_seconds=10)
    for number in range(2):
        dealer.begin(number, f"slow{number}.example", 0.0)
    assert dealer.room(5.0).is_full
    room = dealer.room(11.0)
    assert not room.take("slow0.example")
    assert [room.take("a.example"), room.take("b.example"), room.take("c.example")] == [True, True, False]
    assert room.is_full
    dealer.end(0, 12.0)
    dealer.end(1, 12.0)
    room = dealer.room(12.0)
    assert [room.take("slow0.example"), room.take("slow1.example")] == [True, False]
    dealer.begin(2, "slow0.example", 12.0)
    dealer.end(2, 12.5)
    room = dealer.room(13.0)
    assert [room.take("slow0.example"), room.take("a.example"), room.take("slow1.example")] == [True, True, True]


def test_a_host_that_answers_quickly_has_what_nobody_else_wants() -> None:
    dealer = Dealer(8, slow_seconds=10)
    room = dealer.room(0.0)
    assert [room.take("a.example"), room.take("a.example"), room.take("a.example")] == [True, True, False]
    assert not room.take_left("a.example")
    dealer.begin(0, "a.example", 0.0)
    dealer.end(0, 0.5)
    room = dealer.room(1.0)
    assert [room.take("a.example") for _ in range(3)] == [True, True, False]
    assert [room.take_left("a.example") for _ in range(5)] == [True, True, True, True, False]
    assert room.take("b.example")


def test_pieces_of_work_are_handed_out_a_turn_a_host() -> None:
    due = [("slow.example", f"s{n}") for n in range(9)] + [
        ("a.example", "a0"),
        ("b.example", "b0"),
        ("a.example", "a1"),
    ]
    assert deal(due, 5, share=3) == ["s0", "a0", "b0", "s1", "a1"]
    assert deal(due, 50, share=3) == ["s0", "a0", "b0", "s1", "a1", "s2"]
