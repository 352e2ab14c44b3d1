"""PURE: an entry of a feed on its way to an article: its identity, what to keep of it, what to do without its page."""

from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from monitor.reading.dates import is_sane
from monitor.reading.livepages import place_posts
from monitor.reading.markup import folded, plain_text
from monitor.reading.urls import canonical_url
from monitor.sources.answers import Fetched
from storage.keys import stable_hash
from storage.records import Article, Entry, Feed, NewArticle, ReadArticle, Span

_REUSED_AFTER = timedelta(days=2)


class EntryOutcome(StrEnum):
    """What became of an entry."""

    WAITING = "waiting"
    STORED = "stored"
    NO_MATCH = "no_match"


def entry_fingerprint(entry: Entry) -> str:
    """Tells whether an entry changed since it was last seen."""
    updated = entry.updated_at.isoformat() if entry.updated_at else ""
    return stable_hash("f1", entry.link, entry.title, entry.summary, updated)


def guid_alias(feed_id: int, key: str) -> str:
    """An entry's key within its feed as another name of its article; GUIDs are only unique within their feed."""
    return f"guid:{feed_id}:{key}"


def place_in_feed(feed: Feed, key: str) -> str:
    """The address of an entry that links to no page: its place in its feed. Nothing but the entry is to be read there.

    `key` names it within the feed.
    """
    return f"{feed.url}#{quote(key, safe='')}"


def may_be_another(entry: Entry, *, link: str, title: str) -> bool:
    """Whether an entry may be of another article than the one of this address and title, to which a name of it led.

    A GUID whose link changed is the rule (a new headline makes a new address), one that is used again the exception:
    the page has to tell.
    """
    is_elsewhere = bool(entry.link) and canonical_url(entry.link) != canonical_url(link)
    return is_elsewhere and folded(plain_text(entry.title)) != folded(title)


def is_reused_id(article: Article, entry: Entry) -> bool:
    """Whether a GUID that led to an article is used again for this entry: it may be another, and came days later."""
    if entry.published_at is None or article.published is None:
        return False
    is_later = entry.published_at - article.published.not_after > _REUSED_AFTER
    return is_later and may_be_another(entry, link=article.url, title=article.title)


def article_from_entry(entry: Entry) -> ReadArticle:
    """What the feed itself says, where the page cannot be had: its content or summary, else its title."""
    text = plain_text(entry.content_html) or entry.summary or entry.title
    published = entry.published_at or entry.updated_at
    return ReadArticle(
        title=plain_text(entry.title),
        text=text,
        author=entry.author,
        published=Span(not_before=published, not_after=published) if published else None,
        published_raw=entry.published_raw,
    )


def new_article(
    feed: Feed, entry: Entry, page: ReadArticle, fetched: Fetched | None, *, key: str, now: datetime, hash_: str
) -> NewArticle:
    """Return an article ready to be stored, under the address where it was read and with all names that led to it.

    `key` names the entry within its feed.
    """
    # The address is one that was fetched, or the page's own word for the very same; canonical forms are other names.
    final = fetched.final_url if fetched is not None else entry.link or place_in_feed(feed, key)
    forms = [canonical_url(one) for one in (final, entry.link)] if entry.link else []
    url = page.canonical_url if canonical_url(page.canonical_url) in forms else final
    aliases = dict.fromkeys([*forms, final, entry.link, guid_alias(feed.feed_id, key)])
    return NewArticle(
        url=url,
        title=page.title or plain_text(entry.title),
        text=page.text,
        text_hash=hash_,
        fetched_at=now,
        source=feed.source or page.source,
        trust=feed.trust,
        lang=page.lang or feed.lang,
        published=best_published(page.published, entry, now),
        etag=fetched.etag if fetched is not None else None,
        last_modified=fetched.last_modified if fetched is not None else None,
        aliases=tuple(alias for alias in aliases if alias),
        parts=place_posts(page),
    )


def best_published(page: Span | None, entry: Entry, now: datetime) -> Span | None:
    """When an article was published: the narrower of what page and feed say where they agree, else what the page says.

    A time in the future is no publication time of what we hold already: then it was published by now. One that cannot
    be true at all says nothing.
    """
    page = page if page is not None and is_sane(page, now) else None
    stated = entry.published_at
    if page is None:
        feed = Span(not_before=stated, not_after=stated) if stated else None
        page = feed if feed is not None and is_sane(feed, now) else None
    elif stated is not None and page.not_before <= stated <= page.not_after:
        page = Span(not_before=stated, not_after=stated)
    if page is None or page.not_before <= now:
        return page
    return Span(not_before=now, not_after=now)
