"""What each origin says, and each outlet that quotes nobody, from when to when; and who still carries a dead figure."""

from collections.abc import Sequence
from dataclasses import replace

from monitor.ledger.assertions import GONE, Assertion
from monitor.ledger.record import RecordState
from monitor.ledger.values import says_same
from storage.records import ClaimStatus, Position, Refusal

_LAGGED = frozenset({"4.lagged", "6b.lagged", "6.rising", "8.deprecated"})


def note_position(state: RecordState, one: Assertion, refusals: Sequence[Refusal]) -> None:
    """Open, carry on or end the line of the assertion's origin (its outlet, when nobody is quoted)."""
    if one.status is ClaimStatus.PREVIOUS or one.day is None:
        return
    is_lagged = any(refusal.rule in _LAGGED for refusal in refusals)
    name = one.origin.name or one.outlet or min(one.carrier)
    # A dead figure is the outlet's own doing: it opens a line of the outlet, and leaves the origin's as it is.
    who = (name, one.outlet if is_lagged else "")
    runs = state.positions.setdefault(who, [])
    last = runs[-1] if runs else None
    figure = None if one.status in GONE else one.figure
    outlets = (one.outlet,) if one.outlet else ()
    if last is not None and last.until is None:
        is_same = (figure is None and last.figure is None) or (
            figure is not None and last.figure is not None and says_same(figure, last.figure)
        )
        if is_same and last.lagged == is_lagged:
            if one.outlet and one.outlet not in last.outlets:
                runs[-1] = replace(last, outlets=tuple(sorted({*last.outlets, one.outlet})))
            return
        runs[-1] = replace(last, until=one.public)
    runs.append(
        Position(origin=name, figure=figure, since=one.public, outlets=outlets, claim_id=one.claim_id, lagged=is_lagged)
    )
    if not is_lagged and one.outlet:
        _end_lag(state, (name, one.outlet), one)


def _end_lag(state: RecordState, who: tuple[str, str], one: Assertion) -> None:
    runs = state.positions.get(who)
    if runs and runs[-1].until is None and runs[-1].lagged:
        runs[-1] = replace(runs[-1], until=one.public)
