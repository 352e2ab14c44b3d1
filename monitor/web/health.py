"""For machines that watch this one: alive, ready, and figures in Prometheus's text format."""

import logging
from collections.abc import Iterator
from datetime import datetime
from time import perf_counter

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.web.site import ReaderDep, Site, SiteDep
from storage import articles, claims, deliveries, feeds, stories
from storage.backlog import Backlog, count_due
from storage.covering import cover_secrets
from storage.errors import SchemaVersionError, StorywatchError
from storage.liveness import ROLES, Heard, find_leader
from storage.parts import list_parts
from storage.records import AlertState, DeliveryState, Feed, FeedState

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)
# Of so many feeds it is told one by one how stale they are: the stalest.
MOST_FEEDS = 500
# So many parts are told one by one: those heard of last.
MOST_PARTS = 200
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


@router.get("/healthz")
def is_alive() -> JSONResponse:
    """Alive: this process answers. Says nothing of the database."""
    return JSONResponse({"status": "alive"}, headers={"Cache-Control": "no-store"})


@router.get("/readyz")
def is_ready(site: SiteDep) -> JSONResponse:
    """Ready: the database answers with our schema, and the scheduler ticks (where it is part of this process)."""
    checks = {"database": "ok"}
    try:
        site.database.check()
    except SchemaVersionError as problem:
        log.error("not ready: %s", problem)
        checks["database"] = "has another schema; the log says which"
    except StorywatchError as problem:  # its words name the database, and this page is open to all
        log.error("not ready: %s", problem)
        checks["database"] = "does not answer; the log says why"
    if site.is_ticking is not None:
        checks["scheduler"] = "ok" if site.is_ticking() else "has not ticked of late"
    ready = all(word == "ok" for word in checks.values())
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return JSONResponse(body, status_code=200 if ready else 503, headers={"Cache-Control": "no-store"})


@router.get("/metrics")
def show_metrics(request: Request, site: SiteDep, caller: ReaderDep) -> Response:
    """Figures for Prometheus: what is stored, how feeds and deliveries fare, how fast pages are."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


# The methods that a request may have here; others share a label, so that nobody can add lines without end.
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class StoreCollector(Collector):
    """Counts what the database holds at the moment of asking."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing beforehand: the database is asked only when somebody collects."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge after another; `storywatch_database_up` 0 alone when the database does not answer."""
        try:
            with self.site.database.read() as session:
                held = feeds.list_feeds(session, states=tuple(FeedState))
                counted = deliveries.count_deliveries(session)
                due_at = deliveries.next_delivery_due_at(session)
                backlog = count_due(session, self.site.clock())
                kinds = claims.count_kinds(session)
                heard = list_parts(session)
                gauges = [
                    gauge("stories", "Stories that are known", len(stories.list_stories(session))),
                    gauge("articles", "Articles stored", articles.count_articles(session)),
                    gauge("revisions", "Entries of the change log", claims.count_revisions(session)),
                    gauge(
                        "alerts_held",
                        "Alerts that wait for a person",
                        len(deliveries.list_alerts(session, states=[AlertState.HELD])),
                    ),
                ]
        except StorywatchError:
            yield gauge("database_up", "Whether the database answers", 0)
            return
        yield gauge("database_up", "Whether the database answers", 1)
        yield from gauges
        yield from feed_gauges(held, self.site.clock())
        yield from backlog_gauges(backlog, self.site.clock())
        yield from part_gauges(heard)
        by_kind = GaugeMetricFamily(
            "storywatch_revisions_by_kind", "Entries of the change log by kind", labels=["kind"]
        )
        for kind, count in sorted(kinds.items()):
            by_kind.add_metric([kind], count)
        yield by_kind
        by_state = GaugeMetricFamily("storywatch_deliveries", "Deliveries by state", labels=["state"])
        for state in DeliveryState:
            by_state.add_metric([state.value], counted.get(state, 0))
        yield by_state
        late = max((self.site.clock() - due_at).total_seconds(), 0.0) if due_at else 0.0
        yield gauge("delivery_lag_seconds", "How long the oldest delivery has been due", late)


def feed_gauges(held: tuple[Feed, ...], now: datetime) -> Iterator[GaugeMetricFamily]:
    """How the feeds fare."""
    active = [feed for feed in held if feed.state is FeedState.ACTIVE]
    late = max(((now - feed.due_at).total_seconds() for feed in active if feed.due_at), default=0.0)
    by_state = GaugeMetricFamily("storywatch_feeds", "Feeds by state", labels=["state"])
    for state in FeedState:
        by_state.add_metric([state.value], sum(feed.state is state for feed in held))
    yield by_state
    stale = GaugeMetricFamily("storywatch_feed_stale_seconds", "How long ago a feed last answered", labels=["feed"])
    # Two that differ in what is covered are one series, as old as the older.
    answered: dict[str, datetime] = {}
    for feed in active:
        if feed.last_success_at is not None:
            shown = cover_secrets(feed.url)
            answered[shown] = min(feed.last_success_at, answered.get(shown, feed.last_success_at))
    for url, at in sorted(answered.items(), key=lambda one: (one[1], one[0]))[:MOST_FEEDS]:
        stale.add_metric([url], max((now - at).total_seconds(), 0.0))
    yield stale
    yield gauge("feeds_failing", "Active feeds whose last poll failed", sum(feed.failures > 0 for feed in active))
    yield gauge("feed_lag_seconds", "How long the most overdue feed has been due", max(late, 0.0))


def backlog_gauges(backlog: tuple[Backlog, ...], now: datetime) -> Iterator[GaugeMetricFamily]:
    """What is due and not done yet, whoever does it: a queue of one process, or of many machines."""
    due = GaugeMetricFamily("storywatch_due", "Pieces of work that are due now", labels=["queue"])
    age = GaugeMetricFamily("storywatch_due_age_seconds", "How long the longest has been due", labels=["queue"])
    for one in backlog:
        due.add_metric([one.queue], one.count)
        age.add_metric([one.queue], max((now - one.oldest_at).total_seconds(), 0.0) if one.oldest_at else 0.0)
    yield from (due, age)


def part_gauges(heard: tuple[Heard, ...]) -> Iterator[GaugeMetricFamily]:
    """Which parts of the service live, whether one leads, and how long each has been silent."""
    live = GaugeMetricFamily("storywatch_parts", "Processes of the service that were heard of lately", labels=["role"])
    for role in ROLES:
        live.add_metric([role], sum(one.is_live for one in heard if one.part.role == role))
    yield live
    yield gauge("leading", "Whether a scheduler, or a service in one process, leads", find_leader(heard) is not None)
    silent = GaugeMetricFamily(
        "storywatch_part_silent_seconds", "How long ago a part was heard of", labels=["role", "place"]
    )
    for one in sorted(heard, key=lambda one: one.silence)[:MOST_PARTS]:
        silent.add_metric([one.part.role, one.part.place], one.silence.total_seconds())
    yield silent


def gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    """One figure without labels."""
    return GaugeMetricFamily(f"storywatch_{name}", words, value=value)


class Stopwatch:
    """Measures how long each kind of page takes from the request to the head of the answer."""

    def __init__(self, app: ASGIApp, *, registry: CollectorRegistry) -> None:
        self.app = app
        self.histogram = Histogram(
            "storywatch_http_seconds",
            "Time to the head of the answer",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note the time."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self.histogram.labels(method, route, str(message["status"])).observe(perf_counter() - started)
            await send(message)

        await self.app(scope, receive, send_noted)
