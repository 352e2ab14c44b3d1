"""A newer delivery takes the place of an older one that still waits, so that nobody is told old news after new.
Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from storage.records import Delivery, DeliveryState


def overtake(deliveries: Sequence[Delivery], records: Mapping[str, str | None], now: datetime) -> tuple[Delivery, ...]:
    """Return the deliveries, of those given oldest first, that change because a newer one overtakes an older one.

    `records` maps an alert id to what it is about (None: an event that nothing supersedes). An older delivery that
    waits
    to be tried (again) to the same address for the same subscription, and shares a record with a newer one that was not
    tried yet, becomes superseded; the newer one mentions its overtaken alerts and carries those that were not
    overtaken.
    One that is being sent at this moment is left alone: its end calls here again.
    """
    current = {delivery.delivery_id: delivery for delivery in deliveries}
    for index, newer_id in enumerate([delivery.delivery_id for delivery in deliveries]):
        for older_id in [delivery.delivery_id for delivery in deliveries[:index]]:
            older, newer = current[older_id], current[newer_id]
            if _can_overtake(newer, older, now) and _shared(newer, older, records):
                current[older_id], current[newer_id] = _merge(newer, older, records)
    originals = {delivery.delivery_id: delivery for delivery in deliveries}
    return tuple(delivery for key, delivery in current.items() if delivery is not originals[key])


def is_waiting(delivery: Delivery, now: datetime) -> bool:
    """Whether a delivery waits to be tried: due now or later, or claimed by a worker that is gone."""
    if delivery.state is DeliveryState.DUE:
        return True
    gone = delivery.claimed_until is not None and delivery.claimed_until <= now
    return delivery.state is DeliveryState.SENDING and gone


def _can_overtake(newer: Delivery, older: Delivery, now: datetime) -> bool:
    same_address = _address(newer) == _address(older)
    untried = newer.state is DeliveryState.DUE and newer.attempts == 0 and newer.repeat == 0
    return same_address and untried and is_waiting(older, now)


def _address(delivery: Delivery) -> tuple[str, str, str, bool]:
    """Who is told or asked what for: a question never speaks for a message, nor the other way round."""
    return delivery.channel, delivery.receiver, delivery.subscription, delivery.is_question


def _shared(newer: Delivery, older: Delivery, records: Mapping[str, str | None]) -> set[str]:
    """The records that both are about."""
    mine = {records.get(alert_id) for alert_id in newer.alert_ids}
    theirs = {records.get(alert_id) for alert_id in older.alert_ids}
    return {record for record in mine & theirs if record is not None}


def _merge(newer: Delivery, older: Delivery, records: Mapping[str, str | None]) -> tuple[Delivery, Delivery]:
    """The older one, superseded, and the newer one that speaks for both."""
    shared = _shared(newer, older, records)
    overtaken = tuple(alert_id for alert_id in older.alert_ids if records.get(alert_id) in shared)
    # A reminder repeats what was told already: only its overtaken question matters.
    carried = () if older.repeat else tuple(one for one in older.alert_ids if one not in overtaken)
    alert_ids = tuple(dict.fromkeys((*carried, *newer.alert_ids)))
    mentioned = dict.fromkeys((*older.supersedes, *(() if older.repeat else overtaken), *newer.supersedes))
    superseded = replace(older, state=DeliveryState.SUPERSEDED, claimed_by="", claimed_until=None)
    supersedes = tuple(alert_id for alert_id in mentioned if alert_id not in alert_ids)
    return superseded, replace(newer, alert_ids=alert_ids, supersedes=supersedes)
