"""Seeds: one TOML file a story, checked on load, with errors that name file, line and key and say what to do."""

import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from monitor.stories.dates import read_span
from monitor.stories.seed_checks import find_contradictions
from monitor.stories.seed_model import SeedFile
from monitor.toml_errors import Problem, explain, problem_of
from monitor.toml_text import locate, syntax_error_line
from storage.errors import SeedError
from storage.keys import place_key
from storage.records import (
    BaselineClaim,
    BaselineState,
    Entity,
    FeedKind,
    FeedSpec,
    Metric,
    OriginSpec,
    Place,
    SeedArticle,
    Span,
    Story,
    Topic,
)


def load_seeds(folder: Path) -> tuple[Story, ...]:
    """Return the stories of all `*.toml` files of a folder, in order of file name; SeedError if one is wrong."""
    if not folder.is_dir():
        raise SeedError(f"{folder}: there is no such folder of seeds; create it or name another one with `seeds = …`")
    stories: dict[str, Path] = {}
    loaded = []
    for path in sorted(folder.glob("*.toml")):
        story = load_seed(path)
        if story.slug in stories:
            raise SeedError(
                f"{path}: slug: {story.slug!r} is also the slug of {stories[story.slug]}; give one of them another slug"
            )
        stories[story.slug] = path
        loaded.append(story)
    return tuple(loaded)


def load_seed(path: Path) -> Story:
    """Return the story of one seed file; SeedError if it cannot be read or is wrong."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SeedError(f"{path}: byte {error.start}: is not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise SeedError(f"{path}: cannot be read ({error.strerror}); check the name and the permissions") from error
    return parse_seed(text, file=str(path))


def parse_seed(text: str, *, file: str) -> Story:
    """Return the story that a TOML text describes; `file` is only named in errors.

    Raises SeedError with one line for each thing that is wrong: `file:line: key: what, and what to do`.
    """
    text = text.replace("\r\n", "\n")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = syntax_error_line(error) or max(1, text.count("\n"))
        raise SeedError(f"{file}:{line}: is not TOML: {error}; correct the line, or the one before it") from error
    try:
        seed = SeedFile.model_validate(raw)
    except ValidationError as error:
        raise _failure(file, text, [problem_of(found, SeedFile) for found in error.errors()]) from error
    problems = list(find_contradictions(seed))
    if problems:
        raise _failure(file, text, problems)
    return _to_story(seed)


def _failure(file: str, text: str, problems: Iterable[Problem]) -> SeedError:
    located = sorted({(locate(text, problem.path), explain(problem)) for problem in problems})
    return SeedError("\n".join(f"{file}:{line}: {said}" for line, said in located))


def _span(value: object, zone: ZoneInfo) -> Span | None:
    return None if value is None else read_span(value, zone)


def _to_story(seed: SeedFile) -> Story:
    zone = ZoneInfo(seed.timezone)
    whole = {place_key(place.name) for place in seed.places if place.whole}
    start, end = _span(seed.period.start, zone), _span(seed.period.end, zone)
    return Story(
        slug=seed.slug,
        title=seed.title,
        languages=seed.languages,
        timezone=seed.timezone,
        state=seed.state,
        seed=SeedArticle(
            source=seed.seed.source,
            title=seed.seed.title,
            url=seed.seed.url or "",
            published=_span(seed.seed.published, zone),
        ),
        period_start=_first(start),
        period_end=_last(end),
        entities=tuple(Entity(**entity.model_dump()) for entity in seed.entities),
        topics=tuple(Topic(**topic.model_dump()) for topic in seed.topics),
        places=tuple(Place(**place.model_dump()) for place in seed.places),
        origins=tuple(OriginSpec(**origin.model_dump()) for origin in seed.origins),
        claims=tuple(_to_claim(claim.model_dump(), whole, zone) for claim in seed.claims),
        states=tuple(_to_state(state.model_dump(), zone) for state in seed.states),
        metrics=tuple(
            Metric(name=metric.name, kind=metric.kind, unit=metric.unit, nouns=tuple(sorted(metric.nouns.items())))
            for metric in seed.metrics
        ),
        feeds=tuple(_to_feed(feed.model_dump()) for feed in seed.feeds),
    )


def _to_feed(values: dict[str, Any]) -> FeedSpec:
    kind = FeedKind.PAGE if values.pop("page") else FeedKind.FEED
    return FeedSpec(kind=kind, **values)


def _to_claim(values: dict[str, Any], whole: set[str], zone: ZoneInfo) -> BaselineClaim:
    """Return a baseline with the key of its place; a place that stands for the whole story is None."""
    key = place_key(values["place"]) if values["place"] is not None else None
    values |= {"place": None if key in whole else key, "effective_at": _span(values["effective_at"], zone)}
    return BaselineClaim(**values)


def _to_state(values: dict[str, Any], zone: ZoneInfo) -> BaselineState:
    """Return a baseline state with the subject as a key: `state of emergency` → `state_of_emergency`."""
    subject = place_key(values["subject"]).replace("-", "_")
    values |= {
        "subject": subject,
        "state": values["state"].lower(),
        "effective_at": _span(values["effective_at"], zone),
    }
    return BaselineState(**values)


def _first(span: Span | None) -> datetime | None:
    return None if span is None else span.not_before


def _last(span: Span | None) -> datetime | None:
    return None if span is None else span.not_after
