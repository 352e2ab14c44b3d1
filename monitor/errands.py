"""SHELL: the pieces of work that fall due, each with what the log says of it: a poll, a page, a re-read.

Whoever decides that one is due calls them: the ticker of one process, or a worker that takes it from the queue.
"""

import logging
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from monitor.cycle import read_entry, reread_article
from monitor.intake import Taken
from monitor.measures import Measures
from monitor.polling import Polled, poll_feed
from monitor.tools import Tools
from storage import feeds
from storage.records import Article, Feed, SeenEntry

_LOG = logging.getLogger(__name__)

# So many feeds that cannot be reached, and none that can, are no accident of one site.
_ENOUGH = 3


class Errands:
    """Runs one piece of work at a time each; `on_alerts` is called after each commit that may have planned alerts."""

    def __init__(
        self, tools: Tools, *, on_alerts: Callable[[], None] = lambda: None, measures: Measures | None = None
    ) -> None:
        """`measures` counts what is done; without it nothing is counted."""
        self._measures = measures or Measures(CollectorRegistry())
        self._tools = tools
        self._on_alerts = on_alerts
        self._troubles = Troubles()

    async def poll(self, feed: Feed) -> None:
        """Poll a feed. Raises DatabaseError."""
        with self._measures.timed("poll"):
            polled = await poll_feed(self._tools, feed)
        await self._tools.keep_manners()
        self._troubles.note(polled, self._count_feeds)
        if polled.waiting:
            _LOG.info(
                "%s: %d of %d entries are worth reading",
                feed.source or feed.url,
                polled.waiting,
                polled.entries,
                extra={"about": {"trace": polled.trace, "feed": feed.feed_id}},
            )

    async def read(self, feed: Feed, seen: SeenEntry) -> None:
        """Read the page of an entry that waits. Raises DatabaseError."""
        with self._measures.timed("page"):
            taken = await read_entry(self._tools, feed, seen)
        await self._tools.keep_manners()
        self._tell(taken)

    async def reread(self, article: Article) -> None:
        """Read an article's page again. Raises DatabaseError."""
        with self._measures.timed("reread"):
            taken = await reread_article(self._tools, article)
        await self._tools.keep_manners()
        self._tell(taken)

    def _count_feeds(self) -> int:
        with self._tools.database.read() as session:
            return len(feeds.list_feeds(session))

    def _tell(self, taken: Taken | None) -> None:
        if taken is None or not taken.is_new:
            return
        self._measures.count(versions=1, claims=taken.claims, revisions=len(taken.revisions))
        about = {
            "trace": taken.version.trace, "article": taken.article.article_id, "version": taken.version.number,
        }  # fmt: skip
        _LOG.info(
            "%s: version %d is stored, with %d claims",
            taken.article.url,
            taken.version.number,
            taken.claims,
            extra={"about": about},
        )
        for revision in taken.revisions:
            _LOG.info(
                "%s: %s %s (%s)",
                revision.story,
                revision.key.metric or taken.article.title,
                revision.kind.value,
                taken.article.url,
                extra={"about": about | {"revision": revision.revision_id}},
            )
        if taken.revisions:
            self._on_alerts()


class Troubles:
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
