"""What is wrong between the keys of a seed, where each alone is well formed."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from monitor.claims.metrics import builtin_metrics
from monitor.stories.dates import read_span
from monitor.stories.seed_model import SeedFile
from monitor.toml_errors import Problem
from monitor.toml_text import KeyPath
from storage.keys import place_key
from storage.naming import suggest
from storage.records import Qualifier


def find_contradictions(seed: SeedFile) -> Iterator[Problem]:
    """Yield what is wrong between keys: each alone may be well formed."""
    if not seed.entities and not seed.topics:
        yield Problem(
            (), "needs at least one [[entities]] or one [[topics]]; add the name or the words that show the story"
        )
    zone = find_zone(seed.timezone)
    if zone is None:
        yield Problem(("timezone",), f'{seed.timezone!r} is no time zone; write one like "Asia/Almaty" or "UTC"')
    else:
        yield from _find_wrong_dates(seed, zone)
    yield from _find_doubles(seed)
    yield from _find_unknown_places(seed)
    for index, entity in enumerate(seed.entities):
        if not 0 < entity.weight <= 100:
            yield Problem(
                ("entities", index, "weight"), f"{entity.weight:g} is out of range; write a number above 0, at most 100"
            )
    for index, claim in enumerate(seed.claims):
        if (claim.high is not None) != (claim.qualifier in (Qualifier.RANGE, Qualifier.VAGUE)):
            said = 'goes with qualifier = "range" or "vague", and these need it; add the one or take out the other'
            yield Problem(("claims", index, "high"), said)
        elif claim.high is not None and claim.high < claim.value:
            yield Problem(("claims", index, "high"), "is below value; the range runs from value to high")
        known = builtin_metrics().keys() | {metric.name for metric in seed.metrics}
        if claim.metric not in known:
            said = f"{claim.metric!r} is no measure; {suggest(claim.metric, known)}; or describe it under [[metrics]]"
            yield Problem(("claims", index, "metric"), said)
        if claim.value < 0:
            yield Problem(("claims", index, "value"), "is below zero; a count starts at 0")


def _find_wrong_dates(seed: SeedFile, zone: ZoneInfo) -> Iterator[Problem]:
    dated: list[tuple[KeyPath, Any]] = [
        (("seed", "published"), seed.seed.published),
        (("period", "start"), seed.period.start),
        (("period", "end"), seed.period.end),
    ]
    dated += [(("claims", index, "effective_at"), claim.effective_at) for index, claim in enumerate(seed.claims)]
    dated += [(("states", index, "effective_at"), state.effective_at) for index, state in enumerate(seed.states)]
    is_wrong = False
    for path, value in dated:
        try:
            if value is not None:
                read_span(value, zone)
        except (ValueError, OverflowError) as error:
            is_wrong = True
            said = (
                str(error)
                if str(error).startswith(("is no date", "the second"))
                else f"{value!r} is no date; write 2022-01-15"
            )
            yield Problem(path, said)
    if not is_wrong and seed.period.start is not None and seed.period.end is not None:
        start, end = read_span(seed.period.start, zone), read_span(seed.period.end, zone)
        if end.not_after < start.not_before:
            yield Problem(("period", "end"), "lies before start; exchange them, or leave end out if the story goes on")


def _find_doubles(seed: SeedFile) -> Iterator[Problem]:
    tables: tuple[tuple[str, str, list[str]], ...] = (
        ("entities", "name", [entity.name.casefold() for entity in seed.entities]),
        ("topics", "name", [topic.name.casefold() for topic in seed.topics]),
        ("places", "name", [place_key(place.name) for place in seed.places]),
        ("origins", "name", [origin.name.casefold() for origin in seed.origins]),
        ("metrics", "name", [metric.name for metric in seed.metrics]),
        ("feeds", "url", [feed.url for feed in seed.feeds]),
    )
    for table, key, values in tables:
        seen: set[str] = set()
        for index, value in enumerate(values):
            if value in seen:
                yield Problem(
                    (table, index, key), f"{value!r} stands here for the second time; merge the two [[{table}]]"
                )
            seen.add(value)


def _find_unknown_places(seed: SeedFile) -> Iterator[Problem]:
    names = {place_key(place.name): place.name for place in seed.places}
    parents = {place_key(place.name): place_key(place.parent) for place in seed.places if place.parent is not None}
    for index, place in enumerate(seed.places):
        if place.parent is not None and place_key(place.parent) not in names:
            said = f"{place.parent!r} is none of the [[places]]; {suggest(place.parent, names.values())}"
            yield Problem(("places", index, "parent"), said)
        elif _is_own_ancestor(place_key(place.name), parents):
            yield Problem(("places", index, "parent"), "leads back to the place itself; a parent is a larger place")
    for index, claim in enumerate(seed.claims):
        if claim.place is not None and place_key(claim.place) not in names:
            said = (
                f"{claim.place!r} is none of the [[places]]; {suggest(claim.place, names.values()) or 'add it there'}"
            )
            yield Problem(("claims", index, "place"), said)


def _is_own_ancestor(key: str, parents: dict[str, str]) -> bool:
    seen: set[str] = set()
    step: str | None = parents.get(key)
    while step is not None and step not in seen:
        if step == key:
            return True
        seen.add(step)
        step = parents.get(step)
    return False


def find_zone(name: str) -> ZoneInfo | None:
    """Return the time zone of a name of the IANA database, or None."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError below
        return None
    except KeyError:
        return None
