"""What is handed over: deliveries with their addresses, ids and lanes, and the silences that keep them back. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerts.interest import labels_of
from alerts.matchers import matches, names_label
from alerts.timing import parse_digest
from storage.keys import delivery_id, key_text, stable_hash
from storage.records import Delivery, Revision, RevisionKind, Silence, Subscription

# Labels that a record alone decides: alerts of one record always fall into one lane.
_LANE_LABELS = frozenset({"story", "metric", "unit", "population", "place", "period", "record"})
# What merely sharpens a figure is not told beside what moved it.
REFINING = frozenset({RevisionKind.REFINED, RevisionKind.CONFIRMED})


def find_silence(
    revision: Revision, subscription: Subscription, silences: Sequence[Silence], *, receiver: str = ""
) -> Silence | None:
    """Return the first of `silences` that mutes a revision for a subscription, or for one receiver of it.

    One that names receivers, or leaves some out, mutes deliveries to them, never the alert of them all.
    """
    labels = labels_of(revision, subscription.name, receiver)
    for silence in silences:
        if not receiver and names_label(silence.matchers, "receiver"):
            continue
        if matches(labels, silence.matchers):
            return silence
    return None


def address_of(delivery: Delivery) -> tuple[str, str]:
    """Return where a delivery goes: its channel, and the receiver where the channel has several."""
    return delivery.channel, delivery.receiver


def id_of_delivery(
    channel: str, receiver: str, alert_ids: Sequence[str], *, repeat: int = 0, is_question: bool = False
) -> str:
    """Return the id of a delivery, which follows from address and content."""
    marks = (*((f"repeat {repeat}",) if repeat else ()), *(("question",) if is_question else ()))
    return delivery_id(_written(channel, receiver), (*alert_ids, *marks))


def _written(channel: str, receiver: str) -> str:
    return f"{channel}:{receiver}" if receiver else channel


def make_deliveries(
    subscription: Subscription,
    channels: Sequence[str],
    receivers: Mapping[str, Sequence[str]],
    alert_ids: tuple[str, ...],
    supersedes: tuple[str, ...],
    lane: str,
    *,
    now: datetime,
    repeat: int = 0,
    is_question: bool = False,
) -> list[Delivery]:
    """Return one delivery for each address of these channels, due at once; ids follow from address and content."""
    made = []
    for channel in dict.fromkeys(channels):
        for receiver in receivers.get(channel) or ("",):
            address = _written(channel, receiver)
            made.append(
                Delivery(
                    delivery_id=id_of_delivery(channel, receiver, alert_ids, repeat=repeat, is_question=is_question),
                    channel=channel,
                    receiver=receiver,
                    subscription=subscription.name,
                    lane=stable_hash("l1", address, subscription.name, lane, *(("question",) if is_question else ())),
                    alert_ids=alert_ids,
                    supersedes=supersedes,
                    repeat=repeat,
                    is_question=is_question,
                    due_at=now,
                    created_at=now,
                )
            )
    return made


def lane_of(revision: Revision, subscription: Subscription) -> str:
    """Return the part of a group that the record alone decides: what serialises deliveries, so that a record has one
    lane."""
    if parse_digest(subscription.digest) is not None:
        return "digest"
    # A correction is of no record, for nothing may swallow it, and goes in the lane of what it takes back.
    labels = labels_of(revision)
    if revision.kind is RevisionKind.CORRECTION:
        labels["record"] = key_text(revision.key)
    return "|".join(f"{name}={labels[name]}" for name in subscription.group_by if name in _LANE_LABELS)
