"""SHELL: folds that are kept between commits, so that one more claim costs its record's time and not its story's.

A kept fold is used only if the store still stands where that fold left it: every commit that folds a story writes a new
mark under the story's name, in the same transaction. A rollback, another process or a person's judgement all show as
another mark, other judgements or another definition, and then the story is folded anew from what is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from monitor.binding import bind_older
from monitor.ledger.fold import StoryFold
from storage import claims, judgements, meta
from storage.keys import stable_hash
from storage.records import History, Judgement, RecordKey, StampedClaim, Story

# Each takes some 4 kB, folded: 400 MB at most.
MOST_CLAIMS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A story before and after, with the claims that the evidence is taken from."""

    before: Mapping[RecordKey, History]
    after: Mapping[RecordKey, History]
    claims: Mapping[str, StampedClaim]

    def changed(self) -> tuple[History, ...]:
        """The histories that are new or other than before."""
        return tuple(history for key, history in self.after.items() if self.before.get(key) != history)

    def gone(self) -> tuple[RecordKey, ...]:
        """The records that have no history any more."""
        return tuple(key for key in self.before if key not in self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    mark: str
    story: Story
    judgements: tuple[Judgement, ...]
    fold: StoryFold
    histories: Mapping[RecordKey, History]


class Folds:
    """Keeps one fold a story, those used last. Used within write transactions, which are one at a time in a process."""

    def __init__(self, *, most_claims: int = MOST_CLAIMS) -> None:
        """So many claims are kept in all; the fold used last is kept however many it has."""
        self._most_claims = most_claims
        self._kept: dict[str, _Kept] = {}

    def fold(self, session: Session, story: Story, changed: Iterable[StampedClaim] | None, *, now: datetime) -> Folded:
        """Return a story before and after a change of its stored claims.

        `changed` are the claims that this transaction began or altered; None if it took some out or if that is unknown.
        """
        name = f"fold:{story.slug}"
        mark = meta.find_fact(session, name) or ""
        rulings = judgements.list_judgements(session, story.slug)
        kept = self._kept.pop(story.slug, None)
        touched = None if changed is None else tuple(changed)
        if touched is not None and kept and (kept.mark, kept.story, kept.judgements) == (mark, story, rulings):
            fold, before = kept.fold, kept.histories
            fold.add(touched)
        else:
            before = claims.find_histories(session, story.slug)
            rulings = bind_older(session, story.slug, rulings)
            fold = StoryFold(story, rulings)
            fold.add(claims.list_claims(session, story.slug))
        after = fold.histories()
        ids = sorted(claim.claim_id for claim in touched or ())
        fresh = stable_hash("m1", mark, now.isoformat(), *ids, *map(str, (len(rulings), len(fold.claims))))
        meta.set_fact(session, name, fresh)
        self._kept[story.slug] = _Kept(mark=fresh, story=story, judgements=rulings, fold=fold, histories=after)
        self._forget_oldest()
        return Folded(before=before, after=after, claims=fold.claims)

    def _forget_oldest(self) -> None:
        """Whatever is used is put down anew, so that what was used longest ago stands first."""
        claims_held = sum(len(kept.fold.claims) for kept in self._kept.values())
        while claims_held > self._most_claims and len(self._kept) > 1:
            claims_held -= len(self._kept.pop(next(iter(self._kept))).fold.claims)
