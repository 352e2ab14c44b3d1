"""Rule 9: what texts say stood earlier fills history; it is never told."""

from dataclasses import replace
from itertools import pairwise

from monitor.ledger.assertions import PART_SHARE, Assertion
from monitor.ledger.record import RecordState, Version, agrees, days_between, is_vague, make_step, new_version, size_of
from monitor.ledger.values import CEILINGS, ESTIMATES, is_count, is_rounded_up, is_rounding_of, repeats, window_of
from storage.records import Figure, MetricKind, RevisionKind

RULE = "9.previous"
# Days after which a stock that nobody repeated has moved on unseen.
_OLD_DAYS = 3
# How many times as many as are missing now, or were when last heard of, still belong to the same course of days.
_OFTEN = 2


def backfill_all(state: RecordState, current: Assertion) -> None:
    """Put the earlier figures of a report where they stood, the oldest first: the farthest from the present one."""
    falls = state.kind is not MetricKind.CUMULATIVE and any(
        past.window.low > current.window.low for past in current.previous
    )
    for past in reversed(current.previous) if falls else current.previous:
        backfill(state, past, current)


def backfill_taken_back(state: RecordState, current: Assertion) -> None:
    """Let a count stand that its origin takes back for a lower one, and that we never heard of.

    "2,081, and not the 2,256 of Sunday", with 2,045 or 2,200 as the last that we heard of: the toll fell from 2,256.
    """
    standing = state.standing
    if standing is None or state.kind is not MetricKind.CUMULATIVE:
        return
    for past in current.taken_back:
        if not past.window.is_above(standing.window):
            continue
        is_heard = any(
            _is_known(state, past, one) or (one.is_deprecated and is_rounded_up(past.figure, one.figure))
            for one in state.versions
        )
        if not is_heard and state.deprecated_match(past.figure) is None:
            append(state, past)


def backfill_step(state: RecordState, current: Assertion) -> None:
    """Let the count stand that a text takes the toll down from by a step, where we never heard of it.

    "Toll falls by two to 44", with 40 as the last that we heard of: it fell from 46, and did not rise from 40.
    """
    standing, value = state.standing, current.figure.value
    if standing is None or state.kind is not MetricKind.CUMULATIVE or value is None or len(current.steps) != 1:
        return
    left = value + current.steps[0]
    figure = Figure(value=left, low=left, high=left)
    past = replace(current, figure=figure, window=window_of(figure), repeats=())
    is_heard = any(version.figure.value in (value, left) for version in state.versions)
    if is_count(current.figure) and current.window.is_above(standing.window) and not is_heard:
        append(state, past)


def backfill_own(state: RecordState, current: Assertion) -> None:
    """Let the count stand that an origin says it comes down from, where another one was the last that we heard of.

    "231; it had announced 233 the evening before", with the 232 of the police; "4,808, after 4,910 for the same
    countries", with 4,920 for all: what fell is the origin's own figure.
    """
    standing, name = state.standing, current.origin.name
    own = [past for past in current.previous if past.origin.name == name and past.window.is_above(current.window)]
    if standing is None or not (current.origin.is_named and is_count(current.figure)) or len(own) != 1:
        return
    (past,) = own
    if not is_count(past.figure) or is_rounding_of(past.figure, standing.figure):
        return
    known = [version for version in state.versions if version.figure.value == past.figure.value]
    if known and known[-1].step.rule != RULE:
        return  # it stood by itself, and was left since
    for version in known:
        state.forget(version)
    append(state, past)


def backfill(state: RecordState, past: Assertion, current: Assertion | None) -> None:
    """Put an earlier figure where it stood. `current` is what the same text asserts now, if anything."""
    if is_vague(past.figure):
        state.refuse(past, RULE, "vague")
        return
    if current is not None and _was_only_feared(state, past, current):
        state.refuse(past, RULE, "unconfirmed")
        return
    if past.figure.qualifier in CEILINGS and state.standing is not None:
        state.refuse(past, "5.ceiling", "ceiling")
        return
    known = next((version for version in state.versions if _is_known(state, past, version)), None)
    if known is not None and known is state.standing and current is not None and _firms_up(past, known, current):
        append(state, past)
        return
    if known is not None:
        state.refuse(past, RULE, "known")
        return
    if state.kind is MetricKind.CUMULATIVE:
        _backfill_cumulative(state, past, current)
    else:
        _backfill_stock(state, past, current)


def _was_only_feared(state: RecordState, past: Assertion, current: Assertion) -> bool:
    """Whether an earlier figure above all that was counted is one that was only feared: "from 30 to 68", with 79."""
    standing = state.standing
    return (
        standing is not None
        and state.kind is MetricKind.CUMULATIVE
        and not state.is_provisional
        and past.window.is_above(current.window)
        and not current.is_lowering
        and any(is_rounding_of(past.figure, fear.figure) for fear in state.claimed)
        and not any(_is_known(state, past, version) for version in state.versions)
    )


def _firms_up(past: Assertion, known: Version, current: Assertion) -> bool:
    """Whether the count that a text leaves for another is what the standing estimate stood for: "about 300" was 305."""
    return (
        is_count(past.figure)
        and is_count(current.figure)
        and known.figure.qualifier in ESTIMATES
        and past.figure.value not in (known.figure.value, current.figure.value)
        and agrees(current, known)
    )


def _is_known(state: RecordState, past: Assertion, version: Version) -> bool:
    """Whether a version tells of an earlier figure already; a ceiling holds many numbers and tells of none.

    Nor does an estimate of a stock that others took the place of: who were "nearly 300" are not the 292 of later.
    """
    if version.figure.qualifier in CEILINGS and past.figure.value != version.figure.value:
        return False
    if state.kind is MetricKind.STOCK and version is not state.standing and is_count(past.figure):
        return past.figure.value == version.figure.value
    return not is_vague(version.figure) and repeats(past.figure, past.window, version.figure, version.window)


def _backfill_cumulative(state: RecordState, past: Assertion, current: Assertion | None) -> None:
    """Before the first version above it; with none above, right before the figure that the same text asserts now."""
    if current is not None and _is_of_something_else(state, past, current):
        state.refuse(past, RULE, "unplaced")
        return
    above = next((version for version in state.versions if version.window.is_above(past.window)), None)
    if above is not None:
        state.insert_before(above, past, RULE, "previous", is_deprecated=False)
    elif current is None:
        _open_or_refuse(state, past)
    elif state.standing is not None and agrees(current, state.standing) and not _rises_past(past, current, state):
        state.insert_before(state.standing, past, RULE, "previous", is_deprecated=True)
        state.deprecated.append((past.figure, state.standing.day))
    else:
        append(state, past)


def _rises_past(past: Assertion, current: Assertion, state: RecordState) -> bool:
    """Whether a text tells a rise from a figure above the standing one: "from 183 to nearly 200", with 182."""
    standing = state.standing
    rises = size_of(past.figure) < size_of(current.figure)
    return standing is not None and rises and past.window.is_above(standing.window)


def _is_of_something_else(state: RecordState, past: Assertion, current: Assertion) -> bool:
    """Whether an earlier count is so far above all that was ever known that it counts others, say the rescued."""
    standing, size = state.standing, size_of(past.figure)
    return (
        standing is not None
        and not current.is_lowering
        and max(size_of(standing.figure), size_of(current.figure)) < PART_SHARE * size
        and all(size_of(version.figure) < PART_SHARE * size for version in state.versions)
    )


def _backfill_stock(state: RecordState, past: Assertion, current: Assertion | None) -> None:
    """Between the old and the new figure; outside of them it is older than what stands and says nothing."""
    standing = state.standing
    if current is None:
        _open_or_refuse(state, past)
    elif standing is None:
        append(state, past)
    elif agrees(current, standing) and standing.figure.qualifier not in CEILINGS:
        _fill_before(state, past)
    elif _stood_between(state, past, current, standing):
        append(state, past)
    else:
        state.refuse(past, RULE, "unplaced")


def _lies_between(past: Assertion, one: float, other: float) -> bool:
    return min(one, other) < past.window.low < max(one, other)


def _is_long_past(state: RecordState, past: Assertion, size: float) -> bool:
    """Whether a stock came down past an earlier count long ago: 1,300, on the way from 1,500 to 232, with 29 now."""
    return past.window.low > _OFTEN * size and _has_passed(state, past)


def _has_passed(state: RecordState, past: Assertion) -> bool:
    """Whether a stock went from one side of an earlier count to the other before."""
    sizes = [version.window.low for version in state.versions]
    return any(_lies_between(past, *pair) for pair in pairwise(sizes))


def _stood_between(state: RecordState, past: Assertion, current: Assertion, standing: Version) -> bool:
    if state.is_provisional or _lies_between(past, standing.window.low, current.window.low):
        return True
    return _turned_between(state, past, current, standing)


def _turned_between(state: RecordState, past: Assertion, current: Assertion, standing: Version) -> bool:
    """Whether the text tells a fall from above the standing figure, or a rise from below it, and does not name it."""
    low, goal = standing.window.low, current.window.low
    if _is_long_past(state, past, max(low, goal)):
        return False
    if any(
        is_rounding_of(other.figure, standing.figure) or _lies_between(other, low, goal) for other in current.previous
    ):
        return False
    if days_between(standing.day, past.day) >= _OLD_DAYS and (
        past.window.low > goal > low or past.window.high < goal < low
    ):
        return True  # what stands is too old for the text to depart from it
    if _OFTEN * low >= past.window.low > goal > low and not _has_passed(state, past):
        return True  # "242 this morning, 222 now", with 179 the day before
    return (past.window.low > low > goal) or (past.window.high < low < goal)


def _fill_before(state: RecordState, past: Assertion) -> None:
    standing = state.standing
    if standing is None:
        return
    position = next(index for index, version in enumerate(state.versions) if version is standing)
    before = state.versions[position - 1] if position else None
    if before is None or _lies_between(past, before.window.low, standing.window.low):
        state.insert_before(standing, past, RULE, "previous", is_deprecated=False)
    else:
        state.refuse(past, RULE, "unplaced")


def _open_or_refuse(state: RecordState, past: Assertion) -> None:
    if state.standing is None and not state.deprecated_match(past.figure):
        append(state, past)
    else:
        state.refuse(past, RULE, "unplaced")


def append(state: RecordState, past: Assertion) -> None:
    """Let an earlier figure stand until what the same text asserts now replaces it."""
    step = make_step(past, RevisionKind.BACKFILLED, RULE, "previous")
    version = new_version(past, step)
    if state.standing is not None:
        state.standing.superseded_day = past.day
    state.versions.append(version)
    state.steps.append(step)
    state.standing = version
    state.is_provisional = False
