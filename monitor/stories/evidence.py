"""Names as evidence: what a story names, what a form stands for, and where the forms of a name stand in an article."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from monitor.stories.countries import find_country
from monitor.stories.forms import Form, name_forms, term_forms
from storage.records import EntityKind, Story

TITLE, LEAD, LEAD_AGAIN, BLOCK = 1.5, 1.0, 0.5, 0.35
BLOCK_CHARS = 600
MOST_BLOCKS = 3
DATELINE_CHARS = 4  # so long a name in capitals within a text is where the reporter sits, not what the report is about
SIDES = MappingProxyType({"entity": "subject", "place": "subject", "topic": "theme", "toll": "theme"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A name of one story: which story (by position), what it is evidence of, how much it weighs.

    `is_spot`: a place or event that is no whole country.
    """

    story: int
    kind: str
    name: str
    weight: float = 1.0
    central: bool = False
    is_spot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a form stands for: a name, in texts of one language or of any, in capitals only or not."""

    evidence: int
    language: str | None
    in_capitals: bool

    def accepts(self, words: str, lang: str | None) -> bool:
        """Tell whether words of a text in this language (None: unknown) are this name and not a word like it."""
        is_language = self.language is None or lang is None or self.language == lang
        return is_language and (not self.in_capitals or words.isupper())


class Occurrence(NamedTuple):
    """Where a form stands in an article; offsets include the spaces around it."""

    pattern: int
    words: str
    start: int
    end: int
    title_end: int


@dataclass(slots=True, kw_only=True)
class Found:
    """Where the forms of one name stand in one article."""

    in_title: bool = False
    lead: int = 0
    blocks: set[int] = field(default_factory=set)
    count: int = 0
    words: dict[str, None] = field(default_factory=dict)
    rarity: float = 0.0
    last_end: int = -1

    def note(self, occurrence: Occurrence, *, is_acronym: bool) -> None:
        """Enter one occurrence; forms of one name that overlap ("Tokayev" in the full name) are one occurrence."""
        self.words.setdefault(occurrence.words)
        is_same = occurrence.start < self.last_end - 1  # two words in a row share the space between them
        self.last_end = max(self.last_end, occurrence.end)
        if is_same:
            return
        self.count += 1
        offset = occurrence.start - occurrence.title_end
        is_dateline = not is_acronym and len(occurrence.words) >= DATELINE_CHARS and occurrence.words.isupper()
        if offset < 0:
            self.in_title = True
        elif is_dateline:
            self.blocks.add(offset // BLOCK_CHARS)
        elif offset < BLOCK_CHARS:
            self.lead += 1
        else:
            self.blocks.add(offset // BLOCK_CHARS)

    def strength(self) -> float:
        """Return how strongly the article speaks of this name, by the places where it stands."""
        lead = min(self.lead, 1) * LEAD + (LEAD_AGAIN if self.lead > 1 else 0)
        return self.rarity * (TITLE * self.in_title + lead + BLOCK * min(len(self.blocks), MOST_BLOCKS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name of a story with all its spellings, as its seed gives them."""

    kind: str
    name: str
    spellings: tuple[str, ...]
    is_person: bool = False
    is_place: bool = False
    is_event: bool = False
    weight: float = 1.0
    central: bool = False

    def is_spot(self) -> bool:
        """Tell whether this is a place or an event, and none of its spellings a country."""
        return (self.is_place or self.is_event) and not any(map(find_country, self.spellings))

    def forms(self, spelling: str, languages: Sequence[str]) -> frozenset[Form]:
        """Return the forms under which a text may hold one of the spellings."""
        if SIDES[self.kind] == "theme":
            return term_forms(spelling, languages=languages)
        return name_forms(spelling, is_person=self.is_person, is_place=self.is_place, languages=languages)


def names_of(story: Story) -> Iterator[Name]:
    """Yield what a story names, entities first."""
    for entity in story.entities:
        yield Name(
            kind="entity",
            name=entity.name,
            spellings=(entity.name, *entity.aliases),
            is_person=entity.kind == EntityKind.PERSON,
            is_place=entity.kind == EntityKind.PLACE,
            is_event=entity.kind == EntityKind.EVENT,
            weight=entity.weight,
            central=entity.central,
        )
    for place in story.places:
        yield Name(kind="place", name=place.name, spellings=(place.name, *place.aliases), is_place=True)
    for topic in story.topics:
        yield Name(kind="topic", name=topic.name, spellings=topic.terms)
    if story.topics and (story.entities or story.places):
        yield Name(kind="toll", name="toll", spellings=_toll_words(story.languages))


@cache
def _toll_words(languages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that carry on a count, of the languages of a story; of all, if it names none."""
    raw = tomllib.loads(files("monitor.stories").joinpath("lexicons", "toll.toml").read_text("utf-8"))
    return tuple(word for language, words in raw.items() if not languages or language in languages for word in words)


def widest(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return the targets without those that a wider one of the same name includes: any language, any case."""
    best: dict[tuple[int, str | None], Target] = {}
    for target in sorted(targets, key=lambda target: (target.language is not None, target.in_capitals)):
        if (target.evidence, None) not in best:
            best.setdefault((target.evidence, target.language), target)
    return tuple(best.values())
