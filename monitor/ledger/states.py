"""Things that are in force or over: states ordered by the date they took effect. Repeats say nothing."""

from collections.abc import Iterable
from datetime import tzinfo

from monitor.ledger.assertions import GONE, Assertion, day_and_clock
from monitor.ledger.record import RecordState, make_step, new_version
from storage.records import ClaimStatus, RevisionKind

_IGNORED = frozenset({ClaimStatus.OTHER_EVENT, ClaimStatus.UNCONFIRMED, *GONE})


def order_states(assertions: Iterable[Assertion], zone: tzinfo) -> list[Assertion]:
    """Return states by the day they took effect, then by when they were published; undated ones last."""

    def rank(one: Assertion) -> tuple[bool, int, int, float, str]:
        day, _ = day_and_clock(one.effective, zone)
        past = 0 if one.status is ClaimStatus.PREVIOUS else 1
        return (day is None, day or 0, past, one.clock or 0.0, one.claim_id)

    return sorted(assertions, key=rank)


def fold_states(state: RecordState, assertions: Iterable[Assertion], *, lasting: frozenset[str]) -> None:
    """Weigh states in order. `lasting` ones only say that what was in force goes on: they open, never change."""
    for one in assertions:
        if one.status in _IGNORED:
            state.refuse(one, "S.not_in_force", one.status.value)
        elif state.standing is not None and (
            state.standing.figure.state == one.figure.state or one.figure.state in lasting
        ):
            state.support(one)
            state.refuse(one, "S.repeat", "agrees")
        elif one.status is ClaimStatus.PREVIOUS:
            _open(state, one, RevisionKind.BACKFILLED, "S.previous", "previous")
        elif state.standing is None:
            _open(state, one, RevisionKind.FIRST, "S.first", "first")
        else:
            _open(state, one, RevisionKind.STATE_CHANGED, "S.changed", "state_changed")


def _open(state: RecordState, one: Assertion, kind: RevisionKind, rule: str, reason: str) -> None:
    step = make_step(one, kind, rule, reason)
    state.standing = new_version(one, step)
    state.versions.append(state.standing)
    state.steps.append(step)
