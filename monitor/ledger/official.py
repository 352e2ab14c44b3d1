"""Rule 12: the headline follows the official line past figures that nobody is named for."""

from monitor.ledger.assertions import Assertion
from monitor.ledger.record import PROVISIONAL, RISING_DAYS, RecordState, Version, days_between, size_of
from monitor.ledger.values import is_count, is_rounding_of


def goes_on_officially(state: RecordState, one: Assertion, standing: Version) -> bool:
    """Rule 12: whether a named count goes on from the last named one, below a figure that nobody is named for.

    The headline follows the firm line; the unofficial higher figure moves only `high`.
    """
    if standing.origin_days or not one.origin.is_named or not is_count(one.figure):
        return False
    if days_between(standing.day, one.day) < RISING_DAYS:
        return False
    named = _last_named(state)
    return named is not None and size_of(named.figure) < size_of(one.figure)


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
