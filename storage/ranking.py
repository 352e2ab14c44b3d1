"""How well a text answers a query: the words that it holds, weighed by how rare they are among what was found.

Counted in the texts themselves and not by a database's own formula, so that both databases give one order.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from storage.query import Term
from storage.snippets import count_spans

_TITLE_WEIGHT = 4  # a word of the title counts as so many of the text
_SATURATION = 1.2  # how soon more of one word counts for no more (BM25's k1)
_LENGTH_SHARE = 0.5  # how far a longer text's words count for less (BM25's b)


@dataclass(frozen=True, slots=True)
class Counted:
    """One document: how often each term stands in it, title weighted, and how long it is."""

    key: int
    counts: tuple[int, ...]
    length: int


def count_terms(key: int, title: str, text: str, terms: Sequence[Term]) -> Counted:
    """Count the terms of a query in one document."""
    inside, above = count_spans(text, terms), count_spans(title, terms)
    counts = tuple(body + _TITLE_WEIGHT * head for body, head in zip(inside, above, strict=True))
    return Counted(key, counts, len(title) + len(text))


def score_counts(counted: Sequence[Counted]) -> list[float]:
    """The scores of documents that one query found, in their order; the higher the better."""
    if not counted:
        return []
    total = len(counted)
    average = sum(document.length for document in counted) / total or 1
    holding = [sum(count > 0 for count in column) for column in zip(*(one.counts for one in counted), strict=True)]
    rarity = [math.log(1 + (total - held + 0.5) / (held + 0.5)) for held in holding]
    scores = []
    for document in counted:
        room = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * document.length / average)
        scores.append(
            sum(
                weight * count * (_SATURATION + 1) / (count + room)
                for weight, count in zip(rarity, document.counts, strict=True)
            )
        )
    return scores
