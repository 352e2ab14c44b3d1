"""The one place where the clock is read; everything else takes `now` as an argument."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def file_clock(path: Path) -> Clock:
    """A clock that another process drives: the ISO time in `path`, read at each call (rehearsals and the demo).

    Falls back to the last good time while the file is being replaced; raises ValueError where there never was one.
    """
    last: datetime | None = None

    def now() -> datetime:
        nonlocal last
        try:
            last = datetime.fromisoformat(path.read_text(encoding="ascii").strip()).astimezone(UTC)
        except (OSError, ValueError):
            if last is None:
                raise ValueError(f"{path}: no ISO time to drive the clock with") from None
        return last

    return now
