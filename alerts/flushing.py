"""Waiting alerts become deliveries: grouped, silenced, inhibited, superseded, digested. Pure.

The words are Alertmanager's: a group waits `group_wait` for company, then at least `group_interval` between
messages; a silence mutes what it matches; a `refined` figure is inhibited by the change that it refines.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.handing import REFINING, find_silence, lane_of, make_deliveries
from alerts.interest import record_of
from alerts.timing import ROLLING, group_due_at, leave_quiet, parse_digest
from storage.records import (
    Alert,
    AlertState,
    Delivery,
    Revision,
    RevisionKind,
    SentGroup,
    Silence,
    Subscription,
)

GroupId = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """What a flush decided.

    `deliveries` are new, `alerts` are those whose state changed, `sent` the new entries of the sent log; `next_due_at`
    is when the next waiting group is due (None: nothing waits but for a person).
    """

    deliveries: tuple[Delivery, ...] = ()
    alerts: tuple[Alert, ...] = ()
    sent: tuple[SentGroup, ...] = ()
    next_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """An alert with all that decides over it; `order` is its place among those that wait, oldest first."""

    alert: Alert
    revision: Revision
    subscription: Subscription
    record: str | None
    order: int


def flush(
    pending: Sequence[Alert],
    revisions: Mapping[str, Revision],
    subscriptions: Sequence[Subscription],
    *,
    now: datetime,
    silences: Sequence[Silence] = (),
    sent: Sequence[SentGroup] = (),
    standing: Mapping[str, Revision] | None = None,
    receivers: Mapping[str, Sequence[str]] | None = None,
    told: Mapping[str, Collection[str]] | None = None,
) -> Flushed:
    """Return what is due at `now` and what became of every alert that stops waiting.

    `pending` are all pending and held alerts in the order of the change log, `revisions` those behind them, by id.
    `sent`
    is the sent log. `standing` maps alerts of the sent log whose question is still open to their revisions: they may be
    repeated. `receivers` maps a channel to its addresses (default: the channel is one address). `told` maps a revision
    that is corrected to the subscriptions that were told it or still wait for it (None: all were). Whatever is neither
    delivered, superseded, silenced nor dropped waits on: no alert is lost. `alerts.overtaking.overtake` then lets the
    new
    deliveries take the place of older ones.
    """
    flushing = _Flushing(subscriptions, silences, sent, receivers or {}, now)
    waiting = flushing.admit(pending, revisions, told)
    waiting = flushing.cancel_untold_corrections(waiting)
    flushing.release_due_groups(waiting)
    flushing.repeat_standing(standing or {})
    return flushing.finish()


class _Flushing:
    """One flush under way: collects changes; each step takes what waits and says what it did."""

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        silences: Sequence[Silence],
        sent: Sequence[SentGroup],
        receivers: Mapping[str, Sequence[str]],
        now: datetime,
    ) -> None:
        self.subscriptions = {subscription.name: subscription for subscription in subscriptions}
        self.silences = [silence for silence in silences if silence.starts_at <= now < silence.ends_at]
        self.sent_log: dict[GroupId, SentGroup] = {(entry.subscription, entry.group_key): entry for entry in sent}
        self.receivers = receivers
        self.now = now
        self.alerts: dict[str, Alert] = {}
        self.deliveries: list[Delivery] = []
        self.sent: dict[GroupId, SentGroup] = {}
        self.due_times: list[datetime] = []

    def admit(
        self,
        pending: Sequence[Alert],
        revisions: Mapping[str, Revision],
        told: Mapping[str, Collection[str]] | None = None,
    ) -> list[_Waiting]:
        """Drop what no subscription or no channel is left for, and corrections of what nobody was told; pair the rest
        with its revision and subscription."""
        waiting = []
        untold: set[tuple[str, str]] = set()
        for order, alert in enumerate(pending):
            subscription = self.subscriptions.get(alert.subscription)
            revision = revisions.get(alert.revision_id)
            if subscription is None:
                # One that these settings do not know yet is for a program that does.
                if self.now >= max(alert.planned_at, alert.due_at) + ROLLING:
                    self._change(alert, AlertState.DROPPED, reason="subscription_gone")
            elif not subscription.channels:
                self._change(alert, AlertState.DROPPED, reason="no_channel")
            elif revision is None:
                self._change(alert, AlertState.DROPPED, reason="revision_gone")
            elif _is_untold(revision, subscription.name, told, untold):
                untold.add((subscription.name, revision.revision_id))
                self._change(alert, AlertState.DROPPED, reason="never_told")
            else:
                record = record_of(revision)
                waiting.append(
                    _Waiting(alert=alert, revision=revision, subscription=subscription, record=record, order=order)
                )
        return waiting

    def cancel_untold_corrections(self, waiting: list[_Waiting]) -> list[_Waiting]:
        """An alert that is corrected before anyone heard it goes silently, and so does its correction."""
        by_revision = {(item.subscription.name, item.revision.revision_id): item for item in waiting}
        gone: set[str] = set()
        for item in reversed(waiting):  # the newest first: a correction that was itself corrected cancels nothing more
            corrected = by_revision.get((item.subscription.name, item.revision.corrects or ""))
            if item.alert.alert_id in gone:
                continue
            if corrected is not None and corrected.alert.alert_id not in gone:
                self._change(corrected.alert, AlertState.SUPERSEDED, superseded_by=item.alert.alert_id)
                self._change(item.alert, AlertState.DROPPED, reason="never_told")
                gone |= {item.alert.alert_id, corrected.alert.alert_id}
        return [item for item in waiting if item.alert.alert_id not in gone]

    def release_due_groups(self, waiting: list[_Waiting]) -> None:
        """Turn each group whose time has come into deliveries; note when the others are due."""
        groups: dict[GroupId, list[_Waiting]] = {}
        for item in waiting:
            if item.alert.state is AlertState.PENDING:
                groups.setdefault((item.subscription.name, item.alert.group_key), []).append(item)
        for group_id, members in groups.items():
            members = [item for item in members if item.alert.alert_id not in self.alerts]
            if not members:
                continue
            ready: list[_Waiting] = []
            for part in _by_approval(members):
                due = self._due_at(group_id, part)
                if due > self.now:
                    self.due_times.append(due)
                else:
                    ready += part
            loud = [item for item in sorted(ready, key=_order) if not self._silence(item)]
            if loud:
                self._release(group_id, loud, waiting)

    def _due_at(self, group_id: GroupId, members: list[_Waiting]) -> datetime:
        subscription = members[0].subscription
        entry = self.sent_log.get(group_id)
        # What a person approved joins the digest that comes next: it was planned long before, and held.
        is_digest = parse_digest(subscription.digest) is not None
        first = min(item.alert.decided_at or item.alert.planned_at for item in members)
        if members[0].alert.decided_at is None or is_digest:
            due = group_due_at(subscription, first, entry.sent_at if entry else None)
        else:
            # It waited for a person long enough: neither for company, nor for the end of an interval.
            due = leave_quiet(subscription, first)
        # A late tick must not tell in the night what was due in the evening.
        return due if due > self.now else max(due, leave_quiet(subscription, self.now))

    def _silence(self, item: _Waiting) -> bool:
        silence = find_silence(item.revision, item.subscription, self.silences)
        if silence is not None:
            self._change(item.alert, AlertState.SILENCED, reason=f"silenced:{silence.silence_id}")
        return silence is not None

    def _release(self, group_id: GroupId, members: list[_Waiting], waiting: list[_Waiting]) -> None:
        """Send a group: one alert a record leads, the others of that record that still wait are told with it."""
        leads: list[_Waiting] = []
        passed_over: list[str] = []
        for record, run in _by_record(members).items():
            last = max(run, key=_order)
            older = [] if record is None else self._older_of(record, last, waiting)
            # What merely sharpens a figure does not speak for the change of it that waits in another group.
            lead = _pick_lead([*run, *older])
            if lead.alert.state is not AlertState.PENDING:
                lead = _pick_lead(run)
            leads.append(lead)
            for item in sorted({item.order: item for item in (*run, *older)}.values(), key=_order):
                if item is lead:
                    continue
                if item.order > lead.order:
                    self._change(item.alert, AlertState.SILENCED, reason="inhibited", superseded_by=lead.alert.alert_id)
                else:
                    self._change(item.alert, AlertState.SUPERSEDED, superseded_by=lead.alert.alert_id)
                passed_over.append(item.alert.alert_id)
        leads.sort(key=_order)
        for lead in leads:
            self._change(lead.alert, AlertState.RELEASED)
        alert_ids = tuple(lead.alert.alert_id for lead in leads)
        lane = lane_of(leads[0].revision, leads[0].subscription)
        self._deliver(leads[0].subscription, alert_ids, tuple(passed_over), lane=lane)
        self._log(group_id, leads)

    def _older_of(self, record: str, last: _Waiting, waiting: list[_Waiting]) -> list[_Waiting]:
        """What waits elsewhere (held, or in another group) and is overtaken by what goes out now."""
        return [
            item
            for item in waiting
            if item.record == record
            and item.subscription.name == last.subscription.name
            and item.order < last.order
            and item.alert.alert_id not in self.alerts
        ]

    def _deliver(
        self,
        subscription: Subscription,
        alert_ids: tuple[str, ...],
        supersedes: tuple[str, ...],
        *,
        lane: str,
        repeat: int = 0,
    ) -> None:
        self.deliveries += make_deliveries(
            subscription,
            subscription.channels,
            self.receivers,
            alert_ids,
            supersedes,
            lane,
            now=self.now,
            repeat=repeat,
        )

    def _log(self, group_id: GroupId, leads: list[_Waiting]) -> None:
        """Write the sent log: what may be repeated is what is contested now; what stood open before stays listed."""
        opened = [lead.alert.alert_id for lead in leads if lead.revision.kind is RevisionKind.CONTESTED]
        entry = self.sent_log.get(group_id)
        kept = entry.alert_ids if entry else ()
        ids = tuple(dict.fromkeys((*kept, *opened)))
        self.sent[group_id] = SentGroup(
            subscription=group_id[0],
            group_key=group_id[1],
            sent_at=self.now,
            alert_ids=ids,
            # Counted on: a reminder's number is part of its id, and one that was sent before is not sent again.
            repeats=entry.repeats if entry else 0,
        )

    def repeat_standing(self, standing: Mapping[str, Revision]) -> None:
        """Remind of contested figures that nothing has settled since, `repeat_interval` after the group was last
        sent."""
        for group_id, entry in self.sent_log.items():
            subscription = self.subscriptions.get(group_id[0])
            if subscription is None or not subscription.channels or not subscription.repeat_interval:
                continue
            if group_id in self.sent:
                continue
            open_ids = tuple(alert_id for alert_id in entry.alert_ids if alert_id in standing)
            if not open_ids:
                continue
            due = self._repeat_due_at(subscription, entry)
            if due > self.now:
                self.due_times.append(due)
                continue
            loud = tuple(one for one in open_ids if find_silence(standing[one], subscription, self.silences) is None)
            if not loud:
                # The rhythm goes on unheard: else the first reminder would come the moment that a silence ends.
                self.sent[group_id] = replace(entry, sent_at=self.now, alert_ids=open_ids)
                continue
            repeat = entry.repeats + 1
            lane = lane_of(standing[loud[0]], subscription)
            self._deliver(subscription, loud, (), lane=lane, repeat=repeat)
            self.sent[group_id] = replace(entry, sent_at=self.now, alert_ids=open_ids, repeats=repeat)

    def _repeat_due_at(self, subscription: Subscription, entry: SentGroup) -> datetime:
        due = leave_quiet(subscription, entry.sent_at + timedelta(seconds=subscription.repeat_interval))
        return due if due > self.now else max(due, leave_quiet(subscription, self.now))

    def finish(self) -> Flushed:
        """Hand over all that was decided."""
        return Flushed(
            deliveries=tuple(self.deliveries),
            alerts=tuple(self.alerts.values()),
            sent=tuple(self.sent.values()),
            next_due_at=min(self.due_times, default=None),
        )

    def _change(
        self, alert: Alert, state: AlertState, *, reason: str | None = None, superseded_by: str | None = None
    ) -> None:
        self.alerts[alert.alert_id] = replace(
            alert, state=state, reason=alert.reason if reason is None else reason, superseded_by=superseded_by
        )


def _is_untold(
    revision: Revision,
    subscription: str,
    told: Mapping[str, Collection[str]] | None,
    untold: Collection[tuple[str, str]],
) -> bool:
    """Whether a revision takes back what its subscription was not told: dropped, or silenced, while this one waited."""
    if revision.kind is not RevisionKind.CORRECTION or revision.corrects is None or told is None:
        return False
    return subscription not in told.get(revision.corrects, ()) or (subscription, revision.corrects) in untold


def _order(item: _Waiting) -> int:
    return item.order


def _by_approval(members: Sequence[_Waiting]) -> Iterator[list[_Waiting]]:
    """What nobody had to approve, and what somebody did: each has a time of its own. None of them is empty."""
    for is_approved in (False, True):
        if part := [item for item in members if (item.alert.decided_at is not None) is is_approved]:
            yield part


def _by_record(members: Sequence[_Waiting]) -> dict[str | None, list[_Waiting]]:
    """Runs of one record each; an event that has no record is a run of its own, under its revision's id."""
    runs: dict[str | None, list[_Waiting]] = {}
    for item in members:
        runs.setdefault(item.record or f"revision {item.revision.revision_id}", []).append(item)
    return runs


def _pick_lead(run: Sequence[_Waiting]) -> _Waiting:
    """The newest alert of a run that does not merely refine; the newest of all where all do."""
    telling = [item for item in run if item.revision.kind not in REFINING]
    return max(telling or run, key=_order)
