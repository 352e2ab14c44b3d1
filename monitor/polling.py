"""SHELL: one poll of one feed, one push of a hub, one look at a watched page: what they bring is put down as waiting.

Network first, outside any transaction; then thinking, which is pure; then one write. A crash at any instant delays an
article and never loses it.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from monitor.arrivals import Arrival
from monitor.reading.feeds import parse_feed, storable_feed
from monitor.reading.obstacles import RESERVED
from monitor.reading.plausible import plausible_feed, plausible_page
from monitor.sources.answers import Fetched
from monitor.sources.http import FEED_ACCEPT, PAGE_ACCEPT
from monitor.sources.parts import Expanded, expand_index
from monitor.sources.policy import (
    Conditions,
    FeedUpdate,
    complain,
    conditions_for,
    decide_update,
    hash_body,
    is_index,
    is_unchanged,
    stay,
)
from monitor.sources.websub import find_offer, is_relied_on
from monitor.tools import Tools
from storage import feeds, pushes
from storage.errors import DatabaseError, FeedParseError, StorywatchError
from storage.keys import trace_id
from storage.records import Entry, Feed, FeedKind, ParsedFeed, ReadArticle


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one poll of a feed came to. `trace` is its id, `is_unreached`: there was no answer at all."""

    update: FeedUpdate
    trace: str
    is_unreached: bool = False
    entries: int = 0
    waiting: int = 0


async def poll_feed(tools: Tools, feed: Feed) -> Polled:
    """Fetch a feed, parse it if it changed, and put down which of its entries are worth reading."""
    now = tools.clock()
    trace = trace_of(feed, now)
    with tools.tracer.span("poll", [trace], is_root=True, feed=feed.url):
        async with AsyncExitStack() as answers:  # a large body is held until it is done with
            return await _poll(tools, feed, answers, now, trace)


def trace_of(feed: Feed, now: datetime) -> str:
    """PURE: the id of one poll of a feed, or of one push."""
    return trace_id("poll", feed.url, now.isoformat())


async def _poll(tools: Tools, feed: Feed, answers: AsyncExitStack, now: datetime, trace: str) -> Polled:
    with tools.tracer.span("fetch", [trace], url=feed.url):
        fetched, read, outcome = await _fetch_feed(tools, feed, now, answers)
    parsed = read.feed if read is not None else None
    slowest = _least_pause(tools, feed, now)
    update = decide_update(
        feed,
        outcome,
        parsed,
        now=tools.clock(),
        rng=tools.rng,
        min_interval=max(tools.pace.min_interval, slowest),
        max_interval=max(tools.pace.max_interval, slowest),
    )
    if update.feed.url != feed.url and _is_polled(tools, update.feed):
        update = stay(feed, update, now=tools.clock())
    if read is not None and read.complaint:
        update = complain(update, read.complaint)
    is_moved = update.feed.url != feed.url
    if (parsed is None or not parsed.entries) and not is_moved:
        await tools.notes.put(update.feed)
        if read is not None:
            tools.indices.note(feed, read, now)
        if fetched is not None and fetched.exchanges and is_unchanged(feed, fetched):
            await tools.news.put(partial(_keep_same, tools, feed, fetched, now))
        return Polled(update=update, trace=trace, is_unreached=fetched is None)
    news = Arrival(
        feed=update.feed,
        watch=tools.watch,
        now=now,
        trace=trace,
        parsed=parsed or ParsedFeed(),
        is_moved=is_moved,
        offer=find_offer(fetched, parsed) if fetched is not None and parsed is not None else None,
        is_push_wanted=tools.push is not None and parsed is not None,
        answer=fetched,
        vault=tools.vault,
    )
    await tools.arrivals.put(news)
    if read is not None:
        tools.indices.note(feed, read, now)
    return Polled(update=update, trace=trace, entries=len(news.parsed.entries), waiting=news.waiting)


async def take_push(tools: Tools, feed: Feed, pushed: Fetched) -> int:
    """Take in what a hub pushed of a feed as if it had been polled; returns how many entries wait to be read.

    Raises FeedParseError for what is no feed, DatabaseError where it could not be stored (the hub pushes again).
    """
    now = tools.clock()
    trace = trace_of(feed, now)
    with tools.tracer.span("push", [trace], is_root=True, feed=feed.url):
        parsed = await _parse(tools, feed, pushed)
        news = Arrival(feed=feed, watch=tools.watch, now=now, trace=trace, parsed=parsed, is_push=True)
        await tools.arrivals.put(news)
    return news.waiting


def _is_polled(tools: Tools, moved: Feed) -> bool:
    """Whether the address that a feed moved to is another feed's."""
    with tools.database.read() as session:
        other = feeds.find_feed(session, moved.url)
    return other is not None and other.feed_id != moved.feed_id


def _least_pause(tools: Tools, feed: Feed, now: datetime) -> timedelta:
    """A feed whose hub pushes reliably is polled only now and then."""
    if tools.push is None:
        return timedelta(0)
    with tools.database.read() as session:
        subscription = pushes.find_push(session, feed.feed_id)
    return tools.push.poll_every if is_relied_on(subscription, now) else timedelta(0)


async def _fetch_feed(
    tools: Tools, feed: Feed, now: datetime, answers: AsyncExitStack
) -> tuple[Fetched | None, Expanded | None, Fetched | StorywatchError]:
    index = tools.indices.find_index(feed)
    # An index that stands still is read again all the same: its files may have changed.
    conditions = conditions_for(feed, now) if index is not None or not is_index(feed) else Conditions()
    is_page = feed.kind is FeedKind.PAGE
    fetched = None
    try:
        asked = tools.fetcher.opened(
            feed.url,
            etag=conditions.etag,
            last_modified=conditions.last_modified,
            accept=PAGE_ACCEPT if is_page else FEED_ACCEPT,
            keep=tools.vault is not None and not is_page and tools.vault.wants_feed(feed.url),
            check=tools.robots.check if is_page else None,
        )
        fetched = await answers.enter_async_context(asked)
        if not fetched.is_success or (index is None and is_unchanged(feed, fetched)):
            return fetched, None, fetched
        parse = partial(_parse, tools, feed)
        parsed = index if index is not None and fetched.is_not_modified else await parse(fetched)
        held = tools.indices.parts_of(feed, parsed, now)
        read = await expand_index(tools.fetcher, parsed, now, parse, name=feed.url, held=held)
    except DatabaseError:
        raise  # no fault of the feed
    except StorywatchError as error:
        return fetched, None, error
    return fetched, read, fetched


async def _parse(tools: Tools, feed: Feed, answer: Fetched) -> ParsedFeed:
    if feed.kind is FeedKind.PAGE:
        page = await tools.pages.read(
            answer.body, url=answer.final_url, content_type=answer.content_type, lang=feed.lang
        )
        return page_as_feed(feed, plausible_page(page, tools.clock()), is_reserved=answer.is_reserved)
    now = tools.clock()

    def read() -> ParsedFeed:
        parsed = parse_feed(answer.body, url=answer.final_url, content_type=answer.content_type)
        return plausible_feed(storable_feed(parsed), now)

    return await tools.compute(read)


def page_as_feed(feed: Feed, page: ReadArticle, *, is_reserved: bool = False) -> ParsedFeed:
    """PURE: a watched page as a feed of one entry, which is the page itself; `is_reserved` as its headers say.

    Raises FeedParseError where a wall or nothing stands there.
    """
    obstacle = RESERVED if is_reserved else page.obstacle
    if obstacle is not None or not page.text.strip():
        raise FeedParseError(
            f"{feed.url}: no text stands there to be watched ({obstacle or 'blank'}); open it in a browser, "
            "and watch another page if it shows no text to visitors"
        )
    entry = Entry(
        entry_id=feed.url,
        link=feed.url,
        title=page.title,
        summary=page.text,  # whole: it alone tells whether the page changed
        published_at=page.published.not_before if page.published is not None else None,
        published_raw=page.published_raw,
        author=page.author,
    )
    return ParsedFeed(title=page.title, link=feed.url, lang=page.lang, entries=(entry,), format="page", path="page")


def _keep_same(tools: Tools, feed: Feed, fetched: Fetched, now: datetime, session: Session) -> None:
    """Keep that a chosen feed stood as it was."""
    if tools.vault is not None:
        tools.vault.keep_same(
            session,
            fetched.exchanges,
            now=now,
            is_same=lambda body: hash_body(body) == feed.body_hash,
            feed_id=feed.feed_id,
        )
