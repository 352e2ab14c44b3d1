"""SHELL: a part of the service notes in the database every few seconds that it lives, until it ends."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from storage import parts
from storage.database import Database
from storage.errors import DatabaseError
from storage.liveness import Part

_LOG = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
# What is noted at the end may be left out: who is silent is no longer called live anyway (seconds).
ENDING_SECONDS = 2.0


class Pulse:
    """That one part lives, said again and again while `beating`; `lead` says at once whether it leads."""

    def __init__(self, database: Database, *, role: str, work: Sequence[str] = ()) -> None:
        """`role` is one of storage.liveness.ROLES, `work` the queues that a worker takes from."""
        self.part = Part(role=role, place=f"{socket.gethostname()}:{os.getpid()}", work=tuple(work))
        self._database = database
        self._leads = False
        self._is_ending = False
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Say every few seconds that we live, for as long as the block; then that we are no more."""
        self._is_ending = False
        saying = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._is_ending = True
            self._wake.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(saying, ENDING_SECONDS)

    def lead(self, leads: bool) -> None:
        """Say from now on whether we lead."""
        self._leads = leads
        self._wake.set()

    async def _run(self) -> None:
        while not self._is_ending:
            self._wake.clear()
            await self._try(self._beat)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), BEAT_SECONDS)
        await self._try(self._end)

    async def _try(self, note: Callable[[], None]) -> None:
        """Who works with the database complains where it is away; a part that cannot note anything is silent."""
        try:
            await asyncio.to_thread(note)
        except DatabaseError as error:
            _LOG.debug("nobody hears that we live: %s", error)
        except Exception:
            _LOG.exception("this should not happen: please report it")

    def _beat(self) -> None:
        with self._database.write() as session:
            self.part = parts.note_part(session, self.part, leads=self._leads)

    def _end(self) -> None:
        with self._database.write() as session:
            parts.forget_part(session, self.part)
