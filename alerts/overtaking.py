"""A newer delivery takes the place of an older one that still waits, so that nobody is told old news after new.
Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from storage.records import Delivery, DeliveryState


def overtake(
    deliveries: Sequence[Delivery],
    records: Mapping[str, str | None],
    now: datetime,
    *,
    corrections: Mapping[str, str] | None = None,
    refining: Collection[str] = (),
) -> tuple[Delivery, ...]:
    """Return the deliveries, of those given oldest first, that change because a newer one overtakes an older one.

    `records` maps an alert id to what it is about (None: an event that nothing supersedes). An older delivery that
    waits
    to be tried (again) to the same address for the same subscription, and shares a record with a newer one that was not
    tried yet, becomes superseded; the newer one mentions its overtaken alerts and carries those that were not
    overtaken.
    One that is being sent at this moment is left alone: its end calls here again.

    `corrections` maps the alert of a correction to that of what it takes back. A correction takes the place of that as
    a newer change of its record would; if it was never tried, nobody got it, and its receiver is told neither.
    `refining` are the alerts that merely sharpen a figure: one of these does not speak for the change that it
    overtakes, but is mentioned with it in the newer delivery.
    """
    taken_back = corrections or {}
    current = {delivery.delivery_id: delivery for delivery in deliveries}
    for index, newer_id in enumerate([delivery.delivery_id for delivery in deliveries]):
        for older_id in [delivery.delivery_id for delivery in deliveries[:index]]:
            older, newer = current[older_id], current[newer_id]
            if not _can_overtake(newer, older, now):
                continue
            overtaken = _overtaken(newer, older, records, taken_back)
            if overtaken:
                led = _led_by_the_larger(newer, older, overtaken, records, {*refining, *_taken_back(newer, taken_back)})
                overtaken = [one for one in overtaken if one not in led.alert_ids]
                current[older_id], current[newer_id] = _merge(led, older, overtaken, taken_back)
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


def _overtaken(
    newer: Delivery, older: Delivery, records: Mapping[str, str | None], taken_back: Mapping[str, str]
) -> list[str]:
    """The alerts of the older one that the newer one knows better about, or takes back."""
    known = {records.get(alert_id) for alert_id in newer.alert_ids} - {None}
    corrected = _taken_back(newer, taken_back)
    return [one for one in older.alert_ids if records.get(one) in known or one in corrected]


def _taken_back(delivery: Delivery, taken_back: Mapping[str, str]) -> set[str]:
    return {taken_back[one] for one in delivery.alert_ids if one in taken_back}


def _led_by_the_larger(
    newer: Delivery,
    older: Delivery,
    overtaken: Sequence[str],
    records: Mapping[str, str | None],
    lesser: Collection[str],
) -> Delivery:
    """The newer delivery with the changes of the older one in the place of what merely refines them; `lesser` lead
    nothing."""
    if older.repeat:
        return newer
    larger = {records[one]: one for one in overtaken if one not in lesser and records.get(one) is not None}
    smaller = [one for one in newer.alert_ids if one in lesser and records.get(one) in larger]
    if not smaller:
        return newer
    told = (larger[records[one]] if one in smaller else one for one in newer.alert_ids)
    return replace(newer, alert_ids=tuple(dict.fromkeys(told)), supersedes=(*newer.supersedes, *smaller))


def _merge(
    newer: Delivery, older: Delivery, overtaken: Sequence[str], taken_back: Mapping[str, str]
) -> tuple[Delivery, Delivery]:
    """The older one, superseded, and the newer one that speaks for both; superseded too where that leaves nothing to
    tell."""
    superseded = replace(older, state=DeliveryState.SUPERSEDED, claimed_by="", claimed_until=None)
    # Nobody heard of these, nor will: what took them back goes with them. (A correction took the place of something
    # itself: what follows it is told.)
    untold = {one for one in overtaken if not older.attempts and not older.repeat and one not in taken_back}
    void = {one for one in newer.alert_ids if taken_back.get(one) in untold}
    unheard = {taken_back[one] for one in void}
    # A reminder repeats what was told already: only its overtaken question matters.
    carried = () if older.repeat else tuple(one for one in older.alert_ids if one not in overtaken)
    alert_ids = tuple(dict.fromkeys(one for one in (*carried, *newer.alert_ids) if one not in void))
    if not alert_ids:
        return superseded, replace(newer, state=DeliveryState.SUPERSEDED)
    told = () if older.repeat else (one for one in overtaken if one not in unheard)
    mentioned = dict.fromkeys((*older.supersedes, *told, *newer.supersedes))
    supersedes = tuple(alert_id for alert_id in mentioned if alert_id not in alert_ids)
    return superseded, replace(newer, alert_ids=alert_ids, supersedes=supersedes)
