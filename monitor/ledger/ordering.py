"""Rule 3: dates are intervals. One order of assertions that does not depend on how they arrived.

Days first (in the story's time zone). Within a day: what texts say ("from A to B", "B, not A": the change after
the plain assertions, retractions last), clock times where both have them, then size: ascending for cumulative
measures, descending for stocks.
"""

from bisect import bisect_left
from collections.abc import Iterable

from monitor.ledger.assertions import GONE, Assertion
from monitor.ledger.values import best_of, says_same
from storage.records import ClaimStatus, Figure, MetricKind

Rank = tuple[int, float, float, float, str]
# The phases of a day: plain assertions; changes against the metric's direction that the text itself tells; what goes on
# from there; parts; withdrawals.
_PLAIN, _TURNED, _GOING_ON, _PART, _WITHDRAWN = range(5)


def in_order(assertions: Iterable[Assertion], kind: MetricKind) -> list[Assertion]:
    """Return assertions in the order in which the ledger weighs them; undated ones last."""
    days: dict[int, list[Assertion]] = {}
    undated: list[Assertion] = []
    for one in assertions:
        if one.day is None:
            undated.append(one)
        else:
            days.setdefault(one.day, []).append(one)
    ordered: list[Assertion] = []
    for day in sorted(days):
        ordered.extend(order_day(days[day], kind))
    ordered.extend(sorted(undated, key=lambda one: one.claim_id))
    return ordered


def order_day(assertions: list[Assertion], kind: MetricKind) -> list[Assertion]:
    """Return the assertions of one day in order: clocked ones by the clock, the others by text and size among them."""
    late = _after_a_turn(assertions, kind)
    clocked = _by_clock([one for one in assertions if one.clock is not None], kind, late)
    dated = sorted((one for one in assertions if one.clock is None), key=lambda one: rank(one, kind, late))
    if not clocked or not dated:
        return clocked or dated
    # Among clocked ones the clock decides; a dated one stands before the first clocked one that outranks it.
    peaks, top = [], None
    for one in clocked:
        top = rank(one, kind, late) if top is None else max(top, rank(one, kind, late))
        peaks.append(top)
    slots: list[list[Assertion]] = [[] for _ in range(len(clocked) + 1)]
    for one in dated:
        slots[bisect_left(peaks, rank(one, kind, late))].append(one)
    merged: list[Assertion] = []
    for position, one in enumerate(clocked):
        merged.extend(slots[position])
        merged.append(one)
    merged.extend(slots[-1])
    return merged


def _after_a_turn(assertions: Iterable[Assertion], kind: MetricKind) -> frozenset[str]:
    """Return the claims that go on from where another text of the day turned: "from 275 to 280" after "275, not 288".

    Only if nothing plain says that figure on the day: else they may as well come before.
    """
    plain = [one for one in assertions if _phase(one, kind) == _PLAIN]
    if not any(one.previous for one in plain):
        return frozenset()
    turned = {one.figure.value for one in assertions if _phase(one, kind) == _TURNED}
    goals = turned - {None} - {one.figure.value for one in plain}
    return frozenset(one.claim_id for one in plain if any(past.figure.value in goals for past in one.previous))


def _by_clock(assertions: list[Assertion], kind: MetricKind, late: frozenset[str]) -> list[Assertion]:
    """Sort by the clock, and by rank where it stands still."""
    assertions.sort(key=lambda one: one.clock or 0.0)
    start = 0
    for end in range(1, len(assertions) + 1):
        if end == len(assertions) or assertions[end].clock != assertions[start].clock:
            if end - start > 1:
                assertions[start:end] = sorted(assertions[start:end], key=lambda one: rank(one, kind, late))
            start = end
    return assertions


def rank(one: Assertion, kind: MetricKind, late: frozenset[str] = frozenset()) -> Rank:
    """Return where an assertion stands among those of its day: phase, size in the metric's direction, identity."""
    size = best_of(one.figure) or 0.0
    phase = _GOING_ON if one.claim_id in late else _phase(one, kind)
    turned = phase == _TURNED
    ascending = (kind is not MetricKind.STOCK) != turned
    signed = size if ascending else -size
    # Of two that come down to one number, who leaves the nearer figure speaks first: "from 233", then "and not 236".
    left = min((abs((best_of(old) or 0.0) - size) for old in _left_by(one)), default=0.0) if turned else 0.0
    # Of two equal numbers the firmer speaks first, so that a rounding never opens a record that a count then "refines".
    width = one.window.high - one.window.low if one.window.high < float("inf") else 1e18
    return (phase, signed, left, width, one.claim_id)


def _left_by(one: Assertion) -> list[Figure]:
    """The figures that a text gives up: earlier ones, withdrawn ones, those that an edit took out."""
    return [*(past.figure for past in one.previous), *one.gone, *one.replaced]


def _phase(one: Assertion, kind: MetricKind) -> int:
    if one.status in GONE:
        return _WITHDRAWN
    if one.is_part:
        return _PART
    if one.status is not ClaimStatus.CURRENT:
        return _PLAIN
    if one.is_lowering and kind is not MetricKind.STOCK:
        return _TURNED
    size = best_of(one.figure) or 0.0
    for old in _left_by(one):
        was = best_of(old) or 0.0
        if says_same(old, one.figure):
            continue
        if (was < size) if kind is MetricKind.STOCK else (was > size):
            return _TURNED
    return _PLAIN
