"""Held alerts are put to those who may approve them, once each. Pure.

A question is a message of its own to the subscription's `approvers`, with links that approve or drop its alerts. It is
grouped like any message and waits `group_wait` and the end of quiet hours, but neither for a digest nor between two
messages of a group: whoever is asked late cannot approve in time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.flushing import Flushed
from alerts.handing import find_silence, lane_of, make_deliveries
from alerts.interest import record_of
from alerts.timing import leave_quiet
from storage.records import Alert, AlertState, Delivery, Revision, Silence, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A held alert with its revision; `order` is its place in the change log."""

    alert: Alert
    revision: Revision
    order: int


def ask_approvers(
    held: Sequence[Alert],
    revisions: Mapping[str, Revision],
    subscriptions: Sequence[Subscription],
    *,
    now: datetime,
    silences: Sequence[Silence] = (),
    receivers: Mapping[str, Sequence[str]] | None = None,
) -> Flushed:
    """Return the questions due at `now`, and the alerts that were asked about or are silenced.

    `held` are all held alerts in the order of the change log, `revisions` those behind them. Of one record only the
    newest is asked about; older ones that nobody has answered are mentioned with it, and go with it if it goes.
    """
    active = [silence for silence in silences if silence.starts_at <= now < silence.ends_at]
    groups: dict[tuple[str, str], list[_Held]] = {}
    for order, alert in enumerate(held):
        if alert.state is AlertState.HELD and alert.revision_id in revisions:
            item = _Held(alert=alert, revision=revisions[alert.revision_id], order=order)
            groups.setdefault((alert.subscription, alert.group_key), []).append(item)
    found = Flushed()
    for subscription in subscriptions:
        for (name, _), members in groups.items():
            if name == subscription.name and subscription.approvers:
                found = _add(found, _ask_group(members, subscription, active, receivers or {}, now))
    return found


def is_question_due(unasked: Sequence[Alert], subscriptions: Sequence[Subscription], now: datetime) -> bool:
    """Whether `ask_approvers` would ask or settle anything at `now`: `unasked` are held alerts that nobody was asked
    about yet.
    """
    by_name = {one.name: one for one in subscriptions if one.approvers}
    return any(
        _due_at(alert.planned_at, by_name[alert.subscription], now) <= now
        for alert in unasked
        if alert.subscription in by_name
    )


def _ask_group(
    members: Sequence[_Held],
    subscription: Subscription,
    silences: Sequence[Silence],
    receivers: Mapping[str, Sequence[str]],
    now: datetime,
) -> Flushed:
    unasked = [item for item in members if item.alert.asked_at is None]
    if not unasked:
        return Flushed()
    due_at = _due_at(min(item.alert.planned_at for item in unasked), subscription, now)
    if due_at > now:
        return Flushed(next_due_at=due_at)
    changed: dict[str, Alert] = {}
    loud = []
    for item in unasked:
        silence = find_silence(item.revision, subscription, silences)
        if silence is None:
            loud.append(item)
            changed[item.alert.alert_id] = replace(item.alert, asked_at=now)
        else:
            reason = f"silenced:{silence.silence_id}"
            changed[item.alert.alert_id] = replace(item.alert, state=AlertState.SILENCED, reason=reason)
    deliveries: list[Delivery] = []
    if loud:
        leads = _newest_of_each_record(loud)
        mentioned = _older_of(leads, [item for item in members if item in loud or item.alert.asked_at is not None])
        deliveries = make_deliveries(
            subscription,
            subscription.approvers,
            receivers,
            tuple(item.alert.alert_id for item in leads),
            tuple(item.alert.alert_id for item in mentioned),
            lane_of(leads[0].revision, subscription),
            now=now,
            is_question=True,
        )
    return Flushed(deliveries=tuple(deliveries), alerts=tuple(changed.values()))


def _due_at(planned_at: datetime, subscription: Subscription, now: datetime) -> datetime:
    due = leave_quiet(subscription, planned_at + timedelta(seconds=subscription.group_wait))
    return due if due > now else max(due, leave_quiet(subscription, now))


def _newest_of_each_record(items: Sequence[_Held]) -> list[_Held]:
    newest = {record_of(item.revision) or item.alert.alert_id: item for item in items}
    return sorted(newest.values(), key=lambda item: item.order)


def _older_of(leads: Sequence[_Held], members: Sequence[_Held]) -> list[_Held]:
    by_record = {record_of(lead.revision): lead for lead in leads}
    by_record.pop(None, None)
    return [
        item
        for item in members
        if (lead := by_record.get(record_of(item.revision))) is not None and item.order < lead.order
    ]


def _add(found: Flushed, more: Flushed) -> Flushed:
    due = [at for at in (found.next_due_at, more.next_due_at) if at is not None]
    return Flushed(
        deliveries=found.deliveries + more.deliveries,
        alerts=found.alerts + more.alerts,
        next_due_at=min(due, default=None),
    )
