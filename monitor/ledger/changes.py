"""From two sets of histories to the entries of the change log: what was learned, told as news only where it is news.

A step that is new at the end of a history is told. One that is new before figures that we already held fills
history: it is kept silently, upward moves as `backfilled`. A told step that vanished gives a `correction`, be it a
figure, a state or a dispute; what was taken back so and holds after all, or what a correction said instead and does not
hold either, a correction of that correction. A lowering
whose old figure turns out to have been another is written anew, silently: what was given up is half of that news.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.ledger.baseline import is_baseline
from monitor.ledger.history import MOVES
from monitor.ledger.origins import written_origin
from monitor.ledger.threads import (
    RETURNED,
    VANISHED,
    Identity,
    Log,
    identity_of,
    is_settling,
    number_of,
    pair_steps,
    side_of,
)
from storage.keys import revision_id
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
# Why a correction takes back, or gives back, that a figure is disputed or settled.
_HELD = {RevisionKind.CONTESTED: "disputed_after_all", RevisionKind.RESOLVED: "settled_after_all"}
_OF_DISPUTES = frozenset({"no_dispute", "still_disputed", *_HELD.values()})
EVIDENCE_LIMIT = 12


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
        entries = Log.of(None if log is None else logged.get(key, []))
        found.extend(_record_revisions(key, old, new, claims, recorded_at, entries, is_silent=is_silent))
    return tuple(found)


def _record_revisions(
    key: RecordKey,
    old: History | None,
    new: History | None,
    claims: Mapping[str, StampedClaim],
    recorded_at: datetime,
    log: Log,
    *,
    is_silent: bool,
) -> list[Revision]:
    was = old.steps if old is not None else ()
    now = new.steps if new is not None else ()
    pairs = pair_steps(was, now)
    kept_old, kept_new = {one for one, _ in pairs}, {one for _, one in pairs}
    lost = [step for index, step in enumerate(was) if index not in kept_old]
    make = _Maker(key, claims, recorded_at, log, is_silent)
    fresh = {identity_of(step) for index, step in enumerate(now) if index not in kept_new}
    corrections = [one for step in lost for one in make.corrections(step, new, fresh)]
    # A correction says which figure stands: nobody is told that as news. Of a dispute it says only that there is none.
    is_corrected = any(one.reason not in _OF_DISPUTES for one in corrections)
    last_held = max((index for index in kept_new if now[index].kind in MOVES), default=-1)
    revisions = []
    for index, step in enumerate(now):
        if index not in kept_new:
            entry = make.step(step, is_late=index < last_held, is_corrected=is_corrected)
            revisions += [*make.returns(step, entry, new), entry]
    for before, after in pairs:
        if _is_restated(was[before], now[after]):
            revisions.append(make.step(now[after], is_late=True, is_corrected=False))
    # What the log holds already (a step that came and went untold, a commit that is replayed) is not written twice.
    return [one for one in (*corrections, *revisions) if one.revision_id not in log.written]


def _is_dispute(step: Step) -> bool:
    """Whether a step only says that the standing figure is disputed, or is so no longer."""
    return step.kind is RevisionKind.CONTESTED or is_settling(step.kind, step.before, step.figure)


def _reason_of_loss(step: Step, history: History | None) -> str | None:
    """Why those who were told of a step that vanished need a correction; None if what they hold is true anyway."""
    stands = history is not None and side_of(step.figure) == side_of(history.current)
    if step.kind is RevisionKind.CONTESTED:
        # What disputed the standing figure may stand itself by now; a denial disputes that figure by its own number.
        is_denial = side_of(step.figure) == side_of(step.before)
        return None if stands and not is_denial else "no_dispute"
    if is_settling(step.kind, step.before, step.figure):
        if history is not None and history.is_contested:
            return "still_disputed"
        has_stood = history is not None and any(side_of(one.figure) == side_of(step.figure) for one in history.steps)
        return None if has_stood else "correction"
    return None if stands and step.kind is not RevisionKind.RETRACTED else "correction"


def _is_restated(was: Step, now: Step) -> bool:
    """Whether a lowering that we held now starts from another figure."""
    if now.kind not in DOWNWARD:
        return False
    return was.kind is not now.kind or number_of(was.before) != number_of(now.before)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the entries of one record in one commit."""

    key: RecordKey
    claims: Mapping[str, StampedClaim]
    recorded_at: datetime
    log: Log
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

    def corrections(self, step: Step, history: History | None, fresh: Collection[Identity]) -> list[Revision]:
        """Return a correction for all who hold that a step stands that no longer does.

        `history` is what stands now, `fresh` are the steps that are new in it.
        """
        reason = _reason_of_loss(step, history)
        if reason is None or all(is_baseline(claim) for claim in step.evidence):
            return []
        current = history.current if history is not None else None
        told: list[str] = []
        if step.kind not in _QUIET and not (step.rule in _PASSING and current is not None):
            told += [self._identity(step, step.kind)] if self.log.told is None else self.log.standing(step)
        if not _is_dispute(step) and step.kind is not RevisionKind.RETRACTED:
            told += self.log.said_instead(step, fresh)
        before = None if side_of(step.figure) == side_of(current) else step.figure
        return [self._correction(step, before, current, reason, VANISHED, corrects) for corrects in told]

    def returns(self, step: Step, entry: Revision, history: History | None) -> list[Revision]:
        """Return a correction for every correction by which people were told that a step does not stand, as it does.

        `entry` is the step's own entry of this commit, for all others; `history` is what stands now.
        """
        current = history.current if history is not None else None
        made = []
        for wrong in self.log.taken_back_from(step, is_quiet=entry.is_silent):
            if _is_dispute(step):
                before, reason = None, _HELD[step.kind]
            elif step.kind is RevisionKind.RETRACTED or side_of(step.figure) == side_of(current):
                before, reason = wrong.after, "stands_after_all"
            else:
                before, reason = step.figure, "stood_after_all"
            made.append(self._correction(step, before, current, reason, RETURNED, wrong.revision_id))
        return made

    def _correction(
        self, step: Step, before: Figure | None, after: Figure | None, reason: str, rule: str, corrects: str
    ) -> Revision:
        kind = RevisionKind.CORRECTION
        occurrence = 0
        while True:  # one that was written silently told nobody: the next is another
            identity = revision_id(
                self.key, kind, before, after, step.evidence, corrects=corrects, occurrence=occurrence
            )
            if self.is_silent or identity not in self.log.silent:
                break
            occurrence += 1
        return Revision(
            revision_id=identity,
            story=self.key.story,
            key=self.key,
            kind=kind,
            before=before,
            after=after,
            effective_at=step.effective_at,
            public_at=step.public_at,
            recorded_at=self.recorded_at,
            reason=reason,
            rule=rule,
            origins=step.origins,
            evidence=self._evidence(step.evidence),
            corrects=corrects,
            is_silent=self.is_silent,
        )

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
        url=stamped.address,
        title=stamped.title,
        source=stamped.source,
        origin=written_origin(stamped.claim),
        speaker=stamped.claim.speaker,
        published=stamped.asserted_at,
        lang=stamped.lang,
    )
