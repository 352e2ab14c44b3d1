"""What is counted for Prometheus: work by outcome, and what is due, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from monitor.measures import Measures
from storage import feeds
from storage.backlog import count_due
from storage.database import Database
from storage.records import FeedSpec, SeenEntry

NOW = datetime(2022, 1, 9, 12, tzinfo=UTC)


def test_work_is_counted_by_what_came_of_it() -> None:
    measures = Measures(CollectorRegistry())
    with measures.timed("poll"):
        measures.count(versions=1, claims=3, revisions=2)
    with pytest.raises(ValueError, match="no"), measures.timed("poll"):
        raise ValueError("no")

    def value(name: str, **labels: str) -> float | None:
        return measures.registry.get_sample_value(name, labels)

    assert value("storywatch_work_seconds_count", kind="poll", outcome="done") == 1
    assert value("storywatch_work_seconds_count", kind="poll", outcome="failed") == 1
    assert value("storywatch_found_total", what="claims") == 3


def test_what_is_due_is_counted_by_queue_with_its_age(database: Database) -> None:
    with database.write() as session:
        feed = feeds.add_feed(session, FeedSpec(url="https://a.example/feed"), due_at=NOW - timedelta(minutes=5))
        feeds.add_feed(session, FeedSpec(url="https://b.example/feed"), due_at=NOW + timedelta(minutes=5))
        waiting = SeenEntry(
            feed_id=feed.feed_id, entry_key="k", outcome="waiting", seen_at=NOW, retry_at=NOW - timedelta(seconds=9)
        )
        feeds.record_seen_entries(session, [waiting])
    with database.read() as session:
        found = {one.queue: (one.count, one.oldest_at) for one in count_due(session, NOW)}
    assert found == {
        "polls": (1, NOW - timedelta(minutes=5)),
        "pages": (1, NOW - timedelta(seconds=9)),
        "rereads": (0, None),
        "deliveries": (0, None),
    }
