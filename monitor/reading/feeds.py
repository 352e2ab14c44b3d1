"""PURE: the bytes of a feed in any format, as a ParsedFeed.

Well-formed RSS, RDF and Atom take a fast path that reads the same fields as feedparser; JSON Feed and sitemaps have
readers of their own; everything else is judged by feedparser. `ParsedFeed.path` says which it was.
"""

import re
from dataclasses import replace

from lxml import etree

from monitor.reading.feeds_fast import NotOrdinary, read_fast
from monitor.reading.feeds_json import read_json_feed
from monitor.reading.feeds_judged import read_judged
from monitor.reading.feeds_sitemap import read_sitemap
from monitor.reading.limits import MOST_FEED_TAGS, MOST_JUDGED_TAGS, count_tags, is_too_much_json
from monitor.reading.markup import scrub
from storage.errors import FeedParseError
from storage.records import ParsedFeed

_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]", re.IGNORECASE)
_SITEMAP = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)[\s>]")
_ITEM = re.compile(rb"<(?:item|entry)[\s>]")  # a feed of XML whose beginning is damaged
_ENCODING = re.compile(rb"""<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]{2,40})["']""")
_START = 4096
_MAX_JUDGED = 4 * 1024 * 1024  # feedparser needs up to five seconds a megabyte


def parse_feed(body: bytes, *, url: str, content_type: str | None = None) -> ParsedFeed:
    """Read a feed. `url` is its address (resolves relative links, names the feed in messages; may be empty).

    `content_type` is the HTTP header; a document that agrees with its own declared encoding is believed before it.
    At most 50,000 entries are read. Raises FeedParseError, and nothing else, with what the bytes are instead and what
    to do.
    """
    name = url or "the document"
    start = body[:_START].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.strip(b"\x00"):
        raise FeedParseError(f"{name}: the answer is empty, not a feed; it may be filled later, else check the address")
    if start[:1] in (b"{", b"["):
        try:
            return _read_json(body, url, name)
        except FeedParseError:
            if not _ITEM.search(body):
                raise
    tags = count_tags(body)
    if tags > MOST_FEED_TAGS:
        raise FeedParseError(
            f"{name}: {tags:,} tags are too many for a feed (at most {MOST_FEED_TAGS:,}); "
            "look for a shorter feed of this site, such as its news sitemap"
        )
    if _SITEMAP.search(start.replace(b"\x00", b"")):  # half of what is written in UTF-16 are NULs
        sitemap = _read_sitemap(body)
        if sitemap is not None:
            return sitemap
    try:
        return read_fast(body, url=url)
    except NotOrdinary:
        return _read_by_judge(body, url, content_type, name, start)


def storable_feed(feed: ParsedFeed) -> ParsedFeed:
    """PURE: `feed` without what no database takes, which a damaged feed's reader hands on as it stands there."""
    if feed.path != "judge":
        return feed
    entries = tuple(
        replace(
            entry,
            entry_id=scrub(entry.entry_id),
            link=scrub(entry.link),
            title=scrub(entry.title),
            summary=scrub(entry.summary),
            published_raw=scrub(entry.published_raw),
            author=scrub(entry.author),
            content_html=scrub(entry.content_html),
        )
        for entry in feed.entries
    )
    return replace(
        feed,
        title=scrub(feed.title),
        link=scrub(feed.link),
        self_url=scrub(feed.self_url),
        hub_url=scrub(feed.hub_url),
        lang=scrub(feed.lang) if feed.lang else None,
        entries=entries,
    )


def _read_json(body: bytes, url: str, name: str) -> ParsedFeed:
    if is_too_much_json(body):
        raise FeedParseError(f"{name}: this JSON holds more than any feed would; look for a shorter feed of this site")
    try:
        feed = read_json_feed(body, url=url)
    except (ValueError, RecursionError) as error:
        raise FeedParseError(
            f"{name}: looks like JSON but cannot be read ({_short(error)}); check the address"
        ) from error
    if feed is None:
        raise FeedParseError(f"{name}: this is JSON, but not a JSON Feed; {_discover(url)}")
    return feed


def _read_sitemap(body: bytes) -> ParsedFeed | None:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, recover=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
        # Half a pair of a character beyond the first plane is no text: lxml says so only when it is asked for it.
        return read_sitemap(root) if root is not None else None
    except (etree.XMLSyntaxError, ValueError):
        return None


def _read_by_judge(body: bytes, url: str, content_type: str | None, name: str, start: bytes) -> ParsedFeed:
    if len(body) > _MAX_JUDGED or count_tags(body) > MOST_JUDGED_TAGS:
        raise FeedParseError(
            f"{name}: {len(body):,} bytes with {count_tags(body):,} tags that are no well-formed feed are too many to "
            f"be put right (at most {_MAX_JUDGED:,} and {MOST_JUDGED_TAGS:,}); tell the site"
        )
    try:
        feed = read_judged(body, url=url, content_type=None if _agrees_with_itself(body) else content_type)
    except (Exception, RecursionError) as error:
        # feedparser raises whatever its handlers stumble over: a broken feed must never stop the others
        raise FeedParseError(
            f"{name}: the feed is damaged and cannot be read ({_short(error)}); tell the site"
        ) from error
    if feed is not None and (feed.entries or feed.title or feed.link or not _HTML.search(start)):
        return feed
    if _HTML.search(start):
        raise FeedParseError(f"{name}: this is an HTML page, not a feed; {_discover(url)}")
    if start.startswith(b"<"):
        raise FeedParseError(f"{name}: this is XML, but no feed format that we know; {_discover(url)}")
    raise FeedParseError(f"{name}: this is neither XML nor JSON, so not a feed; {_discover(url)}")


def _agrees_with_itself(body: bytes) -> bool:
    """Whether the bytes are valid in the encoding that the document declares: then no header knows better."""
    declared = _ENCODING.search(body[:200])
    try:
        body.decode(declared.group(1).decode("ascii") if declared else "utf-8")
    except (UnicodeDecodeError, LookupError, ValueError):
        return False
    return True


def _discover(url: str) -> str:
    return f"try: storywatch feeds discover {url or 'URL'}"


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:119] + "…"
