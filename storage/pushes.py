"""What hubs were asked to push (WebSub), and how that fares: one subscription a feed."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlmodel import Session

from storage.codec import from_row, to_row
from storage.records import FeedState, PushState, PushSubscription
from storage.tables import FEEDS, PUSH_SUBSCRIPTIONS
from storage.writing import insert_or_update


def record_push(session: Session, subscription: PushSubscription) -> None:
    """Store the latest word on a feed's subscription."""
    insert_or_update(session, PUSH_SUBSCRIPTIONS, [to_row(subscription)], ["feed_id"])


def find_push(session: Session, feed_id: int) -> PushSubscription | None:
    """The subscription of a feed, or None."""
    return _find(session, PUSH_SUBSCRIPTIONS.c.feed_id == feed_id)


def find_push_by_token(session: Session, token: str) -> PushSubscription | None:
    """The subscription whose callback's address holds this token, or None."""
    return _find(session, PUSH_SUBSCRIPTIONS.c.token == token)


def list_pushes(session: Session) -> tuple[PushSubscription, ...]:
    """All subscriptions, in the order of their feeds."""
    query = select(PUSH_SUBSCRIPTIONS).order_by(PUSH_SUBSCRIPTIONS.c.feed_id)
    return tuple(from_row(PushSubscription, row) for row in session.execute(query).mappings())


def list_due_pushes(session: Session, now: datetime, *, limit: int = 100) -> tuple[PushSubscription, ...]:
    """Subscriptions whose hub is to be asked by `now`, those that wait longest first."""
    query = select(PUSH_SUBSCRIPTIONS).where(PUSH_SUBSCRIPTIONS.c.act_at <= now)
    found = session.execute(query.order_by(PUSH_SUBSCRIPTIONS.c.act_at).limit(limit)).mappings()
    return tuple(from_row(PushSubscription, row) for row in found)


def leave_unpolled(session: Session, now: datetime) -> None:
    """Have the hubs of feeds that are polled no more told, at once, that nothing is wanted of them any more."""
    unpolled = select(FEEDS.c.feed_id).where(FEEDS.c.state != FeedState.ACTIVE.value)
    leaving = PushState.LEAVING.value
    session.execute(
        update(PUSH_SUBSCRIPTIONS)
        .where(PUSH_SUBSCRIPTIONS.c.feed_id.in_(unpolled), PUSH_SUBSCRIPTIONS.c.state != leaving)
        .values(state=leaving, act_at=now, failures=0)
    )


def move_callbacks(session: Session, callback_url: str, now: datetime) -> None:
    """Our page has another public address: have the hubs that were given the old one asked anew, at once."""
    asked = PUSH_SUBSCRIPTIONS.c.state.in_([PushState.ASKED.value, PushState.ACTIVE.value])
    session.execute(
        update(PUSH_SUBSCRIPTIONS)
        .where(asked, PUSH_SUBSCRIPTIONS.c.callback_url != callback_url)
        .values(state=PushState.WANTED.value, act_at=now, failures=0, lease_until=None)
    )


def delete_push(session: Session, feed_id: int) -> None:
    """Forget a feed's subscription."""
    session.execute(delete(PUSH_SUBSCRIPTIONS).where(PUSH_SUBSCRIPTIONS.c.feed_id == feed_id))


def _find(session: Session, condition: ColumnElement[bool]) -> PushSubscription | None:
    row = session.execute(select(PUSH_SUBSCRIPTIONS).where(condition)).mappings().first()
    return from_row(PushSubscription, row) if row else None
