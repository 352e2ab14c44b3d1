"""A small gazetteer of countries: their names, adjectives and people, as data."""

import tomllib
from functools import cache, lru_cache
from importlib.resources import files

from monitor.stories.folding import compose, fold

_SHORTEST = 5  # a name must be longer for its Russian ending to be ignored


@cache
def countries() -> dict[str, tuple[str, ...]]:
    """Return the countries of the gazetteer with their adjectives and other names."""
    raw = tomllib.loads(files("monitor.stories").joinpath("lexicons", "countries.toml").read_text("utf-8"))
    return {name: tuple(others) for name, others in raw.items()}


@cache
def _country_of_word() -> dict[str, str]:
    return {fold(compose(word)): name for name, others in countries().items() for word in (name, *others)}


@cache
def _capitals() -> dict[str, str]:
    raw = tomllib.loads(files("monitor.stories").joinpath("lexicons", "capitals.toml").read_text("utf-8"))
    return {fold(compose(city)): country for country, cities in raw.items() for city in cities}


def find_capital(name: str) -> str | None:
    """Return the country that a city is the capital of, or the best known city of; None for other names."""
    return _capitals().get(fold(compose(name)).strip())


@lru_cache(maxsize=20_000)
def find_country(word: str) -> str | None:
    """Return the country that a name or an adjective stands for, or None; Russian endings are allowed for."""
    known = _country_of_word()
    folded = fold(compose(word)).strip()
    if folded in known:
        return known[folded]
    if folded.isascii():
        return None
    found = {known[name] for name in known if len(name) > _SHORTEST and name[:-1] == folded[: len(name) - 1]}
    return found.pop() if len(found) == 1 else None
