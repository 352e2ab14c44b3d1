"""The dispatcher's transactions: flush the outbox, take a delivery with all that its message needs, record what came
of it.

Each function takes a Session inside a transaction of its caller; none of them touches the network.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.asking import ask_approvers
from alerts.changes import Notice
from alerts.chart import history_of_revisions
from alerts.flushing import Flushed, flush
from alerts.handing import REFINING
from alerts.hearing import keep_from_untold, mute
from alerts.interest import EVENT_KINDS, record_of
from alerts.overtaking import overtake
from alerts.plan import UNTOLD_STATES
from alerts.timing import RETRY_SCHEDULE, ROLLING, leave_quiet
from storage import claims, deliveries, keys, outbox, stories
from storage.codec import UNREADABLE
from storage.records import (
    Alert,
    AlertState,
    Delivery,
    DeliveryState,
    Revision,
    Story,
    Subscription,
)

_LOG = logging.getLogger(__name__)
# How much of an error or an answer is kept in the log.
EXCERPT = 1_000
# Attempts end by schedule; one that is taken up more often ends its dispatcher before anything is noted.
_MOST_CLAIMS = len(RETRY_SCHEDULE) + 10
_FATAL = "taken up {n} times by a service that ended before it could say what came of it; kept, replay it once mended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A claimed delivery with what its message is made of."""

    delivery: Delivery
    subscription: Subscription
    notices: tuple[Notice, ...]


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
    corrected = {one for revision in revisions.values() if (one := revision.corrects) is not None}
    flushed = flush(
        pending,
        revisions,
        subscriptions,
        now=now,
        silences=silences,
        sent=sent,
        standing=_find_standing(session, contested),
        receivers=receivers,
        told=outbox.list_told_or_waiting(session, corrected),
    )
    flushed = replace(flushed, deliveries=tuple(keep_from_untold(session, flushed.deliveries, pending, revisions)))
    settled = {alert.alert_id for alert in flushed.alerts}
    left = [alert for alert in pending if alert.alert_id not in settled]
    asked = ask_approvers(left, revisions, subscriptions, now=now, silences=silences, receivers=receivers)
    return _store(session, flushed, asked, now)


def _find_standing(session: Session, contested: Sequence[str]) -> dict[str, Revision]:
    """The disputes among these alerts that nothing has settled, of stories that are still watched."""
    standing = outbox.find_standing(session, contested)
    shut = {
        slug
        for slug in {one.story for one in standing.values()}
        if (story := stories.find_story(session, slug)) is not None and story.state in UNTOLD_STATES
    }
    return {key: one for key, one in standing.items() if one.story not in shut}


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


def _store(session: Session, flushed: Flushed, asked: Flushed, now: datetime) -> FlushReport:
    made = [*flushed.deliveries, *asked.deliveries]
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
    alerts, revisions = find_behind(session, {one for delivery in waiting for one in delivery.alert_ids})
    corrections = {
        key: keys.alert_id(corrected, alert.subscription)
        for key, alert in alerts.items()
        if (corrected := revisions[alert.revision_id].corrects)
    }
    records = {key: record_of(revisions[alert.revision_id]) for key, alert in alerts.items()}
    refining = {key for key, alert in alerts.items() if revisions[alert.revision_id].kind in REFINING}
    changed = overtake(waiting, records, now, corrections=corrections, refining=refining)
    outbox.update_deliveries(session, changed)
    return sum(delivery.state is DeliveryState.SUPERSEDED for delivery in changed)


def find_behind(session: Session, alert_ids: Iterable[str]) -> tuple[dict[str, Alert], dict[str, Revision]]:
    """Return those of these alerts whose revisions are stored and can be read, and the revisions, each by its id."""
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
    readers = outbox.Readers(
        known=frozenset(subscriptions) | {""},
        quiet=frozenset(name for name, one in subscriptions.items() if leave_quiet(one, now) > now),
        orphaned_at=now - ROLLING,
    )
    while (
        delivery := outbox.claim_delivery(
            session, channel, now=now, worker=worker, lease_seconds=lease_seconds, readers=readers
        )
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
        elif not mute(session, delivery, subscription, now):
            try:
                notices = load_notices(session, delivery, is_rich=is_rich, known=known)
            except UNREADABLE as error:
                # What is stored and cannot be read must not hold up the next.
                _LOG.exception("delivery %s on %s", delivery.delivery_id, channel)
                unread = f"what it tells cannot be read ({type(error).__name__}: {error}); kept, replay it once mended"
                deliveries.update_delivery(
                    session, replace(free, state=DeliveryState.DEAD, last_error=unread[:EXCERPT])
                )
                continue
            return Load(delivery=delivery, subscription=subscription, notices=notices)
    return None


def _is_open(session: Session, question: Delivery) -> bool:
    """Whether anything that a question asks about still waits for an answer."""
    asked = deliveries.find_alerts(session, question.alert_ids)
    return any(alert.state is AlertState.HELD for alert in asked.values())


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
