"""Schedulers and workers miss each other, on both databases: told once, and sent by whoever is left."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import httpx
import pytest

from monitor.making import make_channels
from monitor.parts_watch import SINCE_FACT, PartsWatch
from monitor.settings import load_settings, to_subscriptions
from monitor.sources.http import Fetcher
from monitor.tools import Tools
from monitor.watch import Watch
from storage import claims, deliveries, feeds, meta
from storage.database import Database
from storage.liveness import LIVE_FOR, SCHEDULER, WORKER, Part
from storage.records import FeedSpec, RevisionKind
from tests.support.commandline import hook_channel
from tests.support.parts import note, silence
from tests.support.receiver import Receiver
from tests.support.stored import NOON

LEADER = Part(role=SCHEDULER, place="a:1")
POLLER = Part(role=WORKER, place="b:1", work=("polls", "pages", "rereads"))
SENDER = Part(role=WORKER, place="b:2", work=("deliveries",))
GONE = LIVE_FOR + timedelta(seconds=1)
DESK = '[[subscriptions]]\nname = "desk"\nchannels = ["hook"]\nkinds = ["health"]\ngroup_wait = "0s"\n'


class House:
    """A database in which a feed is due, a receiver, and one who looks who is there."""

    def __init__(self, database: Database, hook: Receiver, folder: Path) -> None:
        self.database = database
        self.hook = hook
        path = folder / "storywatch.toml"
        path.write_text("[network]\nallow_private = true\n" + hook_channel(hook.url) + DESK)
        self.settings = load_settings(path, {"STORYWATCH_DATABASE_URL": database.url}, folder)

    def make_due(self) -> None:
        with self.database.write() as session:
            feeds.add_feed(session, FeedSpec(url="https://f.example/rss"), due_at=NOON - timedelta(minutes=5))

    def look(self, *, messages: int = 0) -> bool:
        """Look once; then wait until so many messages have arrived."""

        async def go() -> bool:
            async with Fetcher(allow_private=True) as fetcher, httpx.AsyncClient() as client:
                tools = Tools(
                    database=self.database, fetcher=fetcher, watch=Watch((), to_subscriptions(self.settings)),
                    clock=lambda: NOON, rng=Random(1),
                )  # fmt: skip
                watch = PartsWatch(self.settings, tools, make_channels(self.settings, client), place="here:1")
                is_missed = await watch.look()
                async with asyncio.timeout(60):
                    while len(self.hook.calls) < messages:
                        await asyncio.sleep(0.02)
                await watch.let_go()
                tools.close()
                return is_missed

        return asyncio.run(go())

    def wait(self, **by: int) -> None:
        """Let it be so much longer ago that somebody was first missed."""
        with self.database.write() as session:
            since = json.loads(meta.find_fact(session, SINCE_FACT) or "{}")
            earlier = {what: (datetime.fromisoformat(at) - timedelta(**by)).isoformat() for what, at in since.items()}
            meta.set_fact(session, SINCE_FACT, json.dumps(earlier))

    def told(self) -> list[str]:
        """The reasons of all that was told of the watch's health; each has one alert."""
        with self.database.read() as session:
            events = claims.list_revisions(session, kinds=[RevisionKind.HEALTH])
            assert len(deliveries.list_alerts(session)) == len(events)
        return [one.reason for one in events]


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with Receiver() as hook:
        yield House(database, hook, tmp_path)


def test_workers_that_are_missed_for_minutes_and_their_return_are_told_once_by_the_scheduler(house: House) -> None:
    note(house.database, LEADER, leads=True)
    house.make_due()
    assert not house.look(), "it was seen missing this moment only"
    house.wait(minutes=2)
    assert not house.look()
    house.wait(minutes=2)
    assert house.look(messages=1)
    assert house.look()
    assert house.told() == ["workers_gone"]
    (call,) = house.hook.calls
    assert "no worker has been heard of that does what waits: polls 1" in str(json.loads(call.body)["changes"])
    note(house.database, POLLER)
    assert not house.look()
    assert house.told() == ["workers_gone", "workers_back"]


def test_a_rolling_restart_of_the_workers_is_told_to_nobody(house: House) -> None:
    note(house.database, LEADER, leads=True)
    house.make_due()
    house.look()
    house.wait(minutes=2)
    worker = note(house.database, POLLER)
    house.look()
    silence(house.database, [worker], GONE)
    house.look()
    house.wait(minutes=2)
    assert not house.look()
    assert house.told() == []


def test_nobody_misses_workers_where_nothing_waits(house: House) -> None:
    note(house.database, LEADER, leads=True)
    house.look()
    house.wait(days=1)
    assert not house.look()
    assert house.told() == []


def test_work_that_no_worker_takes_is_missed_however_many_live(house: House) -> None:
    note(house.database, LEADER, leads=True)
    note(house.database, SENDER)
    house.make_due()
    house.look()
    house.wait(minutes=4)
    assert house.look(messages=1)
    assert house.told() == ["workers_gone"]
    note(house.database, SENDER)
    house.look()
    assert house.told() == ["workers_gone"], "a worker that takes none of it is no help"


def test_a_scheduler_that_is_missed_is_told_by_a_worker_and_so_is_its_return(house: House) -> None:
    leader = note(house.database, LEADER, leads=True)
    worker = note(house.database, POLLER)
    house.make_due()
    assert not house.look()
    silence(house.database, [leader], GONE)
    house.look()
    house.wait(minutes=4)
    note(house.database, worker)
    assert house.look(messages=1)
    assert house.told() == ["scheduler_gone"]
    (call,) = house.hook.calls
    assert "no scheduler has been heard of" in str(json.loads(call.body)["changes"])
    note(house.database, Part(role=SCHEDULER, place="c:1"))
    assert house.look(), "one that waits does not lead"
    note(house.database, Part(role=SCHEDULER, place="c:1"), leads=True)
    assert not house.look()
    assert house.told() == ["scheduler_gone", "scheduler_back"]
