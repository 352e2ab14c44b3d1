"""Two workers beside one, where extraction is the bound: heavy pages of several stories through the real queue.

python -m bench.workers [--rounds 2]

A page is most of a megabyte with thousands of links around a text of some 700 words: a third of a second of one core.
A scheduler and one or two workers share a real PostgreSQL, all on the same two cores; each worker is kept to one core
(`polling.readers = 0`), the others run where there is room. Once the workers are up, the scheduler has all feeds
polled, once; the rate is that between the first tenth of the articles stored and the last tenth, whose end is ragged.
Both kinds of run take turns. Beside each stand the workers' CPU for a page, what everybody else took of the cores
(database, scheduler, the site itself), and for how long the workers' threads were ready to run and got no core: by the
clock, two workers need two cores for themselves.

The site's own log says whether a host was spared: between the beginnings of two requests to one of them lies at least
the pause that the settings ask for, whichever worker asked. Exit 1 where it does not.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import psycopg

from bench.figures import Figure, bounded, chosen, leave, more, options
from bench.harbours import harbour_seed
from tests.support.commandline import CommandLine, free_port, settings
from tests.support.desk import page
from tests.support.postgres import running_postgres
from tests.support.webserver import Reply, Request, WebServer

HOSTS = 16
# Of the articles so many are stored before the measure begins, and as many after it ends.
WARM = 0.1
# A worker reads one page at a time, and holds the hosts of all pieces that it took: more of them would keep the other
# worker from these hosts, and make none faster.
CONCURRENCY = 8
# The feeds are on hosts of their own, the pages on these: enough that both workers always find a host that is free.
PAGE_HOSTS = 64
# Seconds that pass between two requests to one host.
PAUSE = 0.1
PATIENCE = 600.0
LINKS = 9_000
# Each sentence has a number and a noun that the rules have to look at, and makes no claim. The made-up names ({w}) keep
# the texts apart, as those of real articles are: each would be looked at as a copy of all others.
SENTENCES = (
    "The {w} council counted {a} votes in {b} districts of {w} on Sunday, the clerk of {w} said on the telephone.",
    "Traders of {w} took {a} boxes of {w} fish to the market, {b} more than in {w}, according to the {w} office.",
    "Some {a} shops of {w} stayed shut and {b} buses to {w} did not run, residents of {w} who gave no names said.",
    "The {w} road is {a} kilometres long and was closed to {w} for {b} hours, officials of {w} said in the evening.",
)
SYLLABLES = ("al", "bor", "ka", "den", "fi", "gra", "ho", "lun", "mer", "no", "pel", "ru", "sta", "tor", "vi", "zan")


@dataclass(frozen=True)
class Use:
    """What processes have used: seconds of CPU, and seconds in which they were ready to run and had no core."""

    cpu: float = 0.0
    kept_waiting: float = 0.0

    def __add__(self, other: "Use") -> "Use":
        return Use(self.cpu + other.cpu, self.kept_waiting + other.kept_waiting)

    def __sub__(self, other: "Use") -> "Use":
        return Use(self.cpu - other.cpu, self.kept_waiting - other.kept_waiting)


@dataclass(frozen=True)
class Moment:
    """When so many articles were stored, and what the workers and the parts around them had used until then."""

    at: float
    workers: Use
    others: dict[str, float]


@dataclass(frozen=True)
class Run:
    """Articles a second by the clock, and CPU seconds of all workers for an article.

    `busy` and `kept_waiting` are shares of the workers' time, `others` cores that the other parts took. `gap` is the
    shortest time (seconds) between the beginnings of two requests to one host.
    """

    rate: float
    cost: float
    busy: float
    kept_waiting: float
    others: dict[str, float]
    gap: float


def sentence(rng: random.Random) -> str:
    """One sentence of a text, with names and numbers of its own."""
    made = rng.choice(SENTENCES)
    while "{w}" in made:
        made = made.replace("{w}", "".join(rng.choice(SYLLABLES) for _ in range(3)).title(), 1)
    return made.format(a=rng.randint(2, 900), b=rng.randint(2, 90))


class Outlets:
    """Feeds with long pages behind."""

    def __init__(self, site: WebServer, articles: int, links: int) -> None:
        self._site = site
        self._at = datetime.now(UTC) - timedelta(minutes=10)
        rng = random.Random(7)
        listed = "".join(
            f"<li><a href='/x/{n}'>Report {n} of the town and of its harbour</a></li>" for n in range(links)
        )
        around = f"<ul class='related'>{listed}</ul>".encode()
        self._pages = {}
        for number in range(articles):
            text = " ".join(sentence(rng) for _ in range(40))
            place = number % HOSTS
            head = f"The unrest in Harbour{place} has killed {number + 3} people, the Health Ministry said.\n"
            made = page(f"Unrest in Harbour{place}: report {number}", head + text, self._at)
            self._pages[number] = made.replace(b"</article>", around + b"</article>")
        site.add("*", self._answer)

    def url(self, number: int, name: str) -> str:
        """An address on the host of that number."""
        return self._site.url(f"/{number}/{name}", host=f"127.0.0.{number + 2}")

    def page_url(self, number: int) -> str:
        """The address of a page, on one of the hosts of pages."""
        return self._site.url(f"/{number % HOSTS}/{number}", host=f"127.0.1.{number % PAGE_HOSTS + 2}")

    def _answer(self, request: Request) -> Reply:
        parts = request.path.strip("/").split("/")
        if len(parts) < 2:
            return Reply(status=404)
        if parts[1] != "feed":
            return Reply(body=self._pages[int(parts[1])])
        host = int(parts[0])
        mine = [number for number in self._pages if number % HOSTS == host]
        items = "".join(
            f"<item><title>Unrest in Harbour{host}: report {number}</title><link>{self.page_url(number)}</link>"
            f"<guid>{number}</guid><pubDate>{format_datetime(self._at)}</pubDate></item>"
            for number in mine
        )
        body = f"<rss version='2.0'><channel><title>Outlet</title>{items}</channel></rss>".encode()
        return Reply(body=body, content_type="application/rss+xml")


def shortest_gap(requests: Iterable[Request]) -> float:
    """The shortest time (seconds) between the beginnings of two requests to one host, as the site saw them."""
    begun: dict[str, list[float]] = {}
    for request in requests:
        begun.setdefault(request.headers["host"], []).append(request.at)
    return min(later - earlier for times in begun.values() for earlier, later in pairwise(sorted(times)))


def measure(workers: int, articles: int, links: int, concurrency: int = CONCURRENCY) -> Run:
    """Let so many workers, each with so many pieces of work at once, read so many articles."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storywatch-workers-")))
        postgres = stack.enter_context(running_postgres())
        site = stack.enter_context(WebServer(host="0.0.0.0"))
        outlets = Outlets(site, articles, links)
        url = postgres.create("workers")
        line = CommandLine(folder, STORYWATCH_DATABASE_URL=url, STORYWATCH_POLLING__READERS="0")
        for number in range(HOSTS):
            line.write(
                f"seeds/s{number}.toml", harbour_seed(number, f"Harbour{number}", feed=outlets.url(number, "feed"))
            )
        text = settings(port=free_port()).replace('"1s"', '"1h"').replace("host_pause = 0", f"host_pause = {PAUSE}")
        line.write("storywatch.toml", text)
        if (done := line.run("db", "upgrade")).returncode:
            raise SystemExit(done.stderr)
        cores = sorted(os.sched_getaffinity(0))
        running = []
        for number in range(workers):
            keep = partial(os.sched_setaffinity, 0, {cores[number % len(cores)]})
            worker = line.part(f"worker{number}", "worker", "--concurrency", concurrency, before=keep)
            running.append(stack.enter_context(worker))
        for one in running:
            one.wait_for("working on ")
        scheduler = stack.enter_context(line.part("scheduler", "scheduler"))
        parts = {
            "PostgreSQL": postgres.pids,
            "scheduler": lambda: [scheduler.process.pid],
            "site": lambda: [os.getpid()],
        }
        watch = Watch([one.process.pid for one in running], parts)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            began = watch.until(connection, round(articles * WARM))
            ended = watch.until(connection, articles - round(articles * WARM))
            watch.until(connection, articles)
            short = connection.execute("SELECT count(*) FROM article_versions WHERE length(text) < 2000").fetchone()
            if short != (0,):
                raise SystemExit(f"{short} pages were not read as they are: the measure is none")
        took, used, read = ended.at - began.at, ended.workers - began.workers, articles - 2 * round(articles * WARM)
        return Run(
            rate=read / took,
            cost=used.cpu / read,
            busy=used.cpu / took / workers,
            kept_waiting=used.kept_waiting / took / workers,
            others={name: (ended.others[name] - began.others[name]) / took for name in parts},
            gap=shortest_gap(site.requests),
        )


class Watch:
    """Looks at the database and at the processes from outside."""

    def __init__(self, workers: Sequence[int], others: Mapping[str, Callable[[], Sequence[int]]]) -> None:
        """The workers' process ids, and how to find those of the other parts."""
        self._workers = workers
        self._others = others

    def until(self, connection: "psycopg.Connection[tuple[object, ...]]", count: int) -> Moment:
        """Wait until so many articles are stored."""
        until = time.monotonic() + PATIENCE
        while True:
            row = connection.execute("SELECT count(*) FROM articles").fetchone()
            if row and int(str(row[0])) >= count:
                others = {name: used_by(find()).cpu for name, find in self._others.items()}
                return Moment(at=time.monotonic(), workers=used_by(self._workers), others=others)
            if time.monotonic() > until:
                raise SystemExit(f"{count} articles were not read within {PATIENCE:.0f} s")
            time.sleep(0.2)


def used_by(pids: Iterable[int]) -> Use:
    """What these processes have used so far, over their threads that live."""
    used = Use()
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):  # a thread that ended meanwhile
                run, waited, _ = (task / "schedstat").read_text(encoding="ascii").split()
                used += Use(int(run) / 1e9, int(waited) / 1e9)
    return used


def tell(workers: int, run: Run) -> str:
    """One run in one line."""
    others = ", ".join(f"{name} {cores:.2f}" for name, cores in run.others.items())
    return (
        f"{workers} workers: {run.rate:.2f} a second, {run.cost * 1e3:.0f} ms CPU each; each worker busy "
        f"{run.busy:.0%} of the time and {run.kept_waiting:.0%} without a core; cores taken by {others}; two requests "
        f"to a host at least {run.gap * 1e3:.0f} ms apart"
    )


def main() -> int:
    """Print the rates of one and of two workers, in turns."""
    parser: argparse.ArgumentParser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY, help="pieces of work at once, a worker")
    parser.add_argument("--articles", type=int, default=0, help="so many pages in place of those of the size")
    arguments = parser.parse_args()
    articles = arguments.articles or chosen(arguments, 20, 120, 400)
    links = chosen(arguments, 200, LINKS, LINKS)
    found: dict[int, list[Run]] = {1: [], 2: []}
    for _ in range(arguments.rounds):
        for workers, runs in found.items():
            runs.append(measure(workers, articles, links, arguments.concurrency))
            print(tell(workers, runs[-1]), flush=True)
    one, two = (
        (statistics.median(run.rate for run in runs), statistics.median(run.cost for run in runs))
        for runs in found.values()
    )
    gap = min(run.gap for runs in found.values() for run in runs)
    load = os.getloadavg()[0]
    print(f"two workers: {two[0] / one[0]:.2f} × one by the clock, at a load average of {load:.1f}")
    figures = [
        more(
            f"{articles} heavy pages, 2 workers", peer="1 worker", theirs=one[0], ours=two[0], unit="/s", at_least=1.8
        ),
        Figure(
            what="their CPU for a page",
            peer="1 worker",
            theirs=f"{one[1] * 1e3:.0f} ms",
            ours=f"{two[1] * 1e3:.0f} ms",
            ratio=one[1] / two[1],
        ),
        bounded("two requests to one host, by its own log", gap * 1e3, "ms", at_least=PAUSE * 1e3),
    ]
    leave(arguments, figures)
    return int(gap < PAUSE)


if __name__ == "__main__":
    sys.exit(main())
