"""How long the service takes for each page, and what the page weighs, on a store of 100,000 articles and 1,000 changes.

    python -m bench.site [--size full] [--database URL] [--repeats 40]

The requests go through the whole application (guards, sessions, templates), without a network between. With
`--database` a database that `bench.ingest --fill` filled is taken, and a story is added to it.
"""

import argparse
import asyncio
import dataclasses
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
from fastapi import FastAPI
from sqlmodel import Session

from alerts.plan import plan_alerts
from bench.corpus import START
from bench.figures import Figure, bounded, chosen, leave, options
from bench.ingest import fill
from bench.ledger import STORY, MadeUpStory
from monitor.ledger.changes import find_revisions
from monitor.ledger.fold import StoryFold
from monitor.web.app import create_app
from monitor.web.options import WebOptions
from storage import articles, claims, deliveries, feeds, stories
from storage.database import Database
from storage.keys import delivery_id
from storage.records import (
    Delivery,
    DeliveryState,
    FeedSpec,
    History,
    RecordKey,
    Revision,
    StampedClaim,
    Story,
    Subscription,
)

MOST_MS, MOST_KB = 50.0, 300.0
WATCHED = dataclasses.replace(STORY, slug="watched", title="A story of many changes")
SUBSCRIPTIONS = (Subscription(name="desk", channels=("desk",), hold=("lowered", "retracted")),)
FEEDS = 1_000
OTHER_STORIES = 20


def main() -> None:
    """Print the p95 of each page by our own CPU and by the clock, in ms, and its size in kB."""
    parser = options(__doc__)
    parser.add_argument("--database", help="a database filled by `python -m bench.ingest --fill`")
    parser.add_argument("--repeats", type=int)
    arguments = parser.parse_args()
    count = chosen(arguments, 200, 10_000, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(arguments.database or f"sqlite:///{folder}/site.db")
        if not arguments.database:
            fill(database, count)
        database.upgrade()
        now = add_story(database, chosen(arguments, 30, 1_000, 1_000))
        figures = measure(database, now, arguments)
        database.close()
    leave(arguments, figures)


def measure(database: Database, now: datetime, arguments: argparse.Namespace) -> list[Figure]:
    """One row a kind of page for its time, and one for the heaviest."""
    app = create_app(
        database=database,
        clock=lambda: now,
        refold=lambda _session, _story, _now: None,
        rematch=lambda _session, _article, _story, _now: None,
        options=WebOptions(),
        subscriptions=SUBSCRIPTIONS,
    )
    with database.read() as session:
        held = f"{articles.count_articles(session):,} articles, {claims.count_revisions(session):,} changes"
        paths = dict(pages_of(session))
    repeats = arguments.repeats or chosen(arguments, 2, 20, 40)
    print(f"{held}; {repeats} requests a page")
    figures, heaviest, name_of = [], 0.0, ""
    for name, path in paths.items():
        cpu_ms, clock_ms, weight = asyncio.run(ask(app, path, repeats))
        print(f"{name:>20}: p95 {cpu_ms:6.1f} ms of CPU, {clock_ms:6.1f} ms by the clock, {weight / 1e3:6.1f} kB")
        figures.append(bounded(f"{name}, p95, CPU", cpu_ms, "ms", at_most=MOST_MS))
        if weight > heaviest:
            heaviest, name_of = weight, name
    return [*figures, bounded(f"the heaviest page ({name_of})", heaviest / 1e3, "kB", at_most=MOST_KB)]


async def ask(app: FastAPI, path: str, repeats: int) -> tuple[float, float, int]:
    """p95 in ms of our own CPU and by the clock, and the bytes of one page. The first request warms up."""
    costs, times, weight = [], [], 0
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        for _ in range(repeats + 1):
            started, used = time.perf_counter(), time.process_time()
            answer = await client.get(path)
            costs.append((time.process_time() - used) * 1e3)
            times.append((time.perf_counter() - started) * 1e3)
            answer.raise_for_status()
            weight = len(answer.content)
    place = max(0, -(-repeats * 95 // 100) - 1)
    return sorted(costs[1:])[place], sorted(times[1:])[place], weight


def pages_of(session: Session) -> Iterator[tuple[str, str]]:
    """Every kind of page, with those that have the most to show."""
    changes = claims.list_revisions(session, WATCHED.slug, newest_first=True, limit=500)
    fullest = max(changes, key=lambda one: len(one.evidence))
    longest = max(claims.list_histories(session, WATCHED.slug), key=lambda one: len(one.steps) + len(one.positions))
    story = f"/stories/{WATCHED.slug}"
    key = longest.key
    record = f"{story}/record?metric={key.metric}&population={key.population}&place={key.place}"
    query = articles.get_article(session, 1).title.split()[0]
    yield "stories", "/"
    yield "story", story
    yield "story, filtered", f"{story}?kind=raised&metric=killed&start=50"
    yield "records", f"{story}/records"
    yield "record", record
    yield "record, whole", f"{record}&whole=1"
    yield "record as known", f"{record}&as_known_at={(changes[-1].recorded_at + timedelta(days=20)):%Y-%m-%dT%H:%M}"
    yield "judgements", f"{story}/judgements"
    yield "revision", f"/revisions/{fullest.revision_id}"
    yield "article", "/articles/1"
    yield "search", f"/search?q={query}"
    yield "search, latest", "/search"
    yield "feeds", "/feeds"
    yield "alerts", "/alerts"
    yield "about", "/about"
    yield "Atom of a story", f"{story}/revisions.atom"
    yield "Atom of a search", f"/search.atom?q={query}"
    yield "JSON, records", f"/api/v1/stories/{WATCHED.slug}/records?limit=100"
    yield "JSON, revisions", "/api/v1/revisions?limit=100"


def place(stamped: StampedClaim, number: int, held: int) -> StampedClaim:
    """A claim of the made-up story as one of an article that is stored, under an id of its own."""
    article = number % held + 1
    return dataclasses.replace(
        stamped,
        claim_id=f"c2-{number:032x}",
        story=WATCHED.slug,
        article_id=article,
        url=f"https://w.example/{article}",
    )


def delivery(alert: str, now: datetime, number: int) -> Delivery:
    """What became of an alert: every tenth message died."""
    is_dead = number % 10 == 0
    return Delivery(
        delivery_id=delivery_id("desk", [alert]),
        channel="desk",
        subscription="desk",
        alert_ids=(alert,),
        state=DeliveryState.DEAD if is_dead else DeliveryState.DELIVERED,
        attempts=10 if is_dead else 1,
        created_at=now,
        due_at=now,
        delivered_at=None if is_dead else now,
        last_error="https://desk.example/hook answered 500" if is_dead else "",
    )


def add_story(database: Database, least: int) -> datetime:
    """Put in a story with at least so many changes, alerts, deliveries, feeds and a few quiet stories; returns now."""
    made, number = MadeUpStory(), 0
    fold = StoryFold(WATCHED)
    before: dict[RecordKey, History] = {}
    changes: list[Revision] = []
    stated: list[StampedClaim] = []
    now = START
    with database.read() as session:
        held = articles.count_articles(session)
    while len(changes) < least:
        batch = [place(one, number + offset, held) for offset, one in enumerate(made.claims(200))]
        number += len(batch)
        stated += batch
        now = max(one.recorded_at for one in stated)
        fold.add(batch)
        after = dict(fold.histories())
        changes += find_revisions(before, after, claims=fold.claims, recorded_at=now, log=changes)
        before = dict(after)
    with database.write() as session:
        for story in (WATCHED, *(Story(slug=f"quiet-{n}", title=f"Quiet {n}") for n in range(OTHER_STORIES))):
            stories.add_story(session, story, now=START)
        claims.add_claims(session, stated)
        claims.update_histories(session, WATCHED.slug, fold.histories().values(), (), now=now)
        claims.add_revisions(session, changes)
        for n in range(FEEDS):
            spec = FeedSpec(url=f"https://site{n}.example/feed", source=f"Source {n}")
            feeds.add_feed(session, spec, stories=(WATCHED.slug,) if n % 3 == 0 else (), due_at=now)
        planned = plan_alerts(changes, SUBSCRIPTIONS, stories=(WATCHED,), now=now)
        deliveries.add_alerts(session, planned)
        deliveries.add_deliveries(session, [delivery(one.alert_id, now, n) for n, one in enumerate(planned)])
    return now


if __name__ == "__main__":
    main()
