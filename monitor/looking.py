"""SHELL: one tick of the ticker: what is due is begun, at most so many at once, none twice."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from monitor.cycle import read_entry, reread_article
from monitor.intake import Taken
from monitor.polling import Polled, poll_feed
from monitor.tools import Tools
from storage import articles, feeds
from storage.errors import DatabaseError
from storage.records import Article, Feed, SeenEntry

_LOG = logging.getLogger(__name__)

# So many feeds that cannot be reached, and none that can, are no accident of one site.
_ENOUGH = 3

Key = tuple[str, str]
Work = Callable[[], Coroutine[Any, Any, None]]


class Looker:
    """Begins polls, page reads and re-reads as they fall due. `look` returns at once; the work goes on beside it."""

    def __init__(
        self, tools: Tools, *, concurrency: int, reread: bool = True, on_alerts: Callable[[], None] = lambda: None
    ) -> None:
        """`on_alerts` is called after each commit that may have planned alerts."""
        self._tools = tools
        self._concurrency = concurrency
        self._reread = reread
        self._on_alerts = on_alerts
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._is_finishing = False
        self._troubles = _Troubles()

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
                found.append((key, partial(self._read, feed, seen)))
            if self._reread:
                for article in articles.list_due_articles(session, now, limit=limit):
                    key = ("article", str(article.article_id))
                    found.append((key, partial(self._reread_one, article)))
            for feed in feeds.list_due_feeds(session, now, limit=limit):
                found.append((("feed", str(feed.feed_id)), partial(self._poll, feed)))
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

    async def _poll(self, feed: Feed) -> None:
        self._troubles.note(await poll_feed(self._tools, feed), self._count_feeds)

    def _count_feeds(self) -> int:
        with self._tools.database.read() as session:
            return len(feeds.list_feeds(session))

    async def _read(self, feed: Feed, seen: SeenEntry) -> None:
        self._tell(await read_entry(self._tools, feed, seen))

    async def _reread_one(self, article: Article) -> None:
        self._tell(await reread_article(self._tools, article))

    def _tell(self, taken: Taken | None) -> None:
        if taken is None or not taken.is_new:
            return
        for revision in taken.revisions:
            _LOG.info(
                "%s: %s %s (%s)",
                revision.story,
                revision.key.metric or taken.article.title,
                revision.kind.value,
                taken.article.url,
            )
        if taken.revisions:
            self._on_alerts()


class _Troubles:
    """Says once what is wrong with a feed, and in one line for all when nothing answers: a line a poll would drown the
    log, and a line a feed would hide that there is no network.
    """

    def __init__(self) -> None:
        self._unreachable: dict[int, str] = {}
        self._answering: set[int] = set()
        self._said: dict[int, str] = {}
        self._is_outage = False

    def note(self, polled: Polled, count: Callable[[], int]) -> None:
        """Take account of one poll; `count` gives the number of all feeds."""
        feed, message = polled.update.feed, polled.update.message
        if feed.failures and feed.last_status is None and polled.is_unreached:
            self._unreachable[feed.feed_id] = message
            self._answering.discard(feed.feed_id)
        else:
            self._unreachable.pop(feed.feed_id, None)
            self._answering.add(feed.feed_id)
            self._say(feed.feed_id, message)
        if self._answering:
            self._end_outage()
        elif not self._is_outage and len(self._unreachable) >= min(_ENOUGH, count()):
            self._is_outage = True
            _LOG.warning(
                "no feed can be reached (%s); is there a network? Polling goes on by itself when there is", message
            )

    def _end_outage(self) -> None:
        if self._is_outage:
            self._is_outage = False
            _LOG.info("feeds answer again")
        for feed_id, message in self._unreachable.items():
            self._say(feed_id, message)

    def _say(self, feed_id: int, message: str) -> None:
        """Say what is wrong unless it was the last thing said of this feed; a feed that is well may fail anew."""
        if message and self._said.get(feed_id) != message:
            _LOG.warning("%s", message)
        self._said[feed_id] = message
