"""PURE: JSON Feed (https://www.jsonfeed.org/version/1.1/), which feedparser does not read."""

import json
from typing import Any
from urllib.parse import urljoin

from monitor.reading.dates import read_span
from monitor.reading.limits import MOST_ENTRIES
from monitor.reading.markup import collapse, plain_text, scrub
from storage.records import Entry, ParsedFeed


def read_json_feed(body: bytes, *, url: str) -> ParsedFeed | None:
    """The feed, or None where the JSON is no JSON Feed. Raises ValueError or RecursionError where it is no JSON."""
    data = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        return None
    if "jsonfeed.org/version/" not in str(data.get("version", "")):
        return None
    hubs = [hub for hub in _list(data, "hubs") if hub.get("type") == "WebSub"]
    lang = _text(data, "language") or None
    return ParsedFeed(
        title=collapse(_text(data, "title")),
        link=_join(url, _text(data, "home_page_url")),
        self_url=_text(data, "feed_url"),
        hub_url=_text(hubs[0], "url") if hubs else "",
        lang=lang,
        entries=tuple(_entry(item, url) for item in _list(data, "items")[:MOST_ENTRIES]),
        format="json",
        path="fast",
    )


def _entry(item: dict[str, Any], url: str) -> Entry:
    html, text = _text(item, "content_html"), _text(item, "content_text")
    summary = _text(item, "summary") or text
    published, updated = _text(item, "date_published"), _text(item, "date_modified")
    authors = _list(item, "authors") or [author for author in (item.get("author"),) if isinstance(author, dict)]
    published_span, updated_span = read_span(published), read_span(updated)
    return Entry(
        entry_id=_id(item.get("id")),
        link=_join(url, _text(item, "url") or _text(item, "external_url")),
        title=collapse(_text(item, "title")),
        summary=collapse(summary)[:4000] if summary else plain_text(html),
        published_at=published_span.not_before if published_span else None,
        updated_at=updated_span.not_before if updated_span else None,
        published_raw=published or updated,
        author=", ".join(name for author in authors if (name := collapse(_text(author, "name")))),
        content_html=html,
    )


def _id(value: object) -> str:
    """The id as text: the format asks for a string and tells readers to forgive numbers."""
    if isinstance(value, str):
        return scrub(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _text(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    return scrub(value) if isinstance(value, str) else ""


def _list(item: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = item.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link.strip()) if link else ""
    except ValueError:
        return link
