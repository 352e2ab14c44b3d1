"""Rules 5 and 6e: figures that contest the standing one wait for a second origin.

A jump waits for a second text, whoever it quotes. A fall waits for a second origin: two outlets that quote one office
are one, and so is an outlet that names nobody while others may still repeat the standing figure.
"""

from monitor.ledger.assertions import Assertion
from monitor.ledger.record import (
    LAG_DAYS,
    Candidate,
    RecordState,
    Version,
    agrees,
    days_between,
    is_vague,
    make_step,
    size_of,
)
from monitor.ledger.values import CEILINGS, is_count
from storage.records import MetricKind, RevisionKind, Trust

HIGHER, BESIDE, LOWER, RESOLVED = "5.implausible", "5.beside", "6e.contested", "6e.resolved"
_ENOUGH = 2
# How many times what stood is too much at once; from which number on; what may be off by mere lateness.
_JUMP, _LARGE, _SMALL = 10, 20, 3
# How many times a line is much more than it; on how many days an office must have been followed to be one.
_FAR, _LINE_DAYS = 1.25, 2
# After how many days without a word a lower count may be of an older list.
_STALE_DAYS = 7
# From which share of the toll on a lower count may be a correction that came early.
_NEAR = 0.8


def _candidate(state: RecordState, one: Assertion) -> Candidate:
    found = state.candidates.get(one.figure.value)
    if found is None:
        found = Candidate(one.figure, one.day)
        state.candidates[one.figure.value] = found
    if len(found.speakers) <= _ENOUGH and _is_another_origin(state, one, found):
        found.speakers = found.speakers | {one.origin.name}
        found.spoken = found.spoken | one.carrier
    if found.voices < _ENOUGH:
        found.voices += found.carriers.isdisjoint(one.carrier)
        found.carriers = found.carriers | one.carrier
    if one.origin.is_named:
        found.origins = found.origins | {one.origin.name}
    return found


def _is_another_origin(state: RecordState, one: Assertion, found: Candidate) -> bool:
    """Whether a text has a figure from an origin that has not been counted for it, and that speaks against the other.

    Who only goes on counting from a lower figure of its own is late, and says nothing of what others count.
    """
    name = one.origin.name
    if name in found.speakers or not found.spoken.isdisjoint(one.carrier):
        return False
    if not name:
        return days_between(found.first_day, one.day) >= LAG_DAYS
    own = [version.figure for version in state.versions if name in version.origin_days]
    own += [other.figure for other in state.candidates.values() if other is not found and name in other.speakers]
    return not own or max(map(size_of, own)) > size_of(one.figure)


def _tell(state: RecordState, one: Assertion, candidate: Candidate, rule: str, reason: str) -> None:
    """Tell a dispute, once: not of each figure by which the same origin goes on to dispute what stands."""
    named: tuple[str | float | None, ...] = (one.origin.name or None, one.figure.value)
    rivals = frozenset(mark for mark in named if mark is not None)
    if rule == LOWER and not candidate.is_told and not state.rivals.isdisjoint(rivals):
        candidate.is_known = state.is_contested = True
        state.rivals |= rivals
    if candidate.is_told or candidate.is_known:
        state.refuse(one, rule, "contested")
        return
    if rule == LOWER:
        state.rivals |= rivals
    candidate.is_told = state.is_contested = True
    state.steps.append(make_step(one, RevisionKind.CONTESTED, rule, reason))


def is_implausible(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 5: ten times the standing figure, or twice it from social media alone.

    A named origin or a trusted outlet may leap from a handful, which is how tolls begin; from tens upwards the figure
    is more often of something else, and waits for a second voice.
    """
    if is_vague(standing.figure):
        return False
    size, old = size_of(one.figure), max(size_of(standing.figure), 1.0)
    if one.origin.is_named:
        return state.kind is MetricKind.CUMULATIVE and old >= _LARGE and size >= _JUMP * old
    if one.trust is Trust.SOCIAL:
        return size >= 2 * old and size - old > _SMALL
    return one.trust not in (Trust.AGENCY, Trust.MAJOR) and old >= _SMALL and size >= _JUMP * old


def contest_higher(state: RecordState, one: Assertion) -> None:
    """An implausible jump: contested until a second text carries it, or one by another voice as much or more."""
    candidate = _candidate(state, one)
    if candidate.voices >= _ENOUGH or any(_leads_up_to(other, one) for other in state.candidates.values()):
        state.move(one, RevisionKind.RAISED, "5.raised", "second_origin")
    else:
        _tell(state, one, candidate, HIGHER, "implausible")


def _leads_up_to(other: Candidate, one: Assertion) -> bool:
    """Whether a jump by somebody else goes on to this one: 6,000 by a minister, 7,543 by another the day after."""
    return (
        other.is_told
        and one.origin.is_named
        and bool(other.origins - {one.origin.name})
        and other.carriers.isdisjoint(one.carrier)
        and size_of(one.figure) / 2 < size_of(other.figure) <= size_of(one.figure)
    )


def stands_beside_line(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 5: whether who was never heard before counts far more than the office whose count the record follows.

    Only where the same text goes on with that office's count: "the governor spoke of 220; the ministry counts 160".
    """
    if (
        state.kind is not MetricKind.CUMULATIVE
        or not one.origin.name
        or size_of(one.figure) < _FAR * size_of(standing.figure)
    ):
        return False
    if any(one.origin.name in version.origin_days for version in state.versions):
        return False
    return any(
        is_line(state, other.origin.name, one.day) and size_of(other.figure) * _FAR <= size_of(one.figure)
        for other in one.beside
    )


def is_line(state: RecordState, name: str, day: int | None) -> bool:
    """Whether the record followed a named origin on two days at least before this one."""
    days = {version.origin_days.get(name) for version in state.versions} - {None, day}
    return len(days) >= _LINE_DAYS


def contest_beside(state: RecordState, one: Assertion) -> None:
    """A count of somebody new beside a line: contested until another origin has it, too, then raised."""
    candidate = _candidate(state, one)
    if len(candidate.speakers) >= _ENOUGH:
        state.move(one, RevisionKind.RAISED, "5.raised", "second_origin")
    else:
        _tell(state, one, candidate, BESIDE, "beside_line")


def contest_lower(state: RecordState, one: Assertion, standing: Version) -> bool:
    """A lower count that no text explains. True once two origins, one of them named, carry it unopposed.

    Only a count by a named origin is told as contested: outlets that lag are many, and say nothing new.
    """
    if not is_count(one.figure):
        if one.figure.qualifier in CEILINGS and one.origin.is_named and one.figure.value is not None:
            _tell(state, one, _candidate(state, one), LOWER, "contested")  # "did not exceed 46", with 108
        else:
            state.refuse(one, LOWER, "unsupported")
        return False
    candidate = _candidate(state, one)
    if is_set_against(one, standing):
        if one.origin.is_named:
            _tell(state, one, candidate, LOWER, "contested")
        else:
            state.refuse(one, LOWER, "opposed")
        return False
    if days_between(candidate.first_day, standing.support_day) > 0:
        is_answered = days_between(standing.support_day, one.day) > 0 and is_near(one, standing)
        if candidate.is_told or candidate.is_known or not is_answered:
            state.refuse(one, LOWER, "opposed")
            return False
        # Who gave it before has been answered since: it begins anew.
        del state.candidates[one.figure.value]
        candidate = _candidate(state, one)
    if _has_enough(state, candidate, standing) and not _is_of_rival(state, candidate):
        return True
    if one.origin.is_named:
        _tell(state, one, candidate, LOWER, "contested")
    else:
        state.refuse(one, LOWER, "unsupported")
    return False


def note_early(state: RecordState, one: Assertion, standing: Version) -> None:
    """Remember who gave a lower count so soon after a rise that it seemed late: later it may be the first of two.

    Not one far below what stands: two offices that each see a part may well see the same one.
    """
    if is_near(one, standing) and one.origin.is_named and is_count(one.figure):
        _candidate(state, one)


def is_near(one: Assertion, standing: Version) -> bool:
    """Whether a lower count is so near to the standing one that it may correct it, and is not of some of them."""
    return _NEAR * size_of(standing.figure) <= size_of(one.figure)


def _has_enough(state: RecordState, candidate: Candidate, standing: Version) -> bool:
    """Whether two origins carry a lower figure, one of them named.

    Three where it comes a week after all that was heard, from strangers only: two of them may have one old list.
    """
    if len(candidate.speakers) < _ENOUGH or not candidate.origins:
        return False
    if len(candidate.speakers) > _ENOUGH or days_between(standing.support_day, candidate.first_day) < _STALE_DAYS:
        return True
    return any(name in version.origin_days for version in state.versions for name in candidate.speakers)


def _is_of_rival(state: RecordState, candidate: Candidate) -> bool:
    """Whether a figure goes on in a dispute that was told, and nobody who ever said more has come to it.

    A minister who gives his ministry's number is no second origin against the committee that it disputes.
    """
    return candidate.is_known and not any(
        name in version.origin_days and size_of(version.figure) > size_of(candidate.figure)
        for version in state.versions
        for name in candidate.speakers
    )


def is_set_against(one: Assertion, standing: Version) -> bool:
    """Whether the text itself has the standing figure, or a higher one, from others: two counts, and no fall."""
    return any(agrees(other, standing) or other.window.is_above(standing.window) for other in one.beside)


def settle(state: RecordState, one: Assertion) -> None:
    """Fresh support by a named origin on a later day settles a contest for the standing figure."""
    if not state.is_contested or not one.origin.is_named or one.day is None:
        return
    if any(other.figure.value in state.candidates for other in one.beside):
        return  # the same text has the other count, too
    told = [candidate for candidate in state.candidates.values() if candidate.is_told]
    if all(candidate.first_day is not None and one.day > candidate.first_day for candidate in told) and told:
        state.candidates.clear()
        state.is_contested = False
        figure = state.standing.figure if state.standing else one.figure
        state.steps.append(make_step(one, RevisionKind.RESOLVED, RESOLVED, "resolved", figure=figure))
