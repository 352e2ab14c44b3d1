"""What several feeds bring at one moment is stored together, and is what each would have stored alone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.arrivals import Arrival, store_arrivals
from monitor.watch import Watch
from storage import feeds
from storage.database import Database
from storage.records import Entry, Feed, FeedKind, FeedSpec, ParsedFeed

NOW = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/arrivals.db")
    database.upgrade()
    yield database
    database.close()


def add(database: Database, name: str) -> Feed:
    with database.write() as session:
        return feeds.add_feed(session, FeedSpec(url=f"https://{name}.example/feed", kind=FeedKind.FEED, full=True))


def arrival(feed: Feed, *ids: str, title: str = "Dam burst", is_push: bool = False) -> Arrival:
    entries = tuple(Entry(entry_id=i, link=f"{feed.url}/{i}", title=f"{title} {i}") for i in ids)
    parsed = ParsedFeed(title=feed.url, link=feed.url, entries=entries)
    return Arrival(feed=feed, watch=Watch([]), now=NOW, trace="t", parsed=parsed, is_push=is_push)


def test_ids_that_two_feeds_share_are_each_feeds_own(database: Database) -> None:
    first, second = arrival(add(database, "a"), "1", "2"), arrival(add(database, "b"), "2", "3")
    with database.write() as session:
        store_arrivals(session, [first, second])
        assert feeds.find_seen_entries(session, 1, ["1", "2", "3"]).keys() == {"1", "2"}
        assert feeds.find_entries_seen(session, [(2, "2"), (1, "3"), (2, "3")]).keys() == {(2, "2"), (2, "3")}
    assert (first.waiting, first.fresh, second.waiting, second.fresh) == (2, 2, 2, 2)


@pytest.mark.parametrize("order", ["poll first", "push first"])
def test_a_push_beside_a_poll_of_the_same_feed_notes_each_entry_once(database: Database, order: str) -> None:
    feed = add(database, "a")
    both = [arrival(feed, "1"), arrival(feed, "1", "2", is_push=True)]
    with database.write() as session:
        store_arrivals(session, both if order == "poll first" else reversed(both))
        assert feeds.find_seen_entries(session, 1, ["1", "2"]).keys() == {"1", "2"}
    assert sum(one.fresh for one in both) == 2


def test_what_is_stored_anew_since_others_could_not_be_is_counted_once(database: Database) -> None:
    one = arrival(add(database, "a"), "1", "2")
    with database.write() as session:
        store_arrivals(session, [one])
        session.rollback()
        store_arrivals(session, [one])
    assert (one.waiting, one.fresh) == (2, 2)
