"""The installed program as users run it: `storywatch …` as a process in a folder of its own, and the running service.

line = CommandLine(tmp_path)
line.write("storywatch.toml", "…")
assert line.run("status").returncode == 0
with line.service() as service:
    service.wait_for("watching 1 stories")
assert service.exit_code == 0
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

HOOK_SECRET = "whsec_c3Rvcnl3YXRjaC1kZW1vLXNlY3JldC0yMDIy"

PROGRAM = Path(sys.executable).with_name("storywatch")
# What a loaded machine may take for a thing that takes a moment; nothing waits so long when it goes well.
PATIENCE = 60.0


class CommandLine:
    """Runs the program in `folder`, without settings of whoever runs the tests, found by its name, on 80 columns."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STORYWATCH_")}
        known = {"PATH": f"{PROGRAM.parent}{os.pathsep}{kept.get('PATH', '')}", "COLUMNS": "80", "NO_COLOR": "1"}
        self.environment = {**kept, **known, "PYTHONUNBUFFERED": "1", **environment}

    def write(self, name: str, text: str) -> Path:
        """Put a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        command = [str(PROGRAM), *map(str, arguments)]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, input=stdin, capture_output=True, text=True, timeout=120
        )

    def service(
        self, *arguments: object, options: tuple[object, ...] = (), before: Callable[[], None] | None = None
    ) -> AbstractContextManager["RunningService"]:
        """`storywatch OPTIONS run ARGUMENTS`, stopped by SIGTERM at the end; `before` is called in the new process."""
        return self.part("service", *options, "run", *arguments, before=before)

    @contextmanager
    def part(
        self, name: str, *arguments: object, before: Callable[[], None] | None = None
    ) -> Iterator["RunningService"]:
        """`storywatch ARGUMENTS` for as long as the block, then stopped by SIGTERM; its log is NAME.log."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(PROGRAM), *map(str, arguments)],
                cwd=self.folder, env=self.environment, stdout=log, stderr=log, preexec_fn=before,
            )  # fmt: skip
        running = RunningService(process, self.folder / f"{name}.log")
        try:
            yield running
            running.stop()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


class RunningService:
    """A service that runs; `exit_code` once it has ended, `stopped_in` the seconds that it took to."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.stopped_in = 0.0
        self._log = log

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    def wait_for(self, words: str | Callable[[], bool], *, patience: float = PATIENCE) -> None:
        """Wait until it has said `words`, or until a condition holds; `patience` in seconds."""
        until = time.monotonic() + patience
        while not (words in self.log if isinstance(words, str) else words()):
            assert self.exit_code is None, f"the service ended with {self.exit_code}:\n{self.log}"
            assert time.monotonic() < until, f"in vain: {words}\n{self.log}"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop and wait until it has."""
        if self.process.poll() is None:
            began = time.monotonic()
            self.process.send_signal(how)
            self.process.wait(timeout=PATIENCE)
            self.stopped_in = time.monotonic() - began


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(*, port: int, more: str = "", **keys: str) -> str:
    """A `storywatch.toml` for tests: loopback, no pauses, a poll a second."""
    lines = [f"{name} = {value}" for name, value in keys.items()]
    return "\n".join(
        [
            *lines,
            "[network]\nallow_private = true",
            '[polling]\nmin_interval = "1s"\nmax_interval = "1s"\nhost_pause = 0',
            f"[web]\nport = {port}",
            more,
        ]
    )


def hook_channel(url: str) -> str:
    """The settings of a signed webhook channel "hook"."""
    return f'\n[[channels]]\nname = "hook"\ntype = "webhook"\nurl = "{url}"\nsecret = "{HOOK_SECRET}"\n'


def seed(slug: str, feeds: Mapping[str, str]) -> str:
    """A seed of unrest in Harbour City with feeds by source."""
    tables = "".join(f'\n[[feeds]]\nurl = "{url}"\nsource = "{source}"\n' for source, url in feeds.items())
    return (
        f'slug = "{slug}"\ntitle = "Unrest in Harbour City"\nlanguages = ["en"]\n'
        '[[entities]]\nname = "Harbour City"\nkind = "place"\ncentral = true\n'
        '[[topics]]\nname = "unrest"\nterms = ["unrest", "riots", "clashes"]\n'
        '[[places]]\nname = "Harbour City"\nwhole = true\n'
        '[[origins]]\nname = "Health Ministry"\n' + tables
    )
