"""What a person does to alerts, from the command line, the page or a signed link: approve, drop, silence, replay.

Each function takes a Session inside the caller's transaction and returns the record as it stands afterwards.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.interest import labels_of, record_of
from alerts.matchers import check_matchers, literal
from alerts.sending import find_behind, let_overtake
from alerts.timing import group_due_at, leave_quiet, parse_digest
from storage import claims, deliveries, outbox
from storage.errors import DecidedError, MatcherError, NotFoundError, OvertakenError
from storage.keys import key_text, silence_id
from storage.records import Alert, AlertState, Delivery, DeliveryState, Revision, RevisionKind, Silence, Subscription

# What "silence this" means when nothing else is said (seconds).
SILENCE_SECONDS = 86_400.0


def approve_alert(
    session: Session, alert_id: str, *, now: datetime, who: str, subscriptions: Sequence[Subscription] = ()
) -> Alert:
    """Let a held alert go: at once after quiet hours, or with the next digest of its subscription.

    One that was approved before stays as it is. Raises NotFoundError, and DecidedError for one that somebody dropped
    or that a newer change, a silence or the settings settled; one that was never held needs no approval, and says so.
    """
    outbox.lock_outbox(session)
    alert = deliveries.get_alert(session, alert_id)
    if alert.state is AlertState.HELD:
        due_at = _next_at(next((one for one in subscriptions if one.name == alert.subscription), None), now)
        approved = replace(alert, state=AlertState.PENDING, due_at=due_at, decided_at=now, decided_by=who)
        deliveries.update_alerts(session, [approved])
        return approved
    if alert.decided_at is not None and alert.state is not AlertState.DROPPED:
        return alert
    raise _decided(alert)


def drop_alert(session: Session, alert_id: str, *, now: datetime, who: str) -> Alert:
    """Throw away an alert that waits, held or not.

    One that a person dropped before stays as it is. Raises NotFoundError, and DecidedError for one that somebody
    approved, that was handed over, or that went another way.
    """
    outbox.lock_outbox(session)
    alert = deliveries.get_alert(session, alert_id)
    is_open = alert.state is AlertState.PENDING and alert.decided_at is None
    if is_open or alert.state is AlertState.HELD:
        dropped = replace(alert, state=AlertState.DROPPED, reason="dropped", decided_at=now, decided_by=who)
        deliveries.update_alerts(session, [dropped])
        return dropped
    if alert.state is AlertState.DROPPED and alert.reason == "dropped":
        return alert
    raise _decided(alert)


def _next_at(subscription: Subscription | None, now: datetime) -> datetime:
    """When what is approved now goes out."""
    if subscription is None:
        return now
    if parse_digest(subscription.digest) is not None:
        return group_due_at(subscription, now, None)
    return leave_quiet(subscription, now)


def _decided(alert: Alert) -> DecidedError:
    """Why an alert can be neither approved nor dropped any more."""
    by = f" by {alert.decided_by}" if alert.decided_by else ""
    at = f" on {alert.decided_at:%d %b %Y at %H:%M} UTC" if alert.decided_at is not None else ""
    said = {
        AlertState.PENDING: f"was approved{by}{at}" if at else "was never held and goes out with its group",
        AlertState.RELEASED: f"was approved{by}{at} and handed over" if at else "was handed over to be sent",
        AlertState.DROPPED: f"was dropped{by}{at}",
        AlertState.SUPERSEDED: "was overtaken by a newer change of its record",
        AlertState.SILENCED: "was muted",
    }.get(alert.state, f"is {alert.state.value}")
    advice = "silence its record to hear no more of it" if alert.state is AlertState.RELEASED else "that stands"
    return DecidedError(f"alert {alert.alert_id} {said}; {advice}", state=alert.state.value)


def silence_record(
    session: Session,
    alert_id: str,
    *,
    now: datetime,
    seconds: float = SILENCE_SECONDS,
    who: str = "",
    comment: str = "",
) -> Silence:
    """Silence what an alert is about, for its subscription: its record, or its article. Raises NotFoundError.

    The same silence by the same hand is made longer, not made twice.
    """
    alert = deliveries.get_alert(session, alert_id)
    revision = claims.get_revision(session, alert.revision_id)
    labels = labels_of(revision)
    is_article = revision.kind in (RevisionKind.EDITED, RevisionKind.REMOVED)
    names = ("story", "article") if is_article else ("story", "metric", "unit", "population", "place", "period")
    matchers = (("subscription", literal(alert.subscription)), *((name, literal(labels[name])) for name in names))
    outbox.lock_outbox(session)
    held = _find_same(session, matchers, who, now)
    if held is None:
        return add_silence(session, matchers, now=now, seconds=seconds, who=who, comment=comment)
    # Pressed again: the same silence, a whole day from now on.
    longer = replace(held, ends_at=max(held.ends_at, now + timedelta(seconds=seconds)))
    deliveries.add_silence(session, longer)
    return longer


def _find_same(session: Session, matchers: Sequence[tuple[str, str]], who: str, now: datetime) -> Silence | None:
    """A silence of the same matchers by the same hand that is in force."""
    running = [one for one in deliveries.list_silences(session, at=now) if one.starts_at <= now]
    return next((one for one in running if one.who == who and sorted(one.matchers) == sorted(matchers)), None)


def add_silence(
    session: Session,
    matchers: Sequence[tuple[str, str]],
    *,
    now: datetime,
    seconds: float = SILENCE_SECONDS,
    who: str = "",
    comment: str = "",
    known: Mapping[str, Collection[str]] | None = None,
) -> Silence:
    """Silence all that matches, from now on for `seconds`.

    `known` maps labels to the values that they can have. Raises SettingsError, naming what is wrong and what there is.
    """
    check_matchers(matchers, known or {})
    if seconds <= 0:
        raise MatcherError("silence: give a time that is longer than nothing", code="no_time")
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

    A link that is followed again changes nothing. The settings stay as they are, and a person can end it like any
    silence. Raises NotFoundError where no subscription is meant.
    """
    # Names may hold what stands between name and address: the longest that fits is meant.
    fits = [one.name for one in subscriptions if target == one.name or target.startswith(f"{one.name}|")]
    if not fits:
        raise NotFoundError(f"no subscription is called {target!r}", code="no_subscription", given=target)
    name = max(fits, key=len)
    matchers = [("subscription", literal(name))]
    matchers += [("receiver", literal(target.removeprefix(f"{name}|")))] if target != name else []
    outbox.lock_outbox(session)
    return _find_same(session, matchers, who, now) or add_silence(session, matchers, now=now, seconds=seconds, who=who)


def replay_delivery(session: Session, delivery_id: str, *, now: datetime, anyway: bool = False) -> Delivery:
    """Make a dead or dropped delivery due again, from its first attempt on, under its old id.

    A newer one about the same records that still waits takes its place at once, and mentions it. Raises NotFoundError,
    and, unless `anyway`, OvertakenError where newer ones about all of the same were delivered, are on their way or were
    tried and cannot mention it any more (old news after new), and where all of it was taken back since.
    """
    outbox.lock_outbox(session)
    delivery = _get_finished(session, delivery_id, "replayed", (DeliveryState.DEAD, DeliveryState.DROPPED))
    if not anyway:
        _check_is_news(session, delivery)
    again = replace(delivery, state=DeliveryState.DUE, attempts=0, due_at=now, claimed_by="", claimed_until=None)
    deliveries.update_delivery(session, again)
    health = deliveries.find_channel_health(session, delivery.channel)
    if health is not None and health.disabled_at is not None:
        # Whoever replays says that the endpoint is worth another try.
        deliveries.record_channel_health(session, replace(health, disabled_at=None))
    let_overtake(session, {delivery.lane} - {""}, now=now)
    return deliveries.get_delivery(session, delivery_id)


def _check_is_news(session: Session, old: Delivery) -> None:
    """Raise OvertakenError where all that a delivery tells is old news to its receiver, or no news at all."""
    if old.is_question:
        return
    alerts, revisions = find_behind(session, old.alert_ids)
    behind = {alert_id: revisions[alert.revision_id] for alert_id, alert in alerts.items()}
    taken_back = claims.find_taken_back(session, {one.revision_id for one in behind.values()})
    left = {
        alert_id
        for alert_id in old.alert_ids
        if alert_id not in behind or behind[alert_id].revision_id not in taken_back
    }
    if not left:
        raise OvertakenError(
            f"delivery {old.delivery_id}: what it tells was taken back since; drop it, or replay it with --anyway"
        )
    newer = _find_newer(session, old, {record_of(behind[one]) if one in behind else None for one in left})
    if newer is None:
        return
    when = f"{newer.delivered_at or newer.created_at:%d %b %Y at %H:%M} UTC"
    fate = "was told" if newer.state is DeliveryState.DELIVERED else "is about to be told"
    raise OvertakenError(
        f"delivery {old.delivery_id}: its receiver {fate} newer things of the same since ({newer.delivery_id}, "
        f"{when}); drop it, or replay it with --anyway"
    )


def _find_newer(session: Session, old: Delivery, wanted: Collection[str | None]) -> Delivery | None:
    """A later delivery that its receiver got or is about to get as it is, the last of those that tell of all `wanted`
    records; one that waits untried does not count, for it can mention the old one."""
    if not old.lane or None in wanted:
        return None
    states = [DeliveryState.DELIVERED, DeliveryState.SENDING, DeliveryState.DUE]
    made = deliveries.list_deliveries(session, states=states, lanes=[old.lane], newest_first=True)
    later = [
        one
        for one in made
        if one.created_at > old.created_at
        and not one.is_question
        and (one.state is not DeliveryState.DUE or one.attempts)
    ]
    alerts, revisions = find_behind(session, {alert_id for one in later for alert_id in one.alert_ids})
    told: set[str | None] = set()
    for one in later:
        told |= {_about(revisions[alerts[key].revision_id]) for key in one.alert_ids if key in alerts}
        if set(wanted) <= told:
            return one
    return None


def _about(revision: Revision) -> str | None:
    """The record that a revision tells of; a correction says what stands of it now."""
    return key_text(revision.key) if revision.kind is RevisionKind.CORRECTION else record_of(revision)


def drop_delivery(session: Session, delivery_id: str, *, who: str) -> Delivery:
    """Throw a dead letter away: it is kept, with who did so, and listed no more among the dead. Raises NotFoundError,
    for one that was dropped before, too."""
    dead = _get_finished(session, delivery_id, "dropped", (DeliveryState.DEAD,))
    dropped = replace(dead, state=DeliveryState.DROPPED, last_error=f"dropped by {who}; {dead.last_error}".rstrip("; "))
    deliveries.update_delivery(session, dropped)
    return dropped


def _get_finished(session: Session, delivery_id: str, verb: str, states: Collection[DeliveryState]) -> Delivery:
    delivery = deliveries.get_delivery(session, delivery_id)
    if delivery.state not in states:
        message = f"delivery {delivery_id!r} is {delivery.state.value}; only dead ones are {verb}"
        raise NotFoundError(message, code="not_dead")
    return delivery
