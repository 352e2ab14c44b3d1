"""The part of a text that shows why it was found, with the places of the words."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice

from storage.folding import PARTED, WORD, fold_in_place, words
from storage.query import Term

_BEFORE = 60  # characters shown ahead of the first found word
_LENGTH = 240  # characters of a snippet
_OPENING = 1_000  # characters that are looked at first: to fold a whole text costs more than to find it
_LONGEST_WORD = 40  # a snippet is cut within what goes on for longer (Chinese has no spaces)
_MOST_SPANS = 50  # of one term in one text
_OTHER_SPACE = re.compile(r"[^\S ]")
Spans = tuple[tuple[int, int], ...]


def find_spans(text: str, terms: Sequence[Term]) -> Spans:
    """Where terms stand in a text, as half-open spans in order, none within another; a phrase is one span."""
    folded = fold_in_place(text)
    return _in_order(_walk(text, terms)) if folded is None else _spans_in(folded, terms)


def _spans_in(folded: str, terms: Sequence[Term]) -> Spans:
    return _in_order(chain.from_iterable(islice(_places(term, folded), _MOST_SPANS) for term in terms))


def _in_order(found: Iterable[tuple[int, int]]) -> Spans:
    spans: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not spans or start >= spans[-1][1]:
            spans.append((start, end))
    return tuple(spans)


def count_spans(text: str, terms: Sequence[Term]) -> list[int]:
    """How often each term stands in a text, up to a bound beyond which more says no more."""
    folded = fold_in_place(text)
    if folded is None:
        return [sum(1 for _ in islice(_walk(text, [term]), _MOST_SPANS)) for term in terms]
    return [sum(1 for _ in islice(_places(term, folded), _MOST_SPANS)) for term in terms]


def _places(term: Term, folded: str) -> Iterator[tuple[int, int]]:
    """Where a term stands in a text whose letters were folded one for one."""
    first = term.words[0]
    if first.isascii() and first.isdigit():  # which may be parted
        yield from (match.span() for match in _pattern(term).finditer(folded))
        return
    # To look for letters is several times quicker than an expression; that only looks at what is around them.
    is_plain = len(term.words) == 1 and not term.is_prefix
    at = folded.find(first)
    while at >= 0:
        end = at + len(first)
        is_begun = at == 0 or not folded[at - 1].isalnum()
        if is_begun and is_plain and (end == len(folded) or not folded[end].isalnum()):
            yield at, end
        elif is_begun and not is_plain and (match := _pattern(term).match(folded, at)):
            yield at, (end := match.end())
        at = folded.find(first, end)


@lru_cache(maxsize=1_000)
def _pattern(term: Term) -> re.Pattern[str]:
    """A term as it may stand in a text whose letters were folded one for one."""
    first, *others = term.words
    begin = r"(?<![^\W_])" + _word_pattern(first)
    end = r"[^\W_]*" if term.is_prefix else r"(?![^\W_])"
    return re.compile(r"[\W_]+".join([begin, *map(_word_pattern, others)]) + end)


def _word_pattern(word: str) -> str:
    if not word.isascii() or not word.isdigit():
        return re.escape(word)
    head = len(word) % 3 or 3
    groups = [word[:head], *(word[place : place + 3] for place in range(head, len(word), 3))]
    return rf"(?<![0-9]{PARTED})" + f"{PARTED}?".join(groups) + rf"(?!{PARTED}[0-9]{{3}}(?![0-9]))"


def _walk(text: str, terms: Sequence[Term]) -> Iterator[tuple[int, int]]:
    """The same, word by word, for a text whose letters fold to more or fewer of them."""
    running: list[tuple[Term, int, int]] = []
    for start, end, folded in _words_of(text):
        candidates = [*running, *((term, 0, start) for term in terms)]
        running = []
        for term, index, began in candidates:
            if not _agrees(term, index, folded):
                continue
            if index + 1 < len(term.words):
                running.append((term, index + 1, began))
            else:
                yield began, end


def make_snippet(text: str, terms: Sequence[Term]) -> tuple[str, Spans]:
    """A piece of the text around the densest found words, with their places in it; else its beginning.

    What a text begins with is looked at first, and does if as many found words stand together there as were asked for.
    """
    spans, centre = _spans_to_show(text, terms)
    start = _word_start(text, max(0, centre - _BEFORE))
    end = _word_end(text, min(len(text), start + _LENGTH))
    lead, tail = "…" if start else "", "…" if end < len(text) else ""
    piece = text[start:end]
    shift = len(lead) - start
    inside = tuple((a + shift, b + shift) for a, b in spans if a >= start and b <= end)
    return f"{lead}{_OTHER_SPACE.sub(' ', piece)}{tail}", inside


def _spans_to_show(text: str, terms: Sequence[Term]) -> tuple[Spans, int]:
    """Where terms stand in a text or in its beginning, and where the first that a snippet shows begins."""
    cut = text.rfind(" ", _OPENING - _LONGEST_WORD, _OPENING) if len(text) > _OPENING * 2 else -1
    folded = fold_in_place(text[:cut]) if cut > 0 else None
    if folded is not None:
        spans = _spans_in(folded, terms)
        centre, count = _densest([span for span in spans if span[0] < cut - _LENGTH - _LONGEST_WORD])
        if count >= len(terms):
            return spans, centre
        rest = fold_in_place(text[cut:])
        folded = None if rest is None else folded + rest
    spans = find_spans(text, terms) if folded is None else _spans_in(folded, terms)
    return spans, _densest(spans)[0]


def _densest(spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Where the first of most spans that one snippet shows begins, and how many they are."""
    starts = [start for start, _ in spans]
    within = [bisect_right(starts, start + _LENGTH - _BEFORE) - place for place, start in enumerate(starts)]
    most = max(within, default=0)
    return (starts[within.index(most)] if within else 0), most


def mark_spans(text: str, spans: Spans, before: str, after: str) -> str:
    """The text with marks around its spans, for a terminal or a page that escapes nothing by itself."""
    pieces, position = [], 0
    for start, end in spans:
        pieces += [text[position:start], before, text[start:end], after]
        position = end
    return "".join([*pieces, text[position:]])


@lru_cache(maxsize=50_000)
def _fold(word: str) -> tuple[str, ...]:
    return tuple(words(word))


def _words_of(text: str) -> Iterator[tuple[int, int, str]]:
    for match in WORD.finditer(text):
        for folded in _fold(match.group()):
            yield match.start(), match.end(), folded


def _agrees(term: Term, index: int, folded: str) -> bool:
    wanted = term.words[index]
    is_open = term.is_prefix and index + 1 == len(term.words)
    return folded.startswith(wanted) if is_open else folded == wanted


def _word_start(text: str, at: int) -> int:
    for place in range(at, max(0, at - _LONGEST_WORD), -1):
        if text[place - 1].isspace():
            return place
    return 0 if at < _LONGEST_WORD else at


def _word_end(text: str, at: int) -> int:
    for place in range(at, min(len(text), at + _LONGEST_WORD)):
        if text[place].isspace():
            return place
    return len(text) if len(text) - at < _LONGEST_WORD else at
