"""The dispatcher's transactions: flush the outbox, take a delivery with all that its message needs, record what came
of it.

Each function takes a Session inside a transaction of its caller; none of them touches the network.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.accounts import note_muted
from alerts.asking import ask_approvers
from alerts.changes import Notice
from alerts.chart import history_of_revisions
from alerts.flushing import Flushed, find_silence, flush
from alerts.interest import EVENT_KINDS, record_of
from alerts.matchers import names_label
from alerts.overtaking import overtake
from alerts.timing import RETRY_SCHEDULE, retry_at
from storage import claims, deliveries, keys, outbox, stories
from storage.codec import UNREADABLE
from storage.errors import DeliveryError
from storage.records import (
    Alert,
    AlertState,
    ChannelHealth,
    Delivery,
    DeliveryState,
    Revision,
    Silence,
    Story,
    Subscription,
)

_LOG = logging.getLogger(__name__)
# How much of an error or an answer is kept in the log.
_EXCERPT = 1_000
# Attempts end by schedule; one that is taken up more often ends its dispatcher before anything is noted.
_MOST_CLAIMS = len(RETRY_SCHEDULE) + 10
_FATAL = "taken up {n} times by a service that ended before it could say what came of it; kept, replay it once mended"
# A healthy channel's row is touched this seldom (seconds): its history is in the deliveries.
_HEALTH_PULSE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A claimed delivery with what its message is made of."""

    delivery: Delivery
    subscription: Subscription
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one attempt: a response, or the error."""

    delivery: Delivery
    at: datetime
    response: str = ""
    error: DeliveryError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushReport:
    """What a flush did: counts, and when the next group is due."""

    made: int = 0
    released: int = 0
    superseded: int = 0
    next_due_at: datetime | None = None


def flush_outbox(
    session: Session,
    subscriptions: Sequence[Subscription],
    receivers: Mapping[str, Sequence[str]],
    *,
    now: datetime,
) -> FlushReport:
    """Turn the alerts that are due into deliveries. `receivers` maps every configured channel to its addresses."""
    outbox.lock_outbox(session)
    pending = outbox.list_waiting_alerts(session)
    reach = max((max(one.group_interval, one.repeat_interval) for one in subscriptions), default=0.0)
    sent = deliveries.list_sent_groups(session, since=now - timedelta(seconds=reach, days=1))
    repeating = {one.name for one in subscriptions if one.repeat_interval}
    if not pending and not any(entry.subscription in repeating for entry in sent):
        return FlushReport()
    contested = [alert_id for entry in sent if entry.subscription in repeating for alert_id in entry.alert_ids]
    revisions, unread = claims.find_readable_revisions(session, {alert.revision_id for alert in pending})
    if unread:
        pending = _set_aside(session, pending, unread)
    silences = deliveries.list_silences(session, at=now)
    flushed = flush(
        pending,
        revisions,
        subscriptions,
        now=now,
        silences=silences,
        sent=sent,
        standing=outbox.find_standing(session, contested),
        receivers=receivers,
    )
    settled = {alert.alert_id for alert in flushed.alerts}
    left = [alert for alert in pending if alert.alert_id not in settled]
    asked = ask_approvers(left, revisions, subscriptions, now=now, silences=silences, receivers=receivers)
    return _store(session, flushed, asked, receivers, now)


def _set_aside(session: Session, pending: Sequence[Alert], unread: Mapping[str, str]) -> tuple[Alert, ...]:
    """Drop the alerts whose revision is stored and cannot be read: one must not hold up all others. Returns the
    others."""
    gone = [alert for alert in pending if alert.revision_id in unread]
    for alert in gone:
        said = unread[alert.revision_id]
        _LOG.error("alert %s: revision %s cannot be read (%s); set aside", alert.alert_id, alert.revision_id, said)
    dropped = [replace(alert, state=AlertState.DROPPED, reason="revision_unreadable") for alert in gone]
    deliveries.update_alerts(session, dropped)
    return tuple(alert for alert in pending if alert.revision_id not in unread)


def _store(
    session: Session, flushed: Flushed, asked: Flushed, receivers: Mapping[str, Sequence[str]], now: datetime
) -> FlushReport:
    made = [_bury_unknown(delivery, receivers) for delivery in (*flushed.deliveries, *asked.deliveries)]
    deliveries.update_alerts(session, (*flushed.alerts, *asked.alerts))
    deliveries.add_deliveries(session, made)
    deliveries.record_sent_groups(session, flushed.sent)
    superseded = let_overtake(session, {delivery.lane for delivery in made}, now=now)
    return FlushReport(
        made=len(made),
        released=sum(alert.state == "released" for alert in flushed.alerts),
        superseded=superseded,
        next_due_at=min((at for at in (flushed.next_due_at, asked.next_due_at) if at is not None), default=None),
    )


def _bury_unknown(delivery: Delivery, receivers: Mapping[str, Sequence[str]]) -> Delivery:
    if delivery.channel in receivers:
        return delivery
    return replace(delivery, state=DeliveryState.DEAD, last_error=unknown_channel(delivery.channel))


def unknown_channel(name: str) -> str:
    """Return what the log says of a channel that the settings do not name (any more)."""
    return f"no channel {name!r} in the settings; add it and replay the delivery"


def let_overtake(session: Session, lanes: set[str], *, now: datetime) -> int:
    """Let the newest deliveries of these lanes take the place of older ones that wait; returns how many gave way."""
    if not lanes:
        return 0
    waiting = deliveries.list_deliveries(session, states=(DeliveryState.DUE, DeliveryState.SENDING), lanes=lanes)
    if len(waiting) < 2:
        return 0
    alerts, revisions = _find_behind(session, {one for delivery in waiting for one in delivery.alert_ids})
    corrections = {
        key: keys.alert_id(corrected, alert.subscription)
        for key, alert in alerts.items()
        if (corrected := revisions[alert.revision_id].corrects)
    }
    records = {key: record_of(revisions[alert.revision_id]) for key, alert in alerts.items()}
    changed = overtake(waiting, records, now, corrections=corrections)
    outbox.update_deliveries(session, changed)
    return sum(delivery.state is DeliveryState.SUPERSEDED for delivery in changed)


def find_records(session: Session, alert_ids: Iterable[str]) -> dict[str, str | None]:
    """Return what each of these alerts is about: its record, or None for an event that nothing supersedes."""
    alerts, revisions = _find_behind(session, alert_ids)
    return {key: record_of(revisions[alert.revision_id]) for key, alert in alerts.items()}


def _find_behind(session: Session, alert_ids: Iterable[str]) -> tuple[dict[str, Alert], dict[str, Revision]]:
    """Those of these alerts whose revisions are stored and can be read, and the revisions, each by its id."""
    alerts = deliveries.find_alerts(session, alert_ids)
    revisions, _ = claims.find_readable_revisions(session, {alert.revision_id for alert in alerts.values()})
    return {key: alert for key, alert in alerts.items() if alert.revision_id in revisions}, revisions


def take_delivery(
    session: Session,
    channel: str,
    subscriptions: Mapping[str, Subscription],
    *,
    now: datetime,
    worker: str,
    lease_seconds: float,
    is_rich: bool,
    known: dict[str, Story | None],
) -> Load | None:
    """Claim one delivery of a channel and load its message; None when nothing may be sent now.

    `is_rich` asks for the records' past too, for the picture: the change log up to the delivery's making, so that a
    message that is sent again shows what it showed. `known` keeps stories that were read already.
    """
    while (
        delivery := outbox.claim_delivery(session, channel, now=now, worker=worker, lease_seconds=lease_seconds)
    ) is not None:
        subscription = subscriptions.get(delivery.subscription) or Subscription(name=delivery.subscription)
        free = replace(delivery, claimed_by="", claimed_until=None)
        if delivery.attempts > _MOST_CLAIMS:
            # Whoever took it up so often ended before it could say why: it must not take everything else down with it.
            dead = replace(free, state=DeliveryState.DEAD, last_error=_FATAL.format(n=delivery.attempts - 1))
            deliveries.update_delivery(session, dead)
        elif delivery.is_question and not _is_open(session, delivery):
            # Answered on the page, or overtaken, before it could be asked (again).
            deliveries.update_delivery(session, replace(free, state=DeliveryState.SUPERSEDED))
        elif (silence := _find_mute(session, delivery, subscription, now)) is not None:
            muted = replace(free, state=DeliveryState.DROPPED, last_error=note_muted(silence))
            deliveries.update_delivery(session, muted)
        else:
            try:
                notices = load_notices(session, delivery, is_rich=is_rich, known=known)
            except UNREADABLE as error:
                # What is stored and cannot be read must not hold up the next.
                _LOG.exception("delivery %s on %s", delivery.delivery_id, channel)
                unread = f"what it tells cannot be read ({type(error).__name__}: {error}); kept, replay it once mended"
                deliveries.update_delivery(
                    session, replace(free, state=DeliveryState.DEAD, last_error=unread[:_EXCERPT])
                )
                continue
            return Load(delivery=delivery, subscription=subscription, notices=notices)
    return None


def _is_open(session: Session, question: Delivery) -> bool:
    """Whether anything that a question asks about still waits for an answer."""
    asked = deliveries.find_alerts(session, question.alert_ids)
    return any(alert.state is AlertState.HELD for alert in asked.values())


def _find_mute(session: Session, delivery: Delivery, subscription: Subscription, now: datetime) -> Silence | None:
    """The silence that names this receiver (who unsubscribed) and covers all that the delivery tells; None mostly."""
    if not delivery.receiver or delivery.is_question:
        return None
    silences = [
        silence
        for silence in deliveries.list_silences(session, at=now)
        if silence.starts_at <= now and names_label(silence.matchers, "receiver")
    ]
    if not silences:
        return None
    alerts = deliveries.find_alerts(session, delivery.alert_ids)
    revisions, _ = claims.find_readable_revisions(session, {alert.revision_id for alert in alerts.values()})
    found = [find_silence(one, subscription, silences, receiver=delivery.receiver) for one in revisions.values()]
    return found[0] if found and all(found) else None


def load_notices(
    session: Session, delivery: Delivery, *, is_rich: bool, known: dict[str, Story | None]
) -> tuple[Notice, ...]:
    """Return what a delivery tells, in its order; empty if all of it is gone from the store."""
    alerts = deliveries.find_alerts(session, (*delivery.alert_ids, *delivery.supersedes))
    revisions = claims.find_revisions(session, {alert.revision_id for alert in alerts.values()})
    for slug in {one.story for one in revisions.values()} - known.keys():
        known[slug] = stories.find_story(session, slug) if slug else None
    passed_over: dict[str, list[Revision]] = {}
    for alert_id in delivery.supersedes:
        alert = alerts.get(alert_id)
        revision = revisions.get(alert.revision_id) if alert else None
        if revision is not None and (record := record_of(revision)) is not None:
            passed_over.setdefault(record, []).append(revision)
    notices = []
    for alert_id in delivery.alert_ids:
        alert = alerts.get(alert_id)
        revision = revisions.get(alert.revision_id) if alert else None
        if alert is not None and revision is not None:
            # Taken out once used: two alerts of one record do not both mention it.
            before = passed_over.pop(record_of(revision) or "", [])
            notices.append(_notice(session, delivery, alert, revision, before, known.get(revision.story), is_rich))
    return tuple(notices)


def _notice(
    session: Session,
    delivery: Delivery,
    alert: Alert,
    revision: Revision,
    passed_over: list[Revision],
    story: Story | None,
    is_rich: bool,
) -> Notice:
    history = None
    if is_rich and revision.kind not in EVENT_KINDS:
        history = history_of_revisions(claims.list_revisions(session, key=revision.key, known_at=delivery.created_at))
    return Notice(alert=alert, revision=revision, passed_over=tuple(passed_over), story=story, history=history)


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
        response = outcome.response[:_EXCERPT]
        return replace(
            free, state=DeliveryState.DELIVERED, delivered_at=outcome.at, last_response=response, last_error=""
        )
    free = replace(free, last_error=str(error)[:_EXCERPT])
    due_at = retry_at(delivery.attempts, now=outcome.at, chance=chance, retry_after=error.retry_after)
    if error.permanent or error.disable or due_at is None:
        return replace(free, state=DeliveryState.DEAD)
    return replace(free, state=DeliveryState.DUE, due_at=due_at)


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
            last_error=str(error)[:_EXCERPT],
            disabled_at=outcome.at if error.disable else health.disabled_at,
        )
    deliveries.record_channel_health(session, health)
