"""SHELL: what feeds and unchanged pages told, stored many at a time: a transaction each would cost more than to ask."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

from sqlmodel import Session

from storage.errors import DatabaseError

_GATHER_SECONDS = 0.02

_T = TypeVar("_T")
Write = Callable[[Callable[[Session], None]], Awaitable[None]]


class Notes(Generic[_T]):
    """Gathers records and writes all that wait in one transaction; whoever put one down goes on once it is stored."""

    def __init__(self, write: Write, store: Callable[[Session, list[_T]], None]) -> None:
        """`write` runs work in one write transaction; `store` is that work for many records."""
        self._write = write
        self._store = store
        self._waiting: list[tuple[_T, asyncio.Future[None]]] = []
        self._draining: asyncio.Task[None] | None = None

    async def put(self, record: _T) -> None:
        """Store a record with others that come within a moment; returns or raises with their transaction.

        A record that cannot be stored harms no other: they are then stored each alone. A DatabaseError is for all.
        """
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.append((record, stored))
        if self._draining is None or self._draining.done():
            self._draining = loop.create_task(self._drain())
        await stored  # a caller that goes away takes its own future with it, and nothing of the record

    async def _drain(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GATHER_SECONDS)
            batch, self._waiting = self._waiting, []
            await self._settle(batch)

    async def _settle(self, batch: list[tuple[_T, asyncio.Future[None]]]) -> None:
        try:
            await self._write(partial(self._store_batch, [record for record, _ in batch]))
        except BaseException as error:
            if len(batch) > 1 and isinstance(error, Exception) and not isinstance(error, DatabaseError):
                for one in batch:
                    await self._settle([one])
                return
            for _, stored in batch:
                if not stored.done():
                    stored.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for _, stored in batch:
                if not stored.done():
                    stored.set_result(None)

    def _store_batch(self, batch: list[_T], session: Session) -> None:
        self._store(session, batch)
