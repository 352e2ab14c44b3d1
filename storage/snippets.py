"""The part of a text that shows why it was found, with the places of the words."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from storage.folding import IDEOGRAPH, PARTED, WORD, fold_letters, words
from storage.query import Term

_BEFORE = 60  # characters shown ahead of the first found word
_LENGTH = 240  # characters of a snippet
_LONGEST_WORD = 40  # a snippet is cut within what goes on for longer (Chinese has no spaces)
_MOST_SPANS = 50  # of one term in one text
_SPACE = re.compile(r"\s")
_BELOW = bytes(range(0x30))
_HAS_IDEOGRAPH = re.compile(f"[{IDEOGRAPH}]")
Spans = tuple[tuple[int, int], ...]


def find_spans(text: str, terms: Sequence[Term]) -> Spans:
    """Where terms stand in a text, as half-open spans in order, none within another; a phrase is one span."""
    folded = fold_letters(text)
    found: Iterator[tuple[int, int]] = _walk(text, terms)
    if len(folded) == len(text) and not _has_ideograph(text):
        found = (match.span() for term in terms for match in islice(_pattern(term).finditer(folded), _MOST_SPANS))
    spans: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not spans or start >= spans[-1][1]:
            spans.append((start, end))
    return tuple(spans)


def count_spans(text: str, terms: Sequence[Term]) -> list[int]:
    """How often each term stands in a text, up to a bound beyond which more says no more."""
    folded = fold_letters(text)
    if len(folded) == len(text) and not _has_ideograph(text):
        return [
            sum(1 for _ in islice(_pattern(term).finditer(folded), _MOST_SPANS)) if _may_stand(term, folded) else 0
            for term in terms
        ]
    return [sum(1 for _ in islice(_walk(text, [term]), _MOST_SPANS)) for term in terms]


def _may_stand(term: Term, folded: str) -> bool:
    """Whether the first word's letters are in the text: quicker to ask than the pattern (digits may be parted)."""
    first = term.words[0]
    return first in folded or (first.isascii() and first.isdigit())


def _has_ideograph(text: str) -> bool:
    """Whether a letter stands in the text that is a word of its own."""
    if text.isascii():
        return False
    # The upper halves of its letters, without all below U+3000: many times quicker than to look at each letter.
    upper = text.encode("utf-16-le", "surrogatepass")[1::2].translate(None, _BELOW)
    return bool(upper) and _HAS_IDEOGRAPH.search(text) is not None


@lru_cache(maxsize=1_000)
def _pattern(term: Term) -> re.Pattern[str]:
    """A term as it may stand in a text whose letters were folded one for one."""
    first, *others = term.words
    # Looks behind only after the word is met: a search that begins with letters is many times quicker.
    begin = re.escape(first) + rf"(?<![^\W_]{re.escape(first)})"
    if first.isascii() and first.isdigit():
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
    """A piece of the text around the densest found words, with their places in it; else its beginning."""
    spans = find_spans(text, terms)
    starts = [start for start, _ in spans]
    within = [bisect_right(starts, start + _LENGTH - _BEFORE) - place for place, start in enumerate(starts)]
    centre = starts[within.index(max(within))] if within else 0
    start = _word_start(text, max(0, centre - _BEFORE))
    end = _word_end(text, min(len(text), start + _LENGTH))
    lead, tail = "…" if start else "", "…" if end < len(text) else ""
    piece = text[start:end]
    shift = len(lead) - start
    inside = tuple((a + shift, b + shift) for a, b in spans if a >= start and b <= end)
    return f"{lead}{_SPACE.sub(' ', piece)}{tail}", inside


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
