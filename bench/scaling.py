"""From 1,000 to 1,000,000 feeds on paper: a simulated day of polls, pages and re-reads, priced by measured unit costs.

python -m bench.scaling [--matched 0.01] [--seed 1]              the table of docs/scaling.md
python -m bench.scaling --measure [--feeds 120]                  what a poll through the queue costs, on this machine

When feeds are polled and articles read again is asked of the very functions that the service asks.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.sources.policy import poll_interval, reread_at
from tests.support.commandline import PROGRAM, CommandLine, free_port, seed, settings
from tests.support.postgres import running_postgres
from tests.support.webserver import Reply, WebServer

# Seconds of CPU: docs/performance.md says which command measured each, the queue's by `--measure`.
UNCHANGED_POLL, NEWS_POLL, PAGE, READING, STORING, REREAD = 0.00023, 0.0051, 1 / 71, 1 / 463, 0.0007, 0.0003
QUEUE = 0.014
BYTES_AN_ARTICLE = 3_000 * 2.46
# So many feeds and articles a day; the publishing of feeds is spread over three orders of magnitude, as real ones are.
SIZES = ((1_000, 10_000), (10_000, 100_000), (100_000, 1_000_000), (1_000_000, 10_000_000))
SAMPLE = 20_000
BUSY = 0.5


@dataclass(frozen=True)
class Day:
    """A day of a fleet of feeds."""

    feeds: int
    articles: int
    polls: float
    news: float
    rereads: float
    cpu: float

    @property
    def cores(self) -> float:
        """Cores that are half busy on the average: news comes in bursts."""
        return self.cpu / 86_400 / BUSY


def simulate(feeds: int, articles: int, *, matched: float, queue: float, rng: random.Random) -> Day:
    """One day; `matched` is the share of articles that belong to a story, `queue` the CPU of a piece of work in it."""
    weights = [rng.lognormvariate(0, 1.8) for _ in range(SAMPLE)]
    scale = articles / feeds / (sum(weights) / SAMPLE)
    polls = news = 0.0
    for weight in weights:
        a_day = weight * scale
        count = timedelta(days=1) / poll_interval(a_day * 7)
        polls += count
        news += min(count, a_day)  # polls that bring something: at most one for each entry
    polls, news = polls * feeds / SAMPLE, news * feeds / SAMPLE
    pages = articles * matched
    rereads = pages * rereads_of_an_article()
    work = (polls - news) * UNCHANGED_POLL + news * NEWS_POLL + pages * (PAGE + READING + STORING) + rereads * REREAD
    cpu = work + queue * (polls + pages + rereads)
    return Day(feeds=feeds, articles=articles, polls=polls, news=news, rereads=rereads, cpu=cpu)


def rereads_of_an_article() -> float:
    """How often a matched article that never changes is read again in its life."""
    published = now = datetime(2022, 1, 1, tzinfo=UTC)
    count = 0
    while (after := reread_at(published, now)) is not None:
        now, count = after, count + 1
    return count


def table(*, matched: float, queue: float, rng: random.Random) -> str:
    """The days of all sizes, as a table."""
    heads = ("feeds", "articles a day", "polls/s", "with news/s", "re-reads/s", "cores", "writes/s", "stored a year")
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for feeds, articles in SIZES:
        day = simulate(feeds, articles, matched=matched, queue=queue, rng=rng)
        pages = articles * matched
        writes = (day.polls + articles + pages * 4 + day.rereads) / 86_400
        stored = pages * 365 * BYTES_AN_ARTICLE / 1e9
        a_second = [f"{count / 86_400:,.1f}" for count in (day.polls, day.news, day.rereads)]
        cells = [f"{feeds:,}", f"{articles:,}", *a_second, f"{day.cores:,.2f}", f"{writes:,.1f}", f"{stored:,.1f} GB"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def measure(feeds: int, seconds: float = 20.0) -> float:
    """Seconds of CPU of scheduler and worker together for one unchanged poll through the queue."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storywatch-scaling-")))
        postgres = stack.enter_context(running_postgres())
        site = stack.enter_context(WebServer(host="0.0.0.0"))
        site.add("*", Reply(body=b"<rss version='2.0'><channel/></rss>", headers={"ETag": '"1"'}))
        line = CommandLine(folder, STORYWATCH_DATABASE_URL=postgres.create("scaling"))
        named = {f"S{n}": site.url(f"/{n}", host=f"127.0.{n // 250}.{n % 250 + 2}") for n in range(feeds)}
        line.write("seeds/s.toml", seed("s", named))
        line.write("storywatch.toml", settings(port=free_port()))
        if (done := line.run("db", "upgrade")).returncode:
            raise SystemExit(done.stderr)
        running = [
            subprocess.Popen([str(PROGRAM), part], cwd=folder, env=line.environment, stderr=subprocess.DEVNULL)
            for part in ("scheduler", "worker")
        ]
        try:
            until = time.monotonic() + 120
            while len(site.requests) < 2 * feeds and time.monotonic() < until:
                time.sleep(0.2)
            before, asked = sum(cpu_of(one.pid) for one in running), len(site.requests)
            time.sleep(seconds)
            spent, polls = sum(cpu_of(one.pid) for one in running) - before, len(site.requests) - asked
        finally:
            for one in running:
                one.terminate()
            for one in running:
                one.wait()
        if not polls:
            raise SystemExit("nothing was polled: the workers did not start in time")
        each = spent / polls * 1e3
        print(f"{polls} polls in {seconds:.0f} s; CPU of scheduler and worker {spent:.2f} s: {each:.2f} ms each")
        return spent / polls


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> int:
    """Print the table, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matched", type=float, default=0.01)
    parser.add_argument("--queue", type=float, default=QUEUE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--feeds", type=int, default=120)
    options = parser.parse_args()
    if options.measure:
        measure(options.feeds)
        return 0
    print(table(matched=options.matched, queue=options.queue, rng=random.Random(options.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
