"""SHELL: what a service that runs for years tidies up once a day, in parts small enough that nobody waits for it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.clock import Clock
from storage.database import Database
from storage.feeds import forget_seen_entries
from storage.hosts import forget_manners
from storage.keeping import pack_texts
from storage.meta import find_fact, set_fact

_LOG = logging.getLogger(__name__)

DAY = timedelta(days=1)
# Entries that made no article are remembered so that they are not judged twice; a feed that still carries one after so
# long has it judged again.
FORGET_AFTER = timedelta(days=90)
# What a host asked is heard anew as long as it is asked for anything.
FORGET_MANNERS_AFTER = timedelta(days=30)
# Texts of this age are seldom read again; a packed one is still shown, compared and found.
PACK_AFTER = timedelta(days=30)
# The writer's turn is given back after so many texts: some 50 ms.
PART = 100
_FACT = "housekept_at"


class Housekeeping:
    """Tidies a database when the last time is a day ago, which it remembers there, so that restarts change nothing."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        stop: asyncio.Event,
        prune: Callable[[datetime], int] = lambda now: 0,
    ) -> None:
        """`stop` ends a long tidying between two parts; the next day goes on with it. `prune` drops evidence that need
        not be kept at a time, and returns how many answers.
        """
        self._prune = prune
        self._database = database
        self._clock = clock
        self._stop = stop

    async def look(self) -> None:
        """Tidy if it is time. Raises DatabaseError."""
        now = self._clock()
        if not await asyncio.to_thread(self._is_due, now):
            return
        forgotten = await asyncio.to_thread(self._forget, now)
        packed = 0
        while not self._stop.is_set():
            done = await asyncio.to_thread(self._pack, now)
            packed += done
            if not done:
                break
        pruned = await asyncio.to_thread(self._prune, now)
        if forgotten or packed or pruned:
            _LOG.info(
                "tidied up: %d entries forgotten, %d texts compressed, %d kept answers dropped",
                forgotten,
                packed,
                pruned,
            )

    def _is_due(self, now: datetime) -> bool:
        with self._database.read() as session:
            last = find_fact(session, _FACT)
        # A last time in the future was noted by a clock that has stepped back since.
        return last is None or not now - DAY < datetime.fromisoformat(last) <= now

    def _forget(self, now: datetime) -> int:
        with self._database.write() as session:
            set_fact(session, _FACT, now.isoformat())
            forget_manners(session, before=now - FORGET_MANNERS_AFTER)
            return forget_seen_entries(session, before=now - FORGET_AFTER)

    def _pack(self, now: datetime) -> int:
        with self._database.write() as session:
            return pack_texts(session, before=now - PACK_AFTER, limit=PART)
