"""Rule 12: the headline follows the official line past figures that nobody is named for."""

from monitor.ledger.assertions import Assertion
from monitor.ledger.contests import is_line
from monitor.ledger.record import LAG_DAYS, PROVISIONAL, RISING_DAYS, RecordState, Version, days_between, size_of
from monitor.ledger.values import is_count, is_rounding_of

# By how many names, "the party" and its own, one rival may go.
_FEW_VOICES = 2


def line_past(state: RecordState, one: Assertion, standing: Version) -> str | None:
    """Rule 12: why a count below the standing figure is the line that the headline follows; None if it is not."""
    if _goes_on_officially(state, one, standing):
        return "official_line"
    if _goes_on_past_lone(state, one, standing) or _goes_on_by_its_word(state, one, standing):
        return "line_goes_on"
    return "outvoted" if _is_outvoted(state, one, standing) else None


def _goes_on_officially(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 12: whether a named count goes on from the last named one, below a figure that nobody is named for.

    The headline follows the firm line; the unofficial higher figure moves only `high`.
    """
    if standing.origin_days or not one.origin.is_named or not is_count(one.figure):
        return False
    if days_between(standing.day, one.day) < RISING_DAYS:
        return False
    named = _last_named(state)
    if named is None or size_of(named.figure) >= size_of(one.figure):
        return False
    # Who was never heard goes on with nothing, and may be late.
    return any(one.origin.name in version.origin_days for version in state.versions)


def _goes_on_past_lone(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 12: whether an office that the record followed goes on counting past what one voice once put above it.

    The governor's 220 was never repeated; the ministry went from 160 to 171 and, days later, to 178.
    """
    if not standing.is_lone or not standing.origin_days or not is_count(one.figure):
        return False
    if days_between(standing.day, one.day) < RISING_DAYS or one.origin.name in standing.origin_days:
        return False
    others = [version for version in state.versions if version is not standing]
    if any(name in version.origin_days for version in others for name in standing.origin_days):
        return False
    own = [size_of(version.figure) for version in others if one.origin.name in version.origin_days]
    return bool(own) and is_line(state, one.origin.name, one.day) and max(own) < size_of(one.figure)


def _goes_on_by_its_word(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 12: whether a text has an office's count rise from the last one before the standing figure, days after it.

    "99, up from 97", says the prime minister, with the 128 of a party that few took up.
    """
    if not (one.origin.is_named and is_count(one.figure)) or one.origin.name in standing.origin_days:
        return False
    if days_between(standing.day, one.day) < RISING_DAYS or len(standing.origin_days) > _FEW_VOICES:
        return False
    before = next((version for version in reversed(state.versions) if version.window.low < standing.window.low), None)
    return (
        before is not None
        and bool(before.origin_days.keys() - standing.origin_days.keys())
        and before.window.low < one.window.low
        and any(past.figure.value == before.figure.value for past in one.previous)
    )


def _is_outvoted(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 12: whether others go on counting, from one lower count to the next, past what one voice once put above.

    Days after a 220 that nobody repeated somebody had 178, and somebody else, later, has 191.
    """
    if not standing.is_lone or not is_count(one.figure) or standing.support_day != standing.day:
        return False
    return any(
        days_between(standing.day, before.first_day) >= LAG_DAYS
        and days_between(before.first_day, one.day) > 0
        and before.is_told
        and size_of(before.figure) < size_of(one.figure) < size_of(standing.figure)
        and before.carriers.isdisjoint(one.carrier)
        for before in state.candidates.values()
    )


def passes_over_rumour(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 12: whether an official count rises while its text sets the standing figure apart as other people's.

    "Officials now count 133; channels had spoken of 150", with 115 as the last official figure: nothing was lowered.
    """
    if standing.origin_days or not one.origin.is_named or not is_count(one.figure):
        return False
    named = _last_named(state)
    return (
        named is not None
        and size_of(named.figure) < size_of(one.figure)
        and any(
            past.origin.name not in ("", one.origin.name) and is_rounding_of(past.figure, standing.figure)
            for past in one.previous
        )
    )


def _last_named(state: RecordState) -> Version | None:
    """The last figure that somebody named stood behind, and did not only fear."""
    return next(
        (version for version in reversed(state.versions) if version.origin_days and version.step.rule != PROVISIONAL),
        None,
    )
