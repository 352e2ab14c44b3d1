"""One request at a time a host, and a pause between two, over all processes and machines that share one PostgreSQL.

Who has a host's turn holds an advisory lock of the database's session, which ends with its process however that ends;
when the host is rested again stands in a table, by the server's clock, since machines' clocks differ.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from monitor.sources.hosts import HostPacer
from storage.errors import DatabaseError

# A host that another process holds is asked for again after about so long (seconds).
LOOK_AGAIN = 0.2
# The first key of the advisory locks; others of ours have one key alone, so they never meet.
_SPACE = 7_026
# A session that says nothing for so long (milliseconds) is a process that stands still: the server ends it.
_IDLE = 30_000
_PULSE = 10.0

_TAKE = """
SELECT pg_try_advisory_lock(%(space)s, hashtext(%(host)s)),
       (SELECT EXTRACT(EPOCH FROM free_at - clock_timestamp())::float FROM hosts WHERE host = %(host)s),
       (SELECT crawl_delay FROM hosts WHERE host = %(host)s)
"""
_REST = """
INSERT INTO hosts (host, free_at, crawl_delay)
VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(pause)s), %(delay)s)
ON CONFLICT (host) DO UPDATE SET free_at = excluded.free_at,
    crawl_delay = GREATEST(hosts.crawl_delay, excluded.crawl_delay)
"""
_GIVE = "SELECT pg_advisory_unlock(%(space)s, hashtext(%(host)s))"
_FORGET = "DELETE FROM hosts WHERE free_at < clock_timestamp() - interval '1 day'"


class SharedPacer:
    """Hands out turns as HostPacer does, to one process of all at a time: `async with SharedPacer(…) as pacer`."""

    def __init__(
        self,
        conninfo: str,
        *,
        rng: random.Random,
        pause: float = 0.0,
        pauses: Mapping[str, float] | None = None,
    ) -> None:
        """`conninfo` names the database whose search path has the table `hosts`; `rng` spreads the asking again."""
        self._conninfo = conninfo
        self._rng = rng
        self._pauses = pauses
        # Within this process tasks wait in line without asking the server; its pause is kept by the server.
        self._here = HostPacer(pause=0.0)
        self._known = HostPacer(pause=pause, pauses=pauses)
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()
        self._pulse: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "SharedPacer":
        self._pulse = asyncio.create_task(self._keep_alive(), name="pacer's pulse")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
            await asyncio.gather(self._pulse, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    def set_crawl_delay(self, host: str, seconds: float) -> None:
        """What the host's robots.txt asks for; other processes learn it with our next turn."""
        self._known.set_crawl_delay(host, seconds)

    def remember_crawl_delay(self, host: str, seconds: float) -> None:
        """As `set_crawl_delay`: when the host is rested stands with the server."""
        self._known.set_crawl_delay(host, seconds)

    def pause_of(self, host: str) -> float:
        """Seconds that pass between two requests to `host`, as far as this process knows."""
        return self._known.pause_of(host)

    def rest_of(self, host: str, at: float) -> float:
        """None that is known here: when a host is rested stands with the server."""
        return self._here.rest_of(host, at)

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait until `host` is free and rested everywhere, hold it for the block, let it rest afterwards.

        Raises DatabaseError when the server cannot be asked: then nobody is asked for anything.
        """
        async with self._here.turn(host):
            await self._take(host)
            try:
                # Said beforehand too: who dies during its request leaves no host without its rest.
                await self._rest(host)
                yield
            finally:
                await asyncio.shield(self._give(host))

    async def _take(self, host: str) -> None:
        while True:
            row = await self._run(_TAKE, host)
            is_ours, wait, delay = row if row is not None else (False, None, None)
            if delay and delay > self.pause_of(host):
                self.set_crawl_delay(host, delay)
            if is_ours:
                if wait is not None and wait > 0:
                    # More than the pause is left only where the server's clock has stepped back.
                    await asyncio.sleep(min(wait, self.pause_of(host)))
                return
            await asyncio.sleep(LOOK_AGAIN * self._rng.uniform(0.5, 1.5))

    async def _rest(self, host: str) -> None:
        pause = self.pause_of(host)
        await self._run(_REST, host, pause=pause, delay=pause)

    async def _give(self, host: str) -> None:
        try:
            await self._rest(host)
            await self._run(_GIVE, host)
        except DatabaseError:
            # The session is gone, and its locks with it.
            return

    async def _run(self, statement: str, host: str, **values: float) -> tuple[Any, ...] | None:
        async with self._turn:
            try:
                connection = await self._connect()
                cursor = await connection.execute(statement.encode(), {"space": _SPACE, "host": host, **values})
                return await cursor.fetchone() if cursor.description else None
            except psycopg.Error as error:
                await self._let_go()
                told = DatabaseError(f"the turn of {host} cannot be had: {' '.join(str(error).split())}")
                told.retryable = True
                raise told from error

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
            await self._connection.execute(f"SET idle_session_timeout = {_IDLE}".encode())
        return self._connection

    async def _let_go(self) -> None:
        if self._connection is not None and self._connection.broken:
            await self._connection.close()
        if self._connection is not None and self._connection.closed:
            self._connection = None

    async def _keep_alive(self) -> None:
        """Speak now and then, so that the server takes our silence for what it is: a process that stands still."""
        while True:
            await asyncio.sleep(_PULSE)
            if self._connection is None:
                continue
            try:
                await self._run(_FORGET, "")
            except DatabaseError:
                continue
