"""What a clock that stepped back left in the future is found and made due, on both databases; all else stays as it is."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from monitor.stepping import PAUSES
from storage import articles, claims, deliveries, feeds, outbox
from storage.database import Database
from storage.records import DeliveryState, FeedSpec, SeenEntry, SentGroup
from storage.stepping import bring_back, find_ahead
from tests.support.stored import HOUR, NOON, alert, delivery, revision, store_article, store_story

MINUTE = timedelta(minutes=1)


def store(session: Session, now: datetime) -> None:
    """One of everything that waits, given its next time at `now` as the service gives it."""
    store_story(session)
    polled = feeds.add_feed(session, FeedSpec(url="https://x.example/polled"))
    feeds.update_feed(session, replace(polled, last_polled_at=now, due_at=now + 24 * HOUR))
    feeds.add_feed(session, FeedSpec(url="https://x.example/new"), due_at=now + 10 * MINUTE)
    entries = [(0, now), (1, now + MINUTE), (4, now + 2 * HOUR)]
    feeds.record_seen_entries(
        session,
        [
            SeenEntry(feed_id=polled.feed_id, entry_key=str(n), outcome="waiting", seen_at=now, attempts=n, retry_at=at)
            for n, at in entries
        ],
    )
    young = store_article(session, 1, fetched_at=now - HOUR)
    articles.update_article(session, replace(young, reread_at=now + 15 * MINUTE))
    old = store_article(session, 2, fetched_at=now - 48 * HOUR)
    articles.update_article(session, replace(old, reread_at=now + 3 * HOUR))
    claims.add_revisions(session, [revision()])
    deliveries.add_alerts(session, [alert("a1", planned_at=now, due_at=now + 8 * HOUR)])
    deliveries.record_sent_groups(session, [SentGroup(subscription="desk", group_key="g", sent_at=now)])
    fresh = delivery("d1", created_at=now, due_at=now)
    failed = delivery("d2", created_at=now, due_at=now + HOUR, attempts=1)
    sending = delivery(
        "d3", created_at=now, due_at=now, state=DeliveryState.SENDING, claimed_by="w", claimed_until=now + PAUSES.lease
    )
    deliveries.add_deliveries(session, [fresh, failed, sending])


@pytest.mark.parametrize("later", [timedelta(0), 2 * MINUTE, HOUR])
def test_what_an_honest_clock_gave_its_next_time_waits_for_it(database: Database, later: timedelta) -> None:
    with database.write() as session:
        store(session, NOON)
    with database.write() as session:
        assert not find_ahead(session, NOON + later, PAUSES)
        assert bring_back(session, NOON + later, PAUSES) == 0


@pytest.mark.parametrize("step", [10 * MINUTE, HOUR, 400 * 24 * HOUR])
def test_what_a_stepped_clock_gave_its_next_time_is_due_at_once(database: Database, step: timedelta) -> None:
    with database.write() as session:
        store(session, NOON + step)
    with database.write() as session:
        assert find_ahead(session, NOON, PAUSES)
        assert bring_back(session, NOON, PAUSES) == 12
    with database.read() as session:
        assert {feed.url for feed in feeds.list_due_feeds(session, NOON)} >= {"https://x.example/polled"}
        assert len(feeds.list_waiting_entries(session, NOON)) == 3
        assert len(articles.list_due_articles(session, NOON)) == 2
        assert outbox.list_due_channels(session, now=NOON) == {"desk"}
        (group,) = deliveries.list_sent_groups(session)
        (planned,) = deliveries.list_alerts(session)
        sending = deliveries.get_delivery(session, "d3")
    assert group.sent_at == planned.planned_at == NOON
    assert planned.due_at == NOON + 8 * HOUR
    assert sending.claimed_until == NOON + PAUSES.lease
    with database.read() as session:
        left = find_ahead(session, NOON + 2 * MINUTE, PAUSES)
    assert not left
