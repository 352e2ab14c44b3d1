"""Claims and judgements in, histories out: a pure fold that does not depend on the order of arrival.

`fold_story` folds everything at once. `StoryFold` keeps what it folded: a claim more costs time in its record's
size from its day on, and gives what folding everything again would give.
"""

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from monitor.claims.metrics import builtin_metrics
from monitor.claims.places import place_slug
from monitor.ledger.baseline import baseline_claims
from monitor.ledger.folding import RecordFold
from monitor.ledger.judgements import Rulings
from monitor.ledger.origins import OriginBook
from monitor.ledger.sums import ADDED
from storage.records import Claim, History, Judgement, JudgementKind, Metric, MetricKind, RecordKey, StampedClaim, Story

# What takes a claim to a record of another measure.
_MOVING = (JudgementKind.RESCOPE, JudgementKind.MERGE, JudgementKind.SPLIT)
Scope = tuple[str, str, str | None, str | None, str | None]


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Hold off the collector of cycles while a fold is built: it makes many objects that last, and no cycle.

    Looking through all of them again and again took a third of the time of folding 100,000 claims.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class StoryFold:
    """All records of one story, folded as far as its claims are known. New judgements need a new fold."""

    def __init__(
        self,
        story: Story,
        judgements: Iterable[Judgement] = (),
        metrics: Mapping[str, Metric] | None = None,
        *,
        only: Collection[RecordKey] | None = None,
        known_at: datetime | None = None,
    ) -> None:
        known = builtin_metrics() if metrics is None else metrics
        self._story = story.slug
        self._kinds = {name: metric.kind for name, metric in known.items()}
        self._kinds |= {metric.name: metric.kind for metric in story.metrics}
        self._only = None if only is None else frozenset(only)
        self._zone: tzinfo = ZoneInfo(story.timezone) if story.timezone != "UTC" else UTC
        self._places = frozenset(place_slug(place.name) for place in story.places)
        self._rulings = Rulings(judgements)
        self._book = OriginBook(story, self._rulings.aliases)
        # What was pinned is there to be shown, and bound to its record alone.
        self._pinned = {pin.claim.claim_id: pin.claim for pin in self._rulings.pins}
        self._known: dict[str, StampedClaim] = dict(self._pinned)
        self._records: dict[RecordKey, RecordFold] = {}
        self._histories: dict[RecordKey, History] = {}
        self._slots_of: dict[Scope, tuple[tuple[RecordFold, bool], ...]] = {}
        self._beside_of: dict[Scope, tuple[RecordFold, ...]] = {}
        for pin in self._rulings.pins:
            if self._only is None or pin.key in self._only:
                self._record(pin.key, MetricKind.CUMULATIVE).pin(pin.claim)
        baseline = baseline_claims(story)
        self._baseline = baseline if known_at is None else as_known_at(baseline, known_at)
        self._folded_baseline: set[str] = set()
        self._latest: datetime | None = None
        self.add(self._rulings.added)

    @property
    def claims(self) -> Mapping[str, StampedClaim]:
        """The claims folded so far, by id, with those that persons stated."""
        return self._known

    def add(self, claims: Iterable[StampedClaim]) -> frozenset[RecordKey]:
        """Fold claims in and return the records that they touched. A claim replaces what was known under its id."""
        touched: set[RecordFold] = set()
        with collector_at_rest():
            for stamped in claims:
                old = self._known.get(stamped.claim_id)
                if old == stamped:
                    continue
                if old is not None:
                    touched |= self._place(old, is_removal=True)
                self._known[stamped.claim_id] = stamped
                self._latest = stamped.recorded_at if self._latest is None else max(self._latest, stamped.recorded_at)
                touched |= self._place(stamped)
            return self._refold(touched | self._settle_baseline())

    def remove(self, claim_ids: Iterable[str]) -> frozenset[RecordKey]:
        """Take claims out again (a superseded extraction, a rejected match); return the records that they touched."""
        touched: set[RecordFold] = set()
        for claim_id in claim_ids:
            old = self._known.pop(claim_id, None)
            if old is not None:
                touched |= self._place(old, is_removal=True)
        learned = (stamped.recorded_at for name, stamped in self._known.items() if name not in self._pinned)
        self._latest = max(learned, default=None)
        return self._refold(touched | self._settle_baseline())

    def _settle_baseline(self) -> set[RecordFold]:
        """Fold the seed's baseline as far as its time has come: a replay of older reports does not know it yet."""
        touched: set[RecordFold] = set()
        for stamped in self._baseline:
            is_due = self._latest is None or stamped.recorded_at <= self._latest
            if is_due != (stamped.claim_id in self._folded_baseline):
                self._folded_baseline ^= {stamped.claim_id}
                touched |= self._place(stamped, is_removal=not is_due)
        return touched

    def histories(self) -> dict[RecordKey, History]:
        """Return the history of every record that has one, in the order of their keys."""
        self._refold({record for record in self._records.values() if record.is_dirty})
        return {key: self._histories[key] for key in sorted(self._histories)}

    def _refold(self, touched: Iterable[RecordFold]) -> frozenset[RecordKey]:
        keys = set()
        for record in touched:
            history = record.fold()
            keys.add(record.key)
            if history is None:
                self._histories.pop(record.key, None)
            else:
                self._histories[record.key] = history
        return frozenset(keys)

    def _place(self, stamped: StampedClaim, *, is_removal: bool = False) -> set[RecordFold]:
        """Put a claim where it counts: its own record, and the whole's when it speaks of a place of the story's."""
        judged = self._rulings.judge(stamped)
        if judged is None:
            return set()
        claim = judged.claim
        scope = (claim.metric, claim.unit, claim.population, claim.place, claim.period)
        slots = self._slots_of.get(scope)
        split = self._rulings.split_of(stamped)
        if slots is None or split is not None:
            slots = tuple(
                (self._record(key, self._kind_of(judged)), is_part)
                for key, is_part in self._slots(judged, split)
                if self._only is None or key in self._only
            )
            if split is None:
                self._slots_of[scope] = slots
        for record, is_part in slots:
            record.put(judged, is_part=is_part, is_removal=is_removal)
        beside = self._beside_of.get(scope)
        if beside is None:
            keys = (key for key in self._keys_beside(claim) if self._only is None or key in self._only)
            beside = self._beside_of[scope] = tuple(self._record(key, MetricKind.CUMULATIVE) for key in keys)
        for record in beside:
            record.put_beside(judged, is_removal=is_removal)
        return {*(record for record, _ in slots), *beside}

    def _keys_beside(self, claim: Claim) -> list[RecordKey]:
        """The records of all victims of a place in which a count of some of them, or of the injured, may be summed."""
        return [
            RecordKey(story=self._story, metric=metric, unit=claim.unit, place=claim.place or "")
            for metric, added in ADDED.items()
            if claim.metric == added or (claim.metric == metric and claim.population)
        ]

    def keys_of(self, stamped: StampedClaim) -> tuple[RecordKey, ...]:
        """Return the records that a claim counts for, after judgements; none when a person rejected it."""
        judged = self._rulings.judge(stamped)
        if judged is None:
            return ()
        slots = self._slots(judged, self._rulings.split_of(stamped))
        return (*(key for key, _ in slots), *self._keys_beside(judged.claim))

    def _slots(self, judged: StampedClaim, split: RecordKey | None) -> Iterator[tuple[RecordKey, bool]]:
        key = self._rulings.key_for(judged.key, split)
        yield key, False
        # Of a place that the seed does not list nobody knows whether it lies within the story or around it.
        if key.place in self._places and not key.population:
            yield RecordKey(story=key.story, metric=key.metric, unit=key.unit, period=key.period), True

    def _record(self, key: RecordKey, kind: MetricKind) -> RecordFold:
        found = self._records.get(key)
        if found is None:
            found = RecordFold(key, self._kinds.get(key.metric, kind), self._book, self._zone)
            self._records[key] = found
        return found

    def _kind_of(self, stamped: StampedClaim) -> MetricKind:
        return self._kinds.get(stamped.claim.metric, MetricKind.CUMULATIVE)


def fold_story(
    claims: Iterable[StampedClaim],
    judgements: Iterable[Judgement],
    story: Story,
    *,
    metrics: Mapping[str, Metric] | None = None,
    only: Collection[RecordKey] | None = None,
    known_at: datetime | None = None,
) -> dict[RecordKey, History]:
    """Return the history of every record of a story; of those in `only` when it is given.

    `claims` in any order, repeats of one id allowed (the last wins); `metrics` are the built-in measures unless
    given, those of the story's seed come on top. The seed's baseline opens its records, once
    claims are known from its time on, or none at all; what of it was learned after `known_at` is left out. To fold what
    a few new claims changed, take `only` from `affected_records` and pass all claims: records are independent but for
    parts, which speak for the whole of their metric, and for sums of dead and injured.
    """
    fold = StoryFold(story, judgements, metrics, only=only, known_at=known_at)
    fold.add(claims)
    return fold.histories()


def affected_records(
    claims: Iterable[StampedClaim], judgements: Iterable[Judgement], story: Story
) -> frozenset[RecordKey]:
    """Return the records that claims count for: their own, and the whole's when they speak of a part of it."""
    fold = StoryFold(story, judgements, only=())
    return frozenset(key for stamped in claims for key in fold.keys_of(stamped))


def counting_metrics(key: RecordKey, judgements: Iterable[Judgement]) -> frozenset[str] | None:
    """Return the measures whose claims can count for a record; None (any of them) where people moved claims about."""
    if any(one.kind in _MOVING and one.revoked_at is None for one in judgements):
        return None
    return frozenset({key.metric, ADDED.get(key.metric, key.metric)})


def as_known_at(claims: Iterable[StampedClaim], at: datetime) -> list[StampedClaim]:
    """Return the claims that we had learned by a moment (`--as-known-at`)."""
    return [stamped for stamped in claims if stamped.recorded_at <= at]


def as_published_at(claims: Iterable[StampedClaim], at: datetime) -> list[StampedClaim]:
    """Return the claims that were public by a moment (`--as-published-at`); undated ones were not, for all we know."""
    return [stamped for stamped in claims if stamped.asserted_at is not None and stamped.asserted_at.not_after <= at]
