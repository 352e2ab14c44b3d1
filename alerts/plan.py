"""Who is told what: revisions of one commit become alerts, waiting alerts become deliveries. Pure.

`plan_alerts` runs inside the transaction that stores the revisions, so that an alert is as durable as
what it tells of; `flush` (alerts.flushing) runs later, whenever something may be due.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from alerts.flushing import Flushed, flush
from alerts.interest import Verdict, judge_interest, labels_of
from alerts.timing import group_due_at, parse_digest
from storage.keys import alert_id
from storage.records import Alert, AlertState, RecordKey, Revision, RevisionKind, Story, StoryState, Subscription

__all__ = ["UNTOLD_STATES", "Flushed", "find_corrections_beside", "find_verdict", "flush", "plan_alerts"]

# Stories in these states tell nothing.
UNTOLD_STATES = frozenset({StoryState.DRAFT, StoryState.CLOSED})


def plan_alerts(
    revisions: Sequence[Revision],
    subscriptions: Sequence[Subscription],
    *,
    stories: Sequence[Story] = (),
    now: datetime,
    told: Mapping[str, Collection[str]] | None = None,
) -> tuple[Alert, ...]:
    """Return the alerts due for the revisions of one commit, in their order, each with the reason for it.

    `stories` are those known now: drafts and closed ones tell nothing. `told` maps a revision to the names of the
    subscriptions that it was told to or still waits for; it decides who gets a correction. Who gets one is not told the
    same once more as news: what follows in the commit on the same sentences is for all others. An alert of a kind in
    the subscription's `hold` starts held. Ids are deterministic: a revision planned twice gives the same alerts.
    """
    states = {story.slug: story.state for story in stories}
    alerts = []
    corrected: set[tuple[str, RecordKey, frozenset[str]]] = set()
    for revision in revisions:
        proofs = _proofs(revision)
        for subscription in subscriptions:
            verdict = find_verdict(revision, subscription, story_state=states.get(revision.story), told=told)
            told_so = (subscription.name, revision.key, proofs)
            if not verdict.is_told or (proofs and told_so in corrected):
                continue
            alerts.append(_make_alert(revision, subscription, verdict, now))
            if revision.kind is RevisionKind.CORRECTION:
                corrected.add(told_so)
    return tuple(alerts)


def find_corrections_beside(revision: Revision, log: Iterable[Revision]) -> tuple[Revision, ...]:
    """Return the corrections in the change log of a record that tell what `revision` tells: whoever got one of these is
    not told it once more as news."""
    proofs = _proofs(revision)
    return tuple(
        one
        for one in log
        if one.kind is RevisionKind.CORRECTION
        and one.revision_id != revision.revision_id
        and proofs
        and (one.key, one.recorded_at, _proofs(one)) == (revision.key, revision.recorded_at, proofs)
    )


def _proofs(revision: Revision) -> frozenset[str]:
    return frozenset(proof.claim_id for proof in revision.evidence)


def find_verdict(
    revision: Revision,
    subscription: Subscription,
    *,
    story_state: StoryState | None = None,
    told: Mapping[str, Collection[str]] | None = None,
) -> Verdict:
    """Return whether and why a subscription is told of a revision, the state of its story included (None: unknown, so
    told)."""
    if story_state is not None and story_state in UNTOLD_STATES:
        return Verdict(is_told=False, reason=f"story_{story_state.value}", details=(("story", revision.story),))
    return judge_interest(revision, subscription, told=(told or {}).get(revision.corrects or "", ()))


def _make_alert(revision: Revision, subscription: Subscription, verdict: Verdict, now: datetime) -> Alert:
    held = revision.kind.value in subscription.hold or "*" in subscription.hold
    return Alert(
        alert_id=alert_id(revision.revision_id, subscription.name),
        revision_id=revision.revision_id,
        subscription=subscription.name,
        story=revision.story,
        group_key=group_key_of(revision, subscription),
        state=AlertState.HELD if held else AlertState.PENDING,
        reason=verdict.reason,
        planned_at=now,
        due_at=group_due_at(subscription, now, None),
    )


def group_key_of(revision: Revision, subscription: Subscription) -> str:
    """Return the text that alerts of one group share: the values of the labels in `group_by`; a digest is one group."""
    if parse_digest(subscription.digest) is not None:
        return "digest"
    labels = labels_of(revision)
    return "|".join(f"{label}={labels[label]}" for label in subscription.group_by)
