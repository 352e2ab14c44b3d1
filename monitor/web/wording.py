"""The interface's words: one TOML catalogue a language, read once. Metrics and kinds are in alerts.words."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

FOLDER = Path(__file__).parent / "texts"
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Texts:
    """One language's catalogue: dotted key → text."""

    lang: str
    entries: Mapping[str, str]

    def text(self, key: str, /, **values: object) -> str:
        """The text of a key, with `{name}` filled in. KeyError names a key that the catalogue lacks."""
        text = self.entries[key]
        return text.format_map(values) if values else text

    def find(self, key: str) -> str | None:
        """The text of a key, or None: for words that come from data and may be new to the catalogue."""
        return self.entries.get(key)

    def count(self, key: str, number: int, shown: str) -> str:
        """A counted noun: `key.one`, `key.few`, `key.many` by the language's plural rule, `{n}` filled with `shown`."""
        return self.text(f"{key}.{plural_form(self.lang, number)}", n=shown)


def plural_form(lang: str, number: int) -> str:
    """The CLDR plural category of a whole number, for the languages that we carry."""
    if lang == "ru":
        if number % 10 == 1 and number % 100 != 11:
            return "one"
        return "few" if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else "many"
    return "one" if number == 1 else "many"


def flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested tables as dotted keys."""
    entries: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            entries.update(flatten(value, f"{prefix}{key}."))
        else:
            entries[prefix + key] = str(value)
    return entries


@cache
def languages() -> tuple[str, ...]:
    """The languages that we have a catalogue for, English first."""
    found = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return (DEFAULT_LANGUAGE, *(lang for lang in found if lang != DEFAULT_LANGUAGE))


@cache
def load_texts(lang: str) -> Texts:
    """The catalogue of a language, completed with English."""
    entries: dict[str, str] = {}
    for name in dict.fromkeys((DEFAULT_LANGUAGE, lang)):
        entries.update(flatten(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))))
    return Texts(lang, MappingProxyType(entries))


def choose_language(accept: str, chosen: str | None = None) -> str:
    """The language to answer in: the reader's choice, else the best of Accept-Language (RFC 9110), else English."""
    if chosen in languages():
        return str(chosen)
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")):
        tag, _, parameters = part.strip().partition(";")
        weight = 1.0
        if parameters.strip().startswith("q="):
            try:
                weight = float(parameters.strip()[2:])
            except ValueError:
                continue
        ranked.append((-weight, place, tag.strip().lower().partition("-")[0]))
    for weight, _place, lang in sorted(ranked):
        if weight < 0 and lang in languages():
            return lang
    return DEFAULT_LANGUAGE
