"""What was given its next time by a clock that has stepped back since: brought back, so that nothing waits for that
time to come.

Nothing of ours is ever done in the future: a feed that was polled then, or an article whose next reading is further
ahead than any pause, was written by a clock that went wrong. Machines' clocks differ a little, hence the margin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlmodel import Session

from storage import deliveries
from storage.codec import from_row
from storage.records import Alert, AlertState, DeliveryState, FeedState
from storage.tables import ALERTS, ARTICLES, DELIVERIES, FEEDS, SEEN_ENTRIES, SENT_GROUPS
from storage.writing import changed_rows

# Clocks of machines that work together may differ by so much.
MARGIN = timedelta(minutes=1)
# A feed that was never polled is given to the next poll this soon at the latest.
_FIRST_POLL = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """The longest pauses that are ever set: what is further ahead was set by another clock.

    `rereads` holds, for articles that changed less than so long ago, the pause to their next reading, shortest first;
    `pages` the pauses after the first, second … failed attempt; `delivery` the longest between two attempts to deliver;
    `lease` how long a delivery may be claimed.
    """

    rereads: Sequence[tuple[timedelta, timedelta]]
    pages: Sequence[timedelta]
    delivery: timedelta
    lease: timedelta


def find_ahead(session: Session, now: datetime, pauses: Pauses) -> bool:
    """Whether anything waits for a time that a stepped clock gave it."""
    marks = (
        select(FEEDS.c.feed_id).where(_feeds_ahead(now)),
        select(SEEN_ENTRIES.c.feed_id).where(_entries_ahead(now, pauses)),
        select(ARTICLES.c.article_id).where(_articles_ahead(now, pauses)),
        select(ALERTS.c.alert_id).where(_alerts_ahead(now)),
        select(SENT_GROUPS.c.group_key).where(SENT_GROUPS.c.sent_at > now + MARGIN),
        select(DELIVERIES.c.delivery_id).where(_deliveries_ahead(now, pauses)),
        select(DELIVERIES.c.delivery_id).where(_claims_ahead(now, pauses)),
    )
    return any(session.execute(query.limit(1)).first() is not None for query in marks)


def bring_back(session: Session, now: datetime, pauses: Pauses) -> int:
    """Make all of that due at `now`; returns how many rows there were."""
    changes: tuple[tuple[Any, ColumnElement[bool], dict[str, Any]], ...] = (
        (FEEDS, _feeds_ahead(now), {"due_at": now}),
        (SEEN_ENTRIES, _entries_ahead(now, pauses), {"retry_at": now}),
        (ARTICLES, _articles_ahead(now, pauses), {"reread_at": now}),
        (SENT_GROUPS, SENT_GROUPS.c.sent_at > now + MARGIN, {"sent_at": now}),
        (DELIVERIES, _deliveries_ahead(now, pauses), {"due_at": now}),
        (DELIVERIES, _claims_ahead(now, pauses), {"claimed_until": now + pauses.lease}),
    )
    count = sum(
        changed_rows(session.execute(update(table).where(ahead).values(**values))) for table, ahead, values in changes
    )
    planned = session.execute(select(ALERTS).where(_alerts_ahead(now))).mappings().all()
    waiting = [from_row(Alert, row) for row in planned]
    # A digest's moment stays as far off as it was: the flush works it out anew from when the alert was planned.
    deliveries.update_alerts(session, [_begin_now(one, now) for one in waiting])
    return count + len(waiting)


def _begin_now(alert: Alert, now: datetime) -> Alert:
    """An alert as if it had been planned, or decided over, just now where that lies ahead."""
    left = max(alert.due_at - (alert.decided_at or alert.planned_at), timedelta(0))
    decided_at = None if alert.decided_at is None else min(alert.decided_at, now)
    return replace(alert, planned_at=min(alert.planned_at, now), due_at=now + left, decided_at=decided_at)


def _feeds_ahead(now: datetime) -> ColumnElement[bool]:
    feeds = FEEDS.c
    return and_(
        feeds.state == FeedState.ACTIVE.value,
        feeds.due_at > now,
        or_(
            feeds.last_polled_at > now + MARGIN,
            and_(feeds.last_polled_at.is_(None), feeds.due_at > now + _FIRST_POLL + MARGIN),
        ),
    )


def _entries_ahead(now: datetime, pauses: Pauses) -> ColumnElement[bool]:
    entries = SEEN_ENTRIES.c
    tried = [
        and_(entries.attempts == number, entries.retry_at > now + pause + MARGIN)
        for number, pause in enumerate(pauses.pages, start=1)
    ]
    # Not tried yet: found just now, and to be read at once. Said of all first, so that an index leads to them.
    return and_(entries.retry_at > now + MARGIN, or_(entries.attempts == 0, *tried))


def _articles_ahead(now: datetime, pauses: Pauses) -> ColumnElement[bool]:
    """An article's pauses grow with its age, so one that was set earlier was shorter still.

    That of a page that is gone grows with the time that it has been, up to the longest of them.
    """
    articles = ARTICLES.c
    young = [
        and_(
            articles.reread_at > now + pause + MARGIN,
            articles.last_changed_at > now - limit,
            articles.removed_at.is_(None),
        )
        for limit, pause in pauses.rereads
    ]
    longest = max(pause for _, pause in pauses.rereads)
    shortest = min(pause for _, pause in pauses.rereads)
    return and_(
        articles.reread_at > now + shortest + MARGIN,  # so that an index leads to them
        or_(*young, articles.reread_at > now + longest + MARGIN),
    )


def _alerts_ahead(now: datetime) -> ColumnElement[bool]:
    waiting = ALERTS.c.state.in_([AlertState.PENDING.value, AlertState.HELD.value])
    return and_(waiting, or_(ALERTS.c.planned_at > now + MARGIN, ALERTS.c.decided_at > now + MARGIN))


def _deliveries_ahead(now: datetime, pauses: Pauses) -> ColumnElement[bool]:
    made = DELIVERIES.c
    # One made earlier and tried since may wait for as long as its receiver asked, up to a day.
    untried = and_(made.attempts == 0, made.due_at > now + MARGIN)
    is_ahead = or_(untried, made.created_at > now + MARGIN, made.due_at > now + pauses.delivery + MARGIN)
    return and_(made.state == DeliveryState.DUE.value, made.due_at > now, is_ahead)


def _claims_ahead(now: datetime, pauses: Pauses) -> ColumnElement[bool]:
    made = DELIVERIES.c
    is_claimed = made.state == DeliveryState.SENDING.value
    return and_(is_claimed, made.claimed_until > now + pauses.lease + MARGIN)
