"""What came of an attempt, as it is recorded: with its delivery, and with the health of its channel.

`record_outcome` takes a Session inside a transaction of its caller.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.sending import EXCERPT, let_overtake
from alerts.timing import count_attempts, retry_at
from storage import deliveries, outbox
from storage.errors import DeliveryError
from storage.records import ChannelHealth, Delivery, DeliveryState

# A healthy channel's row is touched this seldom (seconds): its history is in the deliveries.
_HEALTH_PULSE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one attempt: a response, or the error."""

    delivery: Delivery
    at: datetime
    response: str = ""
    error: DeliveryError | None = None


def record_outcome(session: Session, outcome: Outcome, *, address_hash: str, chance: float) -> Delivery:
    """Store what came of an attempt, and how the channel fares; returns the delivery as it stands now.

    `chance` in [0, 1) spreads the next attempt. A failed delivery gives way to a newer one about the same record.
    """
    outbox.lock_outbox(session)
    held = deliveries.get_delivery(session, outcome.delivery.delivery_id)
    is_ours = held.state is DeliveryState.SENDING and held.claimed_by == outcome.delivery.claimed_by
    if outcome.error is not None and not is_ours:
        # The lease ran out and somebody else decides now.
        return held
    after = _after(replace(held, attempts=outcome.delivery.attempts), outcome, chance)
    deliveries.update_delivery(session, after)
    _record_health(session, after.channel, outcome, address_hash)
    if after.state is DeliveryState.DUE:
        let_overtake(session, {after.lane}, now=outcome.at)
    return after


def _after(delivery: Delivery, outcome: Outcome, chance: float) -> Delivery:
    free = replace(delivery, claimed_by="", claimed_until=None)
    error = outcome.error
    if error is None:
        response = outcome.response[:EXCERPT]
        return replace(
            free, state=DeliveryState.DELIVERED, delivered_at=outcome.at, last_response=response, last_error=""
        )
    free = replace(free, last_error=str(error)[:EXCERPT])
    if error.permanent or error.disable:
        return replace(free, state=DeliveryState.DEAD)
    attempts = count_attempts(delivery.attempts, (outcome.at - delivery.created_at).total_seconds())
    due_at = retry_at(attempts, now=outcome.at, chance=chance, retry_after=error.retry_after)
    if due_at is None:
        return replace(free, state=DeliveryState.DEAD)
    return replace(free, state=DeliveryState.DUE, attempts=attempts, due_at=due_at)


def _record_health(session: Session, channel: str, outcome: Outcome, address_hash: str) -> None:
    health = deliveries.find_channel_health(session, channel) or ChannelHealth(channel=channel)
    if health.address_hash != address_hash:
        health = ChannelHealth(channel=channel, address_hash=address_hash, last_success_at=health.last_success_at)
    error = outcome.error
    if error is None:
        pulse = timedelta(seconds=_HEALTH_PULSE)
        if not health.failures and health.last_success_at and outcome.at - health.last_success_at < pulse:
            return
        health = replace(health, failures=0, failing_since=None, last_success_at=outcome.at, last_error="")
    elif error.permanent and not error.disable:
        # The endpoint works; it refused this one message.
        return
    else:
        health = replace(
            health,
            failures=health.failures + 1,
            failing_since=health.failing_since or outcome.at,
            last_error=str(error)[:EXCERPT],
            disabled_at=outcome.at if error.disable else health.disabled_at,
        )
    deliveries.record_channel_health(session, health)
