"""SHELL: one tick of the ticker: what is due is begun, at most so many at once, none twice."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from sqlmodel import Session

from monitor.dealing import SLOW_SECONDS, Dealer, Room, host_of
from monitor.errands import Errands
from monitor.measures import Measures
from monitor.tools import Tools
from storage import articles, feeds
from storage.errors import DatabaseError

_LOG = logging.getLogger(__name__)

Key = tuple[str, str]
Work = Callable[[], Coroutine[Any, Any, None]]
Find = Callable[[Session], Work | None]


class Looker:
    """Begins polls, page reads and re-reads as they fall due. `look` returns at once; the work goes on beside it."""

    def __init__(
        self,
        tools: Tools,
        *,
        concurrency: int,
        reread: bool = True,
        slow_seconds: float = SLOW_SECONDS,
        on_alerts: Callable[[], None] = lambda: None,
        measures: Measures | None = None,
    ) -> None:
        """`concurrency` pieces at once, beside those of hosts that take longer than `slow_seconds` to answer.

        `on_alerts` is called after each commit that may have planned alerts; `measures` counts what is done.
        """
        self._tools = tools
        pacer = tools.fetcher.pacer
        self._dealer = Dealer(concurrency, pause_of=pacer.pause_of, rest_of=pacer.rest_of, slow_seconds=slow_seconds)
        self._reread = reread
        self._errands = Errands(tools, on_alerts=on_alerts, measures=measures)
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._ended: set[Key] = set()
        self._is_finishing = False

    async def look(self) -> int:
        """Begin what is due and not under way; returns how much was begun."""
        room = self._dealer.room(time.monotonic())
        if room.is_full:
            return 0
        self._ended.clear()
        due = await asyncio.get_running_loop().run_in_executor(None, self._find_due, room, frozenset(self._running))
        begun = 0
        for key, host, work in due:
            # What ended since was due when the store was asked, and is not any more.
            if not self._is_finishing and key not in self._running and key not in self._ended:
                self._begin(key, host, work)
                begun += 1
        return begun

    async def finish(self) -> None:
        """Begin nothing more and wait for what is under way; give it up after a while (it will be due again)."""
        self._is_finishing = True
        if self._running:
            _, pending = await asyncio.wait(self._running.values(), timeout=10)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _find_due(self, room: Room, running: frozenset[Key]) -> list[tuple[Key, str, Work]]:
        """What is due and has a place: pages of entries first, then articles to be read again, then feeds."""
        now = self._tools.clock()
        with self._tools.database.read() as session:
            chosen: list[tuple[Key, str, Find]] = []
            waiting: list[tuple[Key, str, Find]] = []
            for key, url, find in self._scan(session, now):
                if room.is_full:
                    break
                host = host_of(url)
                if key in running:
                    continue
                if room.take(host):
                    chosen.append((key, host, find))
                elif host in room.quick_hosts and len(waiting) < room.quick:
                    waiting.append((key, host, find))
            # Where few hosts have much to do, they share what nobody else wants.
            chosen += [one for one in waiting if room.take_left(one[1])]
            found = [(key, host, find(session)) for key, host, find in chosen]
        return [(key, host, work) for key, host, work in found if work is not None]

    def _scan(self, session: Session, now: datetime) -> Iterator[tuple[Key, str, Find]]:
        """Each piece of work that is due, with the address that it asks."""
        for feed_id, entry_key, link in feeds.scan_waiting_entries(session, now):
            yield ("entry", f"{feed_id}:{entry_key}"), link, partial(self._reading, feed_id, entry_key)
        if self._reread:
            for article_id, url in articles.scan_due_articles(session, now):
                yield ("article", str(article_id)), url, partial(self._rereading, article_id)
        for feed_id, url in feeds.scan_due_feeds(session, now):
            yield ("feed", str(feed_id)), url, partial(self._polling, feed_id)

    def _reading(self, feed_id: int, entry_key: str, session: Session) -> Work | None:
        seen = feeds.find_seen_entries(session, feed_id, [entry_key]).get(entry_key)
        if seen is None or seen.retry_at is None:
            return None  # settled since, by another command on the same database
        return partial(self._errands.read, feeds.get_feed(session, feed_id), seen)

    def _rereading(self, article_id: int, session: Session) -> Work:
        return partial(self._errands.reread, articles.get_article(session, article_id))

    def _polling(self, feed_id: int, session: Session) -> Work:
        return partial(self._errands.poll, feeds.get_feed(session, feed_id))

    def _begin(self, key: Key, host: str, work: Work) -> None:
        task = asyncio.create_task(self._guarded(work), name=" ".join(key))
        self._running[key] = task
        self._dealer.begin(key, host, time.monotonic())
        task.add_done_callback(lambda _: self._end(key))

    def _end(self, key: Key) -> None:
        del self._running[key]
        self._ended.add(key)
        self._dealer.end(key, time.monotonic())

    async def _guarded(self, work: Work) -> None:
        """One failure is one line, and what failed is due again: the service stays up."""
        try:
            await work()
        except DatabaseError as error:
            _LOG.error("%s", error)
            await asyncio.sleep(1.0)  # not to try again at once against a full disk or an absent server
        except Exception:
            if self._is_finishing:
                _LOG.debug("left off at the end; it is due again", exc_info=True)
                return
            _LOG.exception("this should not happen: please report it")
            await asyncio.sleep(1.0)
