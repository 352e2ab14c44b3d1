"""Where a figure holds: place mentions in a clause, resolved against the story's gazetteer."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from monitor.claims.lexicon import Lexicon
from monitor.claims.linking import Reading
from monitor.claims.tokens import OWNER, PLACE, Tokens
from storage.records import Place, Story

UNRESOLVED = "unresolved"
_LONGEST = 5
_POSSESSED = 4
# Words that are capital only where they open a sentence.
_SMALL = frozenset(("det", "in", "at", "to", "rest", "of"))


class Mention(NamedTuple):
    """A place named after a preposition, at tokens [start, end).

    `is_generic`: "the region" without a name. `is_alone`: "in Kerr County alone", said to be no more than a part.
    `is_source`: "four from China", where people come from. `is_loose`: "the state", which under a headline is where it
    all happened as often as not. `is_wide`: "in five states", "in Ghana and Togo together". `is_house`: one
    hospital by its name.
    """

    text: str
    start: int
    end: int
    is_generic: bool = False
    is_alone: bool = False
    is_source: bool = False
    is_loose: bool = False
    is_wide: bool = False
    is_house: bool = False


@lru_cache(maxsize=4096)
def place_slug(text: str) -> str:
    """The key of a place name: folded to plain small letters with hyphens."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return "-".join(re.findall(r"\w+", plain))


def find_mentions(reading: Reading, lexicon: Lexicon) -> list[Mention]:
    """All places that a sentence names after a preposition of place."""
    tokens = reading.tokens
    prepositions = lexicon.place.get("prepositions", frozenset())
    mentions: list[Mention] = []
    elsewhere = lexicon.place.get("elsewhere", frozenset())
    possessives = tuple(lexicon.place.get("possessive", ()))
    for index in tokens.indices(PLACE | OWNER):
        word = tokens.lower[index]
        if possessives and word.endswith(possessives) and _has_toll(tokens, index + 1, lexicon):
            name = next(tokens.surface(index, index + 1)[: -len(end)] for end in possessives if word.endswith(end))
            if tokens.is_capital(index):
                mentions.append(Mention(name, index, index + 1))
        elif word in elsewhere:
            mentions.append(Mention(tokens.surface(index, index + 1), index, index + 1, True, is_alone=True))
        elif word in prepositions:
            mention = _read_several(reading, index + 1, lexicon) or _read_place(reading, index + 1, lexicon)
            if mention is not None:
                mentions.append(mention)
    return mentions


def find_houses(reading: Reading, lexicon: Lexicon) -> list[Mention]:
    """All hospitals that a sentence names: "Mercy Hospital", "l'hôpital Saint-Louis"."""
    tokens = reading.tokens
    houses = []
    for start, end, entry in lexicon.words.find(tokens.lower):
        if "hospital" not in entry.classes:
            continue
        first, last = start, end
        # What opens a sentence is capital in any case: "Local hospitals" is no name, "Mercy Hospital" is.
        least = 0 if tokens.is_capital(start) else 1
        while (
            first > least
            and start - first < _LONGEST
            and _is_name(tokens, first - 1, lexicon)
            and lexicon.classes_at(tokens.lower, first - 1).isdisjoint(_SMALL)
        ):
            first -= 1
        while last < len(tokens.lower) and last - end < _LONGEST and _is_name(tokens, last, lexicon):
            last += 1
        if last - first > end - start:
            houses.append(Mention(tokens.surface(first, last), first, last, is_house=True))
    return houses


def _read_several(reading: Reading, index: int, lexicon: Lexicon) -> Mention | None:
    """Places of a kind without their names: "five states", "all the districts hit"; and others: "four other states".

    Others are never where the story is; several may be the story's own or reach beyond it.
    """
    tokens, others, several = reading.tokens, lexicon.place.get("others", ()), lexicon.place.get("several", ())
    end = index
    while end - index < _LONGEST and end < len(tokens.lower):
        word = tokens.lower[end]
        if not (word in several or word in others or tokens.kinds[end] == "n" or word in lexicon.number_words):
            break
        end += 1
    if end in (index, len(tokens.lower)) or tokens.lower[end] not in lexicon.place.get("plural", ()):
        return None
    is_other = any(word in others for word in tokens.lower[index:end])
    return Mention(tokens.surface(index, end + 1), index, end + 1, True, is_alone=is_other, is_wide=True)


def _read_place(reading: Reading, index: int, lexicon: Lexicon) -> Mention | None:
    tokens, count = reading.tokens, len(reading.tokens.lower)
    lead, generic = lexicon.place.get("lead_words", frozenset()), lexicon.place.get("generic", frozenset())
    direction = lexicon.place.get("direction", frozenset())
    start = index
    while (
        index < count and index - start < _LONGEST and (tokens.lower[index] in lead or tokens.lower[index] in direction)
    ):
        if tokens.is_capital(index):
            break
        index += 1
    first = index
    while index < count and index - first < _LONGEST and _is_name(tokens, index, lexicon):
        index += 1
    if index == first:
        last = first if first < count and tokens.lower[first] in generic else first - 1
        if last > start and tokens.lower[last] in generic:
            is_loose = tokens.lower[last] in lexicon.place.get("loose", frozenset())
            return Mention(tokens.surface(start, last + 1), start, last + 1, is_generic=True, is_loose=is_loose)
        return None
    never = lexicon.place.get("never", frozenset())
    if _is_owner(tokens, index - 1, lexicon) or not never.isdisjoint(tokens.lower[first:index]):
        return None
    region = lexicon.place.get("region_words", frozenset())
    regions = region | generic
    if tokens.marks & lexicon.offices.bit and any(
        lexicon.offices.at(tokens.lower, probe) is not None and tokens.lower[probe] not in regions
        for probe in range(first, index)
    ):
        return None
    end = index
    if end < count and tokens.lower[end] in region:
        end += 1
    joined = lexicon.words.at(tokens.lower, end) if end + 1 < count else None
    if (
        joined is not None
        and "and" in joined[1].classes
        and joined[0] == end + 1
        and _is_name(tokens, end + 1, lexicon)
    ):
        # "In Turkey and Syria": both together are another place than either.
        end += 1
        while end < count and end - first <= 2 * _LONGEST and _is_name(tokens, end, lexicon):
            end += 1
    is_alone = tokens.lower[end : end + 1] != [] and tokens.lower[end] in lexicon.place.get("alone", frozenset())
    before = lexicon.words.at(tokens.lower, start - 1)
    is_source = before is not None and "from" in before[1].classes
    is_wide = tokens.lower[end : end + 1] != [] and tokens.lower[end] in lexicon.place.get("together", frozenset())
    return Mention(tokens.surface(first, end), start, end, is_alone=is_alone, is_source=is_source, is_wide=is_wide)


def _is_owner(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a name only says whose the place is: "in Ecuador's largest prison", but "in China's eastern province"."""
    possessives = tuple(lexicon.place.get("possessive", ()))
    if not possessives or not tokens.lower[index].endswith(possessives):
        return False
    generic = lexicon.place.get("generic", frozenset())
    return generic.isdisjoint(tokens.lower[index + 1 : index + 1 + _POSSESSED])


def _has_toll(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    """Whether a toll follows a possessive: "Syria's last announced toll"."""
    for probe in range(index, min(index + _POSSESSED, len(tokens.lower))):
        entry = lexicon.words.at(tokens.lower, probe)
        if entry is not None and entry[1].classes & {"toll", "generic_toll"}:
            # "The governor's staff count 78": a verb.
            return probe == index or tokens.kinds[entry[0] : entry[0] + 1] != "n"
        if tokens.kinds[probe] != "w" or tokens.is_capital(probe):
            return False
    return False


def _is_name(tokens: Tokens, index: int, lexicon: Lexicon) -> bool:
    if tokens.kinds[index] != "w" or not tokens.is_capital(index):
        return False
    word = tokens.lower[index]
    for ending in lexicon.place.get("possessive", ()):
        word = word.removesuffix(ending)
    return word not in lexicon.weekdays and word not in lexicon.months


class Gazetteer:
    """The story's places by folded name; without a story every name stands for itself."""

    __slots__ = ("_by_slug", "has_places", "parents")

    def __init__(self, story: Story | None) -> None:
        self._by_slug: dict[str, Place] = {}
        places = story.places if story is not None else ()
        for place in places:
            for name in (place.name, *place.aliases):
                self._by_slug[place_slug(name)] = place
        self.has_places = bool(places)
        self.parents = {place_slug(place.name): place.parent for place in places}

    def resolve(self, mention: Mention) -> tuple[str | None, bool]:
        """The key of a mention and whether it stands for the whole story.

        A generic mention ("the region") resolves to the story's only place of that kind, else to `unresolved`.
        """
        if mention.is_generic:
            return self._only_one(mention.text), False
        slug = place_slug(mention.text)
        place = self._by_slug.get(slug)
        if place is not None:
            return (None, True) if place.whole else (place_slug(place.name), False)
        return slug or UNRESOLVED, False

    def _only_one(self, text: str) -> str:
        kind = place_slug(text).split("-")[-1]
        names = {place.name for slug, place in self._by_slug.items() if kind in slug.split("-") and not place.whole}
        return place_slug(names.pop()) if len(names) == 1 else UNRESOLVED

    def knows(self, mention: Mention) -> bool:
        """Whether the story's gazetteer names this place."""
        return place_slug(mention.text) in self._by_slug
