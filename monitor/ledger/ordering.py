"""Rule 3: dates are intervals. One order of assertions that does not depend on how they arrived.

Days first (in the story's time zone). Within a day: what texts say ("from A to B", "B, not A": the change after
the plain assertions, retractions last), clock times where both have them, then size: ascending for cumulative
measures, descending for stocks.
"""

from bisect import bisect_left
from collections.abc import Iterable

from monitor.ledger.assertions import GONE, Assertion
from monitor.ledger.values import best_of, says_same
from storage.records import ClaimStatus, MetricKind

Rank = tuple[int, float, float, str]


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
    clocked = _by_clock([one for one in assertions if one.clock is not None], kind)
    dated = sorted((one for one in assertions if one.clock is None), key=lambda one: rank(one, kind))
    if not clocked or not dated:
        return clocked or dated
    # Among clocked ones the clock decides; a dated one stands before the first clocked one that outranks it.
    peaks, top = [], None
    for one in clocked:
        top = rank(one, kind) if top is None else max(top, rank(one, kind))
        peaks.append(top)
    slots: list[list[Assertion]] = [[] for _ in range(len(clocked) + 1)]
    for one in dated:
        slots[bisect_left(peaks, rank(one, kind))].append(one)
    merged: list[Assertion] = []
    for position, one in enumerate(clocked):
        merged.extend(slots[position])
        merged.append(one)
    merged.extend(slots[-1])
    return merged


def _by_clock(assertions: list[Assertion], kind: MetricKind) -> list[Assertion]:
    """Sort by the clock, and by rank where it stands still."""
    assertions.sort(key=lambda one: one.clock or 0.0)
    start = 0
    for end in range(1, len(assertions) + 1):
        if end == len(assertions) or assertions[end].clock != assertions[start].clock:
            if end - start > 1:
                assertions[start:end] = sorted(assertions[start:end], key=lambda one: rank(one, kind))
            start = end
    return assertions


def rank(one: Assertion, kind: MetricKind) -> Rank:
    """Return where an assertion stands among those of its day: phase, size in the metric's direction, identity."""
    size = best_of(one.figure) or 0.0
    phase = _phase(one, kind)
    turned = phase == 1
    ascending = (kind is not MetricKind.STOCK) != turned
    signed = size if ascending else -size
    # Of two equal numbers the firmer speaks first, so that a rounding never opens a record that a count then "refines".
    return (phase, signed, one.window.high - one.window.low if one.window.high < float("inf") else 1e18, one.claim_id)


def _phase(one: Assertion, kind: MetricKind) -> int:
    """0: plain. 1: changes against the metric's direction that the text itself tells. 2: parts. 3: withdrawals."""
    if one.status in GONE:
        return 3
    if one.is_part:
        return 2
    if one.status is not ClaimStatus.CURRENT:
        return 0
    olds = [past.figure for past in one.previous] + [*one.gone, *one.replaced]
    size = best_of(one.figure) or 0.0
    for old in olds:
        was = best_of(old) or 0.0
        if says_same(old, one.figure):
            continue
        if (was < size) if kind is MetricKind.STOCK else (was > size):
            return 1
    return 0
