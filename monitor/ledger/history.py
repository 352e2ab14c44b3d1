"""From the working state of a record to its History: steps with both sides, bounds, positions, refusals."""

from collections.abc import Iterable
from dataclasses import replace

from monitor.ledger.record import RecordState, size_of
from monitor.ledger.values import best_of, is_rounding_of, window_of
from storage.records import Figure, History, Position, RecordKey, Refusal, RevisionKind, Step

MOVES = frozenset(
    {
        RevisionKind.FIRST,
        RevisionKind.RAISED,
        RevisionKind.LOWERED,
        RevisionKind.REFINED,
        RevisionKind.RETRACTED,
        RevisionKind.RESTORED,
        RevisionKind.CONFIRMED,
        RevisionKind.RESOLVED,
        RevisionKind.BACKFILLED,
        RevisionKind.STATE_CHANGED,
    }
)
"""The kinds of step that change which figure stands; the others only say that it is disputed or settled."""


def link_steps(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return steps with `before` filled in; a `first` that is no longer the first says how it really moved."""
    linked: list[Step] = []
    standing: Figure | None = None
    is_begun = False
    for step in steps:
        kind = step.kind
        if kind in (RevisionKind.FIRST, RevisionKind.RAISED, RevisionKind.LOWERED) and is_begun:
            kind = _direction(step, standing)
        linked.append(replace(step, kind=kind, before=standing))
        if kind in MOVES:
            standing, is_begun = step.figure, True
    return tuple(linked)


def _direction(step: Step, standing: Figure | None) -> RevisionKind:
    if standing is None or step.figure is None:
        return RevisionKind.RAISED if step.kind is RevisionKind.FIRST else step.kind
    new, old = window_of(step.figure), window_of(standing)
    if new.is_above(old):
        return RevisionKind.RAISED
    if old.is_above(new):
        return RevisionKind.LOWERED
    return RevisionKind.REFINED if step.kind is RevisionKind.FIRST else step.kind


def make_history(
    key: RecordKey, state: RecordState, refusals: Iterable[Refusal], positions: tuple[Position, ...]
) -> History:
    """Return the history that a record's state amounts to."""
    current = None if state.standing is None else state.standing.figure
    low, high = _bounds(state, current)
    return History(
        key=key,
        steps=link_steps(state.steps),
        current=current,
        low=low,
        best=None if current is None or current.state is not None else best_of(current),
        high=high,
        is_contested=state.is_contested,
        is_provisional=state.is_provisional,
        deprecated=tuple(dict.fromkeys(figure for figure, _ in state.deprecated)),
        positions=positions,
        refusals=tuple(refusals),
    )


def _bounds(state: RecordState, current: Figure | None) -> tuple[float | None, float | None]:
    """Return the lowest and highest number that is reported now: the standing figure, its contests, what is feared.

    Of a state there are none.
    """
    if current is not None and current.state is not None:
        return None, None
    rivals = [candidate.figure for candidate in state.candidates.values() if candidate.is_told or candidate.is_known]
    dead = [figure for figure, _ in state.deprecated]
    feared = [one.figure for one in state.claimed if not any(is_rounding_of(one.figure, gone) for gone in dead)]
    if current is None:
        return None, max((size_of(figure) for figure in feared), default=None)
    window, best = window_of(current), size_of(current)
    low = min([window.low, *(size_of(figure) for figure in rivals)])
    top = window.high if window.high < float("inf") else best
    return low, max([best, top, *(size_of(figure) for figure in (*rivals, *feared))])
