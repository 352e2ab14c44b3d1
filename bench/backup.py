"""A backup while feeds are polled and articles come in: is it one moment, can it be restored, and does polling go on?

python -m bench.backup [--size quick] [--articles 100000] [--database sqlite:///filled.db]

Feeds are polled over and over through the service's own poll, and an article is stored after each pass, in the process
that takes the backup, as in the service. The longest time between two polls is told for a while before the backup and
for the time it took. The copy is then restored into an empty place and everything in it is proved.
"""

import asyncio
import shutil
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

from bench.corpus import Corpus
from bench.feedserver import FeedServer
from bench.figures import Figure, bounded, chosen, leave, options
from bench.ingest import fill
from monitor.polling import poll_feed
from monitor.sources.http import Fetcher
from monitor.tools import Pace, Tools
from monitor.watch import Watch
from storage import articles, feeds, keeping
from storage.database import Database
from storage.records import FeedSpec

FEEDS = 20


def main() -> None:
    """Take a backup amid polling, restore and prove it."""
    parser = options(__doc__)
    parser.add_argument("--articles", type=int)
    parser.add_argument(
        "--database", help="a SQLite file filled by `python -m bench.ingest --fill`; polled into, so copy it"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, FeedServer(feeds=FEEDS) as server:
        database = Database(arguments.database or f"sqlite:///{folder}/bench.db")
        if not arguments.database:
            fill(database, arguments.articles or chosen(arguments, 300, 5_000, 100_000))
        polling = _Polling(database, server)
        polling.start()
        time.sleep(chosen(arguments, 1, 5, 15))
        before = _count(database)
        started = time.monotonic()
        size = keeping.backup(database, Path(folder) / "backup.db")
        ended = time.monotonic()
        after = _count(database)
        polling.stop()
        quiet, busy = polling.longest_gap(0, started), polling.longest_gap(started, ended)
        polled = polling.polls(started, ended)
        database.close()
        restored = Database(f"sqlite:///{folder}/restored/restored.db")
        keeping.restore(Path(folder) / "backup.db", restored)
        with restored.read() as session:
            problems = list(keeping.find_problems(session))
            held = articles.count_articles(session)
        restored.close()
        shutil.rmtree(Path(folder) / "restored")
    taken = ended - started
    print(f"backup of {size / 1e6:.0f} MB in {taken:.1f} s: {held} articles; {before} before it, {after} after")
    print(f"restored and proved: {len(problems)} problems")
    print(
        f"{polled} polls meanwhile; longest time between two: {quiet * 1e3:.0f} ms before, {busy * 1e3:.0f} ms during"
    )
    is_whole = before <= held <= after and not problems
    leave(
        arguments,
        [
            Figure(
                what=f"backup of {held:,} articles while polling, restored: problems",
                ours=str(len(problems) + (not before <= held <= after)),
                asked="0",
                is_met=is_whole,
            ),
            bounded("polls while it was taken", polled, "polls", at_least=1),
            Figure(
                what="longest time between two polls",
                ours=f"{busy * 1e3:.0f} ms",
                theirs=f"{quiet * 1e3:.0f} ms before",
            ),
        ],
    )


def _count(database: Database) -> int:
    with database.read() as session:
        return articles.count_articles(session)


class _Polling:
    """Polls all feeds over and over in a thread of its own, and stores an article after each pass."""

    def __init__(self, database: Database, server: FeedServer) -> None:
        self._database = database
        self._server = server
        self._times: list[float] = []
        self._is_over = False
        self._is_warm = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def start(self) -> None:
        """Returns after the first pass."""
        self._thread.start()
        self._is_warm.wait(120)

    def stop(self) -> None:
        self._is_over = True
        self._thread.join()

    def polls(self, start: float, end: float) -> int:
        return sum(start <= moment <= end for moment in self._times)

    def longest_gap(self, start: float, end: float) -> float:
        """The longest time without a poll that began within [start, end], in seconds."""
        return max(
            (after - before for before, after in pairwise(self._times) if start <= after and before <= end), default=0
        )

    async def _run(self) -> None:
        now = datetime(2027, 1, 1, tzinfo=UTC)
        news = Corpus(10_000_000).articles(9_000_000)
        with self._database.write() as session:
            for number in range(FEEDS):
                feeds.add_feed(session, FeedSpec(url=self._server.feed_url(number)), due_at=now)
        async with Fetcher(allow_private=True, connections=FEEDS) as fetcher:
            tools = Tools(
                database=self._database, fetcher=fetcher, watch=Watch([]), clock=lambda: now, rng=Random(1), pace=Pace()
            )
            while True:
                with self._database.read() as session:
                    due = feeds.list_due_feeds(session, now, limit=FEEDS)
                for feed in due:
                    await poll_feed(tools, feed)
                    self._times.append(time.monotonic())
                with self._database.write() as session:
                    articles.add_article(session, next(news))
                self._is_warm.set()
                if self._is_over:
                    break
                now += timedelta(days=2)
            tools.close()


if __name__ == "__main__":
    main()
