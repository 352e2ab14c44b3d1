"""Who is to hear what is about to be said: no correction for who was not told, no reminder before the news, and nothing
that was silenced since it was handed over.

Each function takes a Session inside a transaction of its caller.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from alerts.accounts import NEVER_TOLD, note_muted
from alerts.handing import address_of, find_silence, id_of_delivery
from alerts.interest import record_of
from storage import claims, deliveries, keys, outbox
from storage.records import (
    Alert,
    Delivery,
    DeliveryState,
    Revision,
    RevisionKind,
    Silence,
    Subscription,
)


def keep_from_untold(
    session: Session, made: Sequence[Delivery], pending: Iterable[Alert], revisions: Mapping[str, Revision]
) -> list[Delivery]:
    """Return the new deliveries without the corrections of what their address was not told, and without reminders of
    what has not reached it yet.

    `pending` are the alerts that waited, `revisions` those behind them. Where none of a subscription's present
    addresses was told (they changed since), a correction goes to them all. One that has nothing left to say is kept
    with the reason; a reminder is not.
    """
    reminded = {one for delivery in made if delivery.repeat for one in delivery.alert_ids}
    sources = dict.fromkeys(reminded, "") | {
        alert.alert_id: keys.alert_id(corrected, alert.subscription)
        for alert in pending
        if (revision := revisions.get(alert.revision_id)) is not None
        and revision.kind is RevisionKind.CORRECTION
        and (corrected := revision.corrects) is not None
    }
    wanted = {one: sources[one] or one for delivery in made for one in delivery.alert_ids if one in sources}
    if not wanted:
        return list(made)
    alerts = deliveries.find_alerts(session, set(wanted.values()))
    carrying = {
        one: outbox.list_carrying(session, alerts[source])[0] for one, source in wanted.items() if source in alerts
    }
    kept = []
    for delivery in made:
        left = tuple(one for one in delivery.alert_ids if _is_meant(one, delivery, made, carrying.get(one, ())))
        if left:
            kept.append(replace(delivery, alert_ids=left))
        elif not delivery.repeat:
            kept.append(replace(delivery, state=DeliveryState.DROPPED, last_error=NEVER_TOLD))
    return kept


def _is_meant(alert_id: str, delivery: Delivery, made: Sequence[Delivery], carrying: Sequence[Delivery]) -> bool:
    """Whether an address is to hear an alert; `carrying` are the deliveries of what it takes back or reminds of."""
    here = [one for one in carrying if address_of(one) == address_of(delivery)]
    if delivery.repeat:
        # Who joined since was told nothing, and has nothing on its way.
        return not here or any(one.state is DeliveryState.DELIVERED for one in here)
    told = {address_of(one) for one in carrying if outbox.is_heard_or_waits(one)}
    present = {address_of(one) for one in made if alert_id in one.alert_ids}
    return not told & present or address_of(delivery) in told


def mute(session: Session, delivery: Delivery, subscription: Subscription, now: datetime) -> bool:
    """Keep back what was silenced since a delivery was made, for all or for its receiver; True where that was anything.

    The delivery is dropped then, with the silence noted; what it tells besides goes on as a delivery of its own, for
    one id is one content. Questions tell of nothing and are never muted.
    """
    if delivery.is_question:
        return False
    silences = [one for one in deliveries.list_silences(session, at=now) if one.starts_at <= now]
    if not silences:
        return False
    alerts = deliveries.find_alerts(session, (*delivery.alert_ids, *delivery.supersedes))
    revisions, unread = claims.find_readable_revisions(session, {alert.revision_id for alert in alerts.values()})
    if unread:
        # That it cannot be read is to be said first.
        return False
    behind = {key: revisions[alert.revision_id] for key, alert in alerts.items() if alert.revision_id in revisions}
    muted: dict[str, Silence] = {}
    for one in delivery.alert_ids:
        if one in behind:
            silence = find_silence(behind[one], subscription, silences, receiver=delivery.receiver)
            muted |= {one: silence} if silence is not None else {}
    if not muted:
        return False
    note = note_muted(next(iter(muted.values())))
    dropped = replace(delivery, state=DeliveryState.DROPPED, last_error=note, claimed_by="", claimed_until=None)
    deliveries.update_delivery(session, dropped)
    loud = tuple(one for one in delivery.alert_ids if one in behind and one not in muted)
    if loud:
        deliveries.add_deliveries(session, [_without_muted(delivery, loud, behind, now)])
    return True


def _without_muted(
    delivery: Delivery, loud: tuple[str, ...], behind: Mapping[str, Revision], now: datetime
) -> Delivery:
    """A delivery of what is left of one, with the older changes of the records that are left."""
    records = {record_of(behind[one]) for one in loud} - {None}
    mentioned = (one for one in delivery.supersedes if one in behind and record_of(behind[one]) in records)
    return replace(
        delivery,
        delivery_id=id_of_delivery(delivery.channel, delivery.receiver, loud, repeat=delivery.repeat),
        alert_ids=loud,
        supersedes=tuple(mentioned),
        state=DeliveryState.DUE,
        attempts=0,
        due_at=now,
        last_error="",
        claimed_by="",
        claimed_until=None,
    )
