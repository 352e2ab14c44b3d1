"""A service that runs for years tidies up once a day, in parts, and goes on where it was stopped."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.housekeeping import FORGET_AFTER, PACK_AFTER, PART, Housekeeping
from storage import articles, feeds
from storage.database import Database
from storage.records import FeedSpec, SeenEntry
from storage.search import search_articles
from tests.support.stored import HOUR, NOON, store_article, store_story

DAY = timedelta(days=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/storywatch.db")
    opened.upgrade()
    yield opened
    opened.close()


def fill(database: Database) -> None:
    """More old articles than are packed at once, a fresh one, and entries of two ages."""
    with database.write() as session:
        store_story(session)
        for number in range(1, PART + 3):
            store_article(session, number, fetched_at=NOON, text=f"Report {number} of the ministry.")
        store_article(session, 9_999, fetched_at=NOON + PACK_AFTER, text="Fresh words of the ministry.")
        feed = feeds.add_feed(session, FeedSpec(url="https://x.example/rss"))
        feeds.record_seen_entries(
            session,
            [
                SeenEntry(feed_id=feed.feed_id, entry_key=key, outcome="no_match", seen_at=at)
                for key, at in (("old", NOON), ("fresh", NOON + FORGET_AFTER))
            ],
        )


def plain_texts(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT count(text) FROM article_versions")).scalar_one())


def look(database: Database, now: datetime, *, stopped: bool = False) -> None:
    stop = asyncio.Event()
    if stopped:
        stop.set()
    asyncio.run(Housekeeping(database, clock=lambda: now, stop=stop).look())


def test_old_texts_are_packed_and_old_entries_forgotten(database: Database) -> None:
    fill(database)
    look(database, NOON + PACK_AFTER + HOUR)
    assert plain_texts(database) == 1
    with database.read() as session:
        assert len(search_articles(session, "ministry", limit=1000)) == PART + 3
        assert articles.list_versions(session, 1)[0].text == "Report 1 of the ministry."
        assert feeds.find_seen_entries(session, 1, ["old", "fresh"]).keys() == {"old", "fresh"}
    look(database, NOON + FORGET_AFTER + HOUR)
    with database.read() as session:
        assert feeds.find_seen_entries(session, 1, ["old", "fresh"]).keys() == {"fresh"}


def test_it_tidies_once_a_day_whoever_asks(database: Database) -> None:
    now = NOON + PACK_AFTER + DAY
    look(database, now)
    fill(database)
    look(database, now + DAY - HOUR)
    assert plain_texts(database) == PART + 3
    look(database, now + DAY)
    assert plain_texts(database) == 1


def test_a_service_that_stops_does_not_wait_for_it(database: Database) -> None:
    fill(database)
    look(database, NOON + PACK_AFTER + HOUR, stopped=True)
    assert plain_texts(database) == PART + 3


def test_a_look_through_all_seen_entries_leaves_the_cache_as_large_as_it_was(database: Database) -> None:
    with database.write() as session:
        usual = session.execute(text("PRAGMA cache_size")).scalar_one()
        feeds.forget_seen_entries(session, before=NOON)
        assert session.execute(text("PRAGMA cache_size")).scalar_one() == usual
