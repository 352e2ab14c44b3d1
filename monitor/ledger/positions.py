"""What each origin says, and each outlet that quotes nobody, from when to when; and who still carries a dead figure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from monitor.ledger.assertions import GONE, Assertion
from monitor.ledger.values import says_same
from storage.records import ClaimStatus, Figure, Position, Span

LAGGED_RULES = frozenset({"4.lagged", "6b.lagged", "6.rising", "8.deprecated"})

Voice = tuple[Assertion, bool]
"""An assertion and whether it only carried a dead figure."""


@dataclass(slots=True)
class _Run:
    figure: Figure | None
    since: Span | None
    claim_id: str
    is_lagged: bool
    until: Span | None = None
    outlets: set[str] = field(default_factory=set)


def has_position(one: Assertion) -> bool:
    """Whether an assertion says what its origin holds: dated, of now, of this very record."""
    return one.day is not None and one.status is not ClaimStatus.PREVIOUS and not one.is_part and not one.is_pin


class Lines:
    """The lines of a record's origins, kept by day: a day heard anew costs the lines of those who spoke on it."""

    __slots__ = ("_days", "_known", "_stale")

    def __init__(self) -> None:
        self._days: dict[int, dict[str, list[Voice]]] = {}
        self._known: dict[str, tuple[Position, ...]] = {}
        self._stale: set[str] = set()

    def hear(self, day: int, voices: Iterable[Voice]) -> None:
        """Take the voices of a day, in the order in which the ledger weighed them, in place of those it had."""
        heard: dict[str, list[Voice]] = {}
        for voice in voices:
            heard.setdefault(_name_of(voice[0]), []).append(voice)
        before = self._days.get(day, {})
        self._days[day] = heard
        for name in before.keys() | heard.keys():
            if not _is_unchanged(before.get(name, ()), heard.get(name, ())):
                self._stale.add(name)

    def positions(self, days: Sequence[int]) -> tuple[Position, ...]:
        """Return the lines of all origins, by name; `days` in order of time."""
        for name in self._stale:
            lines = line_up(voice for day in days for voice in self._days[day].get(name, ()))
            if lines:
                self._known[name] = lines
            else:
                self._known.pop(name, None)
        self._stale.clear()
        return tuple(position for name in sorted(self._known) for position in self._known[name])


def _is_unchanged(before: Sequence[Voice], after: Sequence[Voice]) -> bool:
    return len(before) == len(after) and all(
        one is other and is_lagged is was_lagged
        for (one, is_lagged), (other, was_lagged) in zip(before, after, strict=True)
    )


def _name_of(one: Assertion) -> str:
    return one.origin.name or one.outlet or min(one.carrier)


def line_up(voices: Iterable[Voice]) -> tuple[Position, ...]:
    """Return the lines of all origins, by name, from voices in the order in which the ledger weighed them.

    An origin goes by the words of the first voice that named it.

    A dead figure is the outlet's own doing: it opens a line of the outlet, and leaves the origin's as it is.
    """
    lines: dict[tuple[str, str], list[_Run]] = {}
    shown: dict[str, str] = {}
    for one, is_lagged in voices:
        outlet = one.outlet
        name = _name_of(one)
        shown.setdefault(name, one.origin.shown or name)
        figure = None if one.status in GONE else one.figure
        runs = lines.get((name, outlet if is_lagged else ""))
        if runs is None:
            runs = lines[name, outlet if is_lagged else ""] = []
        last = runs[-1] if runs else None
        if last is not None and last.figure is figure and last.until is None:
            last.outlets.add(outlet)
            continue
        if last is None or last.until is not None or not _is_same(figure, last.figure):
            if last is not None and last.until is None:
                last.until = one.public
            last = _Run(figure, one.public, one.claim_id, is_lagged)
            runs.append(last)
            if not is_lagged and (late := lines.get((name, outlet))) and late[-1].is_lagged and not late[-1].until:
                late[-1].until = one.public
        last.outlets.add(outlet)
    return tuple(_position(shown[who[0]], run) for who in sorted(lines) for run in lines[who])


def _is_same(figure: Figure | None, said: Figure | None) -> bool:
    if figure is None or said is None or figure.state is not None:
        return figure is said or (figure is not None and said is not None and figure.state == said.state)
    return figure.value == said.value if figure.value is not None else says_same(figure, said)


def _position(origin: str, run: _Run) -> Position:
    return Position(
        origin=origin,
        figure=run.figure,
        since=run.since,
        until=run.until,
        outlets=tuple(sorted(run.outlets - {""})),
        claim_id=run.claim_id,
        lagged=run.is_lagged,
    )
