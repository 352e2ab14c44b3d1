"""What a person does to alerts, from the command line, the page or a signed link: approve, drop, silence, replay.

Each function takes a Session inside the caller's transaction and returns the record as it stands afterwards.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.interest import LABELS, labels_of
from storage import claims, deliveries
from storage.errors import NotFoundError, SettingsError
from storage.keys import silence_id
from storage.records import Alert, AlertState, Delivery, DeliveryState, RevisionKind, Silence, Subscription

# What "silence this" means when nothing else is said (seconds).
SILENCE_SECONDS = 86_400.0


def approve_alert(session: Session, alert_id: str, *, now: datetime) -> Alert:
    """Let a held alert go with the next flush; one that is not held stays as it is. Raises NotFoundError."""
    alert = deliveries.get_alert(session, alert_id)
    if alert.state is not AlertState.HELD:
        return alert
    approved = replace(alert, state=AlertState.PENDING, due_at=now)
    deliveries.update_alerts(session, [approved])
    return approved


def drop_alert(session: Session, alert_id: str) -> Alert:
    """Throw away an alert that waits; one that does not wait stays as it is. Raises NotFoundError."""
    alert = deliveries.get_alert(session, alert_id)
    if alert.state not in (AlertState.HELD, AlertState.PENDING):
        return alert
    dropped = replace(alert, state=AlertState.DROPPED, reason="dropped")
    deliveries.update_alerts(session, [dropped])
    return dropped


def silence_record(
    session: Session,
    alert_id: str,
    *,
    now: datetime,
    seconds: float = SILENCE_SECONDS,
    who: str = "",
    comment: str = "",
) -> Silence:
    """Silence what an alert is about, for its subscription: its record, or its article. Raises NotFoundError."""
    alert = deliveries.get_alert(session, alert_id)
    revision = claims.get_revision(session, alert.revision_id)
    labels = labels_of(revision)
    is_article = revision.kind in (RevisionKind.EDITED, RevisionKind.REMOVED)
    names = ("story", "article") if is_article else ("story", "metric", "population", "place")
    matchers = (("subscription", _literal(alert.subscription)), *((name, _literal(labels[name])) for name in names))
    return add_silence(session, matchers, now=now, seconds=seconds, who=who, comment=comment)


def add_silence(
    session: Session,
    matchers: Sequence[tuple[str, str]],
    *,
    now: datetime,
    seconds: float = SILENCE_SECONDS,
    who: str = "",
    comment: str = "",
) -> Silence:
    """Silence all that matches, from now on for `seconds`. Raises SettingsError for a label that does not exist."""
    for name, _ in matchers:
        if name not in LABELS:
            raise SettingsError(f"silence: no label {name!r}; known are {', '.join(LABELS)}")
    if not matchers or seconds <= 0:
        raise SettingsError("silence: name at least one label, as in story=*, and a time that is longer than nothing")
    ends_at = now + timedelta(seconds=seconds)
    silence = Silence(
        silence_id=silence_id(matchers, now, ends_at),
        matchers=tuple(matchers),
        starts_at=now,
        ends_at=ends_at,
        who=who,
        comment=comment,
    )
    deliveries.add_silence(session, silence)
    return silence


def unsubscribe(
    session: Session,
    target: str,
    subscriptions: Sequence[Subscription],
    *,
    now: datetime,
    seconds: float,
    who: str = "",
) -> Silence:
    """Silence what an unsubscribe link names: a subscription, or one receiver of it ("name|address").

    The settings stay as they are, and a person can end it like any silence. Raises NotFoundError where no subscription
    is meant.
    """
    for name in (one.name for one in subscriptions):
        receiver = target.removeprefix(f"{name}|")
        if target == name or receiver != target:
            matchers = [("subscription", _literal(name))]
            matchers += [("receiver", _literal(receiver))] if target != name else []
            return add_silence(session, matchers, now=now, seconds=seconds, who=who)
    raise NotFoundError(f"no subscription is called {target!r}")


def replay_delivery(session: Session, delivery_id: str, *, now: datetime) -> Delivery:
    """Make a dead or dropped delivery due again, from its first attempt on, under its old id. Raises NotFoundError."""
    delivery = _get_finished(session, delivery_id, "replayed")
    again = replace(delivery, state=DeliveryState.DUE, attempts=0, due_at=now, claimed_by="", claimed_until=None)
    deliveries.update_delivery(session, again)
    health = deliveries.find_channel_health(session, delivery.channel)
    if health is not None and health.disabled_at is not None:
        # Whoever replays says that the endpoint is worth another try.
        deliveries.record_channel_health(session, replace(health, disabled_at=None))
    return again


def drop_delivery(session: Session, delivery_id: str) -> Delivery:
    """Throw a dead letter away: it is kept and listed no more among the dead. Raises NotFoundError."""
    dropped = replace(_get_finished(session, delivery_id, "dropped"), state=DeliveryState.DROPPED)
    deliveries.update_delivery(session, dropped)
    return dropped


def _get_finished(session: Session, delivery_id: str, verb: str) -> Delivery:
    delivery = deliveries.get_delivery(session, delivery_id)
    if delivery.state not in (DeliveryState.DEAD, DeliveryState.DROPPED):
        raise NotFoundError(f"delivery {delivery_id!r} is {delivery.state.value}; only dead ones are {verb}")
    return delivery


def _literal(value: str) -> str:
    """A value as a matcher that matches nothing else: brackets and wildcards in names are taken literally."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in value)
