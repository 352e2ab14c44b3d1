"""Faults under load: what is lost, doubled or late, against the site's own list of truth.

python -m bench.chaos [--seconds 20] [--fault NAME …] [--out docs/reliability.md] [--seed 1]        make chaos

A scheduler and two workers share a real PostgreSQL and poll a news site on loopback that publishes and edits articles
all the time, while one fault after another is done to them. Then everything is given time to settle, and is counted.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path

import psycopg

from tests.support.commandline import PROGRAM, CommandLine, free_port, settings
from tests.support.desk import page
from tests.support.postgres import Postgres, running_postgres
from tests.support.receiver import Receiver
from tests.support.webserver import Reply, Request, WebServer

STORIES = 4
# What was published or edited is late when it is stored so many seconds after (polls come every second).
LATE = 30.0
SETTLE = 90.0
HOOK = """
[[channels]]
name = "hook"
type = "webhook"
url = "{url}"
secret = "whsec_c3Rvcnl3YXRjaC1kZW1vLXNlY3JldC0yMDIy"

[[subscriptions]]
name = "desk"
channels = ["hook"]
kinds = ["first", "raised", "edited"]
group_wait = "1s"
group_interval = "1s"
"""
SEED = """
slug = "s{n}"
title = "Unrest in Harbour {name}"
languages = ["en"]
[[entities]]
name = "Harbour {name}"
kind = "place"
central = true
[[topics]]
name = "unrest"
terms = ["unrest", "riots"]
[[places]]
name = "Harbour {name}"
whole = true
[[feeds]]
url = "{url}"
source = "Outlet {n}"
"""
NAMES = ("Alba", "Brava", "Clara", "Dorna")


@dataclass
class Truth:
    """What the site published: by address, how many versions there were, and when the last one appeared."""

    versions: dict[str, int] = field(default_factory=dict)
    changed: dict[str, float] = field(default_factory=dict)


class Site:
    """Four outlets, each on a loopback address of its own, with one story each."""

    def __init__(self, site: WebServer) -> None:
        self.site = site
        self.truth = Truth()
        self.hanging: set[int] = set()
        self._items: list[dict[str, str]] = [{} for _ in range(STORIES)]
        self._texts: list[dict[str, tuple[str, datetime]]] = [{} for _ in range(STORIES)]
        self._figures: dict[str, int] = {}
        self._lock = threading.Lock()
        site.add("*", self._answer)

    def url(self, number: int, path: str) -> str:
        return self.site.url(path, host=f"127.0.0.{number + 2}")

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
            self.truth.changed[link] = time.time()

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


class Parts:
    """The processes: started, killed and started again."""

    def __init__(self, line: CommandLine) -> None:
        self._line = line
        self._log = (line.folder / "parts.log").open("ab")
        self.commands: dict[str, tuple[str, ...]] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> None:
        self.commands[name] = arguments
        command = [str(PROGRAM), "--clock-file", str(self._line.folder / "clock"), *arguments]
        self.running[name] = subprocess.Popen(
            command, cwd=self._line.folder, env=self._line.environment, stdout=self._log, stderr=self._log
        )

    def kill(self, name: str) -> None:
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def restart_dead(self) -> None:
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.start(name, *self.commands[name])

    def close(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()


@dataclass
class World:
    """What a fault may be done to."""

    parts: Parts
    site: Site
    clock: Clock
    postgres: Postgres
    rng: random.Random


# A fault is called once a second while it lasts, with the number of the second.
Fault = Callable[[World, int], None]


def nothing(_world: World, _second: int) -> None:
    """No fault: what is measured without any."""


def kill_at_random(world: World, second: int) -> None:
    """kill -9 of a scheduler or worker drawn at random, every three seconds."""
    if second % 3 == 0:
        world.parts.kill(world.rng.choice(sorted(world.parts.running)))


def restart_postgres(world: World, second: int) -> None:
    """PostgreSQL stopped at once and started again, twice."""
    if second in (4, 12):
        world.postgres.restart()


def take_all_connections(world: World, second: int) -> None:
    """All sessions ended, and all connections taken by others for eight seconds."""
    if second != 4:
        return
    taken = []
    world.postgres.command(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chaos' AND pid <> pg_backend_pid()"
    )
    try:
        while len(taken) < 200:
            taken.append(psycopg.connect(f"postgresql://postgres@127.0.0.1:{world.postgres.port}/postgres"))
    except psycopg.Error:
        pass
    time.sleep(8)
    for connection in taken:
        connection.close()


def hang_half(world: World, second: int) -> None:
    """Half of the hosts accept and say nothing, for twelve seconds."""
    if second == 3:
        world.site.hanging = {0, 1}
    if second == 15:
        world.site.hanging = set()


def step_clock(world: World, second: int) -> None:
    """The clock steps forth by an hour, and back again."""
    if second == 5:
        world.clock.offset = timedelta(hours=1)
    if second == 12:
        world.clock.offset = timedelta(0)


def two_schedulers(world: World, second: int) -> None:
    """A second scheduler; the first stands still (SIGSTOP) longer than its session lives, and goes on."""
    if second == 0:
        world.parts.start("second scheduler", "scheduler")
    if second == 4:
        world.parts.running["scheduler"].send_signal(signal.SIGSTOP)
    if second == 18:
        world.parts.running["scheduler"].send_signal(signal.SIGCONT)


FAULTS: dict[str, Fault] = {
    "none": nothing, "kill": kill_at_random, "restart": restart_postgres, "connections": take_all_connections,
    "hang": hang_half, "clock": step_clock, "schedulers": two_schedulers,
}  # fmt: skip


@dataclass(frozen=True)
class Count:
    """What came of one fault."""

    fault: str
    articles: int
    versions: int
    lost: int
    doubled: int
    late: int
    messages: int
    untold: int
    repeated: int


def suffer(name: str, *, seconds: int, seed: int) -> Count:
    """Run everything under one fault, let it settle, and count."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storywatch-chaos-")))
        postgres = stack.enter_context(running_postgres(max_connections="60"))
        web = stack.enter_context(WebServer(host="0.0.0.0"))
        hook = stack.enter_context(Receiver())
        url = postgres.create("chaos")
        line = CommandLine(folder, STORYWATCH_DATABASE_URL=url)
        site = Site(web)
        for number in range(STORIES):
            feed = site.url(number, f"/{number}/feed")
            line.write(f"seeds/s{number}.toml", SEED.format(n=number, name=NAMES[number], url=feed))
        line.write("storywatch.toml", settings(port=free_port(), more=HOOK.format(url=hook.url)))
        clock = Clock(folder / "clock")
        stack.callback(clock.close)
        done = line.run("db", "upgrade")
        if done.returncode:
            raise SystemExit(done.stderr)
        parts = Parts(line)
        stack.callback(parts.close)
        for part in ("scheduler", "worker", "worker "):
            parts.start(part, part.strip())
        world = World(parts=parts, site=site, clock=clock, postgres=postgres, rng=random.Random(seed))
        site.publish(0, "first", 5)
        wait_until(lambda: missing(url, site.truth) == 0, 120)
        play(world, FAULTS[name], seconds)
        began = time.monotonic()
        while time.monotonic() - began < SETTLE and (missing(url, site.truth) or untold(url, hook)):
            parts.restart_dead()
            time.sleep(0.5)
        return count(name, url, site.truth, hook)


def play(world: World, fault: Fault, seconds: int) -> None:
    """Publish two articles and edit one a second, with a fault at the same time."""
    figure = 10
    for second in range(seconds):
        ends = time.monotonic() + 1
        for _ in range(2):
            figure += world.rng.randint(1, 9)
            number = figure % STORIES
            world.site.publish(number, f"r{second}-{figure}", figure)
        edited = world.rng.choice(sorted(world.site.truth.versions))
        figure += world.rng.randint(1, 9)
        world.site.publish(int(edited.split("/")[-2]), edited.split("/")[-1], figure)
        fault(world, second)
        world.parts.restart_dead()
        time.sleep(max(0.0, ends - time.monotonic()))


def wait_until(condition: Callable[[], bool], most: float) -> None:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > most:
            raise SystemExit(f"the parts did not begin to work within {most:.0f} s")
        time.sleep(0.5)


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    """Rows of a query; none while the server is away."""
    try:
        with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5) as connection:
            return list(connection.execute(query.encode()))
    except psycopg.Error:
        return []


TABLE = "article_versions"


def stored(url: str) -> dict[str, float]:
    """When the newest text of each article was stored."""
    query = (
        f"SELECT a.url, extract(epoch FROM max(v.fetched_at))::float FROM articles a JOIN {TABLE} v USING (article_id) "
        "GROUP BY a.url"
    )
    return {str(row[0]): float(str(row[1])) for row in ask(url, query)}


def missing(url: str, truth: Truth) -> int:
    """How many articles are not held in their last text."""
    query = f"SELECT DISTINCT ON (article_id) a.url, v.text FROM articles a JOIN {TABLE} v USING (article_id) "
    held = {}
    for link, text in ask(url, query + "ORDER BY article_id, v.number DESC"):
        found = re.search(r"text number (\d+)", str(text))
        held[str(link)] = int(found[1]) if found else 0
    return sum(held.get(link, 0) < count for link, count in truth.versions.items())


UNTOLD = "SELECT delivery_id FROM deliveries WHERE state NOT IN ('delivered', 'superseded')"
PLANNED = "SELECT alert_id FROM alerts WHERE state = 'pending'"


def untold(url: str, _hook: Receiver) -> int:
    """How many messages wait or are on their way."""
    return len(ask(url, UNTOLD)) + len(ask(url, PLANNED))


def count(name: str, url: str, truth: Truth, hook: Receiver) -> Count:
    """Account for every article, version and message."""
    held = stored(url)
    addresses = Counter(str(row[0]) for row in ask(url, "SELECT url FROM articles"))
    texts = Counter(ask(url, f"SELECT article_id, text_hash FROM {TABLE}"))
    delivered = {str(row[0]) for row in ask(url, "SELECT delivery_id FROM deliveries WHERE state = 'delivered'")}
    received = Counter(hook.ids())
    return Count(
        fault=name,
        articles=len(truth.versions),
        versions=sum(truth.versions.values()),
        lost=missing(url, truth),
        doubled=sum(one - 1 for one in addresses.values()) + sum(one - 1 for one in texts.values()),
        late=sum(held.get(link, 0.0) - at > LATE for link, at in truth.changed.items()),
        messages=len(received),
        untold=untold(url, hook) + len(delivered - received.keys()),
        repeated=sum(one - 1 for one in received.values()),
    )


HEAD = """# What faults do

Written by `make chaos`: a scheduler and two workers on a real PostgreSQL poll four outlets on loopback that publish two
articles a second and edit one, for {seconds} seconds, while a fault is done to them; then all has up to {settle:.0f} s
to settle. What the site published is the truth that is counted against. Last run: {when}, {cores} cores, seed {seed}.

| fault | published | texts | lost | doubled | late | messages | untold | repeated |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
TAIL = """
- **lost**: articles whose last text is not stored. **doubled**: an article or a text of it stored twice. **late**: the
  last text was stored more than {late:.0f} s after it appeared, by the machine's clock (while the clock is stepped, by
  the stepped one).
- **untold**: messages that were planned and did not arrive. **repeated**: messages that arrived again, under the id
  that they had before: delivery is at least once, and receivers drop what they know by its id.
- A text that was replaced before it was read is not lost: nobody could have read it.

Not done: a disk that is full, a slow PostgreSQL, DNS that fails, and a network cut between worker and database. Ten
minutes of each fault: `make chaos ARGS="--seconds 600"`.
"""


def main() -> int:
    """Run the faults and write the table; 1 if anything was lost, doubled or untold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", action="append", choices=tuple(FAULTS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    counts = []
    for name in options.fault or FAULTS:
        one = suffer(name, seconds=options.seconds, seed=options.seed)
        counts.append(one)
        print(one, flush=True)
    rows = "".join(
        f"| {(FAULTS[one.fault].__doc__ or '').strip().rstrip('.')} | {one.articles} | {one.versions} | {one.lost} | "
        f"{one.doubled} | {one.late} | {one.messages} | {one.untold} | {one.repeated} |\n"
        for one in counts
    )
    head = HEAD.format(
        seconds=options.seconds, settle=SETTLE, when=datetime.now(UTC).date(), cores=os.cpu_count(), seed=options.seed
    )
    text = head + rows + TAIL.format(late=LATE)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text)
    return int(any(one.lost or one.doubled or one.untold for one in counts))


if __name__ == "__main__":
    sys.exit(main())
