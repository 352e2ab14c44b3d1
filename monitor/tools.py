"""SHELL: what the cycle works with: database, fetcher, watch, clock, and two threads beside the event loop."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TypeVar

from sqlmodel import Session

from alerts.tracing import NoTracer, Tracer
from monitor.arrivals import store_arrivals
from monitor.clock import Clock
from monitor.notes import Notes
from monitor.page_readers import PageReaders
from monitor.reading.landings import Landings
from monitor.second_reader import SecondReader
from monitor.sources.http import Fetcher
from monitor.sources.parts import IndexBook
from monitor.sources.robots import Robots
from monitor.vault import Vault
from monitor.watch import Watch
from storage import articles, feeds, hosts
from storage.database import Database
from storage.errors import DatabaseError

_T = TypeVar("_T")
Work = Callable[[Session], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things are looked at; times as the settings give them."""

    min_interval: timedelta = timedelta(minutes=5)
    max_interval: timedelta = timedelta(hours=24)
    confirm_after: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushTerms:
    """On what terms hubs may push to us: our page's public address, for how long we ask, and how often a feed that is
    pushed is polled all the same.
    """

    callback_url: str
    lease: timedelta = timedelta(days=10)
    poll_every: timedelta = timedelta(hours=6)


class Tools:
    """What the cycle works with. `write` and `compute` keep the event loop free: a writer thread, a thinking thread."""

    def __init__(
        self,
        *,
        database: Database,
        fetcher: Fetcher,
        watch: Watch,
        clock: Clock,
        rng: Random,
        pace: Pace | None = None,
        second: SecondReader | None = None,
        push: PushTerms | None = None,
        vault: Vault | None = None,
        readers: int = 0,
        tracer: Tracer | None = None,
    ) -> None:
        """`watch` may be replaced while running (a story was added); the others stay. `second` proposes readings,
        `push` is None where no hub can reach us, `vault` where no evidence is kept, `tracer` where no traces are
        written. `readers` is the most processes that read pages beside us.
        """
        self.database = database
        self.fetcher = fetcher
        self.robots = Robots(fetcher)
        self.landings = Landings()
        self.indices = IndexBook()
        self.watch = watch
        self.clock = clock
        self.rng = rng
        self.pace = pace or Pace()
        self.second = second
        self.push = push
        self.vault = vault
        self.tracer: Tracer = tracer or NoTracer()
        self.notes = Notes(self.write, feeds.update_feeds)
        self.arrivals = Notes(self.write, store_arrivals)
        self.news: Notes[Work] = Notes(self.write, _run_all)
        self.readings = Notes(self.write, articles.note_readings)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storywatch-writer")
        self._thinker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storywatch-reader")
        self.pages = PageReaders(self.compute, most=readers)

    async def write(self, work: Callable[[Session], _T]) -> _T:
        """Run `work` in one write transaction, in the writer's thread."""

        def run() -> _T:
            with self.database.write() as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._writer, run)

    async def keep_manners(self) -> None:
        """Store what hosts asked of us since the last call. Raises DatabaseError; then it is stored at the next."""
        book = self.fetcher.book
        changes = book.take_changes() if book is not None else ()
        if book is None or not changes:
            return
        try:
            await self.news.put(lambda session: hosts.note_manners(session, changes))
        except DatabaseError:
            book.put_back(changes)
            raise

    async def compute(self, work: Callable[[], _T]) -> _T:
        """Run pure work in the thinking thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thinker, work)

    def close(self) -> None:
        """Let both threads finish what they began, and end the processes that read pages."""
        self.pages.close()
        self._thinker.shutdown()
        self._writer.shutdown()
        if self.vault is not None:
            self.vault.close()


def _run_all(session: Session, works: Iterable[Work]) -> None:
    for work in works:
        work(session)
