"""The queue of many machines: Procrastinate in the same PostgreSQL, in a schema of its own that may be lost.

What is due stands in our own tables; a job only hands it to a worker. So the queue holds nothing that matters: it is
made anew when another version of its library comes, and left out of a backup. Only what shares work over machines
imports this; a service in one process needs neither PostgreSQL nor Procrastinate.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Self

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.schema import SchemaManager
from psycopg.conninfo import make_conninfo

from storage.database import server_parts
from storage.errors import DatabaseError, SettingsError

SCHEMA = "storywatch_queue"
POLLS, PAGES, REREADS, DELIVERIES = "polls", "pages", "rereads", "deliveries"
QUEUES = (POLLS, PAGES, REREADS, DELIVERIES)
# A worker says this often (seconds) that it lives, and is given up when it was silent for so long: then what it was
# doing is done by another within half a minute.
HEARTBEAT = 3.0
SILENCE = 12.0
# Before the version of the library in the schema's comment: what we added to it ourselves.
_OURS = "1"
_SETTING_UP = 7_026_003
_HOSTS = """
CREATE TABLE hosts (
    host text PRIMARY KEY,
    free_at timestamptz NOT NULL,
    crawl_delay double precision NOT NULL DEFAULT 0
)
"""


def conninfo_of(url: str) -> str:
    """`database_url` as libpq writes it, with the queue's schema first. SettingsError for anything but PostgreSQL."""
    parts = server_parts(url)
    if parts is None:
        raise SettingsError(
            "database_url: many processes share a PostgreSQL (postgresql+psycopg://user:password@host/name), and this "
            "is another kind; 'storywatch run' does all in one process on SQLite"
        )
    return make_conninfo(
        "",
        **parts,
        options=f"-c search_path={SCHEMA},public",
        keepalives_idle=5,
        keepalives_interval=3,
        keepalives_count=3,
        connect_timeout=10,
        application_name="storywatch",
    )


def prepare_queue(url: str) -> bool:
    """Make the queue's schema, or make it anew for another version; returns whether anything was done.

    Jobs that waited are deferred again: what is due stands in our tables. Raises DatabaseError.
    """
    wanted = f"{_OURS} procrastinate {version('procrastinate')}"
    try:
        with psycopg.connect(conninfo_of(url)) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SETTING_UP,))
            found = connection.execute(
                "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", (SCHEMA,)
            ).fetchone()
            if found is not None and found[0] == wanted:
                return False
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
            connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
            connection.execute(SchemaManager.get_schema())
            connection.execute(_HOSTS)
            connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{wanted}'".encode())
            return True
    except psycopg.Error as error:
        raise queue_error(error) from error


def queue_error(error: Exception) -> DatabaseError:
    """What the queue's library or driver raised, as ours: it may be tried again."""
    causes = [error, error.__cause__] if error.__cause__ else [error]
    told = DatabaseError(f"the queue cannot be used: {' '.join(' '.join(map(str, causes)).split())}")
    told.retryable = True
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of work for a worker: `task` names what to do with `what`; of one `host` only one is done at a time."""

    queue: str
    task: str
    key: str
    what: dict[str, Any]
    host: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """What a look for dead workers came to."""

    workers: tuple[int, ...] = ()
    jobs: int = 0


class Queue:
    """The queue as the leading scheduler uses it: `async with Queue(url) as queue`."""

    def __init__(self, url: str) -> None:
        self.app = App(connector=PsycopgConnector(conninfo=conninfo_of(url), min_size=1, max_size=4, timeout=15.0))

    async def __aenter__(self) -> Self:
        try:
            await self.app.open_async()
        except (ConnectorException, psycopg.Error) as error:
            raise queue_error(error) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.app.close_async()

    async def list_live(self) -> frozenset[str]:
        """The keys of all pieces that wait or are being done."""
        rows = await self._ask("SELECT queueing_lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
        return frozenset(row["queueing_lock"] for row in rows)

    async def defer(self, pieces: Iterable[Piece]) -> int:
        """Hand out pieces of work; one that waits already is not handed out twice. Returns how many were."""
        jobs = [
            Job(
                id=None, queue=piece.queue, priority=piece.priority, task_name=piece.task, task_kwargs=piece.what,
                lock=f"host:{piece.host}" if piece.host else None, queueing_lock=piece.key,
            )
            for piece in pieces
        ]  # fmt: skip
        if not jobs:
            return 0
        try:
            await self.app.job_manager.batch_defer_jobs_async(jobs)
            return len(jobs)
        except AlreadyEnqueued:
            # Somebody was faster (a second leader, for a moment): each alone.
            return sum([await self._defer_one(job) for job in jobs])
        except (ConnectorException, psycopg.Error) as error:
            raise queue_error(error) from error

    async def _defer_one(self, job: Job) -> bool:
        try:
            await self.app.job_manager.defer_job_async(job)
        except AlreadyEnqueued:
            return False
        except (ConnectorException, psycopg.Error) as error:
            raise queue_error(error) from error
        return True

    async def reap(self) -> Reaped:
        """Give up workers that were silent too long, and drop what they were doing: it is due, and handed out again."""
        manager = self.app.job_manager
        try:
            gone = await manager.prune_stalled_workers(seconds_since_heartbeat=SILENCE)
            stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=SILENCE))
            for job in stalled:
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        except (ConnectorException, psycopg.Error) as error:
            raise queue_error(error) from error
        return Reaped(workers=tuple(gone), jobs=len(stalled))

    async def list_doing(self, worker: int) -> frozenset[int]:
        """The numbers of the pieces that this worker is said to be doing."""
        query = "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = %(worker)s"
        return frozenset(row["id"] for row in await self._ask(query, worker=worker))

    async def drop(self, number: int) -> None:
        """Take a piece out that nobody does: it is due, and handed out again."""
        try:
            await self.app.job_manager.finish_job_by_id_async(number, Status.FAILED, delete_job=True)
        except (ConnectorException, psycopg.Error) as error:
            raise queue_error(error) from error

    async def list_workers(self) -> tuple[int, ...]:
        """The numbers of the workers that are alive, as far as is known."""
        return tuple(row["id"] for row in await self._ask("SELECT id FROM procrastinate_workers ORDER BY id"))

    async def count_waiting(self) -> dict[str, tuple[int, int]]:
        """How many pieces of each queue wait, and how many are being done."""
        rows = await self._ask(
            "SELECT queue_name, count(*) FILTER (WHERE status = 'todo') AS waiting, "
            "count(*) FILTER (WHERE status = 'doing') AS doing FROM procrastinate_jobs GROUP BY queue_name"
        )
        found = {row["queue_name"]: (row["waiting"], row["doing"]) for row in rows}
        return {name: found.get(name, (0, 0)) for name in QUEUES}

    async def _ask(self, query: Any, **values: int) -> list[dict[str, Any]]:
        try:
            return await self.app.connector.execute_query_all_async(query, **values)
        except (ConnectorException, psycopg.Error) as error:
            raise queue_error(error) from error
