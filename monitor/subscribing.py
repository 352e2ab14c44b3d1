"""SHELL: what is noted of hubs within the transaction that stores a poll or a push."""

import secrets
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from monitor.sources.websub import Offer, is_in_force
from storage import pushes
from storage.records import PushState, PushSubscription


def note_offer(session: Session, feed_id: int, offer: Offer | None, now: datetime) -> None:
    """A feed names a hub, another hub, or none any more: subscribe, subscribe anew, or leave."""
    held = pushes.find_push(session, feed_id)
    if offer is None:
        if held is not None and held.state is not PushState.LEAVING:
            pushes.record_push(session, replace(held, state=PushState.LEAVING, act_at=now, failures=0))
        return
    is_known = held is not None and (held.hub_url, held.topic_url) == (offer.hub, offer.topic)
    if is_known and held is not None and held.state is not PushState.LEAVING:
        return
    # A token and a secret of its own for each: what the hub left behind still pushes is refused.
    subscription = PushSubscription(
        feed_id=feed_id,
        hub_url=offer.hub,
        topic_url=offer.topic,
        token=secrets.token_urlsafe(24),
        secret=secrets.token_urlsafe(32),
        act_at=now,
    )
    pushes.record_push(session, subscription)


def note_push(session: Session, feed_id: int, now: datetime) -> None:
    """A hub pushed what it should."""
    held = pushes.find_push(session, feed_id)
    if held is not None:
        pushes.record_push(session, replace(held, pushes=held.pushes + 1, last_push_at=now))


def note_missed(session: Session, feed_id: int, now: datetime) -> None:
    """A poll found what the hub should have pushed: until it pushes again, the feed is polled at its own pace."""
    held = pushes.find_push(session, feed_id)
    if held is not None and is_in_force(held, now):
        pushes.record_push(session, replace(held, missed_at=now))
