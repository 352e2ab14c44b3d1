"""Two workers beside one, where extraction is the bound: heavy pages of several stories through the real queue.

python -m bench.workers [--rounds 2]

A page is half a megabyte with thousands of links around a text of some 700 words, some 0.2 s of one core to read.
A scheduler and one or two workers (`polling.readers = 0`: one core each) share a real PostgreSQL. When all are up, the
feeds of many hosts show their entries at once; the rate is that between the first tenth of the articles stored and the
last. Both kinds of run take turns. By the clock it needs two idle cores; the workers' CPU for an article tells on a
busy machine whether a second one makes each of them dearer.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import psycopg

from bench.figures import Figure, chosen, leave, more, options
from bench.harbours import harbour_seed
from tests.support.commandline import CommandLine, RunningService, free_port, settings
from tests.support.desk import page
from tests.support.postgres import running_postgres
from tests.support.webserver import Reply, Request, WebServer

HOSTS = 16
WARM = 0.1
PATIENCE = 600.0
LINKS = 6_000
# Each sentence has a number and a noun that the rules have to look at, and makes no claim.
SENTENCES = (
    "The council counted {a} votes in {b} districts on Sunday, the clerk of the town said on the telephone.",
    "Traders took {a} boxes of fish to the market, {b} more than in the week before, according to the harbour office.",
    "Some {a} shops stayed shut and {b} buses did not run, residents of the town who gave no names told reporters.",
    "The road is {a} kilometres long and was closed for {b} hours, officials of the ministry said in the evening.",
)


@dataclass(frozen=True)
class Run:
    """Articles a second by the clock, and CPU seconds of all workers for an article."""

    rate: float
    cost: float


class Outlets:
    """Feeds that are empty until they are opened, with long pages behind."""

    def __init__(self, site: WebServer, articles: int, links: int) -> None:
        self._site = site
        self._is_open = False
        self._at = datetime.now(UTC) - timedelta(minutes=10)
        rng = random.Random(7)
        listed = "".join(
            f"<li><a href='/x/{n}'>Report {n} of the town and of its harbour</a></li>" for n in range(links)
        )
        around = f"<ul class='related'>{listed}</ul>".encode()
        self._pages = {}
        for number in range(articles):
            text = " ".join(
                rng.choice(SENTENCES).format(a=rng.randint(2, 900), b=rng.randint(2, 90)) for _ in range(40)
            )
            place = number % HOSTS
            head = f"The unrest in Harbour{place} has killed {number + 3} people, the Health Ministry said.\n"
            made = page(f"Unrest in Harbour{place}: report {number}", head + text, self._at)
            self._pages[number] = made.replace(b"</article>", around + b"</article>")
        site.add("*", self._answer)

    def open(self) -> None:
        """Show all entries from now on."""
        self._is_open = True

    def url(self, number: int, name: str) -> str:
        """An address on the host of that number."""
        return self._site.url(f"/{number}/{name}", host=f"127.0.0.{number + 2}")

    def _answer(self, request: Request) -> Reply:
        parts = request.path.strip("/").split("/")
        if len(parts) < 2:
            return Reply(status=404)
        if parts[1] != "feed":
            return Reply(body=self._pages[int(parts[1])])
        host = int(parts[0])
        mine = [number for number in self._pages if number % HOSTS == host] if self._is_open else []
        items = "".join(
            f"<item><title>Unrest in Harbour{host}: report {number}</title><link>{self.url(host, str(number))}</link>"
            f"<guid>{number}</guid><pubDate>{format_datetime(self._at)}</pubDate></item>"
            for number in mine
        )
        body = f"<rss version='2.0'><channel><title>Outlet</title>{items}</channel></rss>".encode()
        return Reply(body=body, content_type="application/rss+xml")


def measure(workers: int, articles: int, links: int) -> Run:
    """Let so many workers read so many articles."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storywatch-workers-")))
        postgres = stack.enter_context(running_postgres())
        outlets = Outlets(stack.enter_context(WebServer(host="0.0.0.0")), articles, links)
        url = postgres.create("workers")
        line = CommandLine(folder, STORYWATCH_DATABASE_URL=url, STORYWATCH_POLLING__READERS="0")
        for number in range(HOSTS):
            line.write(
                f"seeds/s{number}.toml", harbour_seed(number, f"Harbour{number}", feed=outlets.url(number, "feed"))
            )
        line.write("storywatch.toml", settings(port=free_port()))
        if line.run("db", "upgrade").returncode:
            raise SystemExit("the database cannot be made")
        running = [stack.enter_context(line.part(f"worker{n}", "worker")) for n in range(workers)]
        stack.enter_context(line.part("scheduler", "scheduler")).wait_for("leading")
        for one in running:
            one.wait_for("working on ")
        outlets.open()
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            began, used = _wait(connection, round(articles * WARM), running)
            ended, spent = _wait(connection, articles, running)
    read = articles - round(articles * WARM)
    return Run(rate=read / (ended - began), cost=(spent - used) / read)


def _wait(
    connection: "psycopg.Connection[tuple[object, ...]]", count: int, running: list[RunningService]
) -> tuple[float, float]:
    """Until so many articles are stored; returns the time then, and what CPU the workers have used."""
    until = time.monotonic() + PATIENCE
    while True:
        row = connection.execute("SELECT count(*) FROM articles").fetchone()
        if row and int(str(row[0])) >= count:
            return time.monotonic(), sum(_cpu(one.process.pid) for one in running)
        if time.monotonic() > until:
            raise SystemExit(f"{count} articles were not read within {PATIENCE:.0f} s")
        time.sleep(0.05)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the rates of one and of two workers, in turns."""
    parser: argparse.ArgumentParser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    articles = chosen(arguments, 20, 120, 400)
    links = chosen(arguments, 200, LINKS, LINKS)
    found: dict[int, list[Run]] = {1: [], 2: []}
    for _ in range(arguments.rounds):
        for workers, runs in found.items():
            runs.append(measure(workers, articles, links))
            print(f"{workers} workers: {runs[-1].rate:.2f} a second, {runs[-1].cost * 1e3:.0f} ms CPU each", flush=True)
    one, two = (
        (statistics.median(run.rate for run in runs), statistics.median(run.cost for run in runs))
        for runs in found.values()
    )
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
    ]
    leave(arguments, figures)


if __name__ == "__main__":
    main()
