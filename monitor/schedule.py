"""One ticker over what is due: APScheduler wakes us, our own tables say what falls due.

Nothing is a job of its own: a feed's or an article's next time is a column, so a restart forgets nothing and a late
tick drops nothing. Each kind of work has its own job, so that slow feeds never hold back alerts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from storage.errors import DatabaseError

Job = Callable[[], Awaitable[object]]
# A job that is under way when we end gets so many seconds; what it leaves is due again at the next start.
PATIENCE = 10.0

_LOG = logging.getLogger(__name__)


def guarded(job: Job, *, before: Callable[[], None] = lambda: None) -> Job:
    """A job that outlives a database that is away: said in one line, and tried again at its next call.

    `before` is called first.
    """

    async def call() -> None:
        before()
        try:
            await job()
        except DatabaseError as error:
            # A full disk or a server that is away: say so, and try again next time.
            _LOG.error("%s", error)

    return call


class Ticker:
    """Calls each named job every so many seconds, never twice at once, and never drops a late call."""

    def __init__(self, jobs: Mapping[str, tuple[float, Job]]) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._is_ending = False
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        for name, (seconds, job) in jobs.items():
            self._scheduler.add_job(
                self._tracked(job),
                trigger=IntervalTrigger(seconds=seconds),
                id=name,
                name=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    def start(self) -> None:
        """Begin to tick, in the running event loop."""
        self._scheduler.start()

    async def finish(self, *, patience: float = PATIENCE) -> None:
        """Begin no job more and wait for those under way, so that nothing is closed under them; then give them up."""
        self._is_ending = True
        self._scheduler.pause()
        under_way = tuple(self._running)
        if under_way:
            _, pending = await asyncio.wait(under_way, timeout=patience)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        # Only now: the scheduler cancels what it started, whatever thread that waits for.
        self._scheduler.shutdown(wait=False)

    def _tracked(self, job: Job) -> Job:
        async def run() -> None:
            await job()

        async def call() -> None:
            if self._is_ending:
                return
            task = asyncio.create_task(run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await task

        return call
