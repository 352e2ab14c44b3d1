"""From two sets of histories to the entries of the change log: what was learned, told as news only where it is news.

A step that is new at the end of a history is told. One that is new before figures that we already held fills
history: it is kept silently, upward moves as `backfilled`. A told step that vanished gives a `correction`. A lowering
whose old figure turns out to have been another is written anew, silently: what was given up is half of that news.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.ledger.baseline import is_baseline
from monitor.ledger.history import MOVES
from monitor.ledger.values import best_of
from storage.keys import number_text, revision_id
from storage.records import (
    Evidence,
    Figure,
    History,
    RecordKey,
    Revision,
    RevisionKind,
    StampedClaim,
    Step,
)

UPWARD = frozenset({RevisionKind.FIRST, RevisionKind.RAISED, RevisionKind.CONFIRMED, RevisionKind.REFINED})
DOWNWARD = frozenset({RevisionKind.LOWERED, RevisionKind.RETRACTED})
_QUIET = frozenset({RevisionKind.BACKFILLED})
# What was only feared was told as such: a firm figure that takes its place is no mistake of ours.
_PASSING = frozenset({"10.provisional"})
EVIDENCE_LIMIT = 12


@dataclass(frozen=True, slots=True)
class _Log:
    """What the change log already holds of one record: what was told, what was not, what was taken back."""

    told: tuple[Revision, ...] | None
    taken_back: Counter[str]
    silent: frozenset[str]
    written: frozenset[str]

    @classmethod
    def of(cls, entries: Sequence[Revision] | None) -> "_Log":
        """Return what one record's entries amount to; None: no log is known."""
        known = entries or ()
        return cls(
            told=None if entries is None else tuple(one for one in known if _was_told(one)),
            taken_back=Counter(one.corrects for one in known if one.corrects),
            silent=frozenset(one.revision_id for one in known if one.is_silent),
            written=frozenset(one.revision_id for one in known),
        )

    def entry_for(self, step: Step, own_id: str) -> str | None:
        """Return the entry by which a step was told, as far as it was: by its id where no log is known."""
        if self.told is None:
            return own_id
        wanted = _identity(step)
        same = (one for one in reversed(self.told) if _entry_identity(one) == wanted)
        return next((one.revision_id for one in same if not self.taken_back[one.revision_id]), None)


def find_revisions(
    before: Mapping[RecordKey, History],
    after: Mapping[RecordKey, History],
    *,
    claims: Mapping[str, StampedClaim],
    recorded_at: datetime,
    log: Iterable[Revision] | None = None,
    is_silent: bool = False,
) -> tuple[Revision, ...]:
    """Return the entries that turn what we held into what we hold, in the order of records and steps.

    `claims` are those that the evidence is taken from (all of the story, or at least those of the records that
    changed). `log` are the story's earlier entries, if known: a step gets a correction only if its entry was told;
    without a log every step that vanished is taken to have been told as it stood. `is_silent` marks all entries as
    never to be told (imports, the first fill, a rebuild).
    """
    logged: dict[RecordKey, list[Revision]] = {}
    for entry in log or ():
        logged.setdefault(entry.key, []).append(entry)
    found: list[Revision] = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old is new or (old is not None and new is not None and old.steps == new.steps):
            continue
        entries = _Log.of(None if log is None else logged.get(key, []))
        found.extend(_record_revisions(key, old, new, claims, recorded_at, entries, is_silent=is_silent))
    return tuple(found)


def _was_told(entry: Revision) -> bool:
    return not entry.is_silent and entry.kind is not RevisionKind.CORRECTION


def _record_revisions(
    key: RecordKey,
    old: History | None,
    new: History | None,
    claims: Mapping[str, StampedClaim],
    recorded_at: datetime,
    log: _Log,
    *,
    is_silent: bool,
) -> list[Revision]:
    was = old.steps if old is not None else ()
    now = new.steps if new is not None else ()
    pairs = _matched(was, now)
    kept_old, kept_new = {one for one, _ in pairs}, {one for _, one in pairs}
    lost = [step for index, step in enumerate(was) if index not in kept_old]
    make = _Maker(key, claims, recorded_at, log, is_silent)
    corrections = make.corrections(lost, new.current if new is not None else None)
    last_held = max((index for index in kept_new if now[index].kind in MOVES), default=-1)
    revisions = []
    for index, step in enumerate(now):
        if index not in kept_new:
            revisions.append(make.step(step, is_late=index < last_held, is_corrected=bool(corrections)))
    for before, after in pairs:
        if _is_restated(was[before], now[after]):
            revisions.append(make.step(now[after], is_late=True, is_corrected=False))
    # What the log holds already (a step that came and went untold, a commit that is replayed) is not written twice.
    return [one for one in (*corrections, *revisions) if one.revision_id not in log.written]


def _is_restated(was: Step, now: Step) -> bool:
    """Whether a lowering that we held now starts from another figure."""
    if now.kind not in DOWNWARD:
        return False
    return was.kind is not now.kind or _number(was.before) != _number(now.before)


def _number(figure: Figure | None) -> float | None:
    return None if figure is None else best_of(figure)


def _identity(step: Step) -> tuple[str, str]:
    """What makes a step the same step in two histories: the number or state that it led to, or that it withdrew."""
    if step.kind is RevisionKind.RETRACTED:
        return (step.kind.value, number_text(_number(step.before)))
    kind = "move" if step.kind in MOVES else step.kind.value
    if step.figure is None:
        return (kind, "")
    return (kind, step.figure.state or number_text(best_of(step.figure)))


def _entry_identity(entry: Revision) -> tuple[str, str]:
    return _identity(
        Step(
            kind=entry.kind,
            before=entry.before,
            figure=entry.after,
            effective_at=entry.effective_at,
            public_at=entry.public_at,
            recorded_at=entry.recorded_at,
            rule=entry.rule,
        )
    )


def _matched(was: Sequence[Step], now: Sequence[Step]) -> list[tuple[int, int]]:
    """Return the longest common run of steps of two histories as pairs of places."""
    start = 0
    while start < min(len(was), len(now)) and _identity(was[start]) == _identity(now[start]):
        start += 1
    end = 0
    while end < min(len(was), len(now)) - start and _identity(was[-1 - end]) == _identity(now[-1 - end]):
        end += 1
    head = [(index, index) for index in range(start)]
    tail = [(len(was) - end + index, len(now) - end + index) for index in range(end)]
    middle = _longest(
        [_identity(step) for step in was[start : len(was) - end]],
        [_identity(step) for step in now[start : len(now) - end]],
    )
    return [*head, *((one + start, other + start) for one, other in middle), *tail]


def _longest(was: list[tuple[str, str]], now: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """Longest common subsequence by dynamic programming; the parts that differ are short."""
    lengths = [[0] * (len(now) + 1) for _ in range(len(was) + 1)]
    for one in range(len(was) - 1, -1, -1):
        for other in range(len(now) - 1, -1, -1):
            if was[one] == now[other]:
                lengths[one][other] = lengths[one + 1][other + 1] + 1
            else:
                lengths[one][other] = max(lengths[one + 1][other], lengths[one][other + 1])
    pairs, one, other = [], 0, 0
    while one < len(was) and other < len(now):
        if was[one] == now[other]:
            pairs.append((one, other))
            one, other = one + 1, other + 1
        elif lengths[one + 1][other] >= lengths[one][other + 1]:
            one += 1
        else:
            other += 1
    return pairs


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the entries of one record in one commit."""

    key: RecordKey
    claims: Mapping[str, StampedClaim]
    recorded_at: datetime
    log: _Log
    is_silent: bool

    def step(self, step: Step, *, is_late: bool, is_corrected: bool) -> Revision:
        """Return the entry for a step that is new. Late ones are silent; upward ones among them fill history."""
        kind = RevisionKind.BACKFILLED if is_late and step.kind in UPWARD else step.kind
        is_seed = all(is_baseline(claim) for claim in step.evidence)
        quiet = self.is_silent or is_late or is_corrected or is_seed or kind in _QUIET
        return Revision(
            revision_id=self._identity(step, kind, is_told=not quiet),
            story=self.key.story,
            key=self.key,
            kind=kind,
            before=step.before,
            after=step.figure,
            effective_at=step.effective_at,
            public_at=step.public_at,
            recorded_at=self.recorded_at,
            reason=step.reason,
            rule=step.rule,
            origins=step.origins,
            evidence=self._evidence(step.evidence),
            is_silent=quiet,
        )

    def corrections(self, lost: Sequence[Step], current: Figure | None) -> list[Revision]:
        """Return a correction for every step that people were told of and that no longer is."""
        made = []
        for step in (
            one for one in lost if one.kind is RevisionKind.RETRACTED or _number(one.figure) != _number(current)
        ):
            if step.kind in _QUIET or step.rule in _PASSING or all(is_baseline(claim) for claim in step.evidence):
                continue
            taken = self.log.entry_for(step, self._identity(step, step.kind))
            if taken is None:
                continue
            made.append(
                Revision(
                    revision_id=revision_id(
                        self.key, RevisionKind.CORRECTION, step.figure, current, step.evidence, corrects=taken
                    ),
                    story=self.key.story,
                    key=self.key,
                    kind=RevisionKind.CORRECTION,
                    before=step.figure,
                    after=current,
                    effective_at=step.effective_at,
                    public_at=step.public_at,
                    recorded_at=self.recorded_at,
                    reason="correction",
                    rule="C.vanished",
                    origins=step.origins,
                    evidence=self._evidence(step.evidence),
                    corrects=taken,
                    is_silent=self.is_silent,
                )
            )
        return made

    def _identity(self, step: Step, kind: RevisionKind, *, is_told: bool = False) -> str:
        """The id of a step's entry: that of the first time until it was taken back, then of the next time."""
        occurrence = 0
        while True:
            made = revision_id(self.key, kind, step.before, step.figure, step.evidence, occurrence=occurrence)
            if not self.log.taken_back[made] and not (is_told and made in self.log.silent):
                return made
            occurrence += 1

    def _evidence(self, claim_ids: Iterable[str]) -> tuple[Evidence, ...]:
        found = (self.claims.get(claim_id) for claim_id in list(claim_ids)[:EVIDENCE_LIMIT])
        return tuple(_shown(stamped) for stamped in found if stamped is not None)


def _shown(stamped: StampedClaim) -> Evidence:
    return Evidence(
        claim_id=stamped.claim_id,
        sentence=stamped.sentence,
        quote=stamped.claim.quote,
        url=stamped.url,
        title=stamped.title,
        source=stamped.source,
        origin=stamped.claim.origin,
        speaker=stamped.claim.speaker,
        published=stamped.asserted_at,
    )
