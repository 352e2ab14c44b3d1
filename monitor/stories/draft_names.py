"""Names in an article: who and where it speaks of, by capital letters, how often, and the words beside them."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from monitor.stories.countries import find_country
from monitor.stories.folding import compose, fold
from storage.records import EntityKind

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|\d+|[.!?…:;,()\"“”«»/\n–—]")
_DATELINE = re.compile(r"(?m)^(?P<city>[^\W\d_]{3,})\b[^\n]{0,40}?(?:/[^/\n]+/\.?|\([^)\n]+\)|--|[–—-]\s)\s*[–—-]*\s*")
_POSSESSIVE = re.compile(r"['’]s?$")
_ENDS = frozenset('.!?…\n:"“«')
_STEM = 5  # letters that two forms of one inflected name share at least


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLexicon:
    """The words of one language by which names and topics are told from the rest."""

    titles: frozenset[str]
    heads: frozenset[str]
    place_cues: frozenset[str]
    place_nouns: frozenset[str]
    event_cues: frozenset[str]
    joiners: frozenset[str]
    months: tuple[str, ...]
    days: frozenset[str]
    themes: frozenset[str]
    common: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Name:
    """A name with what was noticed of it: how often, where, and signs of its kind."""

    text: str
    count: int = 0
    in_title: bool = False
    in_lead: bool = False
    person_signs: int = 0
    place_signs: int = 0
    aliases: Counter[str] = field(default_factory=Counter)

    def score(self) -> float:
        """Return how much the article is about this name."""
        return self.count + 2 * self.in_title + self.in_lead


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


def find_names(title: str, text: str, lexicon: DraftLexicon) -> list[Name]:
    """Return the names of an article, those that it is most about first; shorter forms are aliases of the longer."""
    names: dict[str, Name] = {}
    body = _without_dateline(text)
    # Headlines may capitalise every word: they only confirm names that the text has.
    for start, run, before, after in _runs(body, lexicon):
        words, has_title = _strip_titles(run, lexicon)
        if not words:
            continue
        shown = " ".join(words)
        name = names.setdefault(fold(compose(shown)), Name(text=shown))
        name.count += 1
        name.in_lead = name.in_lead or start < len(body) // 4
        name.person_signs += has_title + (fold(after) in lexicon.event_cues)
        name.place_signs += fold(before) in lexicon.place_cues or fold(words[-1]) in lexicon.place_nouns
    folded_title = f" {fold(compose(title))} "
    for key, name in names.items():
        name.in_title = f" {key} " in folded_title
    return sorted(_merge(list(names.values())), key=lambda name: (-name.score(), name.text))


def kind_of(name: Name, lexicon: DraftLexicon) -> EntityKind:
    """Return what a name most likely is."""
    words = [fold(word) for word in name.text.split()]
    if any(word in lexicon.heads for word in words) or name.text.isupper():
        return EntityKind.ORGANISATION
    if find_country(name.text) or (name.place_signs * 2 > name.count and not name.person_signs):
        return EntityKind.PLACE
    if name.person_signs or len(words) in (2, 3):
        return EntityKind.PERSON
    return EntityKind.PLACE if name.place_signs else EntityKind.ORGANISATION


def _without_dateline(text: str) -> str:
    """Return the text without "CITY, date. /AGENCY/." or "CITY (Agency) –" at the beginning of a line."""
    return _DATELINE.sub(lambda found: "" if found["city"].isupper() else found[0], text)


def _runs(text: str, lexicon: DraftLexicon) -> Iterator[tuple[int, list[str], str, str]]:
    """Yield each run of capitalised words with its offset and the words before and after it."""
    tokens = [(found.start(), found[0]) for found in _WORD.finditer(compose(text))]
    known = Counter(word for at, (_, word) in enumerate(tokens) if at and tokens[at - 1][1] not in _ENDS)
    position = 0
    while position < len(tokens):
        if not _is_capital(tokens[position][1]):
            position += 1
            continue
        end = _end_of_run(tokens, position, lexicon)
        first = position
        is_start = position == 0 or tokens[position - 1][1] in _ENDS
        if is_start and _is_plain(tokens[position][1], known, lexicon):
            first += 1
        run = [word for _, word in tokens[first:end]]
        run[-1:] = [_POSSESSIVE.sub("", word) for word in run[-1:]]
        if run and not _is_date(run, lexicon):
            before = tokens[first - 1][1] if first else ""
            after = tokens[end][1] if end < len(tokens) else ""
            yield tokens[first][0], run, before, after
        position = max(end, position + 1)


def _end_of_run(tokens: Sequence[tuple[int, str]], start: int, lexicon: DraftLexicon) -> int:
    end = start + 1
    while end < len(tokens) and not _POSSESSIVE.search(tokens[end - 1][1]):
        if _is_capital(tokens[end][1]):
            end += 1
            continue
        skip = end
        while skip < len(tokens) and fold(tokens[skip][1]) in lexicon.joiners and skip - end < 2:
            skip += 1
        is_joined = skip > end and skip < len(tokens) and _is_capital(tokens[skip][1])
        if not (is_joined and fold(tokens[end - 1][1]) in lexicon.heads):
            break
        end = skip + 1
    return end


def _is_capital(word: str) -> bool:
    return word[0].isupper()


def _is_plain(word: str, known: Counter[str], lexicon: DraftLexicon) -> bool:
    """Tell whether a capital at the start of a sentence is only that: an ordinary word, or one never seen elsewhere."""
    folded = fold(word)
    if folded in lexicon.titles or word.isupper() or find_country(_POSSESSIVE.sub("", word)):
        return False
    return folded in lexicon.common or folded in lexicon.themes or known[word] == 0


def _is_date(run: Sequence[str], lexicon: DraftLexicon) -> bool:
    return all(fold(word) in lexicon.months or fold(word) in lexicon.days for word in run)


def _strip_titles(run: Sequence[str], lexicon: DraftLexicon) -> tuple[list[str], bool]:
    """Return a person's name without the titles and offices before it, and whether there were any.

    "Interior Ministry" keeps its first word: what follows the last title must be a name.
    """
    last_title = max((at for at, word in enumerate(run) if fold(word) in lexicon.titles), default=-1)
    rest = list(run[last_title + 1 :])
    if last_title < 0 or any(fold(word) in lexicon.heads for word in rest):
        return list(run), False
    return rest, bool(rest)


def _merge(names: list[Name]) -> list[Name]:
    """Return the names with last names, acronyms' forms and inflected forms put to the longer or the plainer one."""
    merged: list[Name] = []
    for name in sorted(names, key=lambda name: (-len(name.text.split()), -name.count, len(name.text))):
        for other in merged:
            if _is_form_of(name.text, other.text):
                other.count += name.count
                other.aliases[name.text] += name.count
                other.in_title = other.in_title or name.in_title
                other.in_lead = other.in_lead or name.in_lead
                other.person_signs += name.person_signs
                other.place_signs += name.place_signs
                break
        else:
            merged.append(name)
    return merged


def _is_form_of(short: str, long: str) -> bool:
    """Tell whether one name is the last name, the initials or an inflected form of another."""
    mine, theirs = fold(short).split(), fold(long).split()
    if short.isupper() and len(theirs) > 1:
        return short == "".join(word[0] for word in long.split() if word[0].isupper())
    if len(mine) < len(theirs):
        return mine == theirs[-len(mine) :] and not find_country(short)
    same = len(mine) == len(theirs) and not long.isascii()
    return same and all(a[:_STEM] == b[:_STEM] and abs(len(a) - len(b)) <= 3 for a, b in zip(mine, theirs, strict=True))
