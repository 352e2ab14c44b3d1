"""The part of a text that shows why it was found, with the places of the words."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from storage.folding import WORD, words
from storage.query import Term

_BEFORE = 60  # characters shown ahead of the first found word
_LENGTH = 240  # characters of a snippet
_LONGEST_WORD = 40  # a snippet is cut within what goes on for longer (Chinese has no spaces)
Spans = tuple[tuple[int, int], ...]


def find_spans(text: str, terms: Sequence[Term], *, stop_when_all: bool = False) -> Spans:
    """Where terms stand in a text, as half-open spans in order; one that spans words is a phrase.

    `stop_when_all`: look no further than a snippet's length beyond the place where each term was met once.
    """
    spans: list[tuple[int, int]] = []
    unmet = set(terms)
    running: list[tuple[Term, int, int]] = []
    first_end = -1
    for start, end, folded in _words_of(text):
        if stop_when_all and not unmet and start > first_end + _LENGTH:
            break
        candidates = [*running, *((term, 0, start) for term in terms)]
        running = []
        for term, index, began in candidates:
            if not _agrees(term, index, folded):
                continue
            if index + 1 < len(term.words):
                running.append((term, index + 1, began))
            elif not spans or began >= spans[-1][1]:
                spans.append((began, end))
                unmet.discard(term)
                first_end = end
            else:
                unmet.discard(term)
    return tuple(spans)


def make_snippet(text: str, terms: Sequence[Term]) -> tuple[str, Spans]:
    """A piece of the text around the densest found words, with their places in it; else its beginning."""
    spans = find_spans(text, terms, stop_when_all=True) if terms else ()
    centre = max(spans, key=lambda span: _density(spans, span[0]), default=(0, 0))[0]
    start = _word_start(text, max(0, centre - _BEFORE))
    end = _word_end(text, min(len(text), start + _LENGTH))
    lead, tail = "…" if start else "", "…" if end < len(text) else ""
    piece = text[start:end]
    shift = len(lead) - start
    inside = tuple((a + shift, b + shift) for a, b in spans if a >= start and b <= end)
    flat = "".join(" " if letter.isspace() else letter for letter in piece)
    return f"{lead}{flat}{tail}", inside


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


def _density(spans: Spans, start: int) -> int:
    return sum(1 for a, b in spans if a >= start and b <= start + _LENGTH - _BEFORE)


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
