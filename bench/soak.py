"""A long run in short: a month of schedule on a fast clock, 2,000 feeds, edits all the time; what grows is told.

python -m bench.soak [--minutes 45] [--days 30] [--feeds 2000] [--out docs/soak.md]        make soak

The real service (`storywatch run`, SQLite, its own dispatcher) watches a site on loopback while its clock runs --days
in --minutes. Every few seconds its memory, its file handles and how late its schedule runs are noted. The first quarter
is warm-up. Exit 1 where memory grew by more than 5 % after it, handles grew, or a poll came later than one interval.
"""

import argparse
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from bench.harbours import harbour_seed
from tests.support.commandline import PROGRAM, CommandLine, free_port, hook_channel, settings
from tests.support.desk import page
from tests.support.receiver import Receiver
from tests.support.webserver import Reply, Request, WebServer

STORIES = 20
HOSTS = 100
# Of the feeds one in ten publishes every six hours, the others once in two days; one entry in so many is of a story.
BUSY, OURS = 10, 40
BUSY_EVERY, QUIET_EVERY = timedelta(hours=6), timedelta(days=2)
# A feed shows so many entries.
SHOWN = 20
SAMPLE_SECONDS = 5.0
WARM_UP = 0.25
MOST_GROWTH, MOST_HANDLES, MOST_DRIFT = 0.05, 8, 1.0
POLLING = """
[polling]
host_pause = 0
concurrency = 64
"""


class FastClock:
    """A clock that runs `speed` times as fast from now on, in a file that the service reads."""

    def __init__(self, path: Path, speed: float) -> None:
        self._path = path
        self._speed = speed
        self._began, self._start = time.monotonic(), datetime.now(UTC)
        self.write()

    def now(self) -> datetime:
        """Its time."""
        return self._start + timedelta(seconds=(time.monotonic() - self._began) * self._speed)

    def write(self) -> None:
        """Put it where the service reads it."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(self.now().isoformat())
        fresh.replace(self._path)


@dataclass
class Item:
    """An entry of a feed; its page says how often it was edited."""

    title: str
    at: datetime
    story: int | None = None
    figure: int = 0
    edits: int = 0


class Press:
    """The site: feeds that publish at their own pace, and pages that are edited all the time."""

    def __init__(self, site: WebServer, clock: FastClock, feeds: int, rng: random.Random) -> None:
        self._site = site
        self._clock = clock
        self._rng = rng
        # What was published before anybody looked says how often a feed publishes.
        self._items = [
            [Item(title=f"Rovers win match {n}", at=clock.now() - self._every(number) * n) for n in range(SHOWN, 0, -1)]
            for number in range(feeds)
        ]
        self._due = [clock.now() + self._every(number) * rng.random() for number in range(feeds)]
        self._ours: list[Item] = []
        self._figures = [10] * STORIES
        self.published = self.edited = self.polled = self.read = 0
        site.add("*", self._answer)

    def url(self, number: int, path: str = "feed") -> str:
        """The address of a feed, on one of the hosts."""
        host = number % HOSTS
        return self._site.url(f"/{number}/{path}", host=f"127.0.{host // 200 + 1}.{host % 200 + 1}")

    @staticmethod
    def _every(number: int) -> timedelta:
        return BUSY_EVERY if number % BUSY == 0 else QUIET_EVERY

    def go_on(self) -> None:
        """Publish what is due, and edit one of the pages that are watched."""
        now = self._clock.now()
        for number, due in enumerate(self._due):
            if due <= now:
                self._due[number] = now + self._every(number) * self._rng.uniform(0.5, 1.5)
                self._publish(number, now)
        if self._ours:
            self._rng.choice(self._ours[-200:]).edits += 1
            self.edited += 1
        self._site.requests.clear()

    def _publish(self, number: int, now: datetime) -> None:
        story = self._rng.randrange(STORIES) if self.published % OURS == 0 else None
        self.published += 1
        figure = 0
        title = f"Rovers win match {self.published}"
        if story is not None:
            self._figures[story] += self._rng.randint(0, 2)
            figure = self._figures[story]
            title = f"Unrest in Harbour{story}: report {self.published}"
        item = Item(title=title, at=now, story=story, figure=figure)
        self._items[number].append(item)
        if story is not None:
            self._ours.append(item)

    def _answer(self, request: Request) -> Reply:
        parts = request.path.strip("/").split("/")
        if len(parts) < 2:
            return Reply(status=404)
        number, name = parts
        items = self._items[int(number)]
        if name == "feed":
            self.polled += 1
            return self._feed(int(number), items)
        self.read += 1
        item = items[int(name)]
        text = f"The unrest in Harbour{item.story} has killed {item.figure} people, the Health Ministry said.\n"
        text += "Shops stayed shut and buses did not run, residents of the town said on the telephone. " * 4
        body = page(item.title, f"{text}\nThis page was edited {item.edits} times.", item.at)
        return Reply(body=body, headers={"ETag": f'"{item.edits}"'})

    def _feed(self, number: int, items: Sequence[Item]) -> Reply:
        shown = list(enumerate(items))[-SHOWN:]
        entries = "".join(
            f"<item><title>{item.title}</title><link>{self.url(number, str(place))}</link>"
            f"<guid>{self.url(number, str(place))}</guid><pubDate>{format_datetime(item.at)}</pubDate></item>"
            for place, item in reversed(shown)
        )
        body = f"<rss version='2.0'><channel><title>Outlet {number}</title>{entries}</channel></rss>".encode()
        return Reply(body=body, content_type="application/rss+xml", headers={"ETag": f'"{len(items)}"'})


@dataclass(frozen=True)
class Sample:
    """The service at one moment: `drift` is the latest feed's delay, as a share of its own interval."""

    at: float
    memory: float
    handles: int
    drift: float
    articles: int
    versions: int


@dataclass
class Verdict:
    """What the samples after warm-up come to."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def kept(self) -> list[Sample]:
        """The samples after warm-up."""
        return self.samples[int(len(self.samples) * WARM_UP) :]

    def ends(self, name: str) -> tuple[float, float]:
        """The median of the first and of the last fifth after warm-up."""
        values = [float(getattr(one, name)) for one in self.kept]
        fifth = max(1, len(values) // 5)
        return statistics.median(values[:fifth]), statistics.median(values[-fifth:])

    @property
    def growth(self) -> float:
        """By which share memory grew."""
        first, last = self.ends("memory")
        return last / first - 1

    @property
    def drift(self) -> float:
        """The worst delay after warm-up, in intervals."""
        return max(one.drift for one in self.kept)

    @property
    def is_good(self) -> bool:
        """Whether all that is asked holds."""
        first, last = self.ends("handles")
        return self.growth <= MOST_GROWTH and last - first <= MOST_HANDLES and self.drift <= MOST_DRIFT


def measure(process: subprocess.Popen[bytes], database: Path, now: datetime, began: float) -> Sample:
    """Look at the service from outside."""
    folder = Path(f"/proc/{process.pid}")
    memory = int((folder / "smaps_rollup").read_text().split("Rss:")[1].split()[0]) / 1024
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        rows = connection.execute("SELECT due_at, last_polled_at FROM feeds WHERE state = 'active'").fetchall()
        articles, versions = (
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("articles", "article_versions")
        )
    drift = 0.0
    for due, polled in rows:
        if due and polled:
            due_at, polled_at = _time(due), _time(polled)
            if due_at > polled_at:
                drift = max(drift, (now - due_at) / (due_at - polled_at))
    return Sample(
        at=time.monotonic() - began, memory=memory, handles=len(os.listdir(folder / "fd")), drift=drift,
        articles=articles, versions=versions,
    )  # fmt: skip


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def soak(*, minutes: float, days: float, feeds: int, seed: int) -> tuple[Verdict, Press, int]:
    """Run it; returns what was seen, the site, and how many messages arrived."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storywatch-soak-")))
        site = stack.enter_context(WebServer(host="0.0.0.0"))
        hook = stack.enter_context(Receiver())
        line = CommandLine(folder)
        for number in range(STORIES):
            line.write(f"seeds/s{number}.toml", harbour_seed(number, f"Harbour{number}"))
        clock = FastClock(folder / "clock", days * 86_400 / (minutes * 60))
        press = Press(site, clock, feeds, random.Random(seed))
        text = settings(port=free_port(), more=hook_channel(hook.url))
        before, after = text.split("[polling]")
        line.write("storywatch.toml", before + POLLING + after[after.index("[web]") :])
        outline = "".join(f'<outline type="rss" text="{n}" xmlUrl="{press.url(n)}"/>' for n in range(feeds))
        line.write("feeds.opml", f'<opml version="2.0"><head/><body>{outline}</body></opml>')
        for command in (("db", "upgrade"), ("feeds", "import", "feeds.opml")):
            done = line.run("--clock-file", "clock", *command)
            if done.returncode:
                raise SystemExit(done.stderr)
        stop = threading.Event()
        thread = threading.Thread(target=_drive, args=(clock, press, stop), daemon=True)
        thread.start()
        stack.callback(stop.set)
        with (folder / "service.log").open("wb") as log:
            process = subprocess.Popen(
                [str(PROGRAM), "--clock-file", "clock", "run", "--look-seconds", "0.1"],
                cwd=folder, env=line.environment, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            verdict = _watch(process, folder / "data" / "storywatch.db", clock, press, minutes)
        finally:
            process.terminate()
            process.wait(timeout=60)
        return verdict, press, len(set(hook.ids()))


def _drive(clock: FastClock, press: Press, stop: threading.Event) -> None:
    """Let time pass, and the press work."""
    beat = 0
    while not stop.wait(0.02):
        clock.write()
        beat += 1
        if beat % 25 == 0:
            press.go_on()


def _watch(process: subprocess.Popen[bytes], database: Path, clock: FastClock, press: Press, minutes: float) -> Verdict:
    verdict = Verdict()
    began = time.monotonic()
    while time.monotonic() - began < minutes * 60:
        time.sleep(SAMPLE_SECONDS)
        if process.poll() is not None:
            raise SystemExit(f"the service ended with {process.returncode}")
        one = measure(process, database, clock.now(), began)
        verdict.samples.append(one)
        print(
            f"{one.at:6.0f} s  {one.memory:6.1f} MB  {one.handles:4d} handles  drift {one.drift:5.2f}  "
            f"{one.articles} articles, {one.versions} versions  {press.polled} polls",
            flush=True,
        )
    return verdict


HEAD = """# A long run in short

Written by `make soak`: `storywatch run` on SQLite watches {feeds} feeds on loopback for **{minutes:.1f} minutes** while
its clock runs {days:.1f} days ({speed:.0f} times as fast). Twice a second a page of a story is edited. Last run:
{when}, {cores} cores, load average {load:.0f}{priority}.

| | asked | seen |
| --- | --- | --- |
"""
# So that what is late is late by our own doing, on a machine that others use.
PRIORITY = "; run by `chrt -r 1`, so that others on the machine took no core from it"
MIDDLE = """
Done meanwhile: {polled} polls, {read} pages read, {edited} edits on the site ({versions} versions stored of {articles}
articles), {told} messages received. Warm-up is the first quarter; what is compared are the medians of the first and of
the last fifth after it.

| minute | memory MB | handles | drift | articles | versions |
| --- | --- | --- | --- | --- | --- |
"""


def write_report(verdict: Verdict, press: Press, told: int, options: argparse.Namespace) -> str:
    """The page that says what was seen."""
    memory, handles, end = verdict.ends("memory"), verdict.ends("handles"), verdict.samples[-1]
    rows = (
        ("memory after warm-up", "at most 5 % more", f"{memory[0]:.1f} → {memory[1]:.1f} MB: {verdict.growth:+.1%}"),
        ("file handles", "flat", f"{handles[0]:.0f} → {handles[1]:.0f}"),
        ("the latest poll, in intervals of its feed", "at most 1", f"{verdict.drift:.2f}"),
    )
    text = HEAD.format(
        feeds=options.feeds, minutes=options.minutes, days=options.days,
        speed=options.days * 1_440 / options.minutes, when=datetime.now(UTC).date(), cores=os.cpu_count(),
        load=os.getloadavg()[2], priority=PRIORITY if os.sched_getscheduler(0) == os.SCHED_RR else "",
    )  # fmt: skip
    text += "".join(f"| {' | '.join(row)} |\n" for row in rows)
    text += MIDDLE.format(
        polled=press.polled,
        read=press.read,
        edited=press.edited,
        versions=end.versions,
        articles=end.articles,
        told=told,
    )
    every = max(1, len(verdict.samples) // 12)
    for one in verdict.samples[every - 1 :: every]:
        figures = (
            f"{one.at / 60:.1f}",
            f"{one.memory:.1f}",
            one.handles,
            f"{one.drift:.2f}",
            one.articles,
            one.versions,
        )
        text += f"| {' | '.join(map(str, figures))} |\n"
    return text


def main() -> int:
    """Run it and write what was seen; 1 if what is asked does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--feeds", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    verdict, press, told = soak(minutes=options.minutes, days=options.days, feeds=options.feeds, seed=options.seed)
    text = write_report(verdict, press, told, options)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    print(text)
    return int(not verdict.is_good)


if __name__ == "__main__":
    sys.exit(main())
