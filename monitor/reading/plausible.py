"""PURE: dates of feeds and pages held against the clock: one that cannot be true is none; what was written stays.

1970, the year 9999 and the day after tomorrow are slips of clocks and templates. One moment for all entries is when the
feed was built, not when they were published.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from monitor.reading.dates import is_sane, is_sane_moment, is_zone_named, read_rfc822
from monitor.reading.feeds_sitemap import INDEX_FORMAT
from storage.records import ArticlePart, Entry, ParsedFeed, ReadArticle, Span

_LEAST = 3  # entries that share their date


def plausible_feed(feed: ParsedFeed, now: datetime) -> ParsedFeed:
    """The feed without dates that cannot be true at `now` (aware); an index of sitemaps has no entries to be dated."""
    if feed.format == INDEX_FORMAT:
        return feed
    is_built = _is_build_time([entry.published_at for entry in feed.entries])
    is_rebuilt = _is_build_time([entry.updated_at for entry in feed.entries])
    entries = tuple(
        _plausible_entry(
            entry,
            None if is_built else _moment(_stated(entry), now),
            None if is_rebuilt else _moment(entry.updated_at, now),
        )
        for entry in feed.entries
    )
    return feed if entries == feed.entries else replace(feed, entries=entries)


def plausible_page(page: ReadArticle, now: datetime) -> ReadArticle:
    """The page without dates that cannot be true at `now` (aware); the posts of a live page keep their places."""
    published, modified = _span(page.published, now), _span(page.modified, now)
    parts = tuple(_part(part, now) for part in page.parts)
    if (published, modified, parts) == (page.published, page.modified, page.parts):
        return page
    return replace(page, published=published, modified=modified, parts=parts)


def _is_build_time(moments: Sequence[datetime | None]) -> bool:
    """Whether one moment stands for all entries; midnight is no moment but a day."""
    first = moments[0] if len(moments) >= _LEAST else None
    if first is None or any(moment != first for moment in moments):
        return False
    return (first.minute, first.second) != (0, 0)


def _plausible_entry(entry: Entry, published: datetime | None, updated: datetime | None) -> Entry:
    if (published, updated) == (entry.published_at, entry.updated_at):
        return entry
    return replace(entry, published_at=published, updated_at=updated)


def _stated(entry: Entry) -> datetime | None:
    """When an entry says it was published; a zone that feedparser takes for Greenwich, or for no date, is heard."""
    raw = entry.published_raw
    if not raw or not (raw[-1].isalnum() and is_zone_named(raw)) or (entry.published_at is None and entry.updated_at):
        return entry.published_at
    return read_rfc822(raw) or entry.published_at


def _moment(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and is_sane_moment(moment, now) else None


def _span(span: Span | None, now: datetime) -> Span | None:
    return span if span is not None and is_sane(span, now) else None


def _part(part: ArticlePart, now: datetime) -> ArticlePart:
    published = _span(part.published, now)
    return part if published == part.published else replace(part, published=published)
