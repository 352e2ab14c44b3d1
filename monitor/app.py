"""The composition root: the whole service in one process, made from its settings and run until it is told to stop."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from random import Random

from alerts.dispatch import Dispatcher
from alerts.links import LinkMaker
from monitor.clock import Clock
from monitor.health import HealthWatch
from monitor.housekeeping import Housekeeping
from monitor.invocation import as_typed
from monitor.known_labels import find_unmeant
from monitor.looking import Looker
from monitor.making import (
    make_book,
    make_channels,
    make_dispatcher,
    make_fetcher,
    make_links,
    make_poster,
    make_pruner,
    make_second_reader,
    make_server,
    make_tools,
    make_tracer,
)
from monitor.measures import Measures, make_registry
from monitor.pulse import Pulse
from monitor.push import PushDesk
from monitor.schedule import Ticker, guarded
from monitor.settings import Settings
from monitor.stepping import LOOK_SECONDS as STEP_SECONDS
from monitor.stepping import StepWatch
from monitor.taking_up import SeedKeeper, SubscriptionKeeper, describe_watch, make_watch
from monitor.tools import Tools
from storage import parts, stories
from storage.database import Database
from storage.errors import DatabaseError
from storage.liveness import RUN
from storage.occupancy import occupy
from storage.records import Subscription

_LOG = logging.getLogger(__name__)

# How often the ticker looks at what is due; what is due is decided by our tables, not by this.
LOOK_SECONDS = 0.5
RELOAD_SECONDS = 30.0
HEALTH_SECONDS = 60.0
# How often to ask which hubs are due: a feed's hub is asked this soon after a poll named it.
PUSH_SECONDS = 5.0
# A feed taken up while we run waits so long for the watch to learn of its story; else its first poll matches nothing.
TAKING_UP = timedelta(seconds=5)
# How often to ask whether a day has passed since the last tidying.
HOUSE_SECONDS = 900.0
# A scheduler that has not ticked for so long is not well.
TICKING_SECONDS = 60.0


class Service:
    """Scheduler, alerts and page in one process. `run` returns when `stop` is set or a signal asks for it."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        rng: Random,
        look_seconds: float = LOOK_SECONDS,
        load: Callable[[], Settings] | None = None,
    ) -> None:
        """`load` reads the settings again, for subscriptions that change while we run; None: they do not."""
        self.settings = settings
        self._subscriptions = SubscriptionKeeper(settings, load or (lambda: settings))
        self.clock = clock
        self.rng = rng
        self.look_seconds = look_seconds
        self.stop = asyncio.Event()
        self.database = Database(settings.database_url)
        self._ticked_at = 0.0
        self._is_served = False
        self._seeds = SeedKeeper(self.database, settings.seeds, clock=clock)
        self._links: LinkMaker | None = None

    async def run(self) -> None:
        """Start everything, watch until told to stop, and end in order: no new work, what began is finished."""
        self._catch_signals()
        try:
            async with AsyncExitStack() as stack:
                stack.enter_context(occupy(self.database))
                await asyncio.to_thread(self.database.upgrade)
                await asyncio.to_thread(self._forget_earlier)
                pulse = Pulse(self.database, role=RUN)
                pulse.lead(True)
                await stack.enter_async_context(pulse.beating())
                await self._run(stack)
        finally:
            self.database.close()
        _LOG.info("stopped; nothing is lost")

    def _forget_earlier(self) -> None:
        """We hold the database: a service that was killed before is no more."""
        with self.database.write() as session:
            parts.forget_role(session, RUN)
            parts.forget_silent(session)

    async def _run(self, stack: AsyncExitStack) -> None:
        self._links = await asyncio.to_thread(make_links, self.settings, self.database)
        await self._seeds.take_up()
        book = await asyncio.to_thread(make_book, self.database, self.clock)
        fetcher = await stack.enter_async_context(make_fetcher(self.settings, book=book))
        client = await stack.enter_async_context(make_poster(self.settings))
        watch = make_watch(self.database, self.settings)
        tracer = make_tracer(self.settings, stack, role="run")
        tools = make_tools(
            self.settings,
            database=self.database,
            fetcher=fetcher,
            watch=watch,
            clock=self.clock,
            rng=self.rng,
            second=await make_second_reader(self.settings, stack),
            tracer=tracer,
        )
        stack.callback(tools.close)
        push = PushDesk(tools, client, tools.push) if tools.push is not None else None
        dispatcher = make_dispatcher(
            self.settings,
            database=self.database,
            channels=make_channels(self.settings, client),
            clock=self.clock,
            rng=self.rng,
            worker=f"{socket.gethostname()}:run",
            links=self._links,
            tracer=tracer,
        )
        measures = Measures(make_registry())
        looker = Looker(
            tools,
            concurrency=self.settings.polling.concurrency,
            reread=self.settings.polling.reread,
            on_alerts=dispatcher.wake,
            measures=measures,
        )
        health = HealthWatch(tools)
        prune = make_pruner(self.settings, self.database)
        house = Housekeeping(self.database, clock=self.clock, stop=self.stop, prune=prune)
        steps = StepWatch(self.database, clock=self.clock)
        jobs = {
            "look": (self.look_seconds, guarded(looker.look, before=self._note_tick)),
            "steps": (STEP_SECONDS, guarded(steps.look)),
            "reload": (RELOAD_SECONDS, guarded(partial(self._reload, tools, dispatcher))),
            "health": (HEALTH_SECONDS, guarded(health.look)),
            "house": (HOUSE_SECONDS, guarded(house.look)),
        }
        server = make_server(
            self.settings,
            tools,
            push=push,
            links=self._links,
            is_ticking=self._is_ticking,
            stop=self.stop,
            registry=measures.registry,
        )
        if push is not None and server is not None:
            jobs["push"] = (PUSH_SECONDS, guarded(push.look))
        ticker = Ticker(jobs)
        self._is_served = server is not None
        self._announce(tools)
        ticker.start()
        telling = asyncio.create_task(dispatcher.run(self.stop))
        serving = asyncio.create_task(server.serve()) if server is not None else None
        await self.stop.wait()
        await asyncio.gather(ticker.finish(), looker.finish())
        try:
            await telling
        except DatabaseError as error:
            _LOG.error("alerts wait for the next start: %s", error)
        if server is not None and serving is not None:
            server.should_exit = True
            await serving

    async def _reload(self, tools: Tools, dispatcher: Dispatcher) -> None:
        """Stories and subscriptions change while we run: look at seeds, store and settings again."""
        await self._seeds.take_up(polled_after=TAKING_UP)
        settings = await self._subscriptions.take_up()
        fresh = await asyncio.to_thread(make_watch, self.database, settings)
        before = tools.watch
        if fresh.stories == before.stories and fresh.subscriptions == before.subscriptions:
            return
        tools.watch = fresh
        dispatcher.tell(fresh.subscriptions)
        if fresh.subscriptions != before.subscriptions:
            await asyncio.to_thread(self._warn_of_unmeant, fresh.subscriptions)
        if fresh.stories != before.stories:
            _LOG.info("%s", self._watching())

    def _note_tick(self) -> None:
        self._ticked_at = time.monotonic()

    def _is_ticking(self) -> bool:
        return time.monotonic() - self._ticked_at < TICKING_SECONDS

    def _announce(self, tools: Tools) -> None:
        _LOG.info("%s", self._watching())
        if not tools.watch.stories:
            advice = as_typed("'storywatch init ADDRESS' makes one of any article; no restart is needed")
            _LOG.info("no story is watched yet: %s", advice)
        if not self.settings.channels:
            _LOG.info(
                "no channel is set up: changes are shown on the page and told to nobody; see docs/configuration.md"
            )

        self._warn_of_unmeant(tools.watch.subscriptions)

    def _warn_of_unmeant(self, subscriptions: Iterable[Subscription]) -> None:
        """A measure or story that nobody has may be one to come, and is a slip more often."""
        with self.database.read() as session:
            every = stories.list_stories(session)
        for subscription in subscriptions:
            for complaint in find_unmeant(subscription, every):
                _LOG.warning("%s", complaint)

    def _watching(self) -> str:
        web = self.settings.web
        page = f"; the page is at http://{web.host}:{web.port}/" if self._is_served else ""
        return f"{describe_watch(self.database)}{page}"

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
