"""What became of a revision for each of those who might have been told: told, waiting, given up, not meant. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alerts.links import LINK
from alerts.matchers import names_label
from alerts.plan import find_verdict
from alerts.timing import leave_quiet
from alerts.words import Words, load_words
from storage.records import (
    Alert,
    AlertState,
    Delivery,
    DeliveryState,
    Revision,
    Silence,
    StoryState,
    Subscription,
)

_MUTED = re.compile(r"silenced(?: for this address)? \((\S+)\)")
# What is kept with a delivery that had nothing to say to its address.
NEVER_TOLD = "it takes back what this address was never told"
# Of several deliveries to one address the first of these states speaks.
_SPEAKS = (
    DeliveryState.DELIVERED,
    DeliveryState.SENDING,
    DeliveryState.DUE,
    DeliveryState.DEAD,
    DeliveryState.DROPPED,
    DeliveryState.SUPERSEDED,
)


class Told(StrEnum):
    """Whether somebody was told."""

    YES = "yes"
    NO = "no"
    WAITS = "waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of a revision for one subscription, or for one address of it (`channel` empty: for all of it)."""

    subscription: str
    channel: str = ""
    receiver: str = ""
    told: Told
    words: str


def note_muted(silence: Silence) -> str:
    """Return what is kept with a delivery that a silence, of its address or of all, held back."""
    of_address = " for this address" if names_label(silence.matchers, "receiver") else ""
    return f"silenced{of_address} ({silence.silence_id})"


def account_for(
    revision: Revision,
    subscription: Subscription,
    *,
    alert: Alert | None,
    last: Alert | None = None,
    carrying: Sequence[Delivery] = (),
    silences: Mapping[str, Silence] | None = None,
    story_state: StoryState | None = None,
    told: Mapping[str, Collection[str]] | None = None,
    correction: Alert | None = None,
    words: Words | None = None,
) -> tuple[Account, ...]:
    """Return what became of `revision` for a subscription, an account for each address that a message was made for.

    `alert` is what was planned for the two (None: nothing), `last` the end of the chain of those that took its place,
    `carrying` the deliveries that tell of it, oldest first, `silences` all that are kept, by id, `correction` what was
    planned to tell it as a correction instead (`find_corrections_beside`). Without deliveries
    there is one account for the subscription: what it waits for, or why it is not told.
    """
    words = words or load_words(subscription.lang)
    known = silences or {}
    if alert is None or not carrying:
        reason = explain_not_told(
            revision,
            subscription,
            alert=alert,
            last=last,
            silences=known,
            story_state=story_state,
            told=told,
            correction=correction,
            words=words,
        )
        waits = alert is not None and alert.state in (AlertState.PENDING, AlertState.HELD)
        return (Account(subscription=subscription.name, told=Told.WAITS if waits else Told.NO, words=reason),)
    addresses: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in carrying:
        addresses.setdefault((delivery.channel, delivery.receiver), []).append(delivery)
    accounts = []
    for (channel, receiver), made in addresses.items():
        speaks = min(made, key=lambda one: _SPEAKS.index(one.state))
        fate, said = _account_of(speaks, alert, known, subscription, words)
        accounts.append(
            Account(subscription=subscription.name, channel=channel, receiver=receiver, told=fate, words=said)
        )
    return tuple(accounts)


def explain_not_told(
    revision: Revision,
    subscription: Subscription,
    *,
    alert: Alert | None = None,
    last: Alert | None = None,
    silences: Mapping[str, Silence] | None = None,
    story_state: StoryState | None = None,
    told: Mapping[str, Collection[str]] | None = None,
    correction: Alert | None = None,
    words: Words | None = None,
) -> str:
    """Return in words why nothing was made to tell `subscription` of `revision`, or what it waits for.

    `alert` is what was planned for the two, if anything was: then its state tells. Without one the filters do; what
    would be told now and has no alert is in a correction, or older than the subscription or its story's watch.
    """
    words = words or load_words(subscription.lang)
    if alert is None and correction is not None:
        return words.say("not_told", "in_correction", by=correction.alert_id)
    if alert is None:
        verdict = find_verdict(revision, subscription, story_state=story_state, told=told)
        reason = "no_alert" if verdict.is_told else verdict.reason
        return words.say("not_told", reason, **dict(verdict.details))
    zone = subscription.timezone
    values: dict[str, object] = {"by": alert.superseded_by or "", "due": words.moment(alert.due_at, zone)}
    if alert.decided_at is not None:
        values |= {"who": alert.decided_by, "at": words.moment(alert.decided_at, zone)}
    key, _, values["detail"] = alert.reason.partition(":")
    if alert.state is AlertState.SILENCED and key == "silenced":
        silence = (silences or {}).get(str(values["detail"]))
        return _say_silence(silence, zone, words) if silence else words.say("not_told", key, **values)
    if alert.state is AlertState.HELD and alert.asked_at is not None:
        return words.say("not_told", "asked", at=words.moment(alert.asked_at, zone))
    if alert.state is AlertState.SUPERSEDED and last is not None and last.state is AlertState.DROPPED:
        return words.say("not_told", "taken_back", **values)
    if alert.state not in (AlertState.DROPPED, AlertState.SILENCED):
        key = alert.state.value
    decided = f"{key}_by"
    return words.say("not_told", decided if "who" in values and words.has("not_told", decided) else key, **values)


def _account_of(
    delivery: Delivery, alert: Alert, silences: Mapping[str, Silence], subscription: Subscription, words: Words
) -> tuple[Told, str]:
    zone = subscription.timezone
    values: dict[str, object] = {
        "n": delivery.attempts,
        "error": delivery.last_error,
        # Quiet hours hold for further attempts too.
        "due": words.moment(leave_quiet(subscription, delivery.due_at), zone),
    }
    if delivery.state is DeliveryState.DELIVERED:
        key = "told" if alert.alert_id in delivery.alert_ids else "told_within"
        return Told.YES, words.say("fate", key, at=words.moment(delivery.delivered_at or delivery.due_at, zone))
    if delivery.state in (DeliveryState.SENDING, DeliveryState.DUE):
        is_again = delivery.state is DeliveryState.DUE and delivery.attempts > 0 and delivery.last_error
        key = "tried" if is_again else delivery.state.value
        return Told.WAITS, words.say("fate", key, **values)
    muted = _MUTED.match(delivery.last_error)
    if delivery.state is DeliveryState.DROPPED and muted is not None and muted[1] in silences:
        return Told.NO, _say_silence(silences[muted[1]], zone, words)
    if delivery.state is DeliveryState.DROPPED and delivery.last_error == NEVER_TOLD:
        return Told.NO, words.say("fate", "never_told")
    key = "unsent" if delivery.state is DeliveryState.DEAD and not delivery.attempts else delivery.state.value
    return Told.NO, words.say("fate", key, **values)


def _say_silence(silence: Silence, zone: str, words: Words) -> str:
    """Who said when, and until when, that nothing is wanted: one who unsubscribed, or an editor."""
    labels = {name for name, _ in silence.matchers}
    is_unsubscribed = silence.who == LINK and labels <= {"subscription", "receiver"}
    return words.say(
        "fate",
        "unsubscribed" if is_unsubscribed else "muted",
        at=words.moment(silence.starts_at, zone),
        until=words.moment(silence.ends_at, zone),
        who=silence.who,
        detail=silence.comment or silence.silence_id,
    )
