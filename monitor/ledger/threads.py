"""What the change log already holds of one record: what was told, what was taken back, and what was given back again.

A told entry and the corrections that follow it are a thread: an entry, its correction, the correction of that
correction. Its last entry is what those who were told hold for true: that the step stands (the entry itself, or a
correction that gave it back), or that it does not, and what stands instead, which may be taken back in its turn.
Silent corrections were told to nobody and end no thread.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.ledger.history import MOVES
from monitor.ledger.values import best_of
from storage.keys import number_text
from storage.records import Figure, Revision, RevisionKind, Step

Identity = tuple[str, str]

VANISHED, RETURNED = "C.vanished", "C.returned"
"""The rules of corrections: what was told does not stand, or what was taken back does."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A told entry with the corrections that followed it, if any; `last` is the newest of them all."""

    entry: Revision
    last: Revision

    @property
    def is_corrected(self) -> bool:
        """Whether any correction followed."""
        return self.last is not self.entry

    @property
    def stands(self) -> bool:
        """Whether those who followed it hold that the step stands."""
        return self.last.rule != VANISHED


@dataclass(frozen=True, slots=True)
class Log:
    """One record's entries; `told` is None where no log is known."""

    told: tuple[Revision, ...] | None
    corrections: dict[str, Revision]
    taken_back: Counter[str]
    silent: frozenset[str]
    written: frozenset[str]

    @classmethod
    def of(cls, entries: Sequence[Revision] | None) -> "Log":
        """Return what one record's entries, oldest first, amount to; None: no log is known."""
        known = entries or ()
        loud = [one for one in known if not one.is_silent]
        return cls(
            told=None if entries is None else tuple(one for one in loud if one.kind is not RevisionKind.CORRECTION),
            corrections={one.corrects: one for one in loud if one.corrects},
            taken_back=Counter(one.corrects for one in loud if one.corrects),
            silent=frozenset(one.revision_id for one in known if one.is_silent),
            written=frozenset(one.revision_id for one in known),
        )

    def threads_of(self, step: Step) -> list[Thread]:
        """Return the threads of the entries that told a step, the newest entry first."""
        wanted = identity_of(step)
        return [self._thread(one) for one in reversed(self.told or ()) if _entry_identity(one) == wanted]

    def _thread(self, entry: Revision) -> Thread:
        last = entry
        while (following := self.corrections.get(last.revision_id)) is not None:
            last = following
        return Thread(entry, last)

    def standing(self, step: Step) -> list[str]:
        """Return the entries by which people hold that a step stands: the newest that told it, and what gave it back.

        Who was told by another entry of the same figure, earlier in the record's history, is not spoken of.
        """
        threads = [one for one in self.threads_of(step) if one.stands]
        return [one.last.revision_id for place, one in enumerate(threads) if place == 0 or one.is_corrected]

    def said_instead(self, step: Step, back: Collection[Identity]) -> list[str]:
        """Return the corrections by which people hold a step's figure for what stands in place of what they were told.

        Not those of what stands again: `back` are the steps that are new in this commit.
        """
        side = side_of(step.figure)
        return [
            one.last.revision_id
            for one in self._denied_threads()
            if side is not None and side_of(one.last.after) == side and _entry_identity(one.entry) not in back
        ]

    def taken_back_from(self, step: Step, *, is_quiet: bool) -> list[Revision]:
        """Return the corrections that told people that a step does not stand, now that it does.

        Fresh evidence for an old figure is news to everybody; with `is_quiet` nobody would hear of it as news.
        """
        wanted, proofs = identity_of(step), set(step.evidence)
        found = []
        for one in self._denied_threads():
            if _entry_identity(one.entry) == wanted:
                denied = one.entry
            elif one.last.corrects != one.entry.revision_id and side_of(one.last.before) == side_of(step.figure):
                denied = one.last  # what a correction said instead was taken back, and holds after all
            else:
                continue
            if is_quiet or any(proof.claim_id in proofs for proof in denied.evidence):
                found.append(one.last)
        return found

    def _denied_threads(self) -> list[Thread]:
        """The threads whose last word is that something does not stand, the newest entry first."""
        if not self.corrections:
            return []
        threads = (self._thread(one) for one in reversed(self.told or ()))
        return [one for one in threads if not one.stands]


def number_of(figure: Figure | None) -> float | None:
    """Return the number that stands for a figure, if there is one."""
    return None if figure is None else best_of(figure)


def side_of(figure: Figure | None) -> str | None:
    """Return what tells one side of a change from another: a state, or the number that stands for a figure."""
    return None if figure is None else figure.state or number_text(best_of(figure))


def is_settling(kind: RevisionKind, before: Figure | None, after: Figure | None) -> bool:
    """Whether a dispute ends with the figure that stood all along."""
    return kind is RevisionKind.RESOLVED and side_of(before) == side_of(after)


def identity_of(step: Step) -> Identity:
    """What makes a step the same step in two histories: the number or state that it led to, or that it withdrew."""
    return _identity(step.kind, step.before, step.figure)


def _entry_identity(entry: Revision) -> Identity:
    return _identity(entry.kind, entry.before, entry.after)


def _identity(kind: RevisionKind, before: Figure | None, after: Figure | None) -> Identity:
    if kind is RevisionKind.RETRACTED:
        return (kind.value, number_text(number_of(before)))
    name = "move" if kind in MOVES and not is_settling(kind, before, after) else kind.value
    return (name, side_of(after) or "")


def pair_steps(was: Sequence[Step], now: Sequence[Step]) -> list[tuple[int, int]]:
    """Return the longest common run of steps of two histories as pairs of places."""
    olds, news = [identity_of(step) for step in was], [identity_of(step) for step in now]
    start = 0
    while start < min(len(olds), len(news)) and olds[start] == news[start]:
        start += 1
    end = 0
    while end < min(len(olds), len(news)) - start and olds[-1 - end] == news[-1 - end]:
        end += 1
    head = [(index, index) for index in range(start)]
    tail = [(len(olds) - end + index, len(news) - end + index) for index in range(end)]
    middle = _longest(olds[start : len(olds) - end], news[start : len(news) - end])
    return [*head, *((one + start, other + start) for one, other in middle), *tail]


def _longest(was: list[Identity], now: list[Identity]) -> list[tuple[int, int]]:
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
