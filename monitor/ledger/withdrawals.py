"""Rules 7 and 8: retractions, denials, and figures that must not come back by mere repetition."""

from monitor.ledger.assertions import Assertion
from monitor.ledger.record import LAG_DAYS, Candidate, RecordState, Version, days_between, make_step, size_of
from monitor.ledger.values import is_count, is_rounding_of, window_of
from storage.records import ClaimStatus, Figure, MetricKind, Qualifier, RevisionKind

RETRACTED, DENIED_BY_OTHER, WITHDRAWN_EARLIER = "7.retracted", "7.denied_by_other", "7.earlier"
DEPRECATED, RESTORED, REACHED = "8.deprecated", "8.restored", "8.reached"
_RESTORE_DAYS = 7
_FALLS, _RISES = (RevisionKind.LOWERED, RevisionKind.RETRACTED), (RevisionKind.RAISED, RevisionKind.RESTORED)


def withdraw(state: RecordState, one: Assertion) -> None:
    """Weigh a retraction or denial that no new number in the same text answers."""
    state.claimed = [claimed for claimed in state.claimed if not is_rounding_of(one.figure, claimed.figure)]
    standing = state.standing
    if standing is not None and means_standing(state, one.figure, standing) and not _only_denies_more(one, standing):
        # "Officials denied that 164 had died" takes nothing from the ministry that counted them.
        is_anothers = bool(standing.origin_days) and one.origin.name not in standing.origin_days
        if one.status is ClaimStatus.DENIED and is_anothers:
            contest_denial(state, one)
        else:
            _fall_back(state, one, standing)
        return
    earlier = state.earlier_match(one.figure)
    if earlier is not None and (one.status is ClaimStatus.RETRACTED or is_own(one, earlier)):
        state.deprecate(earlier, one.day)
        state.refuse(one, WITHDRAWN_EARLIER, "no_longer_stands")
    elif one.figure.qualifier is Qualifier.EXACT and one.figure.value is not None and earlier is None:
        if not any(is_rounding_of(one.figure, past) for past, _ in state.deprecated):
            state.deprecated.append((one.figure, one.day))
        state.refuse(one, WITHDRAWN_EARLIER, "never_stood")
    else:
        state.refuse(one, WITHDRAWN_EARLIER, "never_stood")


def means_standing(state: RecordState, figure: Figure, standing: Version) -> bool:
    """Whether a figure that a text takes back is the standing one: by its number, else by rounding.

    A rounding of what was withdrawn before, "the figure of more than 160" after 164, tells of that withdrawal again.
    """
    if figure.value is not None and figure.value == standing.figure.value:
        return True
    return is_rounding_of(figure, standing.figure) and state.deprecated_match(figure) is None


def _only_denies_more(one: Assertion, standing: Version) -> bool:
    """Whether a denial is of an open floor above the standing count: "no more than 125 died" leaves 125 as it is."""
    return one.status is ClaimStatus.DENIED and one.window.is_above(standing.window)


def is_own(one: Assertion, version: Version) -> bool:
    """Whether a denial comes from the figure's own origin, or from nobody in particular."""
    return not one.origin.is_named or not version.origin_days or one.origin.name in version.origin_days


def contest_denial(state: RecordState, one: Assertion) -> None:
    """Another origin denies the standing figure: contested, once."""
    if state.is_contested:
        state.refuse(one, DENIED_BY_OTHER, "denied")
        return
    state.steps.append(make_step(one, RevisionKind.CONTESTED, DENIED_BY_OTHER, "denied"))
    state.is_contested = True
    named = frozenset({one.origin.name})
    state.candidates[None] = Candidate(one.figure, one.day, one.carrier, named, voices=1, is_told=True)


def _fall_back(state: RecordState, one: Assertion, standing: Version) -> None:
    """Withdraw the standing figure: the record falls back to its last good version."""
    state.deprecate(standing, one.day)
    standing.superseded_day = one.day
    for version in state.versions:
        if not version.is_deprecated and is_rounding_of(version.figure, standing.figure):
            state.deprecate(version, one.day)
    good = next((version for version in reversed(state.versions) if not version.is_deprecated), None)
    if good is not None and state.kind is MetricKind.STOCK and days_between(good.support_day, one.day) >= LAG_DAYS:
        good = None  # so many were missing then; who knows how many are now
    figure = None if good is None else good.figure
    state.steps.append(
        make_step(one, RevisionKind.RETRACTED, RETRACTED, "retracted", figure=figure, is_withdrawal=True)
    )
    state.standing = good
    state.is_contested = state.is_provisional = False
    state.rivals = frozenset()
    state.candidates.clear()


def deprecate_above(state: RecordState, one: Assertion) -> None:
    """A lowering deprecates every higher version, as a retraction does, and every figure that the text withdraws."""
    for version in state.versions:
        if version.window.is_above(one.window) and not version.is_deprecated:
            state.deprecate(version, one.day)
    for figure in one.gone:
        if not window_of(figure).overlaps(one.window) and figure.qualifier is Qualifier.EXACT:
            state.deprecated.append((figure, one.day))
    state.claimed = [claimed for claimed in state.claimed if size_of(claimed.figure) <= size_of(one.figure)]


def try_comeback(state: RecordState, one: Assertion, past: tuple[Figure, int | None]) -> bool:
    """Bring a deprecated figure back if the rule allows it; else note who carries it. True if the record moved."""
    standing, (figure, since) = state.standing, past
    if standing is not None and names_as_old(one, standing):
        _restore(state, one, figure, "named_as_old")
        return True
    if standing is not None and _has_been_reached(state, one, standing, past):
        state.deprecated = [gone for gone in state.deprecated if not is_rounding_of(gone[0], figure)]
        state.move(one, RevisionKind.RAISED, REACHED, "raised")
        return True
    if one.origin.is_named and days_between(since, one.day) > _RESTORE_DAYS:
        origins, marks = state.comebacks.get(figure.value, (frozenset(), frozenset()))
        if origins and one.origin.name not in origins and marks.isdisjoint(one.carrier):
            _restore(state, one, figure, "two_origins")
            return True
        state.comebacks[figure.value] = (origins or frozenset({one.origin.name}), marks | one.carrier)
    state.refuse(one, DEPRECATED, "lagged")
    return False


def _has_been_reached(state: RecordState, one: Assertion, standing: Version, past: tuple[Figure, int | None]) -> bool:
    """Rule 8: whether a count goes on to a number that was withdrawn days ago: 231 and not 236; 234; now 236.

    It must have come the better part of the way since, and be told by somebody new or who counted on the way; or the
    text itself counts on from what stands: "three more died, which brings the toll to 61", from 58.
    """
    figure, since = past
    if state.kind is not MetricKind.CUMULATIVE or not is_count(one.figure) or figure.value != one.figure.value:
        return False
    if counts_on(one, standing):
        return True
    if not one.origin.is_named or days_between(since, one.day) < LAG_DAYS:
        return False
    if standing.step.kind not in _RISES or days_between(since, standing.day) <= 0:
        return False
    fallen = next((step.figure for step in reversed(state.steps) if step.kind in _FALLS), None)
    if fallen is None:
        return False
    if not 0 < size_of(one.figure) - size_of(standing.figure) <= size_of(standing.figure) - size_of(fallen):
        return False
    name = one.origin.name
    said_it = any(version.is_deprecated and name in version.origin_days for version in state.versions)
    return not said_it or name in standing.origin_days


def counts_on(one: Assertion, standing: Version) -> bool:
    """Whether a text itself counts on from what stands: "one more died, which makes 103"."""
    return any(size_of(standing.figure) + step == size_of(one.figure) for step in one.steps)


def names_as_old(one: Assertion, standing: Version) -> bool:
    """Whether a text names the present figure as the old one."""
    olds = [past.figure for past in (*one.previous, *one.feared)] + [*one.replaced, *one.gone]
    return any(is_rounding_of(old, standing.figure) for old in olds)


def _restore(state: RecordState, one: Assertion, figure: Figure, reason: str) -> None:
    state.deprecated = [past for past in state.deprecated if not is_rounding_of(past[0], figure)]
    for version in state.versions:
        if is_rounding_of(version.figure, figure):
            version.is_deprecated = False
    state.comebacks.pop(figure.value, None)
    state.move(one, RevisionKind.RESTORED, RESTORED, reason)
