"""A story as the TOML text of its seed file, in the order in which a person reads it."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from monitor.stories.dates import read_span, write_span
from monitor.toml_text import write_value
from storage.records import FeedKind, FeedSpec, Qualifier, Span, Story, StoryState, Trust

_LONG = 110


def format_seed(story: Story) -> str:
    """Return the seed file of a story; `parse_seed` reads an equal story back. Defaults are left out."""
    return "\n".join(_lines(story)) + "\n"


def _lines(story: Story) -> Iterator[str]:
    zone = ZoneInfo(story.timezone)
    head: dict[str, Any] = {"slug": story.slug, "title": story.title, "languages": story.languages}
    head["timezone"] = story.timezone if story.timezone != "UTC" else None
    head["state"] = story.state.value if story.state != StoryState.ACTIVE else None
    yield from _pairs(head)
    seed = story.seed
    yield from _table(
        "[seed]",
        {"source": seed.source, "title": seed.title, "url": seed.url, "published": _date(seed.published, zone)},
    )
    yield from _table("[period]", {"start": _start(story, zone), "end": _end(story, zone)})
    for name, table in _tables(story, zone):
        yield from _table(f"[[{name}]]", table)


def _start(story: Story, zone: ZoneInfo) -> object:
    """Return the day that begins at this instant in the story's time zone, or the instant."""
    if story.period_start is None:
        return None
    day = story.period_start.astimezone(zone).date()
    return day if read_span(day, zone).not_before == story.period_start else story.period_start.astimezone(UTC)


def _end(story: Story, zone: ZoneInfo) -> object:
    """Return the day that ends at this instant in the story's time zone, or the instant."""
    if story.period_end is None:
        return None
    day = story.period_end.astimezone(zone).date()
    return day if read_span(day, zone).not_after == story.period_end else story.period_end.astimezone(UTC)


def _tables(story: Story, zone: ZoneInfo) -> Iterator[tuple[str, dict[str, Any]]]:
    for entity in story.entities:
        weight = None if entity.weight == 1 else entity.weight
        yield (
            "entities",
            {
                "name": entity.name,
                "kind": entity.kind.value,
                "aliases": entity.aliases,
                "weight": weight,
                "central": entity.central or None,
            },
        )
    for topic in story.topics:
        yield "topics", {"name": topic.name, "terms": topic.terms}
    for place in story.places:
        yield (
            "places",
            {"name": place.name, "aliases": place.aliases, "parent": place.parent, "whole": place.whole or None},
        )
    for origin in story.origins:
        yield "origins", {"name": origin.name, "aliases": origin.aliases, "umbrella": origin.umbrella or None}
    for claim in story.claims:
        yield (
            "claims",
            {
                "metric": claim.metric,
                "value": claim.value,
                "high": claim.high,
                "qualifier": None if claim.qualifier == Qualifier.EXACT else claim.qualifier.value,
                "origin": claim.origin,
                "population": claim.population,
                "place": claim.place,
                "effective_at": _date(claim.effective_at, zone),
                "quote": claim.quote,
            },
        )
    for state in story.states:
        yield (
            "states",
            {
                "subject": state.subject,
                "state": state.state,
                "origin": state.origin,
                "effective_at": _date(state.effective_at, zone),
                "quote": state.quote,
            },
        )
    for metric in story.metrics:
        unit = None if metric.unit == "people" else metric.unit
        nouns = dict(metric.nouns) or None
        yield "metrics", {"name": metric.name, "kind": metric.kind.value, "unit": unit, "nouns": nouns}
    for feed in story.feeds:
        yield "feeds", _feed(feed)


def _feed(feed: FeedSpec) -> dict[str, Any]:
    trust = None if feed.trust == Trust.UNKNOWN else feed.trust.value
    is_page = feed.kind is FeedKind.PAGE or None
    return {
        "url": feed.url, "source": feed.source, "trust": trust, "full": feed.full or None, "page": is_page,
        "lang": feed.lang,
    }  # fmt: skip


def _date(span: Span | None, zone: ZoneInfo) -> object:
    return None if span is None else write_span(span, zone)


def _table(header: str, values: Mapping[str, Any]) -> Iterator[str]:
    pairs = list(_pairs(values))
    if pairs:
        yield ""
        yield header
        yield from pairs


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if value is None or value in ("", ()):
            continue
        line = f"{key} = {write_value(value)}"
        if len(line) <= _LONG or not isinstance(value, tuple):
            yield line
            continue
        yield f"{key} = ["
        yield from _wrapped(value)
        yield "]"


def _wrapped(values: tuple[Any, ...]) -> Iterator[str]:
    """Yield the items of a long list, as many a line as fit."""
    line = "   "
    for value in values:
        item = f" {write_value(value)},"
        if len(line) + len(item) > _LONG and line.strip():
            yield line
            line = "   "
        line += item
    yield line
