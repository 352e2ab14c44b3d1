"""The parts of a service, made from its settings: fetcher, channels, tools, dispatcher, page.

The composition roots put them together: `monitor.app` in one process, `monitor.leading` and `monitor.working` in many.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from random import Random

import httpx
import uvicorn
from prometheus_client import CollectorRegistry
from sqlmodel import Session
from starlette.types import ASGIApp

from alerts.channels.base import Channel
from alerts.channels.build import build_channel
from alerts.dispatch import Dispatcher
from alerts.links import LinkMaker
from alerts.tracing import NoTracer, Tracer
from monitor.clock import Clock
from monitor.evidence_keeping import EvidenceRules, prune_evidence
from monitor.intake import refold
from monitor.push import PushDesk
from monitor.reprocessing import rematch_article
from monitor.second_reader import SecondReader
from monitor.settings import Settings, to_channels, to_email, to_subscriptions, to_web
from monitor.settings_model import WebSettings
from monitor.sources.guarded import GuardedTransport
from monitor.sources.hosts import Pacer
from monitor.sources.http import Fetcher
from monitor.sources.manners import HostBook
from monitor.tools import Pace, PushTerms, Tools
from monitor.vault import Vault
from monitor.watch import Watch
from monitor.web.app import create_app
from monitor.web.shown import shown_settings
from storage import hosts, meta, stories
from storage.database import Database
from storage.errors import SettingsError

_LOG = logging.getLogger(__name__)


def make_book(database: Database, clock: Clock) -> HostBook:
    """What hosts asked of us before, as it was kept."""
    with database.read() as session:
        return HostBook(hosts.list_manners(session), clock=clock)


def make_fetcher(settings: Settings, *, pacer: Pacer | None = None, book: HostBook | None = None) -> Fetcher:
    """The fetcher that the settings describe; `pacer` hands out the turns of hosts where many machines share them,
    `book` holds what hosts asked of us.
    """
    network, polling = settings.network, settings.polling
    return Fetcher(
        contact=settings.user_agent_contact,
        allow_private=network.allow_private,
        proxy=network.proxy,
        host_pause=polling.host_pause,
        host_pauses=polling.host_pauses,
        connections=network.connections,
        pacer=pacer,
        book=book,
    )


def make_pace(settings: Settings) -> Pace:
    """How often things are looked at, as the settings say."""
    polling = settings.polling
    return Pace(
        min_interval=timedelta(seconds=polling.min_interval), max_interval=timedelta(seconds=polling.max_interval)
    )


def make_poster(settings: Settings) -> httpx.AsyncClient:
    """The client that posts webhooks: guarded like the fetcher, no redirects, through the same proxy."""
    # Made once: to read all root certificates costs more than a request.
    trusted = httpx.create_ssl_context(trust_env=False)
    make_inner = partial(httpx.AsyncHTTPTransport, proxy=settings.network.proxy or None, verify=trusted)
    # Behind a proxy, the proxy's policy decides what may be reached.
    allow_private = settings.network.allow_private or bool(settings.network.proxy)
    return httpx.AsyncClient(
        transport=GuardedTransport(make_inner, allow_private=allow_private), follow_redirects=False
    )


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


def make_pruner(settings: Settings, database: Database) -> Callable[[datetime], int]:
    """What drops evidence that need not be kept, as the settings say; it is called with the time."""
    asked = settings.evidence
    rules = EvidenceRules(
        keep_for=timedelta(seconds=asked.keep_for),
        by_story={slug: timedelta(seconds=seconds) for slug, seconds in asked.keep_stories.items()},
        most_bytes=asked.most_megabytes * 1_000_000,
    )
    return partial(prune_evidence, database, settings.evidence_folder, rules)


def make_tools(
    settings: Settings,
    *,
    database: Database,
    fetcher: Fetcher,
    watch: Watch,
    clock: Clock,
    rng: Random,
    second: SecondReader | None = None,
    tracer: Tracer | None = None,
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
        readers=settings.polling.readers,
        tracer=tracer,
    )


async def make_second_reader(settings: Settings, stack: AsyncExitStack) -> SecondReader | None:
    """The second reader that the settings ask for, its client closed with `stack`; None without one."""
    asked = settings.second_reader
    if not asked.url:
        return None
    # The address is the operator's own choice, often on this machine: the guard is for addresses that others name.
    client = await stack.enter_async_context(httpx.AsyncClient(proxy=settings.network.proxy or None))
    return SecondReader(
        client,
        url=asked.url,
        model=asked.model,
        api_key=asked.api_key,
        timeout=asked.timeout,
        most=asked.most_sentences,
    )


def make_tracer(settings: Settings, stack: ExitStack | AsyncExitStack, *, role: str) -> Tracer:
    """What traces are written with, its last spans sent when `stack` ends; nothing is written without an endpoint.

    `role` names this process among others. Raises SettingsError where the `otel` extra is not installed.
    """
    asked = settings.telemetry
    if not asked.endpoint:
        return NoTracer()
    try:
        from monitor.telemetry import CollectorTracer
    except ModuleNotFoundError as error:
        raise SettingsError(
            "telemetry.endpoint: the `otel` extra is not installed: pip install '.[otel]' in Storywatch's folder, or "
            "take the endpoint out"
        ) from error
    return stack.enter_context(CollectorTracer(asked.endpoint, headers=asked.headers, role=role))


def make_links(settings: Settings, database: Database) -> LinkMaker | None:
    """What signs the addresses in messages; None where no address of the page is set.

    Without web.session_secret its key is made once and kept in the database: links go on working after a restart, and
    a message that is sent again is the same message. The schema must be there.
    """
    if not settings.web.base_url:
        return None
    secret = settings.web.session_secret
    if not secret:
        with database.write() as session:
            secret = meta.keep_fact(session, "alerts.link_secret", secrets.token_urlsafe(32))
    return LinkMaker(base_url=settings.web.base_url, secret=secret)


def make_dispatcher(
    settings: Settings,
    *,
    database: Database,
    channels: dict[str, Channel],
    clock: Clock,
    rng: Random,
    worker: str,
    links: LinkMaker | None,
    tracer: Tracer | None = None,
) -> Dispatcher:
    """The dispatcher of this process, under the name `worker`."""
    return Dispatcher(
        database,
        channels,
        subscriptions=to_subscriptions(settings),
        clock=clock,
        rng=rng,
        worker=worker,
        links=links,
        tracer=tracer,
    )


def make_server(
    settings: Settings,
    tools: Tools,
    *,
    push: PushDesk | None,
    links: LinkMaker | None,
    is_ticking: Callable[[], bool] | None,
    stop: asyncio.Event,
    registry: CollectorRegistry | None = None,
) -> uvicorn.Server | None:
    """The page, ready to be served; None, with a line in the log, where its port is taken.

    `registry` holds what this process counts, to be shown with the rest.
    """
    web = settings.web
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
        watch = Watch([stories.get_story(session, slug)], tools.watch.subscriptions)
        rematch_article(session, watch, article_id, now=now)

    app = create_app(
        database=tools.database,
        clock=tools.clock,
        refold=work_out,
        rematch=take_again,
        options=to_web(settings, shown=shown_settings(settings)),
        subscriptions=lambda: tools.watch.subscriptions,
        links=links,
        is_ticking=is_ticking,
        push=push,
        stop=stop,
        registry=registry,
    )
    return QuietServer(to_uvicorn(app, web))


def to_uvicorn(app: ASGIApp, web: WebSettings) -> uvicorn.Config:
    """How the page is served. For whom a request comes is believed of the proxies that are named, and of nobody else.

    (uvicorn's own default believes everybody on this machine, who could then try passwords under any address.)
    """
    proxies = list(web.trusted_proxies)
    return uvicorn.Config(
        app, host=web.host, port=web.port, log_config=None, access_log=False, lifespan="on", server_header=False,
        timeout_graceful_shutdown=5, proxy_headers=bool(proxies), forwarded_allow_ips=proxies,
    )  # fmt: skip


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
