"""SHELL: the real service as a process of its own, on a clock that the play turns; and the real command line."""

import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from storage import articles, deliveries, feeds, outbox
from storage.database import Database
from storage.errors import DatabaseError, StorywatchError
from storage.records import DeliveryState

# The service looks at its clock more often than it would at the real one: an hour of the play lasts a second.
LOOK_SECONDS = "0.05"


class DemoError(StorywatchError):
    """The demo could not be played to its end; the message says where it stopped."""


class DemoService:
    """The real service on the settings and the clock in `folder`; `start` begins it, the end of the `with` stops it.

    With `workers` it is a scheduler and so many workers on the database of `database_url`, else one `storywatch run`.
    """

    def __init__(self, folder: Path, *, database_url: str, workers: int = 0) -> None:
        self.config = folder / "storywatch.toml"
        self.kills = 0
        self._folder = folder
        self._clock = folder / "clock"
        self._log = folder / "service.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._database = Database(database_url)
        self._parts: tuple[tuple[str, ...], ...] = (("run", "--look-seconds", LOOK_SECONDS),)
        if workers:
            self._parts = (("scheduler", "--look-seconds", LOOK_SECONDS), *([("worker",)] * workers))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._database.close()

    def turn_clock(self, now: datetime) -> None:
        """Set the service's time. Replaced in one step, so that it never reads half a time."""
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(now.isoformat(), encoding="ascii")
        fresh.replace(self._clock)

    @property
    def is_running(self) -> bool:
        """Whether we started it and have neither stopped nor killed it."""
        return bool(self._processes)

    def start(self) -> None:
        """Start the service; its log goes to service.log."""
        if len(self._parts) > 1:
            self.call("db", "upgrade")
        for part in self._parts:
            with self._log.open("ab") as log:
                self._processes.append(
                    subprocess.Popen(  # noqa: S603 our own program with our own arguments
                        self._command(*part), stdout=log, stderr=log, env=_environment()
                    )
                )

    def stop(self) -> None:
        """Ask the service to stop, and wait for it; kill what takes longer than a quarter of a minute."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []

    def kill(self) -> None:
        """kill -9: no goodbye, no clean-up."""
        for process in self._processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.kills += bool(self._processes)
        self._processes = []

    def check_alive(self) -> None:
        """Raise DemoError with the end of its log if the service has ended by itself."""
        for process in self._processes:
            if process.poll() is not None:
                raise DemoError(f"the service ended with {process.returncode}; its last words:\n{self.log_tail()}")

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the service's log."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def is_idle(self, now: datetime) -> bool:
        """Whether the service has done all that was due at `now`: polls, pages, re-reads, alerts, deliveries."""
        try:
            with self._database.read() as session:
                return bool(feeds.list_feeds(session)) and not (
                    feeds.list_due_feeds(session, now)
                    or feeds.list_waiting_entries(session, now)
                    or articles.list_due_articles(session, now)
                    or outbox.is_anything_due(session, now=now)
                    or deliveries.count_deliveries(session).get(DeliveryState.SENDING)
                )
        except DatabaseError:  # the service has not made its tables yet
            return False

    def call(self, *arguments: str) -> str:
        """What `storywatch ARGUMENTS` prints, on the demo's settings and clock; DemoError if it fails."""
        done = subprocess.run(  # noqa: S603 our own program; the arguments are the demo's
            self._command(*arguments), capture_output=True, text=True, env=_environment(), timeout=60, check=False
        )
        if done.returncode:
            raise DemoError(f"storywatch {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        program = Path(sys.executable).with_name("storywatch")
        return [str(program), "--config", str(self.config), "--clock-file", str(self._clock), *arguments]


def _environment() -> dict[str, str]:
    """Ours, without settings of Storywatch that a user may have in it (the demo has its own), and 80 columns wide."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STORYWATCH_")}
    return {**kept, "COLUMNS": "80", "PYTHONUNBUFFERED": "1"}
