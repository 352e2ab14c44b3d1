"""Kinds of events and the words that tell of them (`lexicons/events.toml`): of which kind an article is, by its words.

An article of one day says "stampede", the next one "crush": a story drafted from the first must know the second.
"""

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from monitor.stories.folding import compose, fold
from monitor.stories.forms import term_forms

MOST_KINDS = 3
_WORD = re.compile(r"[\w'’-]+")
_IN_TITLE = 3  # what a word of the title weighs, beside one of the text
_FALLBACK = "en"  # as the draft's other words do: names and figures are found in any language


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """A kind of event that an article tells of, and the words for it: those of the article first."""

    name: str
    terms: tuple[str, ...]


def find_event_kinds(title: str, text: str, lang: str | None, heads: frozenset[str]) -> tuple[EventKind, ...]:
    """Return the kinds of events that an article is about, MOST_KINDS at most, those with most of its words first.

    `heads` are words of institutions, folded: a fire department is no fire. What the title or the first paragraph
    tells of is what the article is about; where they tell of nothing, the heaviest kind of the rest. Of two kinds in
    the same words ("fire": of a house or of a forest) the one with more of them is meant.
    """
    forms = _forms(lang)
    head, lead, whole = (_words(part, heads) for part in (title, lead_of(text), text))
    dwelt: dict[str, Counter[str]] = {}
    passing: dict[str, Counter[str]] = {}
    for form, entries in forms.items():
        in_title, in_lead, in_text = f" {form} " in head, f" {form} " in lead, whole.count(f" {form} ")
        if not (in_title or in_text):
            continue
        for kind, word in entries:
            found = dwelt if in_title or in_lead else passing
            found.setdefault(kind, Counter())[word] += in_text + _IN_TITLE * in_title
    for kind, counted in dwelt.items():
        counted.update(passing.get(kind, {}))
    told = dwelt or passing
    ranked = sorted(told, key=lambda kind: (-told[kind].total(), kind))
    chosen: list[EventKind] = []
    seen: set[str] = set()
    for kind in ranked[: MOST_KINDS if dwelt else 1]:
        counted = told[kind]
        words = [word for word in sorted(counted, key=lambda word: (-counted[word], word)) if word not in seen]
        if words:
            listed = _kinds()[kind].get(lang or "", _kinds()[kind][_FALLBACK])
            words += [word for word in listed if word not in counted and word not in seen]
            seen.update(words)
            chosen.append(EventKind(name=kind, terms=tuple(words)))
    return tuple(chosen)


def event_words(lang: str | None) -> frozenset[str]:
    """Return all forms of the words that tell of events in a language, folded."""
    return frozenset(_forms(lang))


def lead_of(text: str) -> str:
    """Return the first paragraph of an article's text."""
    return text.strip().partition("\n")[0]


def _words(text: str, heads: frozenset[str]) -> str:
    """The words of a text, folded, a space around each, without those that name an institution."""
    words = _WORD.findall(fold(compose(text)))
    kept = (word for word, after in pairwise([*words, ""]) if after not in heads)
    return " ".join(("", *kept, ""))


@cache
def _forms(lang: str | None) -> dict[str, tuple[tuple[str, str], ...]]:
    """Each form of each word of a language, with the kinds that it tells of and the word itself."""
    forms: dict[str, list[tuple[str, str]]] = {}
    for kind, languages in _kinds().items():
        language = lang if lang in languages else _FALLBACK
        for word in languages[language]:
            for form in sorted({form.text for form in term_forms(word, languages=(language,))}):
                forms.setdefault(form, []).append((kind, word))
    return {form: tuple(dict.fromkeys(entries)) for form, entries in forms.items()}


@cache
def _kinds() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files("monitor.stories").joinpath("lexicons", "events.toml").read_text("utf-8"))
