"""Rules 4, 5, 6 and 10: one assertion against the standing figure. The first rule that fits wins."""

from datetime import timedelta

from monitor.ledger.assertions import GONE, PART_SHARE, Assertion
from monitor.ledger.contests import contest_higher, contest_lower, settle
from monitor.ledger.official import goes_on_officially, passes_over_rumour
from monitor.ledger.previous import backfill, backfill_all, backfill_taken_back
from monitor.ledger.record import (
    PROVISIONAL,
    RISING_DAYS,
    Claimed,
    RecordState,
    Version,
    agrees,
    days_between,
    is_vague,
    size_of,
)
from monitor.ledger.values import CEILINGS, is_count, is_rounding_of, refines, rounding_step
from monitor.ledger.withdrawals import deprecate_above, names_as_old, try_comeback, withdraw
from storage.records import ClaimStatus, MetricKind, Qualifier, RevisionKind, Trust

STOCK_PART_SHARE = 1 / 10
JUMP = 10
SMALL = 3
LARGE = 20
LAG_DAYS = 3
# From this rounding step on, a number without hedge is more often cut off than counted.
ROUND = 100
_DAY = timedelta(days=1)


def weigh(state: RecordState, one: Assertion) -> None:
    """Let one assertion act on a record."""
    if one.is_pin:
        _pin(state, one)
        return
    if one.is_part:
        _weigh_part(state, one)
        return
    if state.is_pinned and one.status is not ClaimStatus.PREVIOUS:
        state.refuse(one, "J.pin", "pinned")
    elif one.day is None:
        _corroborate(state, one)
    elif one.status in GONE:
        withdraw(state, one)
    elif one.status is ClaimStatus.PREVIOUS:
        backfill(state, one, None)
    elif one.status is ClaimStatus.UNCONFIRMED:
        _weigh_unconfirmed(state, one)
    else:
        _weigh_current(state, one)


def _pin(state: RecordState, one: Assertion) -> None:
    """A person's figure stands until the judgement is revoked, whatever texts say."""
    standing = state.standing
    if standing is None or one.window.is_above(standing.window):
        state.move(one, RevisionKind.RAISED if state.steps else RevisionKind.FIRST, "J.pin", "pinned")
    elif standing.window.is_above(one.window):
        _lower(state, one, "J.pin", "pinned")
    else:
        state.move(one, RevisionKind.REFINED, "J.pin", "pinned")
    state.is_pinned = True


def _corroborate(state: RecordState, one: Assertion) -> None:
    """Rule 3: undated text corroborates only."""
    if one.status is ClaimStatus.CURRENT and state.standing is not None and agrees(one, state.standing):
        state.support(one)
        state.refuse(one, "1.agrees", "agrees")
    else:
        state.refuse(one, "3.undated", "undated")


def _weigh_unconfirmed(state: RecordState, one: Assertion) -> None:
    """Rule 10: feared and projected figures move only `high`; on an empty record they open it as provisional."""
    for past in one.previous:
        backfill(state, past, None)
    if state.standing is None and not state.deprecated_match(one.figure):
        state.move(one, RevisionKind.FIRST, PROVISIONAL, "unconfirmed")
        state.is_provisional = True
    elif state.standing is not None and agrees(one, state.standing):
        state.refuse(one, "10.unconfirmed", "agrees")
    else:
        state.claimed.append(Claimed(one.figure, one.day))
        state.refuse(one, "10.unconfirmed", "unconfirmed")


def _weigh_part(state: RecordState, one: Assertion) -> None:
    """Rule 11: a part larger than the whole raises the whole to at least it; a withdrawn part takes that back."""
    standing = state.standing
    if standing is None or one.day is None or state.is_pinned:
        return
    if one.status in GONE:
        if standing.is_part and is_rounding_of(one.figure, standing.figure):
            withdraw(state, one)
        elif one.figure.value is not None:
            state.withdrawn_parts = state.withdrawn_parts | {one.figure.value}
        return
    is_firm = one.status is ClaimStatus.CURRENT and one.figure.qualifier is Qualifier.AT_LEAST
    is_larger = size_of(one.figure) > standing.window.high and not is_vague(standing.figure)
    if not (is_firm and is_larger) or state.deprecated_match(one.figure) or one.figure.value in state.withdrawn_parts:
        return
    if state.kind is MetricKind.CUMULATIVE and not is_implausible(state, one, standing):
        state.move(one, RevisionKind.RAISED, "11.part", "part")


def _weigh_current(state: RecordState, one: Assertion) -> None:
    """Everything that a text asserts as standing now."""
    if one.previous and not is_vague(one.figure):
        backfill_all(state, one)
    if one.taken_back:
        backfill_taken_back(state, one)
    standing = state.standing
    if is_vague(one.figure) and (standing is not None or state.steps):
        state.refuse(one, "1.vague", "vague")
    elif standing is None:
        _open(state, one)
    elif state.is_provisional:
        _confirm(state, one)
    elif agrees(one, standing):
        _agree(state, one, standing)
    elif past := state.deprecated_match(one.figure):
        try_comeback(state, one, past)
    elif state.kind is MetricKind.CUMULATIVE:
        _weigh_cumulative(state, one, standing)
    else:
        _weigh_stock(state, one, standing)


def _open(state: RecordState, one: Assertion) -> None:
    """The first figure of a record, or the first after a withdrawal that left nothing."""
    if state.deprecated_match(one.figure):
        state.refuse(one, "8.deprecated", "lagged")
    elif state.steps:
        state.move(one, RevisionKind.RAISED, "5.raised", "after_withdrawal")
    else:
        state.move(one, RevisionKind.FIRST, "1.first", "first")


def _confirm(state: RecordState, one: Assertion) -> None:
    """Rule 10: the first firm figure confirms a provisional one, whatever it says; a ceiling is not firm."""
    if one.figure.qualifier in CEILINGS:
        state.refuse(one, "5.ceiling", "ceiling")
        return
    if state.standing is not None and size_of(state.standing.figure) > size_of(one.figure):
        state.claimed.append(Claimed(state.standing.figure, state.standing.day))
    state.move(one, RevisionKind.CONFIRMED, "10.confirmed", "confirmed")


def _agree(state: RecordState, one: Assertion, standing: Version) -> None:
    """Rule 1: overlapping windows agree; a narrower or firmer one refines."""
    if refines(one.figure, standing.figure) and not _is_stale_refinement(state, one):
        state.move(one, RevisionKind.REFINED, "1.refines", "refined")
        if state.standing is not None:
            state.standing.inherit(standing)
        return
    state.support(one)
    settle(state, one)
    state.refuse(one, "1.agrees", "agrees")


def _is_stale_refinement(state: RecordState, one: Assertion) -> bool:
    """Whether the narrower figure is one that already stood and was left for the present one."""
    return state.deprecated_match(one.figure) is not None


def _weigh_cumulative(state: RecordState, one: Assertion, standing: Version) -> None:
    """Rules 5 and 6: higher or lower than the standing figure of a measure that only rises."""
    if one.window.is_above(standing.window):
        _weigh_higher(state, one, standing)
    else:
        _weigh_lower(state, one, standing)


def _weigh_higher(state: RecordState, one: Assertion, standing: Version) -> None:
    if one.figure.qualifier in CEILINGS:
        state.claimed.append(Claimed(one.figure, one.day))
        state.refuse(one, "5.ceiling", "ceiling")
    elif is_implausible(state, one, standing) and not names_as_old(one, standing):
        contest_higher(state, one)
    elif not one.origin.is_named and any(is_rounding_of(one.figure, figure) for figure in state.unofficial):
        state.refuse(one, "12.unofficial", "unofficial")
    elif _is_other_lowering(state, one, standing):
        state.refuse(one, "8.other_lowering", "other_lowering")
    else:
        state.move(one, RevisionKind.RAISED, "5.raised", "raised")


def _is_other_lowering(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Whether a text lowers a figure that was lowered already, to another number: an older state of that correction."""
    if names_as_old(one, standing) or (one.origin.is_named and days_between(standing.day, one.day) >= LAG_DAYS):
        return False
    olds = [past.figure for past in one.previous] + list(one.gone)
    return any(size_of(old) > size_of(one.figure) and state.deprecated_match(old) is not None for old in olds)


def is_implausible(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 5: ten times the standing figure, or twice it from social media alone.

    A named origin or a trusted outlet may leap from a handful, which is how tolls begin; from tens upwards the figure
    is more often of something else, and waits for a second voice.
    """
    if is_vague(standing.figure):
        return False
    size, old = size_of(one.figure), max(size_of(standing.figure), 1.0)
    if one.origin.is_named:
        return state.kind is MetricKind.CUMULATIVE and old >= LARGE and size >= JUMP * old
    if one.trust is Trust.SOCIAL:
        return size >= 2 * old and size - old > SMALL
    return one.trust not in (Trust.AGENCY, Trust.MAJOR) and old >= SMALL and size >= JUMP * old


def _weigh_lower(state: RecordState, one: Assertion, standing: Version) -> None:
    explicit = says_lowered(one, standing) or _is_brought_down(state, one, standing)
    if _rounds_off(one, standing):
        state.refuse(one, "1.agrees", "agrees")
    elif is_vague(standing.figure):
        state.refuse(one, "6.below", "part")
    elif passes_over_rumour(state, one, standing):
        state.set_aside(standing)
        state.move(one, RevisionKind.RAISED, "12.official", "official_line")
    elif explicit:
        reason = "withdrawn" if any(is_rounding_of(gone, standing.figure) for gone in one.gone) else "text_says"
        _lower(state, one, "7.withdrawn" if reason == "withdrawn" else "6a.text", reason)
    elif state.earlier_match(one.figure) is not None:
        state.refuse(one, "6b.lagged", "lagged")
    elif goes_on_officially(state, one, standing):
        state.unofficial = (*state.unofficial, standing.figure)
        state.claimed.append(Claimed(standing.figure, standing.day))
        state.move(one, RevisionKind.RESOLVED, "12.official", "official_line")
    elif _is_rounded_floor(one):
        state.refuse(one, "1.floor", "floor")
    elif size_of(one.figure) < PART_SHARE * size_of(standing.figure):
        state.refuse(one, "6d.part", "part")
    elif _is_laggard_of_rise(state, one, standing):
        state.refuse(one, "6.rising", "between")
    elif _same_origin_later(one, standing):
        _lower(state, one, "6c.same_origin", "same_origin")
    elif contest_lower(state, one, standing):
        _lower(state, one, "6e.two_origins", "two_origins")


def _rounds_off(one: Assertion, standing: Version) -> bool:
    """Whether a number of full hundreds or thousands is the standing count without its last digits."""
    value, count = one.figure.value, standing.figure.value
    if value is None or count is None or one.figure.qualifier is not Qualifier.EXACT:
        return False
    step = rounding_step(value)
    return step >= ROUND and value < count < value + step and rounding_step(count) < step


def _lower(state: RecordState, one: Assertion, rule: str, reason: str) -> None:
    deprecate_above(state, one)
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


def says_lowered(one: Assertion, standing: Version) -> bool:
    """Rule 6a: whether the text itself lowers the standing figure, or an edit of the only voice behind it does.

    A tenth of what stood is of some of them, whatever earlier figure the text names: tolls are corrected by shares.
    """
    if not one.gone and size_of(one.figure) < STOCK_PART_SHARE * size_of(standing.figure):
        return False
    told = [past.figure for past in one.previous] + [old for old in one.gone if old not in one.denied]
    if any(_is_lowered_from(old.value, standing) or is_rounding_of(old, standing.figure) for old in told):
        return True
    if any(is_rounding_of(old, standing.figure) for old in one.denied):  # of another figure it says nothing about this
        return True
    if any(size_of(standing.figure) - step == size_of(one.figure) for step in one.steps):
        return True
    is_edited = any(is_rounding_of(old, standing.figure) for old in one.replaced)
    return is_edited and standing.is_lone and not standing.carriers.isdisjoint(one.carrier)


def _is_lowered_from(old: float | None, standing: Version) -> bool:
    """Whether a text that names this old figure must know of the standing one: it lowers from it or from above it."""
    return old is not None and old >= size_of(standing.figure)


def _is_rounded_floor(one: Assertion) -> bool:
    value = one.figure.value
    if one.figure.qualifier is Qualifier.MORE_THAN:
        return True
    return one.figure.qualifier is Qualifier.AT_LEAST and (value is None or rounding_step(value) > 1)


def _same_origin_later(one: Assertion, standing: Version) -> bool:
    """Rule 6c: the same named origin gives a lower count on a later day."""
    if not one.origin.is_named or not is_count(one.figure):
        return False
    said = standing.origin_days.get(one.origin.name)
    return said is not None and one.day is not None and one.day > said


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


def _weigh_stock(state: RecordState, one: Assertion, standing: Version) -> None:
    """Rule 4: a stock moves either way at once; a figure that was superseded less than three days ago is lagged."""
    told = names_as_old(one, standing)
    earlier = state.earlier_match(one.figure, is_strict=True)
    if earlier is not None and not told and days_between(earlier.superseded_day, one.day) < LAG_DAYS:
        state.refuse(one, "4.lagged", "lagged")
    elif one.window.is_above(standing.window):
        if is_implausible(state, one, standing) and not told:
            contest_higher(state, one)
        else:
            state.move(one, RevisionKind.RAISED, "4.stock", "raised")
    elif not told and one.figure.qualifier is Qualifier.AT_MOST:
        state.refuse(one, "5.ceiling", "ceiling")
    elif not told and _is_rounded_floor(one) and not one.origin.is_named:
        state.refuse(one, "1.floor", "floor")
    elif not told and not one.origin.name and size_of(one.figure) < STOCK_PART_SHARE * size_of(standing.figure):
        state.refuse(one, "6d.part", "part")
    elif is_vague(standing.figure):
        state.refuse(one, "6.below", "part")
    else:
        state.move(one, RevisionKind.LOWERED, "4.stock", "text_says" if told else "lowered")
