"""One ticker over what is due: APScheduler wakes us, our own tables say what falls due.

Nothing is a job of its own: a feed's or an article's next time is a column, so a restart forgets nothing and a late
tick drops nothing. Each kind of work has its own job, so that slow feeds never hold back alerts.
"""

from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

Job = Callable[[], Awaitable[object]]


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
