"""When an endpoint that keeps failing is left alone, and when it is tried again. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.timing import LONGEST_RETRY_AFTER

# Failures in a row before an endpoint is left alone, and for how long (seconds), doubling up to the limit.
_TOLERATED = 3
_FIRST_REST, _LONGEST_REST = 30.0, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """How an endpoint fared lately. While it rests nothing is tried; after that one delivery is, and decides.

    `rest` is how long the present rest is (seconds).
    """

    failures: int = 0
    rests_until: datetime | None = None
    rest: float = 0.0

    def is_resting(self, now: datetime) -> bool:
        """Whether to leave the endpoint alone at `now`."""
        # What is left of a rest is never longer than it: else the clock has stepped back since.
        return self.rests_until is not None and now < self.rests_until <= now + timedelta(seconds=self.rest)

    def is_probing(self) -> bool:
        """Whether the endpoint failed so often that only one delivery at a time may try it."""
        return self.failures >= _TOLERATED

    def fail(self, now: datetime, *, retry_after: float | None = None) -> "Circuit":
        """The circuit after a failure; a receiver that asks for time gets it at once, up to a day."""
        failures = self.failures + 1
        rest = 0.0
        if failures >= _TOLERATED:
            rest = min(_FIRST_REST * 2 ** (failures - _TOLERATED), _LONGEST_REST)
        rest = max(rest, min(retry_after or 0.0, LONGEST_RETRY_AFTER))
        until = now + timedelta(seconds=rest)
        if not rest or (self.is_resting(now) and self.rests_until is not None and self.rests_until >= until):
            # Of several that were on their way at once the longest wish counts.
            return replace(self, failures=failures)
        return replace(self, failures=failures, rests_until=until, rest=rest)

    def succeed(self) -> "Circuit":
        """The circuit after a success."""
        return self if self == Circuit() else Circuit()
