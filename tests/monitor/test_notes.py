"""Polls and unchanged pages are stored many at a time, and nobody goes on before the own one is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import Session

from monitor.notes import Notes
from storage import feeds
from storage.database import Database
from storage.errors import DatabaseError, NotFoundError
from storage.records import Feed, FeedSpec


def test_what_comes_together_is_stored_together(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/notes.db")
    database.upgrade()
    with database.write() as session:
        held = [feeds.add_feed(session, FeedSpec(url=f"https://x.example/{n}")) for n in range(50)]
    transactions = 0

    async def write(work: Callable[[Session], None]) -> None:
        nonlocal transactions
        transactions += 1
        with database.write() as session:
            work(session)

    async def run() -> None:
        notes = Notes(write, feeds.update_feeds)
        await asyncio.gather(*(notes.put(replace(feed, etag=f'"{feed.feed_id}"')) for feed in held))
        with database.read() as session:
            assert [feed.etag for feed in feeds.list_feeds(session)] == [f'"{feed.feed_id}"' for feed in held]
        await notes.put(replace(held[0], etag="later"))
        with database.read() as session:
            assert feeds.get_feed(session, held[0].feed_id).etag == "later"

    asyncio.run(run())
    database.close()
    assert transactions == 2


def test_a_failed_transaction_is_told_to_all_who_waited_and_the_next_goes_on() -> None:
    fails = [True, False]

    async def write(work: Callable[[Session], None]) -> None:
        if fails.pop(0):
            raise DatabaseError("disk full")

    async def run() -> None:
        notes = Notes(write, feeds.update_feeds)
        feed = Feed(feed_id=1, url="https://x.example/")
        results = await asyncio.gather(notes.put(feed), notes.put(feed), return_exceptions=True)
        assert [str(result) for result in results] == ["disk full"] * 2
        await notes.put(feed)

    asyncio.run(run())
    with pytest.raises(IndexError):
        fails.pop()


def test_what_cannot_be_stored_harms_nobody_else(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/notes.db")
    database.upgrade()
    with database.write() as session:
        held = [feeds.add_feed(session, FeedSpec(url=f"https://x.example/{n}")) for n in range(3)]

    async def write(work: Callable[[Session], None]) -> None:
        with database.write() as session:
            work(session)

    def store(session: Session, batch: list[Feed]) -> None:
        for feed in batch:
            feeds.update_feed(session, feed)

    async def run() -> list[BaseException | None]:
        notes = Notes(write, store)
        told = [replace(feed, etag="new") for feed in held]
        told[1] = replace(told[1], feed_id=99)
        return await asyncio.gather(*(notes.put(feed) for feed in told), return_exceptions=True)

    results = asyncio.run(run())
    with database.read() as session:
        assert [feed.etag for feed in feeds.list_feeds(session)] == ["new", None, "new"]
    database.close()
    assert [type(result) for result in results] == [type(None), NotFoundError, type(None)]
