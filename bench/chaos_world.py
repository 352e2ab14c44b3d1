"""The world that faults are done to: outlets and their names, a clock, processes, a road to the database, a disk."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from random import Random

from tests.support.commandline import PROGRAM, CommandLine
from tests.support.desk import page
from tests.support.postgres import Postgres
from tests.support.webserver import Reply, Request, WebServer

STORIES = 4
NAMES = ("Alba", "Brava", "Clara", "Dorna")
HOSTS = tuple(f"outlet{number}.chaos.test" for number in range(STORIES))
HOOK_HOST = "hook.chaos.test"
# What a namespace sees of the rest: the outlets and the receiver under one address, the database under another.
_REST, _DATABASE = "10.231.77.1", "10.231.78.1"


def is_able() -> bool:
    """Whether this machine lets us make namespaces: names, network and a small disk need them."""
    return os.geteuid() == 0 and _quiet("unshare", "-m", "true") and _quiet("unshare", "-n", "true")


def _quiet(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@dataclass
class Truth:
    """What the site published: by address, how many versions there were, when the last one
    appeared (monotonic), and the figure that all of them state."""

    versions: dict[str, int] = field(default_factory=dict)
    changed: dict[str, float] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)


class Site:
    """Four outlets, each under a name and a loopback address of its own, with one story each."""

    def __init__(self, site: WebServer, hosts: Sequence[str]) -> None:
        """`hosts` are the outlets' names or addresses, as feeds have them."""
        self.site = site
        self._hosts = hosts
        self.truth = Truth()
        self.hanging: set[int] = set()
        self._items: list[dict[str, str]] = [{} for _ in range(STORIES)]
        self._texts: list[dict[str, tuple[str, datetime]]] = [{} for _ in range(STORIES)]
        self._figures: dict[str, int] = {}
        self._lock = threading.Lock()
        site.add("*", self._answer)

    def url(self, number: int, path: str) -> str:
        return self.site.url(path, host=self._hosts[number])

    def publish(self, number: int, name: str, figure: int) -> None:
        """Put an article on the site, or another text with its old figure in its place."""
        with self._lock:
            figure = self._figures.setdefault(name, figure)
            link = self.url(number, f"/{number}/{name}")
            _, at = self._texts[number].get(name, ("", datetime.now(UTC) - timedelta(minutes=1)))
            count = self.truth.versions.get(link, 0) + 1
            title = f"Unrest in Harbour {NAMES[number]}: report {name}"
            text = (
                f"The unrest in Harbour {NAMES[number]} has killed {figure} people, the Health Ministry said.\n"
                + "Shops stayed shut and buses did not run, residents of the town said on the telephone. " * 4
                + f"\nThis is text number {count} of the report."
            )
            self._texts[number][name] = (page(title, text, at).decode(), at)
            self._items[number][name] = (
                f"<item><title>{escape(title)}</title><link>{link}</link><guid>{link}</guid><pubDate>"
                f"{format_datetime(at)}</pubDate><description>{escape(title)}, text {count}</description></item>"
            )
            self.truth.versions[link] = count
            self.truth.changed[link] = time.monotonic()
            self.truth.figures[link] = figure

    def _answer(self, request: Request) -> Reply:
        parts = request.path.strip("/").split("/")
        if not parts[0].isdigit():
            return Reply(status=404)
        number = int(parts[0])
        pause = 60.0 if number in self.hanging else 0.0
        with self._lock:
            if len(parts) > 1 and parts[1] == "feed":
                items = "".join(reversed(self._items[number].values()))
                body = f"<rss version='2.0'><channel><title>Outlet</title>{items}</channel></rss>".encode()
                return Reply(body=body, content_type="application/rss+xml", after_seconds=pause)
            text, _ = self._texts[number].get(parts[-1], ("", None))
        return Reply(body=text.encode(), after_seconds=pause) if text else Reply(status=404)


class Clock:
    """The time of all parts, in a file that is written all the time; `offset` steps it."""

    def __init__(self, path: Path) -> None:
        self.offset = timedelta(0)
        self._path = path
        self._stop = threading.Event()
        self._write()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            self._write()

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text((datetime.now(UTC) + self.offset).isoformat())
        fresh.replace(self._path)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


class Names:
    """The hosts file that the parts see in place of the machine's; while it is empty, no name can be resolved."""

    def __init__(self, folder: Path, *, address: str = "") -> None:
        """All names lead to `address`, or each to a loopback address of its own."""
        self.path = folder / f"hosts{address}"
        self.resolver = folder / "resolv.conf"
        self.resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        lines = ["127.0.0.1 localhost", f"{address or '127.0.0.1'} {HOOK_HOST}"]
        lines += [f"{address or f'127.0.0.{number + 2}'} {host}" for number, host in enumerate(HOSTS)]
        self._text = "\n".join(lines) + "\n"
        self.path.write_text(self._text)

    def fail(self) -> None:
        """Forget all names. The file stays the same one, since the parts see it through a mount."""
        self.path.write_text("127.0.0.1 localhost\n")

    def mend(self) -> None:
        """Know them again."""
        self.path.write_text(self._text)

    def command(self) -> list[str]:
        """What a command is begun with to see these names."""
        script = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
        return ["unshare", "-m", "sh", "-c", script, str(self.path), str(self.resolver)]


class Namespace:
    """A network of its own for one worker, with a cable to the rest that can be cut towards the database alone."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.name = f"chaos{os.getpid()}"
        self.names = Names(folder, address=_REST)
        self.url_host = _DATABASE
        self._cable = f"ch{os.getpid()}"
        inside = f"{self._cable}i"
        for line in (
            f"netns add {self.name}",
            f"link add {self._cable} type veth peer name {inside} netns {self.name}",
            f"address add {_REST}/24 dev {self._cable}",
            f"address add {_DATABASE}/32 dev {self._cable}",
            f"link set {self._cable} up",
            f"-n {self.name} address add 10.231.77.2/24 dev {inside}",
            f"-n {self.name} link set {inside} up",
            f"-n {self.name} link set lo up",
            f"-n {self.name} route add default via {_REST}",
        ):
            _ip(line)
        with (postgres.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.231.77.0/24 trust\n")
        postgres.command("SELECT pg_reload_conf()")

    def command(self) -> list[str]:
        """What a command is begun with to run in there."""
        return ["ip", "netns", "exec", self.name, *self.names.command()]

    def cut(self) -> None:
        """Let nothing pass to the database, and nothing come to an answer, as with a cable pulled."""
        _ip(f"-n {self.name} route add blackhole {_DATABASE}/32")

    def mend(self) -> None:
        """Let all pass again."""
        _ip(f"-n {self.name} route del blackhole {_DATABASE}/32")

    def close(self) -> None:
        """Take it away, cable and all."""
        _ip(f"netns delete {self.name}")


def _ip(line: str) -> None:
    subprocess.run(["ip", *line.split()], check=True, capture_output=True)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk in memory of so many megabytes, mounted below `folder`."""
    place = folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], check=True)
    place.chmod(0o777)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


class Road:
    """The road to the database for all parts: every piece that passes is held up for `pause` seconds."""

    def __init__(self, port: int) -> None:
        self.pause = 0.0
        self.port = 0
        self._to = port
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def close(self) -> None:
        """Let nothing pass any more."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pass(reader, to_writer), self._pass(to_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65_536):
                if self.pause:
                    await asyncio.sleep(self.pause)
                writer.write(piece)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


# What a part logs once it is at work, or waits to be, and the database has been asked.
_UP = (" leading; ", " another scheduler leads", " working on ", " the page is at ")


class Parts:
    """The processes: started, killed and started again."""

    def __init__(self, line: CommandLine, begun_with: Sequence[str]) -> None:
        """`begun_with` stands before each command: it puts the process where it sees the outlets' names."""
        self._line = line
        # One log for each process that was started: what it says tells whether it has come up.
        self._logs = line.folder / "parts"
        self._logs.mkdir(mode=0o755, exist_ok=True)
        self._log_of: dict[str, Path] = {}
        self._started = 0
        self._begun_with = list(begun_with)
        self._special: dict[str, tuple[list[str], dict[str, str]]] = {}
        self.commands: dict[str, tuple[str, ...]] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def place(self, name: str, begun_with: Sequence[str], environment: Mapping[str, str]) -> None:
        """Have the part of this name begin otherwise than all others."""
        self._special[name] = (list(begun_with), dict(environment))

    def start(self, name: str, *arguments: str) -> None:
        """Start `storywatch ARGUMENTS` under a name."""
        self.commands[name] = arguments
        before, environment = self._special.get(name, (self._begun_with, {}))
        command = [*before, str(PROGRAM), "--clock-file", str(self._line.folder / "clock"), *arguments]
        self._started += 1
        self._log_of[name] = self._logs / f"{self._started:04d}-{name.strip().replace(' ', '-')}.log"
        with self._log_of[name].open("wb") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=self._line.folder,
                env={**self._line.environment, **environment},
                stdout=log,
                stderr=log,
            )

    def is_up(self, name: str) -> bool:
        """Whether a part runs and has said that it is at work: one that is still starting does nothing yet."""
        if self.running[name].poll() is not None:
            return False
        said = self._log_of[name].read_text(errors="replace")
        return any(words in said for words in _UP)

    def logs(self) -> str:
        """All that all of them said, in the order in which they were started."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._logs.iterdir()))

    def kill(self, name: str) -> None:
        """kill -9, and wait until it is gone."""
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def restart_dead(self) -> None:
        """Start again what has ended, as a service manager would."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.start(name, *self.commands[name])

    def close(self) -> None:
        """Ask all to stop; what does not is killed."""
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class Kills:
    """How often something was killed: parts at work, parts that were still starting, the database's own processes."""

    at_work: int = 0
    starting: int = 0
    database: int = 0


@dataclass
class World:
    """What a fault may be done to; `road`, `disk` and `namespace` where the fault asked for them."""

    parts: Parts
    site: Site
    clock: Clock
    postgres: Postgres
    rng: Random
    names: Names | None = None
    road: Road | None = None
    disk: Path | None = None
    namespace: Namespace | None = None
    kills: Kills = field(default_factory=Kills)
