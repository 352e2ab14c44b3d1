"""The composition root: the whole service in one process, made from its settings and run until it is told to stop."""

import asyncio
import logging
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from random import Random

import httpx
import uvicorn
from sqlmodel import Session

from alerts.channels.base import Channel
from alerts.channels.build import build_channel
from alerts.dispatch import Dispatcher
from alerts.links import LinkMaker
from monitor.clock import Clock
from monitor.health import HealthWatch
from monitor.housekeeping import Housekeeping
from monitor.intake import refold
from monitor.looking import Looker
from monitor.push import PushDesk
from monitor.reprocessing import rematch_article
from monitor.schedule import build_scheduler
from monitor.second_reader import SecondReader
from monitor.settings import Settings, to_channels, to_email, to_subscriptions, to_web
from monitor.sources.guarded import GuardedTransport
from monitor.sources.http import Fetcher
from monitor.taking_up import make_watch, take_up_seeds
from monitor.tools import Pace, PushTerms, Tools
from monitor.vault import Vault
from monitor.watch import Watch
from monitor.web.app import create_app
from monitor.web.shown import shown_settings
from storage import feeds, stories
from storage.database import Database
from storage.errors import DatabaseError
from storage.occupancy import occupy
from storage.records import StoryState

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


def make_fetcher(settings: Settings) -> Fetcher:
    """The fetcher that the settings describe."""
    network, polling = settings.network, settings.polling
    return Fetcher(
        contact=settings.user_agent_contact,
        allow_private=network.allow_private,
        proxy=network.proxy,
        host_pause=polling.host_pause,
        host_pauses=polling.host_pauses,
        connections=network.connections,
    )


def make_pace(settings: Settings) -> Pace:
    """How often things are looked at, as the settings say."""
    polling = settings.polling
    return Pace(
        min_interval=timedelta(seconds=polling.min_interval), max_interval=timedelta(seconds=polling.max_interval)
    )


def make_poster(settings: Settings) -> httpx.AsyncClient:
    """The client that posts webhooks: guarded like the fetcher, no redirects, through the same proxy."""
    inner = httpx.AsyncHTTPTransport(proxy=settings.network.proxy or None)
    # Behind a proxy, the proxy's policy decides what may be reached.
    allow_private = settings.network.allow_private or bool(settings.network.proxy)
    return httpx.AsyncClient(transport=GuardedTransport(inner, allow_private=allow_private), follow_redirects=False)


def make_channels(settings: Settings, client: httpx.AsyncClient) -> dict[str, Channel]:
    """The channels by name. SettingsError names the channel and key that cannot work."""
    email = to_email(settings)
    return {spec.name: build_channel(spec, client=client, email=email) for spec in to_channels(settings)}


def make_push_terms(settings: Settings) -> PushTerms | None:
    """On what terms hubs may push, as the settings say; None where no public address is given."""
    asked = settings.websub
    if not asked.callback_url:
        return None
    return PushTerms(
        callback_url=asked.callback_url,
        lease=timedelta(seconds=asked.lease),
        poll_every=timedelta(seconds=asked.poll_interval),
    )


def make_vault(settings: Settings) -> Vault:
    """Where evidence is kept, and of what, as the settings say."""
    return Vault(settings.evidence_folder, feeds=settings.evidence.feeds, stories=settings.evidence.stories)


def make_tools(
    settings: Settings,
    *,
    database: Database,
    fetcher: Fetcher,
    watch: Watch,
    clock: Clock,
    rng: Random,
    second: SecondReader | None = None,
) -> Tools:
    """What the cycle works with, as the settings say; `close` it in the end."""
    return Tools(
        database=database,
        fetcher=fetcher,
        watch=watch,
        clock=clock,
        rng=rng,
        pace=make_pace(settings),
        second=second,
        push=make_push_terms(settings),
        vault=make_vault(settings),
    )


class Service:
    """Scheduler, alerts and page in one process. `run` returns when `stop` is set or a signal asks for it."""

    def __init__(self, settings: Settings, *, clock: Clock, rng: Random, look_seconds: float = LOOK_SECONDS) -> None:
        self.settings = settings
        self.clock = clock
        self.rng = rng
        self.look_seconds = look_seconds
        self.stop = asyncio.Event()
        self.database = Database(settings.database_url)
        self._ticked_at = 0.0
        self._is_served = False
        self._complaints: frozenset[str] = frozenset()
        self._link_secret = settings.web.session_secret or secrets.token_urlsafe(32)

    async def run(self) -> None:
        """Start everything, watch until told to stop, and end in order: no new work, what began is finished."""
        self._catch_signals()
        try:
            async with AsyncExitStack() as stack:
                stack.enter_context(occupy(self.database))
                await asyncio.to_thread(self.database.upgrade)
                await self._run(stack)
        finally:
            self.database.close()
        _LOG.info("stopped; nothing is lost")

    async def _run(self, stack: AsyncExitStack) -> None:
        await self._take_up()
        fetcher = await stack.enter_async_context(make_fetcher(self.settings))
        client = await stack.enter_async_context(make_poster(self.settings))
        watch = make_watch(self.database, self.settings)
        tools = make_tools(
            self.settings,
            database=self.database,
            fetcher=fetcher,
            watch=watch,
            clock=self.clock,
            rng=self.rng,
            second=await self._second_reader(stack),
        )
        stack.callback(tools.close)
        push = PushDesk(tools, client, tools.push) if tools.push is not None else None
        dispatcher = self._make_dispatcher(make_channels(self.settings, client))
        looker = Looker(
            tools,
            concurrency=self.settings.polling.concurrency,
            reread=self.settings.polling.reread,
            on_alerts=dispatcher.wake,
        )
        health = HealthWatch(tools)
        house = Housekeeping(self.database, clock=self.clock, stop=self.stop)
        jobs = {
            "look": (self.look_seconds, self._guarded(looker.look, is_tick=True)),
            "reload": (RELOAD_SECONDS, self._guarded(partial(self._reload, tools))),
            "health": (HEALTH_SECONDS, self._guarded(health.look)),
            "house": (HOUSE_SECONDS, self._guarded(house.look)),
        }
        server = self._make_server(tools, push)
        if push is not None and server is not None:
            jobs["push"] = (PUSH_SECONDS, self._guarded(push.look))
        scheduler = build_scheduler(jobs)
        self._is_served = server is not None
        self._announce(tools)
        scheduler.start()
        telling = asyncio.create_task(dispatcher.run(self.stop))
        serving = asyncio.create_task(server.serve()) if server is not None else None
        await self.stop.wait()
        scheduler.shutdown(wait=False)
        await looker.finish()
        try:
            await telling
        except DatabaseError as error:
            _LOG.error("alerts wait for the next start: %s", error)
        if server is not None and serving is not None:
            server.should_exit = True
            await serving

    async def _second_reader(self, stack: AsyncExitStack) -> SecondReader | None:
        asked = self.settings.second_reader
        if not asked.url:
            return None
        # The address is the operator's own choice, often on this machine: the guard is for addresses that others name.
        client = await stack.enter_async_context(httpx.AsyncClient(proxy=self.settings.network.proxy or None))
        return SecondReader(
            client,
            url=asked.url,
            model=asked.model,
            api_key=asked.api_key,
            timeout=asked.timeout,
            most=asked.most_sentences,
        )

    def _make_dispatcher(self, channels: dict[str, Channel]) -> Dispatcher:
        return Dispatcher(
            self.database,
            channels,
            subscriptions=to_subscriptions(self.settings),
            clock=self.clock,
            rng=self.rng,
            worker=f"{socket.gethostname()}:run",
            links=self._links(),
        )

    def _links(self) -> LinkMaker | None:
        base = self.settings.web.base_url
        return LinkMaker(base_url=base, secret=self._link_secret) if base else None

    async def _take_up(self, polled_after: timedelta = timedelta(0)) -> None:
        taken = await asyncio.to_thread(
            take_up_seeds, self.database, self.settings.seeds, now=self.clock(), polled_after=polled_after
        )
        for complaint in taken.complaints:
            if complaint not in self._complaints:  # once, not at every look
                _LOG.error("%s", complaint)
        self._complaints = frozenset(taken.complaints)
        for slug in taken.changed:
            _LOG.info("taking up story %s", slug)

    async def _reload(self, tools: Tools) -> None:
        """Stories are added, changed and closed while we run: look at the seeds and at the store again."""
        await self._take_up(polled_after=TAKING_UP)
        fresh = await asyncio.to_thread(make_watch, self.database, self.settings)
        if fresh.stories != tools.watch.stories:
            tools.watch = fresh
            _LOG.info("%s", self._watching(tools))

    def _make_server(self, tools: Tools, push: PushDesk | None) -> uvicorn.Server | None:
        web = self.settings.web
        if not _is_free(web.host, web.port):
            _LOG.error(
                "port %d on %s is in use: the page is not served; end the other program or set web.port "
                "(STORYWATCH_WEB__PORT)",
                web.port,
                web.host,
            )
            return None

        def work_out(session: Session, slug: str, now: datetime) -> None:
            refold(session, tools.watch, stories.get_story(session, slug), now=now)

        def take_again(session: Session, article_id: int, slug: str, now: datetime) -> None:
            watch = Watch([stories.get_story(session, slug)], to_subscriptions(self.settings))
            rematch_article(session, watch, article_id, now=now)

        app = create_app(
            database=self.database,
            clock=self.clock,
            refold=work_out,
            rematch=take_again,
            options=to_web(self.settings, shown=shown_settings(self.settings)),
            subscriptions=to_subscriptions(self.settings),
            links=self._links(),
            is_ticking=self._is_ticking,
            push=push,
            stop=self.stop,
        )
        config = uvicorn.Config(
            app, host=web.host, port=web.port, log_config=None, access_log=False, lifespan="on", server_header=False,
            timeout_graceful_shutdown=5,
        )  # fmt: skip
        return QuietServer(config)

    def _guarded(
        self, job: Callable[[], Awaitable[object]], *, is_tick: bool = False
    ) -> Callable[[], Awaitable[object]]:
        async def call() -> None:
            if is_tick:
                self._ticked_at = time.monotonic()
            try:
                await job()
            except DatabaseError as error:
                # A full disk or a server that is away: say so, and try again next time.
                _LOG.error("%s", error)
            except RuntimeError:
                # While we end, the threads that a job works with are closed under it: it is due again at the next start
                if not self.stop.is_set():
                    raise

        return call

    def _is_ticking(self) -> bool:
        return time.monotonic() - self._ticked_at < TICKING_SECONDS

    def _announce(self, tools: Tools) -> None:
        _LOG.info("%s", self._watching(tools))
        if not tools.watch.stories:
            _LOG.info(
                "no story is watched yet: 'storywatch init ADDRESS' makes one of any article; no restart is needed"
            )
        if not self.settings.channels:
            _LOG.info(
                "no channel is set up: changes are shown on the page and told to nobody; see docs/configuration.md"
            )

    def _watching(self, tools: Tools) -> str:
        with self.database.read() as session:
            active = [story for story in stories.list_stories(session) if story.state is StoryState.ACTIVE]
            count = len(feeds.list_feeds(session))
        web = self.settings.web
        page = f"; the page is at http://{web.host}:{web.port}/" if self._is_served else ""
        return f"watching {len(active)} stories, {count} feeds{page}"

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)


class QuietServer(uvicorn.Server):
    """uvicorn without its own handling of signals: the service ends as a whole."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the service."""
        yield


def _is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
