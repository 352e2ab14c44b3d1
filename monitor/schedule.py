"""One ticker over what is due: APScheduler wakes us, our own tables say what falls due.

Nothing is a job of its own: a feed's or an article's next time is a column, so a restart forgets nothing and a late
tick drops nothing. Each kind of work has its own job, so that slow feeds never hold back alerts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from storage.errors import DatabaseError

Job = Callable[[], Awaitable[object]]

_LOG = logging.getLogger(__name__)


def guarded(job: Job, *, stop: asyncio.Event, before: Callable[[], None] = lambda: None) -> Job:
    """A job that outlives a database that is away: said in one line, and tried again at its next call.

    `before` is called first; once `stop` is set the job may be cut short.
    """

    async def call() -> None:
        before()
        try:
            await job()
        except DatabaseError as error:
            # A full disk or a server that is away: say so, and try again next time.
            _LOG.error("%s", error)
        except (RuntimeError, asyncio.CancelledError):
            # While we end, the threads that a job works with are closed under it: it is due again at the next start
            if not stop.is_set():
                raise

    return call


def build_scheduler(jobs: dict[str, tuple[float, Job]]) -> AsyncIOScheduler:
    """A scheduler that calls each named job every so many seconds, never twice at once, and never drops a late call."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for name, (seconds, job) in jobs.items():
        scheduler.add_job(
            job,
            trigger=IntervalTrigger(seconds=seconds),
            id=name,
            name=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    return scheduler
