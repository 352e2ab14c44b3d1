"""SHELL: a clock that stepped forth and back left next times in the future; they are brought back, not waited for."""

import asyncio
import logging
from datetime import datetime, timedelta

from alerts.dispatch import LEASE
from alerts.timing import JITTER, RETRY_SCHEDULE
from monitor.clock import Clock
from monitor.cycle import PAGE_RETRIES
from monitor.sources.policy import REREADS
from storage.database import Database
from storage.stepping import MARGIN, Pauses, bring_back, find_ahead

_LOG = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
# The store is asked at the first look and then every ten minutes, since the clock of another machine may have stepped;
# and for a minute after our own clock was seen to step back, while what began before still ends.
_EVERY, _AFTERWARDS = 300, 30

PAUSES = Pauses(
    rereads=REREADS,
    pages=PAGE_RETRIES,
    delivery=timedelta(seconds=max(RETRY_SCHEDULE) * (1 + JITTER)),
    lease=timedelta(seconds=LEASE),
)


class StepWatch:
    """Looks whether anything waits for a time that a stepped clock gave it. `look` is called every LOOK_SECONDS."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        """The first look asks the store."""
        self._database = database
        self._clock = clock
        self._seen: datetime | None = None
        self._looks = 0
        self._watchful = 0

    async def look(self) -> int:
        """Bring back what is too far ahead; returns how much there was. Raises DatabaseError."""
        now = self._clock()
        if self._seen is not None and now < self._seen - MARGIN:
            _LOG.warning("the clock went back by %d s; what it had given its next time is due now", self._back(now))
            self._watchful = _AFTERWARDS
        self._seen = now
        is_turn = self._looks % _EVERY == 0 or self._watchful > 0
        self._looks += 1
        self._watchful = max(0, self._watchful - 1)
        return await asyncio.to_thread(self._bring_back, now) if is_turn else 0

    def _back(self, now: datetime) -> int:
        return round((self._seen - now).total_seconds()) if self._seen is not None else 0

    def _bring_back(self, now: datetime) -> int:
        with self._database.read() as session:
            if not find_ahead(session, now, PAUSES):
                return 0
        with self._database.write() as session:
            count = bring_back(session, now, PAUSES)
        _LOG.info("%d things waited for a time that a stepped clock gave them; they are due now", count)
        return count
