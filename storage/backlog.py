"""What is due and not done yet, counted: the queue as our own tables know it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from storage.records import DeliveryState, FeedState
from storage.tables import ARTICLES, DELIVERIES, FEEDS, SEEN_ENTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How much of one kind of work is due, and since when the oldest of it is (None: never done, or nothing is due)."""

    queue: str
    count: int
    oldest_at: datetime | None


def count_due(session: Session, now: datetime) -> tuple[Backlog, ...]:
    """The work that is due at `now`: polls, pages, rereads, deliveries, in this order."""
    feeds, entries, articles, deliveries = FEEDS.c, SEEN_ENTRIES.c, ARTICLES.c, DELIVERIES.c
    is_active = feeds.state == FeedState.ACTIVE.value
    is_waiting = deliveries.state == DeliveryState.DUE.value
    queries: dict[str, Any] = {
        "polls": select(func.count(), func.min(feeds.due_at)).where(is_active, feeds.due_at <= now),
        "pages": select(func.count(), func.min(entries.retry_at)).where(entries.retry_at <= now),
        "rereads": select(func.count(), func.min(articles.reread_at)).where(articles.reread_at <= now),
        "deliveries": select(func.count(), func.min(deliveries.due_at)).where(is_waiting, deliveries.due_at <= now),
    }
    found = []
    for queue, query in queries.items():
        count, oldest_at = session.execute(query).one()
        found.append(Backlog(queue=queue, count=count, oldest_at=oldest_at))
    return tuple(found)
