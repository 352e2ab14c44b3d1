"""Rule 4: measures of who is in a state now, such as the missing. They move either way."""

from monitor.ledger.assertions import SMALL_SHARE, Assertion
from monitor.ledger.contests import contest_higher, is_implausible
from monitor.ledger.record import LAG_DAYS, WEEK, RecordState, Version, days_between, is_vague, size_of
from monitor.ledger.values import ROUNDING_SLACK, is_count, is_rounded_floor
from monitor.ledger.withdrawals import names_as_old
from storage.records import Qualifier, RevisionKind


def _is_of_some(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Whether under a tenth of what stands is of some of them: said by nobody, or at once by who was never heard.

    "Seven are missing", says the refugee agency of refugees, the day after 110 were.
    """
    if size_of(one.figure) >= SMALL_SHARE * size_of(standing.figure) or _takes_back_more(one, standing):
        return False
    days = days_between(standing.support_day, one.day)
    if not size_of(one.figure) and days > 0:
        return False  # nobody is no part of them
    if not one.origin.name:
        return days < WEEK
    is_new = one.origin.is_named and not any(one.origin.name in version.origin_days for version in state.versions)
    is_counted = bool(standing.origin_days) and is_count(standing.figure)
    return is_new and is_counted and days < LAG_DAYS


def _takes_back_more(one: Assertion, standing: Version) -> bool:
    """Whether a text takes back a number above what stands: it speaks of all of them."""
    return any(size_of(old) > size_of(standing.figure) for old in one.gone)


def _has_passed(one: Assertion, standing: Version) -> bool:
    """Whether a floor is so far below a count of days ago that it rounds another: "more than 140 missing", with 199."""
    is_old = days_between(standing.support_day, one.day) >= LAG_DAYS
    return is_old and one.window.high < (1 - ROUNDING_SLACK) * size_of(standing.figure)


def _is_late(one: Assertion, earlier: Version, standing: Version) -> bool:
    """Whether a figure that stood before is only said again: too soon, or loosely, by nobody, and back up."""
    is_loose = not is_count(one.figure) and not one.origin.name
    return days_between(earlier.superseded_day, one.day) < LAG_DAYS or (
        is_loose and one.window.is_above(standing.window)
    )


def weigh_stock(state: RecordState, one: Assertion, standing: Version) -> None:
    """Rule 4: a stock moves either way at once; a figure that was superseded less than three days ago is lagged."""
    told = names_as_old(one, standing)
    earlier = state.earlier_match(one.figure, is_strict=True)
    if earlier is not None and not told and _is_late(one, earlier, standing):
        state.refuse(one, "4.lagged", "lagged")
    elif one.window.is_above(standing.window):
        if is_implausible(state, one, standing) and not told:
            contest_higher(state, one)
        else:
            state.move(one, RevisionKind.RAISED, "4.stock", "raised")
    elif not told and one.figure.qualifier is Qualifier.AT_MOST:
        state.refuse(one, "5.ceiling", "ceiling")
    elif not told and is_rounded_floor(one.figure) and not one.origin.is_named and not _has_passed(one, standing):
        state.refuse(one, "1.floor", "floor")
    elif not told and _is_of_some(state, one, standing):
        state.refuse(one, "6d.part", "part")
    elif is_vague(standing.figure) and not (one.origin.is_named and days_between(standing.day, one.day) > 0):
        state.refuse(one, "6.below", "part")
    else:
        state.move(one, RevisionKind.LOWERED, "4.stock", "text_says" if told else "lowered")
