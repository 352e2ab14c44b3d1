"""SHELL: what unchanged polls learned, stored many at a time: a transaction each would cost more than the polls."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from sqlmodel import Session

from storage import feeds
from storage.records import Feed

_GATHER_SECONDS = 0.02

Write = Callable[[Callable[[Session], None]], Awaitable[None]]


class FeedNotes:
    """Gathers feeds and writes all that wait in one transaction; whoever put one down goes on once it is stored."""

    def __init__(self, write: Write) -> None:
        """`write` runs work in one write transaction."""
        self._write = write
        self._waiting: list[Feed] = []
        self._stored: asyncio.Future[None] | None = None
        self._draining: asyncio.Task[None] | None = None

    async def put(self, feed: Feed) -> None:
        """Store a feed with others that come within a moment; returns or raises with the transaction that holds it."""
        loop = asyncio.get_running_loop()
        if self._stored is None:
            self._stored = loop.create_future()
        self._waiting.append(feed)
        stored = self._stored
        if self._draining is None or self._draining.done():
            self._draining = loop.create_task(self._drain())
        await asyncio.shield(stored)

    async def _drain(self) -> None:
        while self._waiting and self._stored is not None:
            await asyncio.sleep(_GATHER_SECONDS)
            batch, stored = self._waiting, self._stored
            self._waiting, self._stored = [], None
            try:
                await self._write(partial(_store, batch))
            except BaseException as error:
                stored.set_exception(error)
                if not isinstance(error, Exception):
                    raise
            else:
                stored.set_result(None)


def _store(batch: list[Feed], session: Session) -> None:
    feeds.update_feeds(session, batch)
