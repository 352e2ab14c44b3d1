"""Rule 6: a count below the standing one of a measure that only rises: lowered, late, a part, or contested."""

from dataclasses import replace
from datetime import timedelta

from monitor.ledger.assertions import PART_SHARE, SMALL_SHARE, Assertion
from monitor.ledger.contests import contest_lower, is_near, is_set_against, note_early
from monitor.ledger.official import line_past, passes_over_rumour
from monitor.ledger.previous import append, backfill_own
from monitor.ledger.record import RISING_DAYS, Claimed, RecordState, Version, days_between, is_vague, size_of
from monitor.ledger.values import ROUND, is_count, is_rounded_floor, is_rounding_of, rounding_step, window_of
from monitor.ledger.withdrawals import deprecate_above, means_standing
from storage.records import Figure, Qualifier, RevisionKind

_DAY = timedelta(days=1)


def weigh_lower(state: RecordState, one: Assertion, standing: Version) -> None:
    """Weigh a figure that lies below the standing one; the first rule that fits wins."""
    if says := _says_nothing(one, standing):
        state.refuse(one, *says)
    elif passes_over_rumour(state, one, standing):
        state.set_aside(standing)
        state.move(one, RevisionKind.RAISED, "12.official", "official_line")
    elif _is_explained(state, one, standing):
        reason = "withdrawn" if any(is_rounding_of(gone, standing.figure) for gone in one.gone) else "text_says"
        lower(state, one, "7.withdrawn" if reason == "withdrawn" else "6a.text", reason)
    elif state.earlier_match(one.figure) is not None:
        state.refuse(one, "6b.lagged", "lagged")
    elif why := line_past(state, one, standing):
        state.unofficial = (*state.unofficial, standing.figure)
        state.claimed.append(Claimed(standing.figure, standing.day))
        state.move(one, RevisionKind.RESOLVED, "12.official", why)
    else:
        _weigh_unexplained(state, one, standing)


def _weigh_unexplained(state: RecordState, one: Assertion, standing: Version) -> None:
    """Weigh a lower figure of which the text does not say that anything came down."""
    if is_rounded_floor(one.figure):
        state.refuse(one, "1.floor", "floor")
    elif size_of(one.figure) < PART_SHARE * size_of(standing.figure):
        state.refuse(one, "6d.part", "part")
    elif is_set_against(one, standing):
        contest_lower(state, one, standing)
    elif not _same_outlet_later(one, standing) and _is_laggard_of_rise(state, one, standing):
        note_early(state, one, standing)
        state.refuse(one, "6.rising", "between")
    elif _same_origin_later(one, standing):
        lower(state, one, "6c.same_origin", "same_origin")
    elif _same_outlet_later(one, standing):
        lower(state, one, "6c.same_outlet", "same_origin")
    elif contest_lower(state, one, standing):
        lower(state, one, "6e.two_origins", "two_origins")


def _says_nothing(one: Assertion, standing: Version) -> tuple[str, str] | None:
    """The rule and the reason by which a lower figure is none, whatever its text says beside it; None if it is one."""
    if _rounds_off(one, standing):
        return "1.agrees", "agrees"
    if is_vague(standing.figure):
        return "6.below", "part"
    return ("6d.part", "part") if _is_find(one) else None


def _is_explained(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 6a: whether the text itself, or who it quotes, takes the toll down."""
    return (
        says_lowered(state, one, standing)
        or _is_brought_down(state, one, standing)
        or _corrects_itself(state, one, standing)
        or _goes_on_from_contest(state, one) is not None
    )


def _is_find(one: Assertion) -> bool:
    """Whether who was found dead is set beside an earlier toll: "40 bodies pulled from the river; 60 died before"."""
    return (
        one.is_of_bodies
        and not one.is_lowering
        and not one.gone
        and any(past.window.is_above(one.window) and not past.is_of_bodies for past in one.previous)
    )


def _rounds_off(one: Assertion, standing: Version) -> bool:
    """Whether a number of full hundreds or thousands is the standing count without its last digits."""
    value, count = one.figure.value, standing.figure.value
    if value is None or count is None or one.figure.qualifier is not Qualifier.EXACT:
        return False
    step = rounding_step(value)
    return step >= ROUND and value < count < value + step and rounding_step(count) < step


def lower(state: RecordState, one: Assertion, rule: str, reason: str) -> None:
    """Let a lower figure stand; what was above it must not come back by mere repetition."""
    if contested := _goes_on_from_contest(state, one):
        append(state, replace(one, figure=contested, window=window_of(contested), repeats=()))
    else:
        backfill_own(state, one)
    deprecate_above(state, one)
    state.rivals = frozenset()
    state.move(one, RevisionKind.LOWERED, rule, reason)


def _is_brought_down(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 6a: "revised down to 97", whoever says so and whatever old figure it names or not.

    Not a small part of the whole, and not a lowering that stands in the history and that the toll has left since.
    """
    if not one.is_lowering or not is_count(one.figure):
        return False
    earlier = state.earlier_match(one.figure)
    is_told_late = earlier is not None and earlier.step.kind is RevisionKind.LOWERED
    return not is_told_late and size_of(one.figure) >= PART_SHARE * size_of(standing.figure)


def _corrects_itself(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 6a: whether a named origin lowers its own last figure, while a higher one of others stands.

    The sheriff's 527 came down to 489; a station's sum of 530, between the two, does not hold that up.
    """
    name = one.origin.name
    if not one.origin.is_named or name in standing.origin_days or not is_count(one.figure):
        return False
    own = next((version for version in reversed(state.versions) if name in version.origin_days), None)
    return (
        own is not None
        and own.window.is_above(one.window)
        and days_between(standing.day, one.day) > 0
        and any(past.figure.value == own.figure.value for past in one.previous)
    )


def says_lowered(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 6a: whether the text itself lowers the standing figure, or an edit of the only voice behind it does.

    A tenth of what stood is of some of them, whatever earlier figure the text names: tolls are corrected by shares. A
    third that stood before is told from the beginning: "the toll stood at 108; on the day of the raid it was 35". An
    article that goes back to its own earlier figure tells of no beginning.
    """
    earlier = state.earlier_match(one.figure)
    least = PART_SHARE if earlier is not None and not one.replaced else SMALL_SHARE
    if not one.gone and size_of(one.figure) < least * size_of(standing.figure):
        return False
    told = [past.figure for past in one.previous]
    told += [old for old in one.gone if old not in one.denied or _denies_again(state, one, standing, old)]
    if earlier is not None:
        # An old lowering, or an old withdrawal, told late: it knows nothing of what the toll came to since.
        may_be_new = earlier.step.kind is not RevisionKind.LOWERED
        told = [
            old
            for old in told
            if old.value == standing.figure.value or (may_be_new and state.deprecated_match(old) is None)
        ]
    if any(_is_lowered_from(old.value, standing) or means_standing(state, old, standing) for old in told):
        return True
    if any(is_rounding_of(past.figure, standing.figure) for past in one.feared):
        return True
    # Of another figure a denial says nothing about this one; by others than its own origin it is a dispute.
    if _may_deny(one, standing) and any(means_standing(state, old, standing) for old in one.denied):
        return True
    if any(size_of(standing.figure) - step == size_of(one.figure) for step in one.steps):
        return True
    is_edited = any(is_rounding_of(old, standing.figure) for old in one.replaced)
    return is_edited and standing.is_lone and not standing.carriers.isdisjoint(one.carrier)


def _denies_again(state: RecordState, one: Assertion, standing: Version, old: Figure) -> bool:
    """Whether somebody who denies a figure only says again that it was wrong: "134, not 142", after 142 fell to 139."""
    has_fallen = standing.step.kind in (RevisionKind.LOWERED, RevisionKind.RETRACTED)
    return has_fallen and one.origin.is_named and is_near(one, standing) and state.deprecated_match(old) is not None


def _goes_on_from_contest(state: RecordState, one: Assertion) -> Figure | None:
    """Return the lower figure that was told as contested and that a text comes down from, if it does.

    "28 and not 31", with the minister's 31 against a standing 34: so 31 it was.
    """
    standing = state.standing
    if standing is None or not one.origin.is_named or not is_count(one.figure) or is_set_against(one, standing):
        return None
    if size_of(one.figure) < PART_SHARE * size_of(standing.figure):
        return None
    for old in one.gone:
        if old in one.denied:
            continue
        found = state.candidates.get(old.value)
        if (
            found is not None
            and found.is_told
            and is_count(found.figure)
            and one.origin.name not in found.origins  # who corrects a rival number of its own lowers nothing
            and size_of(one.figure) < size_of(old) < size_of(standing.figure)
        ):
            return found.figure
    return None


def _may_deny(one: Assertion, standing: Version) -> bool:
    """Whether a denial takes back the standing figure: by its own origin or, of nobody's figure, by no rumour."""
    return not (standing.origin_days or one.origin.is_hearsay) or one.origin.name in standing.origin_days


def _is_lowered_from(old: float | None, standing: Version) -> bool:
    """Whether a text that names this old figure must know of the standing one: it lowers from it or from above it.

    What is far above it counts others.
    """
    return old is not None and size_of(standing.figure) <= old and PART_SHARE * old <= size_of(standing.figure)


def _same_origin_later(one: Assertion, standing: Version) -> bool:
    """Rule 6c: the same named origin gives a lower count on a later day.

    Lower than what it said itself: who said "more than 300" while 328 stood has not come down by saying 311.
    """
    if not one.origin.is_named or not is_count(one.figure):
        return False
    if standing.origin_lows.get(one.origin.name, 0.0) <= one.window.high:
        return False
    if one.previous and all(one.window.is_above(past.window) for past in one.previous):
        return False  # "rose from 110 to 115", with 121: a rise of before
    said = standing.origin_days.get(one.origin.name)
    return said is not None and one.day is not None and one.day > said


def _same_outlet_later(one: Assertion, standing: Version) -> bool:
    """Rule 6c: the same named origin gives less, hours later, in the outlet that had the higher count from it.

    Others may be late; who has quoted the police with 245 does not quote them with an older 232 the same evening. Nor
    do the police themselves. What is far below is more likely of another place, or another wire's.
    """
    name = one.origin.name
    if not is_count(one.figure) or one.clock is None or standing.origin_lows.get(name, 0.0) <= one.window.high:
        return False
    if not (one.is_own_word or is_near(one, standing)):
        return False
    heard = [
        clock
        for (said_by, outlet), clock in standing.outlet_clocks.items()
        if said_by == name and (one.is_own_word or outlet == one.outlet)
    ]
    return bool(heard) and one.clock > min(heard)


def _is_laggard_of_rise(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Whether a figure between the last two versions comes so soon after a rise that it is likely a late repeat."""
    position = next(index for index, version in enumerate(state.versions) if version is standing)
    before = state.versions[position - 1] if position else None
    below = 0.0 if before is None else size_of(before.figure)
    if _same_origin_later(one, standing) and _is_a_day_after(one, standing):
        return False
    return days_between(standing.day, one.day) < RISING_DAYS and size_of(one.figure) > below


def _is_a_day_after(one: Assertion, standing: Version) -> bool:
    """Whether a full day lies between the two reports, however wide their times are known."""
    before = standing.step.public_at
    return before is not None and one.public is not None and one.public.not_before - before.not_after >= _DAY
