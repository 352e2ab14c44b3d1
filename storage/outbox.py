"""What the dispatcher asks of the outbox: what waits, what may be claimed, what came of it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, func, or_, select, text, update
from sqlalchemy.orm import aliased
from sqlmodel import Session

from storage.codec import UNREADABLE, from_json, from_row, to_row
from storage.records import Alert, AlertState, Delivery, DeliveryState, Revision, RevisionKind
from storage.tables import ALERTS, DELIVERIES, DELIVERY_ALERTS, REVISIONS
from storage.writing import changed_rows, chunks, insert_new, insert_or_update, is_postgres

_DISPATCH_LOCK = 7_026_002
# Statements that run with each delivery are made once: to build one costs more than to run it.
_BUSY_LANES = select(DELIVERIES.c.lane).where(
    DELIVERIES.c.channel == bindparam("channel"),
    DELIVERIES.c.state == DeliveryState.SENDING.value,
    DELIVERIES.c.claimed_until > bindparam("now"),
    DELIVERIES.c.lane != "",
)
_NEXT_OF_CHANNEL = (
    select(DELIVERIES)
    .where(
        DELIVERIES.c.channel == bindparam("channel"),
        DELIVERIES.c.state == DeliveryState.DUE.value,
        DELIVERIES.c.due_at <= bindparam("now"),
        DELIVERIES.c.lane.not_in(_BUSY_LANES),
    )
    .order_by(DELIVERIES.c.due_at, DELIVERIES.c.created_at, DELIVERIES.c.delivery_id)
    .limit(1)
)
# Asked only where the next of all is for others: long lists cost more to bind than all the rest.
_NEXT_FOR_READERS = _NEXT_OF_CHANNEL.where(
    DELIVERIES.c.subscription.not_in(bindparam("quiet", expanding=True)),
    or_(
        DELIVERIES.c.subscription.in_(bindparam("known", expanding=True)),
        DELIVERIES.c.created_at <= bindparam("orphaned"),
    ),
)
_CLAIM = update(DELIVERIES).where(DELIVERIES.c.delivery_id == bindparam("chosen"))
# Events of articles and what fills in the past: beside a dispute, and no word in it.
_SETTLES_NOTHING = (
    RevisionKind.EDITED,
    RevisionKind.REMOVED,
    RevisionKind.FOUND,
    RevisionKind.BACKFILLED,
    RevisionKind.REFINED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """For whom deliveries are taken: `known` are the subscriptions of the settings, `quiet` those that want nothing
    now. What is for others is left to a program that knows them, unless it was made before `orphaned_at`."""

    known: frozenset[str]
    quiet: frozenset[str]
    orphaned_at: datetime

    def want(self, subscription: str, made_at: datetime) -> bool:
        """Whether a delivery for a subscription, made then, is to be taken."""
        return subscription not in self.quiet and (subscription in self.known or made_at <= self.orphaned_at)


def lock_outbox(session: Session) -> None:
    """Hold the outbox for this transaction: flushing and claiming look before they take. SQLite's writer is alone
    anyway."""
    if is_postgres(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _DISPATCH_LOCK})


def list_waiting_alerts(session: Session) -> tuple[Alert, ...]:
    """Pending and held alerts in the order of the change log: of one record the newest comes last."""
    query = (
        select(ALERTS)
        .join(REVISIONS, REVISIONS.c.revision_id == ALERTS.c.revision_id)
        .where(ALERTS.c.state.in_([AlertState.PENDING.value, AlertState.HELD.value]))
        .order_by(REVISIONS.c.sequence, ALERTS.c.subscription)
    )
    return tuple(from_row(Alert, row) for row in session.execute(query).mappings())


def list_told_or_waiting(session: Session, revision_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """The subscriptions that were told each of these revisions or are about to be: whoever needs its correction.

    What was told within the message of another alert counts; what a person or a silence kept from everybody does not.
    An alert that still waits when its correction comes goes nowhere, and neither does the correction: the flush sees
    to that.
    """
    told: dict[str, set[str]] = {}
    for part in chunks(revision_ids):
        query = select(ALERTS).where(ALERTS.c.revision_id.in_(part))
        for row in session.execute(query).mappings().all():
            alert = from_row(Alert, row)
            if _is_told_or_waits(session, alert):
                told.setdefault(alert.revision_id, set()).add(alert.subscription)
    return {revision_id: frozenset(names) for revision_id, names in told.items()}


def _is_told_or_waits(session: Session, alert: Alert) -> bool:
    if alert.state in (AlertState.PENDING, AlertState.HELD):
        return True
    if alert.state not in (AlertState.RELEASED, AlertState.SUPERSEDED) and alert.superseded_by is None:
        return False
    carrying, last = list_carrying(session, alert)
    if last.state in (AlertState.DROPPED, AlertState.SILENCED):
        return False
    # Where no delivery is kept any more, it was handed over long ago.
    return not carrying or any(is_heard_or_waits(one) for one in carrying)


def is_heard_or_waits(delivery: Delivery) -> bool:
    """Whether a delivery reached its address, may have (an attempt whose answer was lost), or is still to."""
    if delivery.state in (DeliveryState.DELIVERED, DeliveryState.DUE, DeliveryState.SENDING):
        return True
    return delivery.state is not DeliveryState.DROPPED and delivery.attempts > 0


def find_standing(session: Session, alert_ids: Iterable[str]) -> dict[str, Revision]:
    """The revisions behind these alerts that nothing newer about the same record has settled; none that cannot be
    read. Edits of articles, what fills in the past and what sharpens a figure settle nothing."""
    standing: dict[str, Revision] = {}
    later = aliased(REVISIONS)
    columns = ("story", "metric", "unit", "population", "place", "period")
    same_record = and_(*(later.c[name] == REVISIONS.c[name] for name in columns))
    settles = later.c.kind.not_in([kind.value for kind in _SETTLES_NOTHING])
    newer = later.c.sequence > REVISIONS.c.sequence
    followed = select(later.c.sequence).where(same_record, newer, settles).exists()
    for part in chunks(alert_ids):
        query = (
            select(ALERTS.c.alert_id, REVISIONS.c.payload)
            .join(REVISIONS, REVISIONS.c.revision_id == ALERTS.c.revision_id)
            .where(ALERTS.c.alert_id.in_(part), ~followed)
        )
        for row in session.execute(query):
            with suppress(*UNREADABLE):
                standing[row.alert_id] = from_json(Revision, row.payload)
    return standing


def list_carrying(session: Session, alert: Alert) -> tuple[tuple[Delivery, ...], Alert]:
    """The deliveries that tell of an alert, oldest first, and the last alert of those that took its place.

    They carry it, or mention it since a newer change of its record took its place. Questions tell of nothing.
    """
    chain = {alert.alert_id: alert}
    last = alert
    while last.superseded_by is not None and last.superseded_by not in chain:
        row = session.execute(select(ALERTS).where(ALERTS.c.alert_id == last.superseded_by)).mappings().first()
        if row is None:
            break
        last = from_row(Alert, row)
        chain[last.alert_id] = last
    carrying = select(DELIVERY_ALERTS.c.delivery_id).where(DELIVERY_ALERTS.c.alert_id.in_(list(chain)))
    lanes = select(DELIVERIES.c.lane).where(DELIVERIES.c.delivery_id.in_(carrying))
    near = or_(DELIVERIES.c.delivery_id.in_(carrying), and_(DELIVERIES.c.lane != "", DELIVERIES.c.lane.in_(lanes)))
    query = select(DELIVERIES).where(near, ~DELIVERIES.c.is_question)
    query = query.order_by(DELIVERIES.c.created_at, DELIVERIES.c.delivery_id)
    made = [from_row(Delivery, row) for row in session.execute(query).mappings()]
    return tuple(one for one in made if alert.alert_id in (*one.alert_ids, *one.supersedes)), last


def claim_delivery(
    session: Session, channel: str, *, now: datetime, worker: str, lease_seconds: float, readers: Readers | None = None
) -> Delivery | None:
    """Take the delivery of a channel that has been due longest, for `worker` alone; None when none may be taken now.

    `readers` says whose are taken (default: everybody's).

    It is `sending` until `claimed_until`; `requeue_expired` gives what a dead worker held to the next. Of a lane only
    one is under way at a time. The attempt is counted here, so that one that kills its worker can be given up.
    """
    lock_outbox(session)
    row = session.execute(_NEXT_OF_CHANNEL, {"channel": channel, "now": now}).mappings().first()
    if row is not None and readers is not None and not readers.want(row["subscription"], row["created_at"]):
        chosen = {
            "quiet": sorted(readers.quiet),
            "known": sorted(readers.known),
            "orphaned": readers.orphaned_at,
        }
        row = session.execute(_NEXT_FOR_READERS, {"channel": channel, "now": now, **chosen}).mappings().first()
    if row is None:
        return None
    claimed = {
        "state": DeliveryState.SENDING.value,
        "claimed_by": worker,
        "claimed_until": now + timedelta(seconds=lease_seconds),
        "attempts": row["attempts"] + 1,
    }
    session.execute(_CLAIM, {"chosen": row["delivery_id"], **claimed})
    return from_row(Delivery, {**row, **claimed})


def release_claims(session: Session, worker: str, *, now: datetime) -> int:
    """Make what `worker` held due again, as it does when it starts and as it stops; returns how many there were."""
    held = (DELIVERIES.c.state == DeliveryState.SENDING.value) & (DELIVERIES.c.claimed_by == worker)
    free = {"state": DeliveryState.DUE.value, "claimed_by": "", "claimed_until": None, "due_at": now}
    return changed_rows(session.execute(update(DELIVERIES).where(held).values(**free)))


def requeue_expired(session: Session, *, now: datetime) -> int:
    """Make due again what a worker claimed and did not finish in its time; returns how many there were."""
    expired = and_(DELIVERIES.c.state == DeliveryState.SENDING.value, DELIVERIES.c.claimed_until <= now)
    free = {"state": DeliveryState.DUE.value, "claimed_by": "", "claimed_until": None, "due_at": now}
    return changed_rows(session.execute(update(DELIVERIES).where(expired).values(**free)))


def update_deliveries(session: Session, deliveries: Iterable[Delivery]) -> None:
    """Store all fields of these deliveries, and which alerts they carry now."""
    given = list(deliveries)
    insert_or_update(session, DELIVERIES, [to_row(delivery) for delivery in given], ["delivery_id"])
    links = [
        {"delivery_id": delivery.delivery_id, "alert_id": alert_id}
        for delivery in given
        for alert_id in dict.fromkeys(delivery.alert_ids)
    ]
    insert_new(session, DELIVERY_ALERTS, links, ["delivery_id", "alert_id"])


def bury_channel(session: Session, channel: str, *, error: str, made_before: datetime | None = None) -> int:
    """Put all that waits for a channel, or what was made before a time and waits, among the dead letters (it can be
    replayed); returns how many there were."""
    waiting = (DELIVERIES.c.channel == channel) & (DELIVERIES.c.state == DeliveryState.DUE.value)
    if made_before is not None:
        waiting &= DELIVERIES.c.created_at <= made_before
    dead = {"state": DeliveryState.DEAD.value, "last_error": error}
    return changed_rows(session.execute(update(DELIVERIES).where(waiting).values(**dead)))


def list_due_channels(session: Session, *, now: datetime) -> frozenset[str]:
    """The names of the channels for which something is due."""
    due = and_(DELIVERIES.c.state == DeliveryState.DUE.value, DELIVERIES.c.due_at <= now)
    return frozenset(session.execute(select(DELIVERIES.c.channel).where(due).distinct()).scalars())


def is_anything_due(session: Session, *, now: datetime) -> bool:
    """Whether a dispatcher would find something to do: a group that is due, or a delivery."""
    planned = and_(ALERTS.c.state == AlertState.PENDING.value, ALERTS.c.due_at <= now)
    due = and_(DELIVERIES.c.state == DeliveryState.DUE.value, DELIVERIES.c.due_at <= now)
    queries = (select(ALERTS.c.alert_id).where(planned), select(DELIVERIES.c.delivery_id).where(due))
    return any(session.execute(query.limit(1)).first() is not None for query in queries)


def list_unasked(session: Session, *, limit: int = 500) -> tuple[Alert, ...]:
    """Held alerts that no approver was asked about yet, those held longest first."""
    query = select(ALERTS).where(ALERTS.c.state == AlertState.HELD.value, ALERTS.c.asked_at.is_(None))
    query = query.order_by(ALERTS.c.planned_at, ALERTS.c.alert_id).limit(limit)
    return tuple(from_row(Alert, row) for row in session.execute(query).mappings())


def list_claimants(session: Session) -> frozenset[str]:
    """The names of those that have a delivery on its way."""
    sending = DELIVERIES.c.state == DeliveryState.SENDING.value
    return frozenset(session.execute(select(DELIVERIES.c.claimed_by).where(sending).distinct()).scalars())


def count_waiting(session: Session) -> dict[str, int]:
    """How many deliveries wait for each channel."""
    waiting = DELIVERIES.c.state.in_([DeliveryState.DUE.value, DeliveryState.SENDING.value])
    query = select(DELIVERIES.c.channel, func.count()).where(waiting).group_by(DELIVERIES.c.channel)
    return {channel: count for channel, count in session.execute(query)}
