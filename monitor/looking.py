"""SHELL: one tick of the ticker: what is due is begun, at most so many at once, none twice."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from monitor.errands import Errands
from monitor.measures import Measures
from monitor.tools import Tools
from storage import articles, feeds
from storage.errors import DatabaseError
from storage.records import Feed

_LOG = logging.getLogger(__name__)

Key = tuple[str, str]
Work = Callable[[], Coroutine[Any, Any, None]]


class Looker:
    """Begins polls, page reads and re-reads as they fall due. `look` returns at once; the work goes on beside it."""

    def __init__(
        self,
        tools: Tools,
        *,
        concurrency: int,
        reread: bool = True,
        on_alerts: Callable[[], None] = lambda: None,
        measures: Measures | None = None,
    ) -> None:
        """`on_alerts` is called after each commit that may have planned alerts; `measures` counts what is done."""
        self._tools = tools
        self._concurrency = concurrency
        self._reread = reread
        self._errands = Errands(tools, on_alerts=on_alerts, measures=measures)
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._is_finishing = False

    async def look(self) -> int:
        """Begin what is due and not under way; returns how much was begun."""
        room = self._concurrency - len(self._running)
        if room <= 0:
            return 0
        due = await asyncio.get_running_loop().run_in_executor(None, self._find_due, room + len(self._running))
        begun = 0
        for key, work in due:
            if begun >= room or self._is_finishing:
                break
            if key not in self._running:
                self._begin(key, work)
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

    def _find_due(self, limit: int) -> list[tuple[Key, Work]]:
        """What is due: pages of entries first, then articles to be read again, then feeds."""
        now = self._tools.clock()
        found: list[tuple[Key, Work]] = []
        with self._tools.database.read() as session:
            by_id: dict[int, Feed] = {}
            for seen in feeds.list_waiting_entries(session, now, limit=limit):
                feed = by_id.setdefault(seen.feed_id, feeds.get_feed(session, seen.feed_id))
                key = ("entry", f"{seen.feed_id}:{seen.entry_key}")
                found.append((key, partial(self._errands.read, feed, seen)))
            if self._reread:
                for article in articles.list_due_articles(session, now, limit=limit):
                    key = ("article", str(article.article_id))
                    found.append((key, partial(self._errands.reread, article)))
            for feed in feeds.list_due_feeds(session, now, limit=limit):
                found.append((("feed", str(feed.feed_id)), partial(self._errands.poll, feed)))
        return found

    def _begin(self, key: Key, work: Work) -> None:
        task = asyncio.create_task(self._guarded(work), name=" ".join(key))
        self._running[key] = task
        task.add_done_callback(lambda _: self._running.pop(key, None))

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
