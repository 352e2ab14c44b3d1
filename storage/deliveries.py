"""Alerts, deliveries, silences, the sent log and the health of channels, as stored: the outbox and what came of it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session

from storage.codec import from_row, to_row
from storage.errors import NotFoundError
from storage.records import (
    Alert,
    AlertState,
    ChannelHealth,
    Delivery,
    DeliveryState,
    SentGroup,
    Silence,
)
from storage.tables import ALERTS, CHANNEL_HEALTH, DELIVERIES, DELIVERY_ALERTS, SENT_GROUPS, SILENCES
from storage.writing import changed_rows, chunks, insert_new, insert_or_update, is_postgres

# Statements that run with each delivery are made once: to build one costs more than to run it.
_ALERTS_OF = select(ALERTS).where(ALERTS.c.alert_id.in_(bindparam("wanted", expanding=True)))
_DELIVERY = select(DELIVERIES).where(DELIVERIES.c.delivery_id == bindparam("chosen"))
_UPDATE_DELIVERY = update(DELIVERIES).where(DELIVERIES.c.delivery_id == bindparam("chosen"))
_SILENCES = select(SILENCES).order_by(SILENCES.c.starts_at, SILENCES.c.silence_id)
_SILENCES_AT = _SILENCES.where(SILENCES.c.ends_at > bindparam("at"))
_HEALTH_OF = select(CHANNEL_HEALTH).where(CHANNEL_HEALTH.c.channel == bindparam("chosen"))

# --- alerts -----------------------------------------------------------------------------------


def add_alerts(session: Session, alerts: Iterable[Alert]) -> int:
    """Store planned alerts; those that are there already stay as they are. Returns how many were new."""
    return insert_new(session, ALERTS, [to_row(alert) for alert in alerts], ["alert_id"])


def update_alerts(session: Session, alerts: Iterable[Alert]) -> None:
    """Store all fields of these alerts (released, superseded, silenced, …)."""
    insert_or_update(session, ALERTS, [to_row(alert) for alert in alerts], ["alert_id"])


def get_alert(session: Session, alert_id: str) -> Alert:
    """The alert of this id. Raises NotFoundError."""
    found = find_alerts(session, [alert_id])
    if not found:
        raise NotFoundError(f"no alert {alert_id!r}; `storywatch alerts list` shows them")
    return found[alert_id]


def find_alerts(session: Session, alert_ids: Iterable[str]) -> dict[str, Alert]:
    """The alerts of these ids; unknown ones are absent."""
    found: dict[str, Alert] = {}
    for part in chunks(alert_ids):
        rows = session.execute(_ALERTS_OF, {"wanted": part}).mappings()
        found |= {row["alert_id"]: from_row(Alert, row) for row in rows}
    return found


def list_alerts(
    session: Session,
    *,
    states: Iterable[AlertState] = (),
    story: str | None = None,
    subscription: str | None = None,
    revision_ids: Iterable[str] | None = None,
    newest_first: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[Alert, ...]:
    """Alerts in the order in which they were planned, or newest first; all of them unless narrowed."""
    order = (ALERTS.c.planned_at, ALERTS.c.alert_id)
    query = select(ALERTS).order_by(*(column.desc() for column in order) if newest_first else order)
    if wanted := [state.value for state in states]:
        query = query.where(ALERTS.c.state.in_(wanted))
    if story is not None:
        query = query.where(ALERTS.c.story == story)
    if subscription is not None:
        query = query.where(ALERTS.c.subscription == subscription)
    if revision_ids is not None:
        query = query.where(ALERTS.c.revision_id.in_(list(revision_ids)))
    if limit is not None:
        query = query.limit(limit).offset(offset)
    return tuple(from_row(Alert, row) for row in session.execute(query).mappings())


def count_alerts(session: Session, state: AlertState) -> int:
    """How many alerts stand in a state."""
    query = select(func.count()).select_from(ALERTS).where(ALERTS.c.state == state.value)
    found: int = session.execute(query).scalar_one()
    return found


def list_pending_alerts(session: Session) -> tuple[Alert, ...]:
    """Alerts that wait for their group, oldest first. On PostgreSQL locked, and those of another planner left out."""
    query = select(ALERTS).where(ALERTS.c.state == AlertState.PENDING.value)
    query = query.order_by(ALERTS.c.planned_at, ALERTS.c.alert_id)
    if is_postgres(session):
        query = query.with_for_update(skip_locked=True)
    return tuple(from_row(Alert, row) for row in session.execute(query).mappings())


# --- deliveries -------------------------------------------------------------------------------


def add_deliveries(session: Session, deliveries: Iterable[Delivery]) -> int:
    """Store deliveries; those that are there already stay as they are. Returns how many were new."""
    given = list(deliveries)
    added = insert_new(session, DELIVERIES, [to_row(delivery) for delivery in given], ["delivery_id"])
    links = [
        {"delivery_id": delivery.delivery_id, "alert_id": alert_id}
        for delivery in given
        for alert_id in dict.fromkeys(delivery.alert_ids)
    ]
    insert_new(session, DELIVERY_ALERTS, links, ["delivery_id", "alert_id"])
    return added


def update_delivery(session: Session, delivery: Delivery) -> None:
    """Store all fields of a delivery (what came of an attempt). Raises NotFoundError."""
    if not changed_rows(session.execute(_UPDATE_DELIVERY, {"chosen": delivery.delivery_id, **to_row(delivery)})):
        raise NotFoundError(f"no delivery {delivery.delivery_id!r}")


def get_delivery(session: Session, delivery_id: str) -> Delivery:
    """The delivery of this id. Raises NotFoundError."""
    row = session.execute(_DELIVERY, {"chosen": delivery_id}).mappings().first()
    if row is None:
        raise NotFoundError(f"no delivery {delivery_id!r}; `storywatch alerts deliveries` shows them")
    return from_row(Delivery, row)


def list_deliveries(
    session: Session,
    *,
    states: Iterable[DeliveryState] = (),
    channel: str | None = None,
    alert_id: str | None = None,
    lanes: Iterable[str] | None = None,
    newest_first: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[Delivery, ...]:
    """Deliveries in the order in which they were made, or newest first; all of them unless narrowed."""
    order = (DELIVERIES.c.created_at, DELIVERIES.c.delivery_id)
    query = select(DELIVERIES).order_by(*(column.desc() for column in order) if newest_first else order)
    if wanted := [state.value for state in states]:
        query = query.where(DELIVERIES.c.state.in_(wanted))
    if channel is not None:
        query = query.where(DELIVERIES.c.channel == channel)
    if alert_id is not None:
        carrying = select(DELIVERY_ALERTS.c.delivery_id).where(DELIVERY_ALERTS.c.alert_id == alert_id)
        query = query.where(DELIVERIES.c.delivery_id.in_(carrying))
    if lanes is not None:
        query = query.where(DELIVERIES.c.lane.in_(list(lanes)))
    if limit is not None:
        query = query.limit(limit).offset(offset)
    return tuple(from_row(Delivery, row) for row in session.execute(query).mappings())


def next_delivery_due_at(session: Session) -> datetime | None:
    """When the next delivery falls due; None when none waits."""
    waiting = DELIVERIES.c.state == DeliveryState.DUE.value
    found: datetime | None = session.execute(select(func.min(DELIVERIES.c.due_at)).where(waiting)).scalar()
    return found


def count_deliveries(session: Session) -> dict[DeliveryState, int]:
    """How many deliveries stand in each state."""
    query = select(DELIVERIES.c.state, func.count()).group_by(DELIVERIES.c.state)
    return {DeliveryState(state): count for state, count in session.execute(query)}


# --- the sent log, silences, channels ---------------------------------------------------------


def record_sent_groups(session: Session, groups: Iterable[SentGroup]) -> None:
    """Note when groups were flushed; the latest word on each counts."""
    insert_or_update(session, SENT_GROUPS, [to_row(group) for group in groups], ["subscription", "group_key"])


def list_sent_groups(
    session: Session, *, subscription: str | None = None, since: datetime | None = None
) -> tuple[SentGroup, ...]:
    """The sent log, by subscription and group."""
    query = select(SENT_GROUPS).order_by(SENT_GROUPS.c.subscription, SENT_GROUPS.c.group_key)
    if subscription is not None:
        query = query.where(SENT_GROUPS.c.subscription == subscription)
    if since is not None:
        query = query.where(SENT_GROUPS.c.sent_at >= since)
    return tuple(from_row(SentGroup, row) for row in session.execute(query).mappings())


def add_silence(session: Session, silence: Silence) -> None:
    """Store a silence, or its new end and comment."""
    insert_or_update(session, SILENCES, [to_row(silence)], ["silence_id"])


def end_silence(session: Session, silence_id: str, *, now: datetime) -> Silence:
    """End a silence now; one that is over stays as it was. Raises NotFoundError."""
    chosen = (SILENCES.c.silence_id == silence_id) & (SILENCES.c.ends_at > now)
    session.execute(update(SILENCES).where(chosen).values(ends_at=now))
    row = session.execute(select(SILENCES).where(SILENCES.c.silence_id == silence_id)).mappings().first()
    if row is None:
        raise NotFoundError(f"no silence {silence_id!r}; `storywatch alerts silence list` shows them")
    return from_row(Silence, row)


def list_silences(session: Session, *, at: datetime | None = None) -> tuple[Silence, ...]:
    """Silences by their start; only those that are not over at a time where given."""
    chosen = (_SILENCES,) if at is None else (_SILENCES_AT, {"at": at})
    return tuple(from_row(Silence, row) for row in session.execute(*chosen).mappings())


def record_channel_health(session: Session, health: ChannelHealth) -> None:
    """Note how a channel fares."""
    insert_or_update(session, CHANNEL_HEALTH, [to_row(health)], ["channel"])


def find_channel_health(session: Session, channel: str) -> ChannelHealth | None:
    """How a channel fares, or None when nothing was ever sent on it."""
    row = session.execute(_HEALTH_OF, {"chosen": channel}).mappings().first()
    return None if row is None else from_row(ChannelHealth, row)


def list_channel_health(session: Session) -> tuple[ChannelHealth, ...]:
    """How all channels fare, by name."""
    query = select(CHANNEL_HEALTH).order_by(CHANNEL_HEALTH.c.channel)
    return tuple(from_row(ChannelHealth, row) for row in session.execute(query).mappings())
