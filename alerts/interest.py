"""Whether a subscription wants to be told of a revision, and if not, why not. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from storage.keys import key_text, number_text
from storage.records import Figure, Qualifier, Revision, RevisionKind, Subscription

# Events of an article or of the watch, not of a record: metrics and populations say nothing about them.
ARTICLE_KINDS = frozenset({RevisionKind.EDITED, RevisionKind.REMOVED, RevisionKind.FOUND})
EVENT_KINDS = ARTICLE_KINDS | {RevisionKind.HEALTH}
# Only where a number stands on both sides does the size of a change mean anything.
_SIZED_KINDS = frozenset(
    {
        RevisionKind.RAISED,
        RevisionKind.LOWERED,
        RevisionKind.REFINED,
        RevisionKind.RESTORED,
        RevisionKind.RESOLVED,
        RevisionKind.CONFIRMED,
    }
)
# A lone voice is what contests or withdraws; asking these for several origins would never let them through.
_COUNTED_KINDS = _SIZED_KINDS | {RevisionKind.FIRST, RevisionKind.STATE_CHANGED}

GROUP_LABELS = ("story", "metric", "unit", "population", "place", "period", "kind", "origin", "article", "record")
LABELS = (*GROUP_LABELS, "source", "subscription", "corrects", "receiver")
ANY = "*"
WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a revision is told to a subscription. `reason` is a key of the catalogue's `told` or `not_told`,
    `details` its words' values."""

    is_told: bool
    reason: str
    details: tuple[tuple[str, str], ...] = ()


def labels_of(revision: Revision, subscription: str = "", receiver: str = "") -> dict[str, str]:
    """Return what silences and groups can match on; empty population and place read "whole".

    An alert has no receiver yet: what names one silences its deliveries alone.
    """
    key = revision.key
    return {
        "story": revision.story,
        "metric": key.metric,
        "unit": key.unit,
        "population": key.population or WHOLE,
        "place": key.place or WHOLE,
        "period": key.period,
        "kind": revision.kind.value,
        "origin": ", ".join(sorted(revision.origins)),
        "article": "" if revision.article_id is None else str(revision.article_id),
        "record": record_of(revision) or revision.revision_id,
        "source": ", ".join(sorted({proof.source for proof in revision.evidence if proof.source})),
        "subscription": subscription,
        "corrects": revision.corrects or "",
        "receiver": receiver,
    }


def record_of(revision: Revision) -> str | None:
    """Return what a newer revision may supersede an older one of: the record's key, or the feed or channel of a health
    event.

    None for events of articles, each of which stands for itself, and for corrections, which nothing may swallow.
    """
    if revision.kind in ARTICLE_KINDS or revision.kind is RevisionKind.CORRECTION:
        return None
    return key_text(revision.key)


def judge_interest(revision: Revision, subscription: Subscription, *, told: Collection[str] = ()) -> Verdict:
    """Return whether and why `subscription` is to be told of `revision`. The first filter that refuses gives the
    reason.

    `told` names the subscriptions that were told of the revision that this one corrects: a correction goes to them
    alone, whatever else they filter.
    """
    if revision.is_silent:
        return _no("silent")
    if revision.kind is RevisionKind.CORRECTION:
        return _yes("corrects") if subscription.name in told else _no("never_told")
    if revision.kind is RevisionKind.BACKFILLED:
        return _no("backfilled")
    if not _matches(revision.kind.value, subscription.kinds):
        return _no("kind", kind=revision.kind.value, wanted=", ".join(subscription.kinds))
    if revision.story and not _matches(revision.story, subscription.stories):
        return _no("story", story=revision.story, wanted=", ".join(subscription.stories))
    if revision.kind is RevisionKind.FOUND and not _matches(revision.key.place, subscription.searches):
        return _no("search", search=revision.key.place, wanted=", ".join(subscription.searches))
    refusal = None
    if revision.kind not in EVENT_KINDS:
        refusal = _refuse_record(revision, subscription)
    return refusal or _refuse_evidence(revision, subscription) or _yes("matches", kind=revision.kind.value)


def _refuse_record(revision: Revision, subscription: Subscription) -> Verdict | None:
    key = revision.key
    if not _matches(key.metric, subscription.metrics):
        return _no("metric", metric=key.metric, wanted=", ".join(subscription.metrics))
    population = key.population or WHOLE
    if not _matches(population, subscription.populations):
        return _no("population", population=population, wanted=", ".join(subscription.populations))
    return _refuse_size(revision, subscription)


def _refuse_size(revision: Revision, subscription: Subscription) -> Verdict | None:
    """Hold a change against the smallest one wanted. 1, the default, lets every change through, fractions of a degree
    too."""
    if revision.kind not in _SIZED_KINDS:
        return None
    before, change = _size(revision.before, revision.after)
    if change is None:
        return None
    if subscription.min_change > 1 and change < subscription.min_change:
        return _no("min_change", change=number_text(change), least=number_text(subscription.min_change))
    if before and change / abs(before) * 100 < subscription.min_change_percent:
        percent = number_text(round(change / abs(before) * 100, 1))
        return _no("min_change_percent", change=percent, least=number_text(subscription.min_change_percent))
    return None


def _refuse_evidence(revision: Revision, subscription: Subscription) -> Verdict | None:
    # A figure that nobody is quoted for still has one voice behind it: the outlet's.
    origins = max(1, len(set(revision.origins)))
    if revision.kind in _COUNTED_KINDS and origins < subscription.min_origins:
        return _no("min_origins", origins=str(origins), least=str(subscription.min_origins))
    languages = {proof.lang for proof in revision.evidence if proof.lang}
    if languages and not any(_matches(language, subscription.languages) for language in languages):
        return _no("language", language=", ".join(sorted(languages)), wanted=", ".join(subscription.languages))
    return None


def _size(before: Figure | None, after: Figure | None) -> tuple[float, float | None]:
    """How much a figure said before, and by how much it changed: of a range the bound that moved most. None where no
    number stands on both sides."""
    old, new = _bounds(before), _bounds(after)
    moved = [
        (one, abs(other - one)) for one, other in zip(old, new, strict=True) if one is not None and other is not None
    ]
    if moved:
        return max(moved, key=lambda pair: pair[1])
    # A floor beside a ceiling: the one number that each has.
    was = next((one for one in old if one is not None), None)
    now = next((one for one in new if one is not None), None)
    return (was or 0.0, None if was is None or now is None else abs(now - was))


def _bounds(figure: Figure | None) -> tuple[float | None, float | None]:
    """The least and the most that a figure says; a number that is no range says both."""
    if figure is None:
        return None, None
    if figure.value is not None and figure.qualifier is not Qualifier.RANGE:
        return figure.value, figure.value
    low = figure.value if figure.low is None else figure.low
    return low, figure.value if figure.high is None else figure.high


def _matches(value: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _yes(reason: str, **details: str) -> Verdict:
    return Verdict(is_told=True, reason=reason, details=tuple(details.items()))


def _no(reason: str, **details: str) -> Verdict:
    return Verdict(is_told=False, reason=reason, details=tuple(details.items()))
