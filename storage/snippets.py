"""The part of a text that shows why it was found, with the places of the words."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice

from storage.folding import PARTED, WORD, fold_in_place, words
from storage.query import Term

_BEFORE = 60  # characters shown ahead of the first found word
_LENGTH = 240  # characters of a snippet
_OPENING = 700  # characters that are looked at first where a word does not stand as it was folded
_LONGEST_WORD = 40  # a snippet is cut within what goes on for longer (Chinese has no spaces)
_MOST_SPANS = 50  # of one term in one text
_OTHER_SPACE = re.compile(r"[^\S ]")
Spans = tuple[tuple[int, int], ...]


def find_spans(text: str, terms: Sequence[Term]) -> Spans:
    """Where terms stand in a text, as half-open spans in order, none within another; a phrase is one span."""
    folded = fold_in_place(text)
    return _in_order(_walk(text, terms)) if folded is None else _spans_in(folded, terms)


def find_spans_of_each(texts: Sequence[str], terms: Sequence[Term]) -> list[Spans]:
    """As `find_spans` of each of some short texts, which are folded together: most hold none of the terms."""
    folded = fold_in_place("\n".join(texts))
    if folded is None:
        return [find_spans(text, terms) for text in texts]
    if not any(term.words[0] in folded or term.words[0].isdigit() for term in terms):  # digits may be parted
        return [()] * len(texts)
    found, start = [], 0
    for text in texts:
        found.append(_spans_in(folded[start : start + len(text)], terms))
        start += len(text) + 1
    return found


def _spans_in(folded: str, terms: Sequence[Term]) -> Spans:
    if len(terms) == 1:
        return tuple(_places(terms[0], folded))
    return _in_order(chain.from_iterable(_places(term, folded) for term in terms))


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
    return [len(_places(term, folded)) for term in terms]


def _places(term: Term, folded: str) -> list[tuple[int, int]]:
    """Where a term stands in a text whose letters were folded one for one, in order, at most _MOST_SPANS of it."""
    first = term.words[0]
    if first.isascii() and first.isdigit():  # which may be parted
        return [match.span() for match in islice(_pattern(term).finditer(folded), _MOST_SPANS)]
    # To look for letters is several times quicker than an expression; that only looks at what is around them.
    found: list[tuple[int, int]] = []
    is_plain = len(term.words) == 1 and not term.is_prefix
    width, length = len(first), len(folded)
    at = folded.find(first)
    while at >= 0 and len(found) < _MOST_SPANS:
        end = at + width
        if at == 0 or not folded[at - 1].isalnum():
            if is_plain:
                if end == length or not folded[end].isalnum():
                    found.append((at, end))
            elif match := _pattern(term).match(folded, at):
                found.append((at, end := match.end()))
        at = folded.find(first, end)
    return found


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

    What surrounds the one that comes last is looked at first: to fold a whole text costs more than to find it.
    """
    spans, centre = _spans_to_show(text, terms)
    start = _word_start(text, max(0, centre - _BEFORE))
    end = _word_end(text, min(len(text), start + _LENGTH))
    lead, tail = "…" if start else "", "…" if end < len(text) else ""
    piece = text[start:end]
    shift = len(lead) - start
    inside = tuple((a + shift, b + shift) for a, b in spans if a >= start and b <= end)
    if not piece.isprintable():  # then it has no other space than the plain one
        piece = piece.replace("\n", " ")
        if not piece.isprintable():
            piece = _OTHER_SPACE.sub(" ", piece)
    return f"{lead}{piece}{tail}", inside


def _spans_to_show(text: str, terms: Sequence[Term]) -> tuple[Spans, int]:
    """Where terms stand in what a snippet shows or around it, and where the first that it shows begins."""
    if not terms:
        return (), 0
    # Most terms stand in a text as they were folded, or as names do, though they may be parts of words. The one that
    # comes last is the rarest, most likely, and its surroundings are what is looked for.
    reached = [_find_written(text, term) for term in terms]
    found = None
    if min(reached) >= 0:
        found = _around(text, terms, max(reached))
    elif max(reached) < 0:
        found = _at_beginning(text, terms)
    return found or _anywhere(text, terms)


def _find_written(text: str, term: Term) -> int:
    """Where a term first stands in a text as it was folded, or with capitals; -1 where it does not."""
    written = " ".join(term.words)
    place = text.find(written)
    return place if place >= 0 else text.find(written.title())


def _around(text: str, terms: Sequence[Term], at: int) -> tuple[Spans, int] | None:
    """As `_spans_to_show`, around a place where a term may stand; None where none does or letters do not fold alike."""
    begin = at - _LENGTH - _LONGEST_WORD
    first = text.rfind(" ", begin, begin + _LONGEST_WORD) + 1 if begin > 0 else 0
    folded = fold_in_place(text[first : _cut(text, at + _LENGTH)])
    if folded is None:
        return None
    spans = tuple((start + first, end + first) for start, end in _spans_in(folded, terms))
    centre = _densest_with(spans, at)
    return None if centre is None else (spans, centre)


def _at_beginning(text: str, terms: Sequence[Term]) -> tuple[Spans, int] | None:
    """As `_spans_to_show`, if as many found words stand together there as were asked for."""
    cut = _cut(text, _OPENING + _LENGTH)
    folded = fold_in_place(text[:cut]) if cut < len(text) else None
    if folded is None:
        return None
    spans = _spans_in(folded, terms)
    centre, count = _densest([one for one in spans if one[0] < _OPENING])
    return (spans, centre) if count >= len(terms) else None


def _anywhere(text: str, terms: Sequence[Term]) -> tuple[Spans, int]:
    """As `_spans_to_show`, in the whole text."""
    folded = fold_in_place(text)
    if folded is None:
        spans = _in_order(_walk(text, terms))
        return spans, _densest(spans)[0]
    places = [_places(term, folded) for term in terms]
    spans = _in_order(chain.from_iterable(places))
    centre = _densest_with(spans, max((found[0][0] for found in places if found), default=0))
    return spans, _densest(spans)[0] if centre is None else centre


def _densest_with(spans: Spans, at: int) -> int | None:
    """Where the first of most spans begins that a snippet shows with the one at a place; None if none stands there."""
    starts = [start for start, _ in spans]
    place = bisect_left(starts, at)
    if place == len(starts) or starts[place] != at:
        return None
    # A snippet begins with a whole word, so that it may end as much sooner.
    lowest = bisect_left(starts, spans[place][1] - _LENGTH + _BEFORE + _LONGEST_WORD, hi=place)
    return _densest(spans[lowest:], among=place - lowest + 1)[0]


def _cut(text: str, at: int) -> int:
    """Where the word ends that stands some letters behind a place, so that what is cut there has whole words."""
    end = at + 2 * _LONGEST_WORD
    cut = text.rfind(" ", end - _LONGEST_WORD, end) if len(text) > end else -1
    return cut if cut > 0 else len(text)


def _densest(spans: Sequence[tuple[int, int]], among: int | None = None) -> tuple[int, int]:
    """Where the first of most spans that one snippet shows begins, and how many they are.

    `among`: as many of the first may be that first.
    """
    if len(spans) < 2:
        return (spans[0][0], 1) if spans else (0, 0)
    starts = [start for start, _ in spans]
    within = [bisect_right(starts, start + _LENGTH - _BEFORE) - place for place, start in enumerate(starts[:among])]
    most = max(within)
    return starts[within.index(most)], most


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
