"""A watch on loopback for tests: a real site, a real database, the real cycle, and a clock that the test turns."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from random import Random

from monitor.cycle import read_entry, reread_article
from monitor.polling import poll_feed
from monitor.sources.http import Fetcher
from monitor.tools import Pace, Tools
from monitor.watch import Watch
from storage import articles, claims, deliveries, feeds, stories
from storage.database import Database
from storage.records import (
    Alert,
    Article,
    Entity,
    EntityKind,
    FeedSpec,
    OriginSpec,
    Place,
    Revision,
    RevisionKind,
    Story,
    Subscription,
    Topic,
)
from tests.support.webserver import Reply, WebServer

START = datetime(2022, 1, 9, 8, 0, tzinfo=UTC)
STORY = Story(
    slug="unrest",
    title="Unrest in Harbour City",
    entities=(Entity(name="Harbour City", kind=EntityKind.PLACE, central=True),),
    topics=(Topic(name="unrest", terms=("unrest", "riots", "clashes")),),
    places=(Place(name="Harbour City", whole=True),),
    origins=(OriginSpec(name="Health Ministry"), OriginSpec(name="Interior Ministry")),
)
EVERYTHING = Subscription(name="desk", kinds=("*",), channels=("hook",), group_wait=0, group_interval=0)


class Desk:
    """One feed of one outlet; `publish` puts a page on the site, `go_on` lets time pass and does all that is due."""

    def __init__(self, site: WebServer, folder: Path, *, subscriptions: Sequence[Subscription] = (EVERYTHING,)) -> None:
        self.site = site
        self.now = START
        self.database = Database(f"sqlite:///{folder}/desk.db")
        self.database.upgrade()
        self.subscriptions = subscriptions
        self.entries: list[str] = []
        site.add("/feed", lambda _request: Reply(body=self._feed(), content_type="application/rss+xml"))
        with self.database.write() as session:
            stories.add_story(session, STORY, now=self.now)
            feeds.add_feed(session, FeedSpec(url=site.url("/feed"), source="Harbour News"), due_at=self.now)

    def publish(
        self,
        name: str,
        title: str,
        text: str,
        *,
        guid: str = "",
        at: datetime | None = None,
        summary: str = "",
        listed: bool = True,
    ) -> None:
        """Put a page on the site, or new words on one that is there; `listed` puts it into the feed as well."""
        published = at or self.now
        self.site.add(f"/{name}", Reply(body=page(title, text, published)))
        if listed:
            link = self.site.url(f"/{name}")
            self.entries.append(
                f"<item><title>{escape(title)}</title><link>{link}</link><guid>{guid or link}</guid>"
                f"<pubDate>{format_datetime(published)}</pubDate><description>{escape(summary)}</description></item>"
            )

    def edit(self, name: str, title: str, text: str, *, at: datetime = START) -> None:
        """Change a page in place; the feed says nothing."""
        self.publish(name, title, text, at=at, listed=False)

    def go_on(self, minutes: float = 0, *, step: float = 5) -> None:
        """Let time pass in steps, and do at each what is due."""
        end = self.now + timedelta(minutes=minutes)
        asyncio.run(self._until(end, timedelta(minutes=step)))

    async def _until(self, end: datetime, step: timedelta) -> None:
        async with Fetcher(allow_private=True) as fetcher:
            tools = self.tools(fetcher)
            while True:
                await self.work(tools)
                if self.now >= end:
                    break
                self.now = min(end, self.now + step)
            tools.close()

    def tools(self, fetcher: Fetcher) -> Tools:
        """Fresh tools, as after a restart: nothing is remembered but what is stored."""
        with self.database.read() as session:
            watch = Watch(stories.list_stories(session), self.subscriptions)
        return Tools(
            database=self.database,
            fetcher=fetcher,
            watch=watch,
            clock=lambda: self.now,
            rng=Random(1),
            pace=Pace(max_interval=timedelta(minutes=5)),
        )

    async def work(self, tools: Tools) -> None:
        """Do all that is due now."""
        with self.database.read() as session:
            due_feeds = feeds.list_due_feeds(session, self.now)
        for feed in due_feeds:
            await poll_feed(tools, feed)
        with self.database.read() as session:
            waiting = feeds.list_waiting_entries(session, self.now)
            due = articles.list_due_articles(session, self.now)
        for seen in waiting:
            with self.database.read() as session:
                feed = feeds.get_feed(session, seen.feed_id)
            await read_entry(tools, feed, seen)
        for article in due:
            await reread_article(tools, article)

    def _feed(self) -> bytes:
        items = "".join(reversed(self.entries))
        return f"<rss version='2.0'><channel><title>Harbour News</title>{items}</channel></rss>".encode()

    def articles(self) -> tuple[Article, ...]:
        """All stored articles."""
        with self.database.read() as session:
            return articles.list_articles(session)

    def revisions(self, *kinds: RevisionKind, metric: str | None = None) -> tuple[Revision, ...]:
        """The change log, or what of it is of these kinds and of this metric."""
        with self.database.read() as session:
            found = claims.list_revisions(session, "unrest", kinds=kinds)
        return tuple(one for one in found if metric is None or one.key.metric == metric)

    def alerts(self) -> tuple[Alert, ...]:
        """All planned alerts."""
        with self.database.read() as session:
            return deliveries.list_alerts(session)

    def moves(self, metric: str = "killed") -> list[tuple[str, float | None]]:
        """The moves of the whole's record of a metric: kind and new value."""
        return [
            (one.kind.value, one.after.value if one.after else None)
            for one in self.revisions(metric=metric)
            if not one.key.population and not one.key.place and one.kind is not RevisionKind.EDITED
        ]


def page(title: str, text: str, published: datetime) -> bytes:
    """An article page as outlets make them."""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n"))
    return (
        "<!doctype html><html lang='en'><head>"
        f"<title>{escape(title)}</title><meta property='article:published_time' content='{published.isoformat()}'>"
        f"</head><body><main><article><h1>{escape(title)}</h1>{paragraphs}</article></main></body></html>"
    ).encode()
