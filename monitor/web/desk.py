"""What an editor decides about alerts: let a held one go, drop it, send a dead letter again, silence. Each acts once."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from storage import deliveries
from storage.keys import silence_id
from storage.records import Alert, AlertState, DeliveryState, Silence

# An unsubscribing reader gets nothing for a hundred years, or until the silence is ended on the page.
FOR_GOOD = 24 * 365.25 * 100


def approve_alert(session: Session, alert_id: str, *, now: datetime) -> Alert:
    """Let a held alert go with the next flush; one that is held no more stays as it is. Raises NotFoundError."""
    return _decide(session, alert_id, AlertState.PENDING, now)


def drop_alert(session: Session, alert_id: str, *, now: datetime) -> Alert:
    """Never send a held alert; one that is held no more stays as it is. Raises NotFoundError."""
    return _decide(session, alert_id, AlertState.DROPPED, now)


def _decide(session: Session, alert_id: str, state: AlertState, now: datetime) -> Alert:
    alert = deliveries.get_alert(session, alert_id)
    if alert.state is not AlertState.HELD:
        return alert
    decided = replace(alert, state=state, due_at=now)
    deliveries.update_alerts(session, [decided])
    return decided


def replay_delivery(session: Session, delivery_id: str, *, now: datetime) -> bool:
    """Send a dead letter again, with all its attempts before it and under the same id; returns whether it was dead."""
    delivery = deliveries.get_delivery(session, delivery_id)
    if delivery.state is not DeliveryState.DEAD:
        return False
    deliveries.update_delivery(session, replace(delivery, state=DeliveryState.DUE, attempts=0, due_at=now))
    return True


def add_silence(
    session: Session, matchers: tuple[tuple[str, str], ...], *, hours: float, who: str, comment: str, now: datetime
) -> Silence:
    """Send nothing that matches for so many hours from now."""
    silence = Silence(
        silence_id=silence_id(matchers, now, now + timedelta(hours=hours)),
        matchers=matchers,
        starts_at=now,
        ends_at=now + timedelta(hours=hours),
        who=who,
        comment=comment,
    )
    deliveries.add_silence(session, silence)
    return silence
