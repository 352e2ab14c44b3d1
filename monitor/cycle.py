"""SHELL: one page of one entry, one re-read of one article. Reads like the flow of the design; polls are next door.

Network first, outside any transaction; then thinking, which is pure; then one write. What a poll finds was put down as
waiting before its page is fetched, so a crash at any instant delays an article and never loses it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from monitor.entries import EntryOutcome, article_from_entry, new_article
from monitor.intake import Taken, accepted, accepted_stories, refold, take_article, take_version
from monitor.ledger.edit_events import removal_revision
from monitor.ledger.live_pages import extract_claims, without_passing_posts
from monitor.reading.landings import find_astray
from monitor.reading.livepages import place_posts
from monitor.reading.obstacles import MISSING, RESERVED
from monitor.reading.plausible import plausible_page
from monitor.reading.urls import canonical_url
from monitor.reading.versions import text_hash
from monitor.recognition import used_id
from monitor.returning import is_there_again, put_back, stay_away
from monitor.sources.answers import Exchange, Fetched, Trouble
from monitor.sources.http import PAGE_ACCEPT
from monitor.sources.parts import join_pages
from monitor.sources.policy import Conditions, conditions_for_article, hash_body, reread_at, return_at
from monitor.sources.robots import RobotsForbiddenError
from monitor.tools import Tools
from monitor.watch import Reading, Watch
from storage import articles, exhibits, feeds
from storage.codec import from_json
from storage.database import lock_story
from storage.errors import ArticleParseError, FetchError, HostRestsError, StorywatchError
from storage.keys import trace_id
from storage.records import Article, ArticleVersion, Entry, Feed, FeedKind, PageRead, ReadArticle, SeenEntry

_LOG = logging.getLogger(__name__)

# A page that cannot be fetched is tried again after these pauses; then what its feed says of it has to do.
PAGE_RETRIES = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 360))
REMOVED_MARK = "removed"
# A site that shows its front page, or words, for what is gone does not say so (404) and may only have a fault: it gets
# so many times as long until it is asked again.
UNSAID = 30
# A page that shrank to less than this share of its text is confirmed by a second fetch before it counts as an edit.
SHRUNK = 0.5


# --- the page of an entry -----------------------------------------------------------------------


async def read_entry(tools: Tools, feed: Feed, seen: SeenEntry) -> Taken | None:
    """Fetch the page of a waiting entry and take it in; None if it belongs to no story, or its page has to wait."""
    with tools.tracer.span("read", [seen.trace], feed=feed.url, entry=seen.entry_key):
        return await _read_entry(tools, feed, seen)


async def _read_entry(tools: Tools, feed: Feed, seen: SeenEntry) -> Taken | None:
    entry = from_json(Entry, seen.payload)
    now = tools.clock()
    page: ReadArticle | None = None
    fetched: Fetched | None = None
    body_hash: str | None = None
    is_chosen = tools.vault is not None and tools.vault.wants_feed(feed.url)
    kept = _Kept(is_wanted=is_chosen or (tools.vault is not None and tools.vault.wants_any_story))
    try:
        if entry.link:  # else the feed alone says what it says
            with tools.tracer.span("fetch", [seen.trace], url=entry.link):
                fetched, page = await _read_page(tools, entry.link, None, feed.lang, kept, title=entry.title)
    except (FetchError, ArticleParseError) as error:
        is_final = isinstance(error, RobotsForbiddenError | ArticleParseError) or not error.retryable
        if isinstance(error, HostRestsError):
            rested = replace(seen, retry_at=now + timedelta(seconds=error.seconds))
            await tools.write(lambda session: feeds.record_seen_entries(session, [rested]))
            return None
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
    elif fetched is not None:
        body_hash = _body_hash(fetched, page)
    final = page
    is_page = feed.kind is FeedKind.PAGE
    named = _stories_of(tools, feed) if is_page else ()
    with tools.tracer.span("extract", [seen.trace], url=entry.link):
        reading = await _ask_second(tools, await tools.compute(lambda: _read(tools.watch, final, named)), final)
    reading = accepted(reading, named)
    if not reading.claims and not feed.full and not is_page:
        await tools.write(lambda session: _settle(session, seen, None, EntryOutcome.NO_MATCH))
        return None
    hash_ = text_hash(final.title, final.text)
    new = new_article(feed, entry, final, fetched, key=seen.entry_key, now=now, hash_=hash_)
    new = replace(new, reread_at=reread_at(now, now) if entry.link else None, body_hash=body_hash, trace=seen.trace)

    def store(session: Session) -> Taken:
        taken = take_article(
            session, tools.watch, new, reading,
            claimed=canonical_url(final.canonical_url), used_id=used_id(session, entry, seen),
        )  # fmt: skip
        _settle(session, seen, taken.article.article_id, EntryOutcome.STORED)
        if is_chosen or _is_chosen(tools, session, taken.article, taken.stories):
            _keep(tools, session, kept, taken.article, now)
        return taken

    with tools.tracer.span("fold", [seen.trace], url=entry.link):
        return await tools.write(store)


@dataclass(slots=True, kw_only=True)
class _Kept:
    """The answers of one reading, a page each, if evidence may be wanted."""

    is_wanted: bool
    fetches: list[tuple[Exchange, ...]] = field(default_factory=list)


def _may_be_chosen(tools: Tools, article: Article) -> bool:
    """Whether the answer has to be kept until it is known what it belongs to."""
    if tools.vault is None or tools.vault.wants_any_story:
        return tools.vault is not None
    if not tools.vault.folder.exists():  # spares a query a page where no evidence was ever kept
        return False
    with tools.database.read() as session:
        return exhibits.has_exhibits(session, article.article_id)


def _is_chosen(tools: Tools, session: Session, article: Article, slugs: Sequence[str]) -> bool:
    """Whether an article's pages are evidence: its story is chosen, or its pages were kept before."""
    if tools.vault is None:
        return False
    if tools.vault.wants_stories(slugs):
        return True
    return tools.vault.folder.exists() and exhibits.has_exhibits(session, article.article_id)


def _keep(tools: Tools, session: Session, kept: _Kept, article: Article, now: datetime) -> None:
    for exchanges in kept.fetches:
        if tools.vault is not None and exchanges:
            tools.vault.keep(session, exchanges, now=now, article_id=article.article_id)


def _keep_same(tools: Tools, session: Session, kept: _Kept, article: Article, now: datetime) -> None:
    """Keep that a page stood as it was, where its pages are evidence."""
    if not _is_chosen(tools, session, article, articles.list_stories_of(session, article.article_id)):
        return
    for exchanges in kept.fetches:
        if tools.vault is not None and exchanges:
            tools.vault.keep_same(
                session,
                exchanges,
                now=now,
                is_same=lambda body: hash_body(body) == article.body_hash,
                article_id=article.article_id,
            )


def _stories_of(tools: Tools, feed: Feed) -> tuple[str, ...]:
    with tools.database.read() as session:
        return tuple(slug for slug in feeds.list_feed_stories(session, feed.feed_id) if slug in tools.watch.stories)


async def _read_page(
    tools: Tools, url: str, article: Article | None, lang: str | None, kept: _Kept, *, title: str
) -> tuple[Fetched, ReadArticle | None]:
    """The page at `url`; no text where it is what we hold: the server says so, or it came byte for byte as before.

    FetchError for any other status.

    `kept` takes up the raw answers where they are wanted; `title` is what is known as the article's.
    """
    held = conditions_for_article(article, tools.clock()) if article is not None else Conditions()
    asked = tools.fetcher.opened(
        url,
        etag=held.etag,
        last_modified=held.last_modified,
        accept=PAGE_ACCEPT,
        keep=kept.is_wanted,
        check=tools.robots.check,
    )
    async with asked as fetched:  # a large body is held until it is read
        kept.fetches.append(fetched.exchanges)
        if fetched.is_not_modified:
            return fetched, None
        if not fetched.is_success:
            if article is not None and fetched.trouble in (Trouble.GONE, Trouble.MISSING):
                return fetched, None
            error = FetchError(fetched.explain())
            error.retryable = fetched.trouble in (Trouble.SERVER, Trouble.THROTTLED)
            raise error
        if article is not None and article.body_hash == hash_body(fetched.body):
            return fetched, None
        page = await _read_answer(tools, fetched, lang, kept, is_held=article is not None)
        is_shared = article is not None and tools.landings.is_shared(url, fetched.final_url)
        found = find_astray(page, asked=url, found=fetched.final_url, title=title, is_shared=is_shared)
        return fetched, replace(page, obstacle=found) if found else page


async def _read_answer(tools: Tools, fetched: Fetched, lang: str | None, kept: _Kept, *, is_held: bool) -> ReadArticle:
    """The text of a page, with the pages that follow it; FetchError if one of these fails, and the article is held."""

    async def read(answer: Fetched) -> ReadArticle:
        if answer is not fetched:
            kept.fetches.append(answer.exchanges)
        return await tools.pages.read(answer.body, url=answer.final_url, content_type=answer.content_type, lang=lang)

    page = await read(fetched)
    if fetched.is_reserved:
        return replace(page, obstacle=RESERVED)
    whole = await join_pages(
        tools.fetcher, tools.robots, page, fetched.final_url, read, keep=kept.is_wanted, is_held=is_held
    )
    return plausible_page(whole, tools.clock())


def _read(watch: Watch, page: ReadArticle, forced: tuple[str, ...] = ()) -> Reading:
    return watch.read(
        title=page.title,
        text=page.text,
        published=page.published,
        lang=page.lang,
        forced=forced,
        parts=place_posts(page),
    )


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
    same; blank pages and walls are no edits, and neither is the page that a site shows for what is not there any more.
    """
    now = tools.clock()
    trace = trace_id("reread", article.url, now.isoformat())
    with tools.tracer.span("reread", [trace], is_root=True, url=article.url):
        return await _reread(tools, article, now, trace)


async def _reread(tools: Tools, article: Article, now: datetime, trace: str) -> Taken | None:
    kept = _Kept(is_wanted=_may_be_chosen(tools, article))
    try:
        with tools.tracer.span("fetch", [trace], url=article.url):
            fetched, page = await _read_page(tools, article.url, article, article.lang, kept, title=article.title)
    except (FetchError, ArticleParseError) as error:
        _LOG.info("%s", error)
        later = replace(article, reread_at=_later(article, error, now))
        await tools.write(lambda session: articles.update_article(session, later))
        return None
    if article.removed_at is not None and not is_there_again(tools, article, fetched, page):
        await stay_away(tools, article, now)
        return None
    if fetched.trouble is not None or (page is not None and page.obstacle == MISSING):
        wait = tools.pace.confirm_after * (1 if fetched.trouble is not None else UNSAID)
        return await tools.write(lambda session: _note_missing(session, tools, article, kept, now, trace, wait))
    if page is None or page.obstacle is not None or not page.text.strip():
        await _note_same(tools, article, fetched, page, now, trace)
        if page is None and kept.is_wanted:
            await tools.write(lambda session: _keep_same(tools, session, kept, article, now))
        return None
    final = page
    with tools.database.read() as session:
        held = articles.find_newest_version(session, article.article_id)
        earlier = {version.text_hash for version in articles.list_versions(session, article.article_id)}
        forced = accepted_stories(session, article.article_id)
    hash_ = text_hash(final.title, final.text)
    if held is not None and held.text_hash == hash_:
        await _note_same(tools, article, fetched, page, now, trace)
        return None
    dated = replace(final, published=article.published or final.published, lang=article.lang or final.lang)
    with tools.tracer.span("extract", [trace], url=article.url):
        reading = await _ask_second(tools, await tools.compute(lambda: _read(tools.watch, dated, forced)), dated)
    doubtful = held is not None and await tools.compute(
        lambda: hash_ in earlier or _takes_away(tools.watch, held, dated, reading)
    )
    if doubtful and article.pending_hash != hash_:
        waits = replace(article, pending_hash=hash_, pending_since=now, reread_at=now + tools.pace.confirm_after)
        await tools.write(lambda session: articles.update_article(session, waits))
        return None

    def store(session: Session) -> Taken:
        put_back(session, tools.watch, article, now=now, trace=trace)
        taken = take_version(
            session, tools.watch, article, reading, title=final.title, text=final.text, text_hash=hash_, now=now,
            parts=place_posts(final),
            trace=trace,
        )  # fmt: skip
        stored = articles.get_article(session, article.article_id)
        articles.note_readings(session, [_unchanged(stored, fetched, page, now)])
        if _is_chosen(tools, session, stored, taken.stories):
            _keep(tools, session, kept, stored, now)
        return taken

    with tools.tracer.span("fold", [trace], url=article.url):
        return await tools.write(store)


async def _note_same(
    tools: Tools, article: Article, fetched: Fetched, page: ReadArticle | None, now: datetime, trace: str
) -> None:
    """Note that a page says what it said; one that was gone is there again with it."""
    read = _unchanged(article, fetched, page, now)
    if article.removed_at is None:
        await tools.readings.put(read)
        return

    def store(session: Session) -> None:
        put_back(session, tools.watch, article, now=now, trace=trace)
        articles.note_readings(session, [read])

    await tools.write(store)


def _later(article: Article, error: StorywatchError, now: datetime) -> datetime | None:
    """When a page that could not be had is asked for again: at its age's pace, but not before its host is rested."""
    due = return_at(article.removed_at, now) if article.removed_at else reread_at(article.last_changed_at, now)
    if due is None or not isinstance(error, HostRestsError):
        return due
    return max(due, now + timedelta(seconds=error.seconds))


def _takes_away(watch: Watch, held: ArticleVersion, page: ReadArticle, reading: Reading) -> bool:
    """Whether a new text lacks a figure that the old one stated, or much of its length: worth a second look first.

    Of a live page, posts that newer ones pushed out are not missed.
    """
    parts = place_posts(page)
    (title, text), _ = without_passing_posts((held.title, held.text, held.parts), (page.title, page.text, parts))
    if len(page.text) < SHRUNK * len(text):
        return True
    for slug, found in reading.claims.items():
        old = extract_claims(watch.extractors[slug], title=title, text=text, published=page.published, lang=page.lang)
        now_stated = {(claim.metric, claim.value, claim.state) for claim in found}
        if any((claim.metric, claim.value, claim.state) not in now_stated for claim in old):
            return True
    return not reading.claims


def _body_hash(fetched: Fetched, page: ReadArticle) -> str | None:
    """The hash by which the same page is known again; none of an article on several pages, which are one text."""
    return None if page.next_url else hash_body(fetched.body)


def _unchanged(article: Article, fetched: Fetched, page: ReadArticle | None, now: datetime) -> PageRead:
    return PageRead(
        article_id=article.article_id,
        etag=fetched.etag or article.etag,
        last_modified=fetched.last_modified or article.last_modified,
        last_read_at=now,
        reread_at=reread_at(article.last_changed_at, now),
        body_hash=article.body_hash if page is None else _body_hash(fetched, page),
    )


def _note_missing(
    session: Session, tools: Tools, article: Article, kept: _Kept, now: datetime, trace: str, wait: timedelta
) -> Taken | None:
    """A page that is gone is asked for once more after `wait`; then it counts as removed, and its stories are told."""
    if article.pending_hash != REMOVED_MARK:
        waits = replace(article, pending_hash=REMOVED_MARK, pending_since=now, reread_at=now + wait)
        articles.update_article(session, waits)
        return None
    removed = replace(
        article, removed_at=now, reread_at=return_at(now, now), last_read_at=now, pending_hash=None, pending_since=None
    )
    articles.update_article(session, removed)
    slugs = [slug for slug in articles.list_stories_of(session, article.article_id) if slug in tools.watch.stories]
    if _is_chosen(tools, session, article, slugs):
        _keep(tools, session, kept, article, now)
    lock_story(session, *slugs)
    for slug in slugs:
        event = removal_revision(slug, removed, removed_at=now)
        refold(session, tools.watch, tools.watch.stories[slug], now=now, extra=(event,), trace=trace)
    return None
