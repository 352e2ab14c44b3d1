"""The same work on a task queue over many machines: a worker takes polls, pages, re-reads and deliveries from it.

What is due is decided by our own tables before and after: a piece that somebody else has done meanwhile does nothing,
and one that fails or whose worker dies is still due and handed out again.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from random import Random

import psycopg
from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException

from alerts.channels.base import Channel
from alerts.dispatch import Dispatcher
from monitor.clock import Clock
from monitor.errands import Errands
from monitor.forgotten import LOOK_SECONDS as FORGOTTEN_SECONDS
from monitor.forgotten import UnderWay
from monitor.making import (
    make_book,
    make_channels,
    make_dispatcher,
    make_fetcher,
    make_links,
    make_poster,
    make_second_reader,
    make_tools,
    make_tracer,
)
from monitor.measures import Measures
from monitor.parts_watch import LOOK_SECONDS as MISSING_SECONDS
from monitor.parts_watch import PartsWatch
from monitor.pulse import Pulse
from monitor.queueing import DELIVERIES, HEARTBEAT, PAGES, POLLS, QUEUES, REREADS, SILENCE, Queue, conninfo_of
from monitor.schedule import Job, Ticker, guarded
from monitor.settings import Settings
from monitor.sources.shared_hosts import SharedPacer
from monitor.taking_up import make_watch
from monitor.tools import Tools
from storage import articles, feeds, hosts, stories
from storage.database import Database
from storage.errors import DatabaseError, SettingsError
from storage.liveness import WORKER
from storage.records import FeedState

_LOG = logging.getLogger(__name__)

# After the queue was lost (PostgreSQL restarts) it is looked for again this soon (seconds).
AGAIN = 2.0
# The queue tells of new pieces by itself; that a host is free again is found by asking (seconds).
FETCH_SECONDS = 0.25
# What is under way when a worker is told to stop has so long to end (seconds).
GRACE = 10.0
# A piece of work that failed leaves its place free only after this (seconds): not to be tried again at once.
_BREATH = 1.0
_NAME = "worker-"


def dispatcher_name(worker: int) -> str:
    """The name under which a worker of this number claims deliveries."""
    return f"{_NAME}{worker}"


def worker_of(name: str) -> int | None:
    """The number of the worker that claimed deliveries under `name`; None for a dispatcher that is no worker's."""
    digits = name.removeprefix(_NAME)
    return int(digits) if digits != name and digits.isdecimal() else None


def make_shared_pacer(settings: Settings, rng: Random) -> SharedPacer:
    """The turns of hosts as the settings say, over all workers."""
    polling = settings.polling
    return SharedPacer(
        conninfo_of(settings.database_url), rng=rng, pause=polling.host_pause, pauses=polling.host_pauses
    )


class Worker:
    """Takes work from the queues until told to stop; several at once on any number of machines."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        rng: Random,
        queues: Sequence[str] = QUEUES,
        concurrency: int = 16,
        alive: Path | None = None,
        measures: Measures | None = None,
    ) -> None:
        """`concurrency` pieces at once; `alive` is touched while the queue is at hand, `measures` counts what is done.

        Raises SettingsError for a database that many processes cannot share, or a queue that there is none of.
        """
        if unknown := sorted(set(queues) - set(QUEUES)):
            raise SettingsError(f"no queue is called {', '.join(unknown)}; there are {', '.join(QUEUES)}")
        conninfo_of(settings.database_url)
        self.settings = settings
        self.clock = clock
        self.rng = rng
        self.queues = tuple(dict.fromkeys(queues))
        self.concurrency = concurrency
        self._alive = alive
        self._measures = measures
        self.stop = asyncio.Event()
        self.database = Database(settings.database_url)
        self._pulse = Pulse(self.database, role=WORKER, work=self.queues)

    async def run(self) -> None:
        """Work until `stop` is set or a signal asks for it; what began has a while to end."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        try:
            async with AsyncExitStack() as stack:
                hands = await self._make_hands(stack)
                while not self.stop.is_set():
                    await self._work(hands)
        finally:
            self.database.close()
        _LOG.info("stopped; nothing is lost")

    async def _make_hands(self, stack: AsyncExitStack) -> "Hands":
        await asyncio.to_thread(self.database.check)
        pacer = await stack.enter_async_context(make_shared_pacer(self.settings, self.rng))
        book = await asyncio.to_thread(make_book, self.database, self.clock)
        fetcher = await stack.enter_async_context(make_fetcher(self.settings, pacer=pacer, book=book))
        client = await stack.enter_async_context(make_poster(self.settings))
        with self.database.read() as session:
            mark = stories.find_stories_mark(session)
        tools = make_tools(
            self.settings,
            database=self.database,
            fetcher=fetcher,
            watch=make_watch(self.database, self.settings),
            clock=self.clock,
            rng=self.rng,
            second=await make_second_reader(self.settings, stack),
            tracer=make_tracer(self.settings, stack, role="worker"),
        )
        stack.callback(tools.close)
        errands = Errands(tools, measures=self._measures)
        channels = make_channels(self.settings, client)
        missing = PartsWatch(self.settings, tools, channels, place=self._pulse.part.place)
        return Hands(self.settings, tools, errands, channels, mark=mark, missing=missing)

    async def _work(self, hands: "Hands") -> None:
        """Work as one registered worker, until told to stop or until the queue is lost."""
        try:
            async with Queue(self.settings.database_url) as queue, self._pulse.beating():
                under_way = UnderWay()
                self._register(queue, hands, under_way)
                _LOG.info("working on %s, %d pieces at once", ", ".join(self.queues), self.concurrency)
                working = asyncio.create_task(
                    queue.app.run_worker_async(
                        queues=list(self.queues),
                        concurrency=self.concurrency,
                        install_signal_handlers=False,
                        delete_jobs="always",
                        fetch_job_polling_interval=FETCH_SECONDS,
                        update_heartbeat_interval=HEARTBEAT,
                        stalled_worker_timeout=SILENCE,
                        shutdown_graceful_timeout=GRACE,
                    )
                )
                await self._until_told(working, hands, partial(under_way.look, queue))
        except (DatabaseError, ConnectorException, psycopg.Error) as error:
            _LOG.error("the queue is away: %s", " ".join(str(error).split()))
        finally:
            await hands.let_go()
        if not self.stop.is_set():
            waiting = asyncio.create_task(self.stop.wait())
            await asyncio.wait([waiting], timeout=AGAIN)
            waiting.cancel()

    async def _until_told(self, working: "asyncio.Task[None]", hands: "Hands", look: Job) -> None:
        told = asyncio.create_task(self.stop.wait())
        jobs = {
            "parts": (MISSING_SECONDS, guarded(hands.missing.look)),
            "forgotten": (FORGOTTEN_SECONDS, guarded(look)),
        }
        ticker = Ticker(jobs)
        ticker.start()
        while not (working.done() or told.done()):
            if self._alive is not None:
                self._alive.touch()
            await asyncio.wait([working, told], timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        await ticker.finish(patience=HEARTBEAT)
        if not working.done():
            working.cancel()
        try:
            await working
        except asyncio.CancelledError:
            if not self.stop.is_set():
                raise

    def _register(self, queue: Queue, hands: "Hands", under_way: UnderWay) -> None:
        tasks: dict[str, tuple[str, Callable[..., Awaitable[None]]]] = {
            "poll": (POLLS, hands.poll),
            "read": (PAGES, hands.read),
            "reread": (REREADS, hands.reread),
            "deliver": (DELIVERIES, hands.deliver),
        }
        for name, (queue_name, work) in tasks.items():
            queue.app.task(name=name, queue=queue_name, pass_context=True)(_guarded(work, under_way))


def _guarded(work: Callable[..., Awaitable[None]], under_way: UnderWay) -> Callable[..., Awaitable[None]]:
    """One failure is one line, and what failed is due again: the worker stays up."""

    async def run(context: JobContext, **what: object) -> None:
        under_way.begin(context.job.worker_id, context.job.id)
        try:
            await work(context, **what)
        except DatabaseError as error:
            _LOG.error("%s", error)
            await asyncio.sleep(_BREATH)
        except Exception:
            _LOG.exception("this should not happen: please report it")
            await asyncio.sleep(_BREATH)
        finally:
            under_way.end(context.job.id)

    return run


class Hands:
    """What the tasks of a worker do. Each looks first whether its work is still due."""

    def __init__(
        self,
        settings: Settings,
        tools: Tools,
        errands: Errands,
        channels: dict[str, Channel],
        *,
        mark: str,
        missing: PartsWatch,
    ) -> None:
        """`mark` is that of the stories which the watch of `tools` was made from, or an older one; `missing` looks
        whether a scheduler leads."""
        self.missing = missing
        self._settings = settings
        self._tools = tools
        self._channels = channels
        self._mark = mark
        self._errands = errands
        self._dispatchers: dict[int, Dispatcher] = {}

    async def poll(self, context: JobContext, *, feed_id: int) -> None:
        """Poll a feed if it is due."""
        await self._renew_watch()
        now = self._tools.clock()
        with self._tools.database.read() as session:
            feed = feeds.find_feed(session, feed_id)
        is_due = feed is not None and feed.state is FeedState.ACTIVE and (feed.due_at is None or feed.due_at <= now)
        if feed is not None and is_due:
            await self._errands.poll(feed)

    async def read(self, context: JobContext, *, feed_id: int, entry_key: str) -> None:
        """Read the page of an entry if it waits."""
        await self._renew_watch()
        now = self._tools.clock()
        with self._tools.database.read() as session:
            seen = feeds.find_seen_entries(session, feed_id, [entry_key]).get(entry_key)
            feed = feeds.find_feed(session, feed_id)
        if feed is not None and seen is not None and seen.retry_at is not None and seen.retry_at <= now:
            await self._errands.read(feed, seen)

    async def reread(self, context: JobContext, *, article_id: int) -> None:
        """Read an article again if it is due."""
        await self._renew_watch()
        now = self._tools.clock()
        with self._tools.database.read() as session:
            article = articles.get_article(session, article_id)
        if article.reread_at is not None and article.reread_at <= now:
            await self._errands.reread(article)

    async def deliver(self, context: JobContext) -> None:
        """Flush the outbox and put the channels to work.

        Who sends what stands with each delivery, so this returns at once: an endpoint that hangs holds no place here.
        """
        number = context.job.worker_id
        if number is None:
            return
        dispatcher = self._dispatchers.get(number)
        if dispatcher is None:
            dispatcher = self._dispatchers[number] = make_dispatcher(
                self._settings,
                database=self._tools.database,
                channels=self._channels,
                clock=self._tools.clock,
                rng=self._tools.rng,
                worker=dispatcher_name(number),
                links=make_links(self._settings, self._tools.database),
                tracer=self._tools.tracer,
            )
        await dispatcher.tick()

    async def let_go(self) -> None:
        """End the dispatchers: what is on its way has a while, the rest is due again."""
        await self.missing.let_go()
        dispatchers, self._dispatchers = self._dispatchers, {}
        for dispatcher in dispatchers.values():
            try:
                await asyncio.wait_for(dispatcher.drain(), GRACE)
            except (TimeoutError, DatabaseError) as error:
                _LOG.debug("deliveries under way are left: %s", error)
            try:
                await dispatcher.aclose()
            except DatabaseError as error:
                _LOG.error("deliveries under way are taken up again by the others: %s", error)

    async def _renew_watch(self) -> None:
        """Stories may have been added, changed or closed since the last piece of work: one question tells."""
        mark = await asyncio.to_thread(self._find_mark)
        if mark == self._mark:
            return
        self._tools.watch = await asyncio.to_thread(partial(make_watch, self._tools.database, self._settings))
        self._mark = mark
        _LOG.info("the stories changed: watching %d", len(self._tools.watch.stories))

    def _find_mark(self) -> str:
        """The stories' mark; what other workers were asked by hosts is learned on the way."""
        book = self._tools.fetcher.book
        with self._tools.database.read() as session:
            if book is not None:
                book.learn(hosts.list_manners(session, quiet_at=self._tools.clock()))
            return stories.find_stories_mark(session)
