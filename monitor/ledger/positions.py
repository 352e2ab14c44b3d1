"""What each origin says, and each outlet that quotes nobody, from when to when; and who still carries a dead figure."""

from collections.abc import Sequence
from dataclasses import replace

from monitor.ledger.assertions import GONE, Assertion
from monitor.ledger.record import RecordState
from monitor.ledger.values import says_same
from storage.records import ClaimStatus, Figure, Position, Refusal

LAGGED_RULES = frozenset({"4.lagged", "6b.lagged", "6.rising", "8.deprecated"})


def note_position(state: RecordState, one: Assertion, refusals: Sequence[Refusal]) -> None:
    """Open, carry on or end the line of the assertion's origin (its outlet, when nobody is quoted)."""
    if one.status is ClaimStatus.PREVIOUS or one.day is None:
        return
    is_lagged = any(refusal.rule in LAGGED_RULES for refusal in refusals)
    name = one.origin.name or one.outlet or min(one.carrier)
    # A dead figure is the outlet's own doing: it opens a line of the outlet, and leaves the origin's as it is.
    who = (name, one.outlet if is_lagged else "")
    runs = state.positions.get(who, ())
    last = runs[-1] if runs else None
    figure = None if one.status in GONE else one.figure
    if last is not None and last.until is None:
        if last.lagged == is_lagged and _is_same(figure, last.figure):
            if one.outlet and one.outlet not in last.outlets:
                outlets = tuple(sorted({*last.outlets, one.outlet}))
                state.positions[who] = (*runs[:-1], replace(last, outlets=outlets))
            return
        runs = (*runs[:-1], replace(last, until=one.public))
    opened = Position(
        origin=name,
        figure=figure,
        since=one.public,
        outlets=(one.outlet,) if one.outlet else (),
        claim_id=one.claim_id,
        lagged=is_lagged,
    )
    state.positions[who] = (*runs, opened)
    if not is_lagged and one.outlet:
        _end_lag(state, (name, one.outlet), one)


def _is_same(figure: Figure | None, said: Figure | None) -> bool:
    if figure is None or said is None:
        return figure is said
    return figure.value == said.value if figure.value is not None else says_same(figure, said)


def _end_lag(state: RecordState, who: tuple[str, str], one: Assertion) -> None:
    runs = state.positions.get(who)
    if runs and runs[-1].until is None and runs[-1].lagged:
        state.positions[who] = (*runs[:-1], replace(runs[-1], until=one.public))
