"""PURE: any feed by feedparser, the judge: slow, and the most forgiving reader there is."""

import calendar
import io
import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

import feedparser

from monitor.reading.markup import collapse, plain_text
from storage.records import Entry, ParsedFeed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d+)?")


def read_judged(body: bytes, *, url: str, content_type: str | None) -> ParsedFeed | None:
    """The feed as feedparser reads it; None when it finds neither a known format nor entries.

    Whatever feedparser raises on hostile bytes (ValueError, RecursionError, …) passes through.
    """
    # without a content type, feedparser would take Latin-1 for granted wherever other headers are given
    headers = {"content-type": content_type or "application/xml"}
    if url:
        headers["content-location"] = url
    parsed = feedparser.parse(io.BytesIO(body), response_headers=headers)
    head: dict[str, Any] = parsed.feed
    if not parsed.version and not parsed.entries:
        return None
    return ParsedFeed(
        title=_text(head, "title"),
        link=_text(head, "link"),
        self_url=_rel(head, "self"),
        hub_url=_rel(head, "hub"),
        lang=_text(head, "language") or None,
        ttl_seconds=read_ttl(_text(head, "ttl")),
        entries=tuple(_entry(item) for item in parsed.entries),
        format=parsed.version or "unknown",
        path="judge",
    )


def _entry(item: dict[str, Any]) -> Entry:
    content = item.get("content") or []
    content_html = _text(content[0], "value") if content else _text(item, "yandex_full-text")
    # feedparser maps a missing "updated" to "published" with a warning; ask the plain dict
    published_raw = dict.get(item, "published") or dict.get(item, "updated") or ""
    return Entry(
        entry_id=_text(item, "id"),
        link=_text(item, "link"),
        title=_text(item, "title"),
        summary=_summary(item, content_html),
        published_at=to_datetime(dict.get(item, "published_parsed")),
        updated_at=to_datetime(dict.get(item, "updated_parsed")),
        published_raw=published_raw if isinstance(published_raw, str) else "",
        author=collapse(_text(item, "author")),
        content_html=content_html,
    )


def _summary(item: dict[str, Any], content_html: str) -> str:
    summary = _text(item, "summary")
    detail = item.get("summary_detail") or {}
    is_markup = detail.get("type", "text/html") != "text/plain"
    if not summary:
        return plain_text(content_html)
    return plain_text(summary) if is_markup else plain_text(escape(summary))


def _text(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _rel(head: dict[str, Any], rel: str) -> str:
    for link in head.get("links") or []:
        if link.get("rel") == rel and link.get("href"):
            return str(link["href"])
    return ""


def read_ttl(text: str) -> float | None:
    """Seconds from RSS's ttl in minutes; None where it is no positive number."""
    match = _NUMBER.fullmatch(text.strip())
    return float(match.group(0)) * 60 or None if match else None


def to_datetime(parts: object) -> datetime | None:
    """A UTC time tuple of feedparser as a datetime; None where there is none, or where no calendar has it."""
    if not isinstance(parts, tuple | time.struct_time):
        return None
    try:
        return _EPOCH + timedelta(seconds=calendar.timegm(tuple(parts)))
    except (ValueError, OverflowError, TypeError):
        return None


@lru_cache(maxsize=4096)
def judge_title(text: str, kind: str, base: str) -> str:
    """A title that looks like markup, as feedparser cleans it.

    `kind` is "rss" (feedparser guesses whether it is markup), or the type attribute of an Atom title ("text", "html").
    """
    if kind == "rss":
        document = f"<rss version='2.0'><channel><item><title>{escape(text)}</title></item></channel></rss>"
    else:
        document = (
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry>"
            f"<title type='{kind}'>{escape(text)}</title></entry></feed>"
        )
    return _text(_judge_one(document, base), "title")


@lru_cache(maxsize=4096)
def judge_date(text: str) -> datetime | None:
    """A date in words that no ordinary format explains, as feedparser reads it."""
    document = f"<rss version='2.0'><channel><item><pubDate>{escape(text)}</pubDate></item></channel></rss>"
    return to_datetime(dict.get(_judge_one(document, ""), "published_parsed"))


def _judge_one(document: str, base: str) -> dict[str, Any]:
    headers = {"content-type": "application/xml"} | ({"content-location": base} if base else {})
    parsed = feedparser.parse(io.BytesIO(document.encode()), response_headers=headers)
    entries: list[dict[str, Any]] = parsed.entries
    return entries[0] if entries else {}
