"""The forms under which a name or a term may stand in a text: inflected and written in the other script.

All tables are data (`inflections/*.toml`); forms are made once, when a matcher is built, not per article.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from monitor.stories.folding import compose, fold

_MOST_WORDS = 6  # longer names are not inflected: nobody writes them whole in another case
_LONG_NAME = 3  # of a longer one, only the head and the last word change: an organisation "of" something
_MOST_ALTERNATIVES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A folded form of a name. `language` is set if only texts of that language hold it."""

    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paradigm:
    suffixes: tuple[str, ...]
    strip: int
    cases: tuple[tuple[tuple[str, ...], ...], ...]  # by case, by number, alternatives
    only: str = ""


def name_forms(name: str, *, is_person: bool, is_place: bool, languages: Sequence[str]) -> frozenset[Form]:
    """Return the forms of the name of a person, place, group or event, in both scripts."""
    spellings = [fold(compose(name))]
    if is_person or is_place:
        spellings += _transliterations(name, has_cyrillic_readers=_has_cyrillic(languages))
    forms: set[Form] = set()
    for spelling in spellings:
        forms |= _inflections(
            spelling, is_person=is_person, has_plural=not is_person and not is_place, languages=languages, original=name
        )
    return frozenset(forms)


def term_forms(term: str, *, languages: Sequence[str]) -> frozenset[Form]:
    """Return the forms of a word or phrase of a topic."""
    return frozenset(
        _inflections(fold(compose(term)), is_person=False, has_plural=True, languages=languages, original=term)
    )


def is_acronym(name: str) -> bool:
    """Tell whether a name is written in capitals and short: only found in capitals then (UN is no French article)."""
    return 1 < len(name) <= 6 and name.isupper()


def _inflections(
    folded: str, *, is_person: bool, has_plural: bool, languages: Sequence[str], original: str
) -> set[Form]:
    forms = {Form(text=spelling) for spelling in (folded, " ".join(folded.split())) if spelling.strip()}
    words = folded.split()
    if not words or len(words) > _MOST_WORDS or is_acronym(original):
        return forms
    if _is_cyrillic(folded):
        forms |= {Form(text=text) for text in _decline(words, has_plural=has_plural, is_person=is_person)}
    elif folded.isascii() and not is_person:
        forms |= set(_plurals(words, languages))
    return forms


def _decline(words: Sequence[str], *, has_plural: bool, is_person: bool) -> Iterator[str]:
    """Yield the phrase with its first words, or its last words, in each case and number; the others stay."""
    count = len(words)
    spans = {(0, end) for end in range(1, count + 1)} | {(start, count) for start in range(1, count)}
    if count > _LONG_NAME:
        spans = {(0, 1), (0, 2), (count - 1, count)}
    for number in range(2 if has_plural else 1):
        declined = [_cases(word, is_person=is_person, number=number) for word in words]
        for (start, end), case in product(sorted(spans), range(6)):
            parts = [declined[at][case] if start <= at < end else (words[at],) for at in range(count)]
            for chosen, _ in zip(product(*parts), range(_MOST_ALTERNATIVES), strict=False):
                yield " ".join(chosen)


def _cases(word: str, *, is_person: bool, number: int) -> tuple[tuple[str, ...], ...]:
    """Return the forms of a word in six cases of one number; a word of no paradigm is the same in all."""
    minimum, paradigms = _declensions()
    fitting = [
        (paradigm.only != "", len(suffix), paradigm)
        for paradigm in paradigms
        for suffix in paradigm.suffixes
        if len(word) >= minimum and word.endswith(suffix) and (not paradigm.only or is_person)
    ]
    if not fitting:
        return ((word,),) * 6
    best = max(fitting, key=lambda found: found[:2])[2]
    stem = word[: len(word) - best.strip]
    return tuple(tuple(fold(stem + ending) for ending in case[min(number, len(case) - 1)]) for case in best.cases)


def _plurals(words: Sequence[str], languages: Sequence[str]) -> Iterator[Form]:
    *first, last = words
    for language in languages or _plural_tables():  # a story that names no language is read in any
        for ending in _latin_endings(last, language):
            yield Form(text=" ".join((*first, ending)), language=language)


def _latin_endings(word: str, language: str) -> Iterator[str]:
    paradigms = _plural_tables().get(language, ())
    fitting = [(len(suffix), item) for item in paradigms for suffix in item["suffixes"] if word.endswith(suffix)]
    if fitting and len(word) >= 3:
        best = max(fitting, key=lambda found: found[0])[1]
        yield from (word[: len(word) - best["strip"]] + ending for ending in best["endings"])


def _transliterations(name: str, *, has_cyrillic_readers: bool) -> list[str]:
    """Return the name in the other script, in each way of writing that we know."""
    lowered = fold(compose(name))
    if is_acronym(name) or len(lowered) < 4:
        return []
    if _is_cyrillic(lowered):
        return [_rewrite(lowered, rows) for rows in _transliteration_tables()["cyrillic"]]
    if lowered.isascii() and has_cyrillic_readers:
        return [_rewrite(lowered, rows) for rows in _transliteration_tables()["latin"]]
    return []


def _rewrite(text: str, rows: Mapping[str, str]) -> str:
    longest = max(map(len, rows))
    written, position = [], 0
    while position < len(text):
        for size in range(longest, 0, -1):
            part = text[position : position + size]
            if part in rows:
                written.append(rows[part])
                position += len(part)
                break
        else:
            written.append(text[position])
            position += 1
    return fold("".join(written))


def _is_cyrillic(text: str) -> bool:
    return any("\u0400" <= letter <= "\u04ff" for letter in text)


def _has_cyrillic(languages: Iterable[str]) -> bool:
    """Tell whether a story with these languages is read in Cyrillic; one that names none is read in any."""
    named = set(languages)
    return not named or bool(named & _cyrillic_languages())


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files("monitor.stories").joinpath("inflections", name).read_text("utf-8"))


@cache
def _declensions() -> tuple[int, tuple[_Paradigm, ...]]:
    raw = _load("ru.toml")
    return raw["min_length"], tuple(
        _Paradigm(
            suffixes=tuple(map(fold, item["suffixes"])),
            strip=item["strip"],
            cases=tuple(tuple(tuple(part.split("|")) for part in case.split("/")) for case in item["cases"]),
            only=item.get("only", ""),
        )
        for item in raw["paradigms"]
    )


@cache
def _plural_tables() -> dict[str, list[dict[str, Any]]]:
    return {table["language"]: table["paradigms"] for table in _load("latin.toml")["tables"]}


@cache
def _transliteration_tables() -> dict[str, list[dict[str, str]]]:
    tables: dict[str, list[dict[str, str]]] = {}
    for table in _load("transliteration.toml")["tables"]:
        tables.setdefault(table["source"], []).append(table["rows"])
    return tables


@cache
def _cyrillic_languages() -> frozenset[str]:
    return frozenset(_load("transliteration.toml")["cyrillic_languages"])
