"""Rules 1, 5 and 10: one assertion against the standing figure. The first rule that fits wins."""

from dataclasses import replace

from monitor.ledger.assertions import GONE, PART_SHARE, SMALL_SHARE, Assertion
from monitor.ledger.contests import contest_beside, contest_higher, is_implausible, settle, stands_beside_line
from monitor.ledger.lowering import lower, weigh_lower
from monitor.ledger.previous import backfill, backfill_all, backfill_step, backfill_taken_back
from monitor.ledger.record import (
    LAG_DAYS,
    PROVISIONAL,
    Claimed,
    RecordState,
    Version,
    agrees,
    days_between,
    is_vague,
    size_of,
)
from monitor.ledger.stocks import weigh_stock
from monitor.ledger.values import CEILINGS, FLOORS, ROUNDING_SLACK, is_count, is_rounding_of, refines, rounding_step
from monitor.ledger.withdrawals import counts_on, names_as_old, try_comeback, withdraw
from storage.records import ClaimStatus, MetricKind, Qualifier, RevisionKind

# A count this many times above the floor of the day before has risen; below that it may only be more exact.
_ROSE = 1.05


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
        if (unhedged := _as_rise_beside_rival(state, one)) is not None:
            _weigh_current(state, unhedged)
        else:
            _weigh_unconfirmed(state, one)
    else:
        _weigh_current(state, one)


def _pin(state: RecordState, one: Assertion) -> None:
    """A person's figure stands until the judgement is revoked, whatever texts say."""
    standing = state.standing
    if standing is None or one.window.is_above(standing.window):
        state.move(one, RevisionKind.RAISED if state.steps else RevisionKind.FIRST, "J.pin", "pinned")
    elif standing.window.is_above(one.window):
        lower(state, one, "J.pin", "pinned")
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
    elif state.standing is not None and agrees(one, state.standing) and not _is_far_ceiling(one, state.standing):
        if state.is_provisional and refines(one.figure, state.standing.figure):
            _refine_fear(state, one, state.standing)
        else:
            state.refuse(one, "10.unconfirmed", "agrees")
    else:
        state.claimed.append(Claimed(one.figure, one.day))
        state.refuse(one, "10.unconfirmed", "unconfirmed")


def _refine_fear(state: RecordState, one: Assertion, standing: Version) -> None:
    """Let what is feared be told more exactly: "at least 5,300 are believed dead" where "more than 5,000" stood."""
    state.move(one, RevisionKind.REFINED, PROVISIONAL, "refined")
    if state.standing is not None:
        state.standing.inherit(standing)
    state.is_provisional = True


def _as_rise_beside_rival(state: RecordState, one: Assertion) -> Assertion | None:
    """Return a count as it was said, where the report only hedged it beside a count that itself disputes what stands.

    "Inquiry says 87 died … medics now count 127", with the medics' 118: their toll has risen, whatever the headline is.
    """
    standing, own = state.standing, one.hedged_by
    if standing is None or own is None or state.is_provisional or state.kind is not MetricKind.CUMULATIVE:
        return None
    if not standing.window.is_above(own.window) or not one.window.is_above(standing.window):
        return None
    return replace(one, status=ClaimStatus.CURRENT, beside=(own,), hedged_by=None)


def _is_far_ceiling(one: Assertion, standing: Version) -> bool:
    """Whether a limit of what is feared lies above the standing figure: "up to 20,000 may have died", with 5,000."""
    return one.figure.qualifier in CEILINGS and size_of(one.figure) > standing.window.high


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
    if one.is_lowering and one.steps:
        backfill_step(state, one)
    standing = state.standing
    if is_vague(one.figure) and (standing is not None or state.steps):
        state.refuse(one, "1.vague", "vague")
    elif standing is None:
        _open(state, one)
    elif state.is_provisional and not state.deprecated_match(one.figure):
        _confirm(state, one)
    elif agrees(one, standing):
        _agree(state, one, standing)
    elif _counts_what_was_vague(state, one, standing):
        state.move(one, RevisionKind.REFINED, "1.refines", "refined")
    elif past := state.repeats_deprecated(one):
        try_comeback(state, one, past)
    elif state.kind is MetricKind.CUMULATIVE:
        _weigh_cumulative(state, one, standing)
    else:
        weigh_stock(state, one, standing)


def _open(state: RecordState, one: Assertion) -> None:
    """The first figure of a record, or the first after a withdrawal that left nothing."""
    if past := state.deprecated_match(one.figure):
        try_comeback(state, one, past)
    elif state.steps:
        state.move(one, RevisionKind.RAISED, "5.raised", "after_withdrawal")
    else:
        state.move(one, RevisionKind.FIRST, "1.first", "first")


def _confirm(state: RecordState, one: Assertion) -> None:
    """Rule 10: the first firm figure confirms a provisional one, whatever it says; a ceiling is not firm.

    A stock that is counted below what was feared has come down: nobody is to read that 40 missing confirm 80.
    """
    feared = 0.0 if state.standing is None else size_of(state.standing.figure)
    is_lower = feared > size_of(one.figure)
    is_limit_of_all = state.kind is MetricKind.STOCK and is_lower and size_of(one.figure) >= PART_SHARE * feared
    if one.figure.qualifier in CEILINGS and not is_limit_of_all:
        state.refuse(one, "5.ceiling", "ceiling")
        return
    if state.standing is not None and is_lower:
        state.claimed.append(Claimed(state.standing.figure, state.standing.day))
    if is_lower and state.kind is MetricKind.STOCK:
        state.move(one, RevisionKind.LOWERED, "10.confirmed", "confirmed")
    else:
        state.move(one, RevisionKind.CONFIRMED, "10.confirmed", "confirmed")


def _agree(state: RecordState, one: Assertion, standing: Version) -> None:
    """Rule 1: overlapping windows agree; a narrower or firmer one refines."""
    if _counts_on(state, one, standing):
        state.move(one, RevisionKind.RAISED, "5.raised", "raised")
        return
    if _is_below_ceiling(state, one, standing) and size_of(one.figure) < SMALL_SHARE * size_of(standing.figure):
        state.refuse(one, "6d.part", "part")
        return
    if _has_come_down(state, one, standing):
        state.move(one, RevisionKind.LOWERED, "4.stock", "lowered")
        return
    if refines(one.figure, standing.figure) and not _is_stale_refinement(state, one):
        state.move(one, RevisionKind.REFINED, "1.refines", "refined")
        if state.standing is not None:
            state.standing.inherit(standing)
        return
    state.support(one)
    settle(state, one)
    state.refuse(one, "1.agrees", "agrees")


def _counts_on(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Whether an origin that said "at least 40" has more the day after: it rose, though 40 allowed for it."""
    value, floor = one.figure.value, standing.figure.value
    if state.kind is not MetricKind.CUMULATIVE or value is None or floor is None or value <= floor * _ROSE:
        return False
    if standing.figure.qualifier not in FLOORS or not is_count(one.figure) or state.deprecated_match(one.figure):
        return False
    said = standing.origin_days.get(one.origin.name)
    return one.origin.is_named and said is not None and one.day is not None and one.day > said


def _is_below_ceiling(state: RecordState, one: Assertion, standing: Version) -> bool:
    return state.kind is MetricKind.STOCK and standing.figure.qualifier in CEILINGS and is_count(one.figure)


def _has_come_down(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Whether a stock is counted below a ceiling of an earlier day: "up to 18 missing", and then two."""
    if not _is_below_ceiling(state, one, standing) or one.figure.qualifier is not Qualifier.EXACT:
        return False
    ceiling = size_of(standing.figure)
    slack = ROUNDING_SLACK if rounding_step(ceiling) > 1 else 0.0  # "up to 300" may round what is counted now
    return days_between(standing.day, one.day) > 0 and size_of(one.figure) < (1 - slack) * ceiling


def _counts_what_was_vague(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Whether a count comes out somewhat below the word that stood: 131 were hurt, of whom "hundreds" had been told.

    A stock that is counted so on a later day has come down.
    """
    return (
        (state.kind is MetricKind.CUMULATIVE or days_between(standing.day, one.day) == 0)
        and is_vague(standing.figure)
        and is_count(one.figure)
        and standing.window.is_above(one.window)
        and size_of(one.figure) >= PART_SHARE * standing.window.low
    )


def _is_stale_refinement(state: RecordState, one: Assertion) -> bool:
    """Whether the narrower figure is one that already stood and was left for the present one."""
    return state.deprecated_match(one.figure) is not None


def _weigh_cumulative(state: RecordState, one: Assertion, standing: Version) -> None:
    """Rules 5 and 6: higher or lower than the standing figure of a measure that only rises."""
    if one.window.is_above(standing.window):
        _weigh_higher(state, one, standing)
    else:
        weigh_lower(state, one, standing)


def _weigh_higher(state: RecordState, one: Assertion, standing: Version) -> None:
    if one.figure.qualifier in CEILINGS:
        state.claimed.append(Claimed(one.figure, one.day))
        state.refuse(one, "5.ceiling", "ceiling")
    elif is_implausible(state, one, standing) and not names_as_old(one, standing):
        contest_higher(state, one)
    elif stands_beside_line(state, one, standing) and not names_as_old(one, standing):
        contest_beside(state, one)
    elif not one.origin.is_named and any(is_rounding_of(one.figure, figure) for figure in state.unofficial):
        state.refuse(one, "12.unofficial", "unofficial")
    elif _is_of_nobody_in_particular(one, standing):
        state.claimed.append(Claimed(one.figure, one.day))
        state.refuse(one, "12.unofficial", "unofficial")
    elif _is_other_lowering(state, one, standing):
        state.refuse(one, "8.other_lowering", "other_lowering")
    else:
        state.move(one, RevisionKind.RAISED, "5.raised", "raised")


def _is_of_nobody_in_particular(one: Assertion, standing: Version) -> bool:
    """Whether unnamed sources put more above the count of somebody named, and do not count on from it."""
    is_named = bool(standing.origin_days) and is_count(standing.figure)
    return one.origin.is_anonymous and is_named and not counts_on(one, standing)


def _is_other_lowering(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Whether a text lowers a figure that was lowered already, to another number: an older state of that correction."""
    if names_as_old(one, standing) or (one.origin.is_named and days_between(standing.day, one.day) >= LAG_DAYS):
        return False
    olds = [past.figure for past in one.previous] + list(one.gone)
    return any(size_of(old) > size_of(one.figure) and state.deprecated_match(old) is not None for old in olds)
