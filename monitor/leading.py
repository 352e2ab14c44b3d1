"""The leading scheduler of many machines: one decides what is handed out, another takes over when it dies.

Who leads holds an advisory lock in a session of its own. The server ends that session when its process dies, when its
machine cannot be reached, and when it stands still; two leaders for a moment harm nobody, since a piece of work waits
in the queue once.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlmodel import Session

from alerts.asking import is_question_due
from monitor.clock import Clock
from monitor.dealing import deal, host_of
from monitor.distributed import make_shared_pacer, worker_of
from monitor.health import HealthWatch
from monitor.housekeeping import Housekeeping
from monitor.making import make_book, make_channels, make_fetcher, make_poster, make_pruner, make_tools
from monitor.parts_watch import LOOK_SECONDS as MISSING_SECONDS
from monitor.parts_watch import PartsWatch
from monitor.pulse import Pulse
from monitor.push import PushDesk
from monitor.queueing import (
    DELIVERIES,
    PAGES,
    POLLS,
    REREADS,
    Piece,
    Queue,
    conninfo_of,
    prepare_queue,
    queue_error,
)
from monitor.schedule import Job, Ticker, guarded
from monitor.settings import Settings, to_subscriptions
from monitor.stepping import LOOK_SECONDS as STEP_SECONDS
from monitor.stepping import StepWatch
from monitor.taking_up import SeedKeeper, describe_watch, make_watch
from monitor.tools import Tools
from storage import articles, feeds, outbox
from storage.database import Database
from storage.errors import DatabaseError
from storage.liveness import SCHEDULER
from storage.occupancy import LEADER_LOCK

_LOG = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
REAP_SECONDS = 3.0
RELOAD_SECONDS = 30.0
HEALTH_SECONDS = 60.0
HOUSE_SECONDS = 900.0
PUSH_SECONDS = 5.0
# How often one that waits asks whether it may lead, and one that leads whether it still does.
LEAD_SECONDS = 1.0
# A leader that resigns gives the jobs under way so long: the next one waits for it.
RESIGNING_SECONDS = 2.0
# A leader that says nothing for so long (milliseconds) stands still, and the server ends its session.
SILENT = 10_000
# So many pieces of a kind wait in the queue at most: what is due beyond stands in our tables, where it is cheap.
MOST = 500
# Of one host so many of them, each host's first before any second: others are handed out beside those of a slow one.
SHARE = 50
# So far down the list of what is due this is looked for.
SCANNED = 10_000
# Even when nothing is seen to be due, the outbox is looked into this often (seconds): claims that ran out, repeats.
OUTBOX_SECONDS = 10.0


class Leadership:
    """The right to lead, held as a lock of a database's session."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def take(self) -> bool:
        """Whether we lead now. Raises DatabaseError when the server cannot be asked."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
                await self._connection.execute(f"SET idle_session_timeout = {SILENT}".encode())
            cursor = await self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADER_LOCK,))
            row = await cursor.fetchone()
        except psycopg.Error as error:
            raise queue_error(error) from error
        return bool(row and row[0])

    async def is_held(self) -> bool:
        """Whether the session that holds the lock lives. Asked often, which keeps it alive."""
        if self._connection is None:
            return False
        try:
            await self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    async def give_up(self) -> None:
        """Let another lead."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


class Leader:
    """Decides what is due and hands it to the workers, while it leads; waits for its turn otherwise."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        rng: Random,
        look_seconds: float = LOOK_SECONDS,
        alive: Path | None = None,
    ) -> None:
        """`alive` is touched every second or so while the database is at hand.

        Raises SettingsError for a database that many processes cannot share.
        """
        conninfo_of(settings.database_url)
        self.settings = settings
        self.clock = clock
        self.rng = rng
        self.look_seconds = look_seconds
        self.stop = asyncio.Event()
        self.database = Database(settings.database_url)
        self._outbox_at = 0.0
        self._alive = alive
        self._asking = [one for one in to_subscriptions(settings) if one.approvers]
        self._seeds = SeedKeeper(self.database, settings.seeds, clock=clock)
        self._pulse = Pulse(self.database, role=SCHEDULER)

    async def run(self) -> None:
        """Lead, or wait to lead, until `stop` is set or a signal asks for it."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        leadership = Leadership(conninfo_of(self.settings.database_url))
        try:
            await asyncio.to_thread(self.database.upgrade)
            await asyncio.to_thread(prepare_queue, self.settings.database_url)
            async with self._pulse.beating():
                await self._take_turns(leadership)
        finally:
            await leadership.give_up()
            self.database.close()
        _LOG.info("stopped; nothing is lost")

    async def _take_turns(self, leadership: Leadership) -> None:
        is_told = False
        while not self.stop.is_set():
            may_lead = await self._may_lead(leadership)
            if may_lead:
                await self._lead(leadership)
                is_told = False
            elif may_lead is False:
                self._touch()
                if not is_told:
                    is_told = True
                    _LOG.info("another scheduler leads; waiting to take over")
            await self._pause(LEAD_SECONDS)

    async def _may_lead(self, leadership: Leadership) -> bool | None:
        """Whether we lead now; None where the server cannot be asked."""
        try:
            return await leadership.take()
        except DatabaseError as error:
            _LOG.error("%s", error)
            await leadership.give_up()
            return None

    def _touch(self) -> None:
        if self._alive is not None:
            self._alive.touch()

    async def _pause(self, seconds: float) -> None:
        waiting = asyncio.create_task(self.stop.wait())
        await asyncio.wait([waiting], timeout=seconds)
        waiting.cancel()

    async def _lead(self, leadership: Leadership) -> None:
        """Lead until told to stop, or until another may lead."""
        resign = asyncio.Event()
        try:
            async with AsyncExitStack() as stack:
                await self._seeds.take_up()
                queue = await stack.enter_async_context(Queue(self.settings.database_url))
                tools = await self._make_tools(stack)
                jobs = await self._make_jobs(stack, queue, tools, resign)
                ticker = Ticker({name: (every, guarded(job)) for name, (every, job) in jobs.items()})
                self._pulse.lead(True)
                _LOG.info("leading; %s", describe_watch(self.database))
                ticker.start()
                stack.push_async_callback(ticker.finish, patience=RESIGNING_SECONDS)
                while not self.stop.is_set() and await leadership.is_held():
                    self._touch()
                    await self._pause(LEAD_SECONDS)
                resign.set()
        except DatabaseError as error:
            _LOG.error("%s", error)
        finally:
            resign.set()
            self._pulse.lead(False)
            await leadership.give_up()
        if not self.stop.is_set():
            _LOG.warning("no longer leading: the database's session was lost")

    async def _make_tools(self, stack: AsyncExitStack) -> Tools:
        pacer = await stack.enter_async_context(make_shared_pacer(self.settings, self.rng))
        book = await asyncio.to_thread(make_book, self.database, self.clock)
        fetcher = await stack.enter_async_context(make_fetcher(self.settings, pacer=pacer, book=book))
        tools = make_tools(
            self.settings,
            database=self.database,
            fetcher=fetcher,
            watch=make_watch(self.database, self.settings),
            clock=self.clock,
            rng=self.rng,
        )
        stack.callback(tools.close)
        return tools

    async def _make_jobs(
        self, stack: AsyncExitStack, queue: Queue, tools: Tools, resign: asyncio.Event
    ) -> dict[str, tuple[float, Job]]:
        prune = make_pruner(self.settings, self.database)
        house = Housekeeping(self.database, clock=self.clock, stop=resign, prune=prune)
        jobs: dict[str, tuple[float, Job]] = {
            "look": (self.look_seconds, partial(self.look, queue)),
            "steps": (STEP_SECONDS, StepWatch(self.database, clock=self.clock).look),
            "reap": (REAP_SECONDS, partial(self.reap, queue)),
            "reload": (RELOAD_SECONDS, self._seeds.take_up),
            "health": (HEALTH_SECONDS, HealthWatch(tools).look),
            "house": (HOUSE_SECONDS, house.look),
        }
        client = await stack.enter_async_context(make_poster(self.settings))
        missing = PartsWatch(self.settings, tools, make_channels(self.settings, client), place=self._pulse.part.place)
        stack.push_async_callback(missing.let_go)
        jobs["parts"] = (MISSING_SECONDS, missing.look)
        if tools.push is not None:
            jobs["push"] = (PUSH_SECONDS, PushDesk(tools, client, tools.push).look)
        return jobs

    async def look(self, queue: Queue) -> int:
        """Hand out what is due and not handed out yet; returns how much. Raises DatabaseError."""
        live = await queue.list_live()
        return await queue.defer(await asyncio.to_thread(self._find_due, live))

    def _find_due(self, live: frozenset[str]) -> list[Piece]:
        """What is due and not in the queue, pages first, as a service in one process has it."""
        now = self.clock()
        with self.database.read() as session:
            found = deal(_scan_pages(session, now), MOST, share=SHARE)
            if self.settings.polling.reread:
                found += deal(_scan_rereads(session, now), MOST, share=SHARE)
            found += deal(_scan_polls(session, now), MOST, share=SHARE)
            if self._is_outbox_due(session, now) or time.monotonic() >= self._outbox_at:
                self._outbox_at = time.monotonic() + OUTBOX_SECONDS
                found.append(Piece(queue=DELIVERIES, task="deliver", key="deliver", what={}, priority=1))
        return [piece for piece in found if piece.key not in live]

    def _is_outbox_due(self, session: Session, now: datetime) -> bool:
        """Whether a message is to be made or sent: of a change, or a question to those who may approve one."""
        return outbox.is_anything_due(session, now=now) or (
            bool(self._asking) and is_question_due(outbox.list_unasked(session), self._asking, now)
        )

    async def reap(self, queue: Queue) -> None:
        """Give up dead workers; what they did is due again, what they were sending as well. Raises DatabaseError."""
        reaped = await queue.reap()
        if reaped.workers or reaped.jobs:
            _LOG.warning(
                "%d workers are silent and given up, %d pieces of their work are handed out again",
                len(reaped.workers),
                reaped.jobs,
            )
        await asyncio.to_thread(self._release, await self._find_dead(queue))

    async def _find_dead(self, queue: Queue) -> tuple[str, ...]:
        """The names of workers that have a delivery on its way and are no more.

        First who sends, then who lives: a worker is known to the queue before it sends anything, and one that came
        between the two questions, asked the other way round, would be taken for dead and its message sent twice.
        """
        senders = await asyncio.to_thread(self._list_senders)
        alive = set(await queue.list_workers()) if senders else set()
        return tuple(name for name in senders if (number := worker_of(name)) is not None and number not in alive)

    def _list_senders(self) -> tuple[str, ...]:
        with self.database.read() as session:
            return tuple(sorted(outbox.list_claimants(session)))

    def _release(self, dead: tuple[str, ...]) -> None:
        if not dead:
            return
        with self.database.write() as session:
            for name in dead:
                outbox.release_claims(session, name, now=self.clock())


def _scan_pages(session: Session, now: datetime) -> Iterator[tuple[str, Piece]]:
    for feed_id, entry_key, link in islice(feeds.scan_waiting_entries(session, now), SCANNED):
        host, what = host_of(link), {"feed_id": feed_id, "entry_key": entry_key}
        yield host, Piece(queue=PAGES, task="read", key=f"read:{feed_id}:{entry_key}", what=what, host=host)


def _scan_rereads(session: Session, now: datetime) -> Iterator[tuple[str, Piece]]:
    for article_id, url in islice(articles.scan_due_articles(session, now), SCANNED):
        host, what = host_of(url), {"article_id": article_id}
        yield host, Piece(queue=REREADS, task="reread", key=f"reread:{article_id}", what=what, host=host)


def _scan_polls(session: Session, now: datetime) -> Iterator[tuple[str, Piece]]:
    for feed_id, url in islice(feeds.scan_due_feeds(session, now), SCANNED):
        host = host_of(url)
        yield host, Piece(queue=POLLS, task="poll", key=f"poll:{feed_id}", what={"feed_id": feed_id}, host=host)
