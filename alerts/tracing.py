"""What traces are written with: a span around each step that one poll's finds take. Without a collector, nothing."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

_NOTHING = nullcontext()


class Tracer(Protocol):
    """Opens spans; `monitor.telemetry` sends them to a collector."""

    def span(
        self, name: str, traces: Sequence[str], *, is_root: bool = False, **about: str | int
    ) -> AbstractContextManager[None]:
        """A span of the first of `traces` (ids of polls and re-reads), linked to the others, for as long as the block.

        `is_root`: the poll or re-read itself. `about` says what is worked on. A block that raises marks its span.
        """


class NoTracer:
    """Writes nothing."""

    def span(
        self, name: str, traces: Sequence[str], *, is_root: bool = False, **about: str | int
    ) -> AbstractContextManager[None]:
        """Nothing is written."""
        return _NOTHING
