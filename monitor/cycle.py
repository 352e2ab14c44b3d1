"""SHELL: one poll of one feed, one page of one entry, one re-read of one article. Reads like the flow of the design.

Network first, outside any transaction; then thinking, which is pure; then one write. What a poll finds is put down as
waiting before its page is fetched, so a crash at any instant delays an article and never loses it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TypeVar

from sqlmodel import Session

from monitor.clock import Clock
from monitor.entries import EntryOutcome, article_from_entry, entry_fingerprint, entry_key, guid_alias, new_article
from monitor.intake import Taken, accepted_stories, refold, take_article, take_version
from monitor.ledger.edit_events import removal_revision
from monitor.notes import Notes
from monitor.reading.articles import read_article
from monitor.reading.feeds import parse_feed
from monitor.reading.obstacles import RESERVED
from monitor.reading.urls import canonical_url
from monitor.reading.versions import text_hash
from monitor.second_reader import SecondReader
from monitor.sources.http import FEED_ACCEPT, PAGE_ACCEPT, Fetched, Fetcher, Trouble
from monitor.sources.parts import expand_index, join_pages
from monitor.sources.policy import FeedUpdate, conditions_for, decide_update, is_unchanged, reread_at
from monitor.sources.robots import Robots, RobotsForbiddenError
from monitor.watch import Reading, Watch
from storage import articles, feeds
from storage.codec import from_json, to_json
from storage.database import Database, lock_story
from storage.errors import ArticleParseError, FetchError, StorywatchError
from storage.records import Article, ArticleVersion, Entry, Feed, ParsedFeed, ReadArticle, SeenEntry

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

# A page that cannot be fetched is tried again after these pauses; then what its feed says of it has to do.
PAGE_RETRIES = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 360))
REMOVED_MARK = "removed"
# A page that shrank to less than this share of its text is confirmed by a second fetch before it counts as an edit.
SHRUNK = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things are looked at; times as the settings give them."""

    min_interval: timedelta = timedelta(minutes=5)
    max_interval: timedelta = timedelta(hours=24)
    confirm_after: timedelta = timedelta(minutes=2)


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
    ) -> None:
        """`watch` may be replaced while running (a story was added); the others stay. `second` proposes readings."""
        self.database = database
        self.fetcher = fetcher
        self.robots = Robots(fetcher)
        self.watch = watch
        self.clock = clock
        self.rng = rng
        self.pace = pace or Pace()
        self.second = second
        self.notes = Notes(self.write, feeds.update_feeds)
        self.news = Notes(self.write, _store_news)
        self.readings = Notes(self.write, articles.note_readings)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storywatch-writer")
        self._thinker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storywatch-reader")

    async def write(self, work: Callable[[Session], _T]) -> _T:
        """Run `work` in one write transaction, in the writer's thread."""

        def run() -> _T:
            with self.database.write() as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._writer, run)

    async def compute(self, work: Callable[[], _T]) -> _T:
        """Run pure work in the thinking thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thinker, work)

    def close(self) -> None:
        """Let both threads finish what they began."""
        self._thinker.shutdown()
        self._writer.shutdown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one poll of a feed came to. `is_unreached`: there was no answer at all."""

    update: FeedUpdate
    is_unreached: bool = False
    entries: int = 0
    waiting: int = 0


@dataclass(slots=True, kw_only=True)
class _News:
    """What a poll brought, on its way to be stored; `waiting` is filled in then."""

    feed: Feed
    is_moved: bool
    entries: tuple[Entry, ...]
    watch: Watch
    now: datetime
    waiting: int = 0


# --- a feed -----------------------------------------------------------------------------------


async def poll_feed(tools: Tools, feed: Feed) -> Polled:
    """Fetch a feed, parse it if it changed, and put down which of its entries are worth reading."""
    now = tools.clock()
    fetched, parsed, outcome = await _fetch_feed(tools, feed, now)
    pace = tools.pace
    update = decide_update(
        feed,
        outcome,
        parsed,
        now=tools.clock(),
        rng=tools.rng,
        min_interval=pace.min_interval,
        max_interval=pace.max_interval,
    )
    entries = parsed.entries if parsed is not None else ()
    if not entries and update.feed.url == feed.url:
        await tools.notes.put(update.feed)
        return Polled(update=update, is_unreached=fetched is None)
    news = _News(feed=update.feed, is_moved=update.feed.url != feed.url, entries=entries, watch=tools.watch, now=now)
    await tools.news.put(news)
    return Polled(update=update, entries=len(entries), waiting=news.waiting)


async def _fetch_feed(
    tools: Tools, feed: Feed, now: datetime
) -> tuple[Fetched | None, ParsedFeed | None, Fetched | StorywatchError]:
    conditions = conditions_for(feed, now)
    fetched = None
    try:
        fetched = await tools.fetcher.get(
            feed.url, etag=conditions.etag, last_modified=conditions.last_modified, accept=FEED_ACCEPT
        )
        if not fetched.is_success or is_unchanged(feed, fetched):
            return fetched, None, fetched
        parsed = await expand_index(tools.fetcher, await _parse(tools, fetched), now, partial(_parse, tools))
    except StorywatchError as error:
        return fetched, None, error
    return fetched, parsed, fetched


async def _parse(tools: Tools, answer: Fetched) -> ParsedFeed:
    return await tools.compute(lambda: parse_feed(answer.body, url=answer.final_url, content_type=answer.content_type))


def _store_news(session: Session, polls: Iterable["_News"]) -> None:
    for poll in polls:
        poll.waiting = _store_poll(session, poll)


def _store_poll(session: Session, poll: "_News") -> int:
    watch, feed, now = poll.watch, poll.feed, poll.now
    other = feeds.find_feed(session, feed.url) if poll.is_moved else None
    if other is not None and other.feed_id != feed.feed_id:
        # It moved to an address that is polled already: keep the old address, ask again rarely.
        feed = replace(feed, url=_url_of(session, feed.feed_id))
    feeds.update_feed(session, feed)
    found = {entry_key(entry): entry for entry in reversed(poll.entries)}
    seen = feeds.find_seen_entries(session, feed.feed_id, found)
    links = {key: canonical_url(entry.link) for key, entry in found.items()}
    known = articles.find_articles(
        session, [*links.values(), *(guid_alias(feed.feed_id, entry) for entry in found.values())]
    )
    notes, waiting = [], 0
    for key, entry in found.items():
        print_ = entry_fingerprint(entry)
        before = seen.get(key)
        if before is not None and before.fingerprint == print_:
            continue
        number = known.get(links[key]) or known.get(guid_alias(feed.feed_id, entry)) or (before and before.article_id)
        note = SeenEntry(
            feed_id=feed.feed_id, entry_key=key, outcome=EntryOutcome.NO_MATCH, seen_at=now, fingerprint=print_
        )
        if number:
            note = replace(note, outcome=EntryOutcome.STORED, article_id=number)
            _hasten(session, number, now)
        elif feed.full or watch.could_match(title=entry.title, summary=entry.summary):
            note = replace(note, outcome=EntryOutcome.WAITING, retry_at=now, payload=to_json(entry))
            waiting += 1
        notes.append(note)
    feeds.record_seen_entries(session, notes)
    return waiting


def _url_of(session: Session, feed_id: int) -> str:
    return feeds.get_feed(session, feed_id).url


def _hasten(session: Session, article_id: int, now: datetime) -> None:
    """Its feed says that an article changed: read it now, not when its turn comes."""
    article = articles.get_article(session, article_id)
    if article.removed_at is None and (article.reread_at is None or article.reread_at > now):
        articles.update_article(session, replace(article, reread_at=now))


# --- the page of an entry -----------------------------------------------------------------------


async def read_entry(tools: Tools, feed: Feed, seen: SeenEntry) -> Taken | None:
    """Fetch the page of a waiting entry and take it in; None if it belongs to no story, or its page has to wait."""
    entry = from_json(Entry, seen.payload)
    now = tools.clock()
    page: ReadArticle | None = None
    fetched: Fetched | None = None
    try:
        fetched, page = await _read_page(tools, entry.link, None, feed.lang)
    except (FetchError, ArticleParseError) as error:
        is_final = isinstance(error, RobotsForbiddenError | ArticleParseError) or not error.retryable
        if not is_final and seen.attempts < len(PAGE_RETRIES):
            _LOG.info("%s", error)
            retry_at = now + PAGE_RETRIES[seen.attempts]
            note = replace(seen, attempts=seen.attempts + 1, retry_at=retry_at, outcome=EntryOutcome.WAITING)
            await tools.write(lambda session: feeds.record_seen_entries(session, [note]))
            return None
        _LOG.info("%s; what the feed says of it is kept", error)
    if page is None or page.obstacle is not None or not page.text.strip():
        if page is not None:
            wall = page.obstacle or "blank"
            _LOG.info("%s: no article text (%s); what the feed says of it is kept", entry.link, wall)
        page = article_from_entry(entry)
    final = page
    reading = await _ask_second(tools, await tools.compute(lambda: _read(tools.watch, final)), final)
    if not reading.claims and not feed.full:
        await tools.write(lambda session: _settle(session, seen, None, EntryOutcome.NO_MATCH))
        return None
    new = new_article(feed, entry, final, fetched, now=now, hash_=text_hash(final.title, final.text))
    new = replace(new, reread_at=reread_at(now, now))

    def store(session: Session) -> Taken:
        taken = take_article(session, tools.watch, new, reading)
        _settle(session, seen, taken.article.article_id, EntryOutcome.STORED)
        return taken

    return await tools.write(store)


async def _read_page(
    tools: Tools, url: str, article: Article | None, lang: str | None
) -> tuple[Fetched, ReadArticle | None]:
    """The page at `url`; no text where the server says that it is what we hold. FetchError for any other status."""
    await tools.robots.check(url)
    fetched = await tools.fetcher.get(
        url,
        etag=article.etag if article else None,
        last_modified=article.last_modified if article else None,
        accept=PAGE_ACCEPT,
    )
    if fetched.is_not_modified:
        return fetched, None
    if not fetched.is_success:
        error = FetchError(fetched.explain())
        error.retryable = fetched.trouble in (Trouble.SERVER, Trouble.THROTTLED)
        if article is not None and fetched.trouble in (Trouble.GONE, Trouble.MISSING):
            return fetched, None
        raise error

    async def read(answer: Fetched) -> ReadArticle:
        return await tools.compute(
            lambda: read_article(answer.body, url=answer.final_url, content_type=answer.content_type, lang=lang)
        )

    page = await read(fetched)
    if fetched.is_reserved:
        return fetched, replace(page, obstacle=RESERVED)
    return fetched, await join_pages(tools.fetcher, tools.robots, page, fetched.final_url, read)


def _read(watch: Watch, page: ReadArticle, forced: tuple[str, ...] = ()) -> Reading:
    return watch.read(title=page.title, text=page.text, published=page.published, lang=page.lang, forced=forced)


async def _ask_second(tools: Tools, reading: Reading, page: ReadArticle) -> Reading:
    """The reading with a second reader's proposals, where one is set up."""
    if tools.second is None:
        return reading
    return await tools.second.add_proposals(reading, title=page.title, text=page.text, lang=page.lang)


def _settle(session: Session, seen: SeenEntry, article_id: int | None, outcome: EntryOutcome) -> None:
    feeds.record_seen_entries(
        session, [replace(seen, outcome=outcome, article_id=article_id, retry_at=None, payload="")]
    )


# --- an article read again ------------------------------------------------------------------------


async def reread_article(tools: Tools, article: Article) -> Taken | None:
    """Read an article's page again; if its text changed, a version is stored with what it brings. Else None.

    A removal, a page that shrank, and an edit that takes a figure out are stored only when a second fetch shows the
    same; blank pages and walls are no edits.
    """
    now = tools.clock()
    try:
        fetched, page = await _read_page(tools, article.url, article, article.lang)
    except (FetchError, ArticleParseError) as error:
        _LOG.info("%s", error)
        later = replace(article, reread_at=reread_at(article.last_changed_at, now))
        await tools.write(lambda session: articles.update_article(session, later))
        return None
    if fetched.trouble is not None:
        return await tools.write(lambda session: _note_missing(session, tools, article, now))
    if page is None or page.obstacle is not None or not page.text.strip():
        await tools.readings.put(_unchanged(article, fetched, now))
        return None
    final = page
    with tools.database.read() as session:
        held = articles.find_newest_version(session, article.article_id)
        earlier = {version.text_hash for version in articles.list_versions(session, article.article_id)}
        forced = accepted_stories(session, article.article_id)
    hash_ = text_hash(final.title, final.text)
    if held is not None and held.text_hash == hash_:
        await tools.readings.put(_unchanged(article, fetched, now))
        return None
    dated = replace(final, published=article.published or final.published, lang=article.lang or final.lang)
    reading = await _ask_second(tools, await tools.compute(lambda: _read(tools.watch, dated, forced)), dated)
    doubtful = held is not None and await tools.compute(
        lambda: hash_ in earlier or _takes_away(tools.watch, held, dated, reading)
    )
    if doubtful and article.pending_hash != hash_:
        waits = replace(article, pending_hash=hash_, pending_since=now, reread_at=now + tools.pace.confirm_after)
        await tools.write(lambda session: articles.update_article(session, waits))
        return None

    def store(session: Session) -> Taken:
        taken = take_version(
            session, tools.watch, article, reading, title=final.title, text=final.text, text_hash=hash_, now=now
        )
        stored = articles.get_article(session, article.article_id)
        articles.note_readings(session, [_unchanged(stored, fetched, now)])
        return taken

    return await tools.write(store)


def _takes_away(watch: Watch, held: ArticleVersion, page: ReadArticle, reading: Reading) -> bool:
    """Whether a new text lacks a figure that the old one stated, or much of its length: worth a second look first."""
    if len(page.text) < SHRUNK * len(held.text):
        return True
    for slug, found in reading.claims.items():
        old = watch.extractors[slug].extract(title=held.title, text=held.text, published=page.published, lang=page.lang)
        now_stated = {(claim.metric, claim.value, claim.state) for claim in found}
        if any((claim.metric, claim.value, claim.state) not in now_stated for claim in old):
            return True
    return not reading.claims


def _unchanged(article: Article, fetched: Fetched, now: datetime) -> Article:
    return replace(
        article,
        etag=fetched.etag or article.etag,
        last_modified=fetched.last_modified or article.last_modified,
        last_read_at=now,
        reread_at=reread_at(article.last_changed_at, now),
        pending_hash=None,
        pending_since=None,
    )


def _note_missing(session: Session, tools: Tools, article: Article, now: datetime) -> Taken | None:
    """A page that is gone is asked for once more; then it counts as removed, and its stories are told."""
    if article.pending_hash != REMOVED_MARK:
        waits = replace(article, pending_hash=REMOVED_MARK, pending_since=now, reread_at=now + tools.pace.confirm_after)
        articles.update_article(session, waits)
        return None
    removed = replace(article, removed_at=now, reread_at=None, last_read_at=now, pending_hash=None, pending_since=None)
    articles.update_article(session, removed)
    version = articles.find_newest_version(session, article.article_id)
    slugs = [slug for slug in articles.list_stories_of(session, article.article_id) if slug in tools.watch.stories]
    lock_story(session, *slugs)
    for slug in slugs:
        event = removal_revision(slug, removed, version, removed_at=now)
        refold(session, tools.watch, tools.watch.stories[slug], now=now, extra=(event,))
    return None
