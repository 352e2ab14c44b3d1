"""What a person probably meant who mistyped a word: the nearest word of recent titles and of the stories' own names.

Of a mistyped name (`story: source: lang: metric:`) the nearest that an article has.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session

from storage.claims import list_metrics
from storage.folding import WORD, words
from storage.query import name_tag, parse_query, wanted_names, wanted_terms
from storage.search import count_facets, search_articles
from storage.stories import list_stories
from storage.tables import ARTICLES

_TITLES = 5_000  # the newest that are looked through
_SHORTEST = 4  # shorter words are too near to too many others


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that a query asks for and no stored article has, both as a query has them: `metric:kiled`."""

    name: str
    nearest: str | None = None


def find_unknown_names(
    session: Session, query: str, *, source: str | None = None, lang: str | None = None
) -> tuple[UnknownName, ...]:
    """The names that a query asks for, or that narrow it, and that no stored article has. Raises QueryError.

    Meant for a query that found nothing. A nearest name is as near as nearest words are.
    """
    asked = parse_query(query)
    for field, given in (("source", source), ("lang", lang)):
        if given and words(given):
            asked.require(name_tag(field, given))
    unknown = [
        (field, name) for field, name in wanted_names(asked) if not search_articles(session, f"{field}:{name}", limit=1)
    ]
    if not unknown or _is_empty(session):
        return ()
    facets = count_facets(session, "")
    known = {
        "story": _by_folded(name for name, _ in facets.stories),
        "source": _by_folded(name for name, _ in facets.sources),
        "lang": _by_folded(name for name, _ in facets.languages),
        "metric": _by_folded(list_metrics(session)),
    }
    found = []
    for field, name in unknown:
        nearest = _nearest(name, Counter(dict.fromkeys(known[field], 1)))
        found.append(UnknownName(f"{field}:{name}", nearest and _write_name(field, known[field][nearest])))
    return tuple(found)


def _by_folded(names: Iterable[str]) -> dict[str, str]:
    """Names by how the index writes them."""
    return {"_".join(words(name)): name for name in names}


def _write_name(field: str, name: str) -> str:
    return f'{field}:"{name}"' if " " in name else f"{field}:{name}"


def suggest_query(session: Session, query: str) -> str | None:
    """The query with its unknown words put right, or None where there is nothing better. Raises QueryError.

    Meant for a query that found nothing. A word may be one change away (letter wrong, missing, too much, or two
    swapped), and a word of seven letters or more two.
    """
    if _is_empty(session):
        return None
    asked = {word for term in wanted_terms(parse_query(query).node) if not term.is_prefix for word in term.words}
    unknown = {word for word in asked if len(word) >= _SHORTEST and not search_articles(session, f'"{word}"', limit=1)}
    if not unknown:
        return None
    vocabulary = _vocabulary(session)
    nearest = {word: better for word in unknown if (better := _nearest(word, vocabulary)) is not None}
    if not nearest:
        return None
    return WORD.sub(lambda match: nearest.get("".join(words(match.group())), match.group()), query)


def _is_empty(session: Session) -> bool:
    """Whether nothing is stored: no other word would find anything."""
    return session.execute(select(ARTICLES.c.article_id).limit(1)).first() is None


def _vocabulary(session: Session) -> Counter[str]:
    found: Counter[str] = Counter()
    for title in session.execute(
        select(ARTICLES.c.title).order_by(ARTICLES.c.article_id.desc()).limit(_TITLES)
    ).scalars():
        found.update(words(title))
    for story in list_stories(session):
        names = [story.title, *(name for entity in story.entities for name in (entity.name, *entity.aliases))]
        names += [term for topic in story.topics for term in topic.terms]
        names += [name for place in story.places for name in (place.name, *place.aliases)]
        found.update(word for name in names for word in words(name))
    return found


def _nearest(word: str, vocabulary: Counter[str]) -> str | None:
    most = 2 if len(word) >= 7 else 1
    best: tuple[int, int, str] | None = None
    for candidate, count in vocabulary.items():
        if abs(len(candidate) - len(word)) > most or candidate == word:
            continue
        distance = edit_distance(word, candidate, most)
        if distance <= most and (best is None or (distance, -count, candidate) < best):
            best = (distance, -count, candidate)
    return None if best is None else best[2]


def edit_distance(one: str, other: str, most: int) -> int:
    """Changes from one word to another, two swapped neighbours counting once; `most` + 1 stands for anything beyond."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        older, before, row = before, row, [i]
        for j, facing in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != facing))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == facing:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
