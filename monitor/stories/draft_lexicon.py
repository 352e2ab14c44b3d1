"""The words of a language by which a seed is drafted: who bears a title, what stories are about, how counts are put."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from monitor.stories.folding import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLexicon:
    """The words of one language, folded, by which names, topics and figures are told from the rest."""

    titles: frozenset[str]
    heads: frozenset[str]
    articles: frozenset[str]
    place_cues: frozenset[str]
    place_nouns: frozenset[str]
    event_cues: frozenset[str]
    joiners: frozenset[str]
    both: frozenset[str]
    months: tuple[str, ...]
    days: frozenset[str]
    themes: frozenset[str]
    measures: frozenset[str]
    tolls: frozenset[str]
    toll_verbs: frozenset[str]
    hedges: frozenset[str]
    number_words: frozenset[str]
    connectors: frozenset[str]
    title_places: frozenset[str]
    common: frozenset[str]


@cache
def draft_lexicon(lang: str | None) -> DraftLexicon:
    """Return the lexicon of a language; of English, where there is none."""
    folder = files("monitor.stories").joinpath("lexicons")
    path = folder.joinpath(f"{lang or 'en'}.toml")
    if not path.is_file():
        path = folder.joinpath("en.toml")
    raw = tomllib.loads(path.read_text("utf-8"))
    sets = {key: frozenset(map(fold, words)) for key, words in raw.items() if key != "months"}
    return DraftLexicon(months=tuple(map(fold, raw["months"])), **sets)
