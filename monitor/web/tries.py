"""How often somebody tried to sign in of late, and when it was too often."""

import threading
from datetime import datetime, timedelta

from monitor.web.refusals import RefusedError

TRIES = 5
WINDOW = timedelta(minutes=15)
_MINUTE = timedelta(minutes=1)


class Tries:
    """Counts tries by address and by name. Safe between threads.

    A try is counted when it begins: however many come at once, no more than TRIES of them get as far as a password.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_late: dict[str, list[datetime]] = {}

    def take(self, keys: tuple[str, ...], now: datetime) -> None:
        """Count one try under each key, or under none: RefusedError 429, with the time to wait, after too many."""
        with self._lock:
            self._of_late = {
                key: recent
                for key, tries in self._of_late.items()
                if (recent := [moment for moment in tries if now - moment < WINDOW])
            }
            for key in keys:
                tries = self._of_late.get(key, [])
                if len(tries) >= TRIES:
                    wait = max(WINDOW - (now - tries[0]), _MINUTE)
                    raise RefusedError(
                        429, "login.slow", minutes=-(-wait // _MINUTE), seconds=int(wait.total_seconds())
                    )
            for key in keys:
                self._of_late.setdefault(key, []).append(now)

    def give_back(self, key: str, taken_at: datetime) -> None:
        """Take back one try that was no guess."""
        with self._lock:
            tries = self._of_late.get(key, [])
            if taken_at in tries:
                tries.remove(taken_at)

    def forget(self, key: str) -> None:
        """Take back all tries under a key."""
        with self._lock:
            self._of_late.pop(key, None)
