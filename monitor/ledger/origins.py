"""Rule 12: who is quoted. Names, persons and offices become one origin; umbrellas can neither lower nor restore."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from monitor.claims.lexicon import expand_all
from storage.records import Claim, Story


@dataclass(frozen=True, slots=True)
class Origin:
    """Who stands behind a claim. `name` is empty when nobody is quoted; `is_named` is false for umbrellas too.

    Origins are told apart by `name`; `shown` is how people read it: the seed's name, else the speaker's own words.
    `is_anonymous`: a source that will not be named; `is_hearsay`: such a one, the media, witnesses, no umbrella of
    officials.
    """

    name: str
    is_named: bool
    shown: str = field(default="", compare=False)
    is_hearsay: bool = field(default=False, compare=False)
    is_anonymous: bool = field(default=False, compare=False)


NOBODY = Origin("", False)


@cache
def umbrella_words() -> frozenset[str]:
    """Return the speakers that every lexicon lists as umbrellas ("officials", "local media"), as names are compared."""
    return _listed("umbrella") | hearsay_words()


@cache
def hearsay_words() -> frozenset[str]:
    """Return those among them that are no officials ("local media", "witnesses")."""
    return _listed("hearsay")


@cache
def anonymous_words() -> frozenset[str]:
    """Return the words of every lexicon for who will not be named ("source"), as names are compared."""
    return _listed("anonymous")


def _listed(key: str) -> frozenset[str]:
    words: set[str] = set()
    for folder in (files("monitor.claims") / "lexicons").iterdir():
        source = folder / "attribution.toml"
        if folder.is_dir() and source.is_file():
            listed = tomllib.loads(source.read_text(encoding="utf-8")).get(key, [])
            words.update(fold_name(word) for word in expand_all(listed))
    return frozenset(words)


def fold_name(name: str) -> str:
    """Return a name as it is compared: its words in plain small letters ("Health-Ministry" is "health ministry")."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(re.findall(r"\w+", plain))


def written_origin(claim: Claim) -> str | None:
    """Return the origin that a claim names, in the speaker's own words where its key is made of them."""
    if claim.origin and claim.speaker and fold_name(claim.origin) == fold_name(claim.speaker):
        return claim.speaker
    return claim.origin


def _last_of(name: str, ruled: Mapping[str, str]) -> str:
    """Whom a name speaks for in the end, where who it speaks for speaks for another."""
    for _ in range(len(ruled)):
        if fold_name(name) not in ruled:
            break
        name = ruled[fold_name(name)]
    return name


class OriginBook:
    """Resolves the speakers of one story's claims: its seed's origins and aliases, then those that a person judged."""

    def __init__(self, story: Story, aliases: Mapping[str, str] | None = None) -> None:
        self._known: dict[str, Origin] = {}
        self._cache: dict[tuple[str | None, str | None], Origin] = {}
        self._sources: dict[str, Origin] = {}
        for spec in story.origins:
            origin = Origin(spec.name, not spec.umbrella, spec.name)
            for name in (spec.name, *spec.aliases):
                self._known[fold_name(name)] = origin
        ruled = {fold_name(alias): name for alias, name in (aliases or {}).items()}
        self._known |= {alias: self._resolve(_last_of(name, ruled), None) for alias, name in ruled.items()}

    def origin_of(self, claim: Claim) -> Origin:
        """Return the origin behind a claim: the one it names, else its speaker."""
        asked = (claim.origin, claim.speaker)
        found = self._cache.get(asked)
        if found is None:
            found = self._cache[asked] = self._resolve(*asked)
        return found

    def origin_of_source(self, source: str) -> Origin:
        """Return the origin that publishes under an outlet's name, an office's bulletin say; nobody if it is unknown.

        What it says by nobody's mouth is its own word.
        """
        found = self._sources.get(source)
        if found is None:
            found = self._sources[source] = self._known.get(fold_name(source), NOBODY)
        return found

    def _resolve(self, origin: str | None, speaker: str | None) -> Origin:
        names = [name for name in (origin, speaker) if name and fold_name(name)]
        for name in names:
            if known := self._known.get(fold_name(name)):
                return known
        if not names:
            return NOBODY
        folded = fold_name(names[0])
        shown = next((name for name in reversed(names) if fold_name(name) == folded), names[0])
        is_listed = folded in umbrella_words()
        is_anonymous = not anonymous_words().isdisjoint(folded.split()) and (not is_listed or folded in hearsay_words())
        return Origin(
            folded, not is_anonymous and not is_listed, shown, is_anonymous or folded in hearsay_words(), is_anonymous
        )
