"""Texts to sentences, sentences to tokens. Offsets always point into the text as it was given."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import add, itemgetter, or_

# A number, a word (also "G20", "anti-war", "O'Neil") or a mark, with the space behind it: no character is left out, so
# that lengths give the offsets.
_TOKEN = re.compile(
    r"(?:[^\W\d_]\w*(?:[’'.-]\w+)*"
    r"|\d{1,3}(?:[,.'’\u00a0\u202f\u2009 ]\d{3})+(?![\d])(?:[.,]\d+)?|\d+(?:[.,:/]\d+)*"
    r"|[^\w\s]|_)\s*"
)
# The same for small letters of ASCII alone, whose characters are looked up in a table and not by category.
_ASCII_TOKEN = re.compile(
    r"(?:[a-z][a-z0-9_]*(?:['.-][a-z0-9_]+)*"
    r"|[0-9]{1,3}(?:[,.' ][0-9]{3})+(?![0-9])(?:[.,][0-9]+)?|[0-9]+(?:[.,:/][0-9]+)*"
    r"|[^a-z0-9_\s]|_)\s*"
)
_LETTER = re.compile(r"[^\W\d_]")
_QUOTES = frozenset("\"'“”‘’«»„‚`")
# One set of characters to begin with is searched for several times faster than two ways to go on.
_BOUNDARY = re.compile(r"[.!?…。؟।\n](?:(?<=\n)\n*|(?<!\n)[.!?…。؟।]*[\"'”’»)\]]*(?=\s|$))")
_LONGEST = 1200
_LONGEST_ABBREVIATION = 24
_WORD_BREAK = re.compile(r"[\s(\"“']")
_NEXT_WORD = re.compile(r"\s*([^\W\d_]+)")
_OPENER = re.compile(r"\s*[\"'“‘«(\[—–•-]*\s*(?:[^\W\d_]|\d)")

# What a word may be: the beginning of a number, a colon or dash, a possessive, a word before a place or in
# place of one, the end of a clause, an auxiliary of the perfect, the first word of a phrase of several, "among".
NUMERIC, COLON, OWNER, PLACE, CLAUSE, PERFECT, LEAD, AMONG = (1 << bit for bit in range(8))
FIRST_FREE_BIT = 8
_COLONS = frozenset(":-–—")
# How many words a vocabulary keeps before it begins anew.
_MOST_WORDS = 30_000

# Small letters may be more characters than the capital, and a sigma's depends on its neighbours.
_UNEVEN = re.compile("[İΣ]")
_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "‐": "-", "‑": "-", "\u00ad": None})
_TYPOGRAPHIC = re.compile("[’‘‐‑\u00ad]")


class _Kinds(dict[str, str]):
    """The kind of a token by its first character: n (number), w (word), q (quotation mark), m (other mark)."""

    def __missing__(self, first: str) -> str:
        if first.isdecimal():
            kind = "n"
        elif _LETTER.match(first):
            kind = "w"
        else:
            kind = "q" if first in _QUOTES else "m"
        self[first] = kind
        return kind


_KINDS = _Kinds()
_FIRST = itemgetter(0)


def kind_of(word: str) -> str:
    """The kind of a token: n (number), w (word), q (quotation mark), m (other mark)."""
    return _KINDS[word[0]]


class Vocabulary(dict[str, int]):
    """What a lexicon knows of single words, as bits: one look-up a token, instead of one in every table.

    The first bits are those above; a lexicon gives more to its phrase tables. Words that it does not hold are kept
    as they are met.
    """

    def __init__(self, known: dict[str, int], owners: tuple[str, ...]) -> None:
        self._owners = owners
        super().__init__((word, flags | self._own(word)) for word, flags in known.items())
        self._known = dict(self)

    def __missing__(self, word: str) -> int:
        if len(self) > _MOST_WORDS:
            self.clear()
            self.update(self._known)
        self[word] = flags = self._own(word)
        return flags

    def _own(self, word: str) -> int:
        """What the word's letters alone tell."""
        kind = kind_of(word)
        is_hyphened = "-" in word and kind == "w"
        return (
            (NUMERIC if kind == "n" else 0)
            | (NUMERIC if is_hyphened else 0)
            | (COLON if word in _COLONS else 0)
            | (OWNER if word.endswith(self._owners) else 0)
        )


@dataclass(slots=True)
class Tokens:
    """A sentence's tokens in parallel: `lower` is folded for look-up, `kinds` is n (number), w (word) or m (mark).

    Quotation marks are no tokens, so that phrases match across them; `quotes` holds the index of the token after each.
    `flags` tells of each token what a Vocabulary knows of it, `marks` has the flags of all.
    """

    text: str
    lower: list[str]
    kinds: str
    starts: list[int]
    ends: list[int]
    quotes: list[int]
    flags: list[int]
    marks: int

    def surface(self, start: int, end: int) -> str:
        """The text from token `start` up to and without token `end`."""
        return self.text[self.starts[start] : self.ends[end - 1]] if end > start else ""

    def is_capital(self, index: int) -> bool:
        """Whether the token is capitalised, behind a particle ("al-Ghaithi") or an apostrophe too."""
        start = self.starts[index]
        return self.text[start].isupper() or (
            self.kinds[index] == "w" and "-" in self.lower[index] and not self.text[start : self.ends[index]].islower()
        )

    def indices(self, flag: int) -> list[int]:
        """The tokens with any of the bits of a flag, in order."""
        return [index for index, flags in enumerate(self.flags) if flags & flag] if self.marks & flag else []

    def is_month_like(self, index: int, plain: frozenset[str]) -> bool:
        """Whether a month's name is written as one: "may" without a capital is a verb, a `plain` name is not."""
        return self.lower[index] in plain or self.is_capital(index)


def tokenize(text: str, start: int, end: int, vocabulary: Vocabulary) -> Tokens:
    """The tokens of text[start:end], with offsets into the whole text."""
    part = text[start:end]
    is_ascii = part.isascii()
    is_even = is_ascii or not _UNEVEN.search(part)
    pieces = (_ASCII_TOKEN if is_ascii else _TOKEN).findall(part.lower() if is_even else part)
    first = start + len(part) - len(part.lstrip())
    starts = list(accumulate(map(len, pieces[:-1]), initial=first)) if pieces else []
    lower = list(map(str.rstrip, pieces))
    ends = list(map(add, starts, map(len, lower)))
    kinds = "".join(map(_KINDS.__getitem__, map(_FIRST, lower)))
    if not is_even:
        lower = list(map(str.lower, lower))
    if not is_ascii and _TYPOGRAPHIC.search(part):
        lower = [
            word.translate(_TYPOGRAPHY) if kind == "w" and not word.isascii() else word
            for word, kind in zip(lower, kinds, strict=True)
        ]
    quotes: list[int] = []
    if "q" in kinds:
        kept = [index for index, kind in enumerate(kinds) if kind != "q"]
        quotes = [index - passed for passed, index in enumerate(i for i, kind in enumerate(kinds) if kind == "q")]
        lower, kinds = [lower[index] for index in kept], kinds.replace("q", "")
        starts, ends = [starts[index] for index in kept], [ends[index] for index in kept]
    flags = list(map(vocabulary.__getitem__, lower))
    return Tokens(text, lower, kinds, starts, ends, quotes, flags, reduce(or_, flags, 0))


def split_sentences(text: str, abbreviations: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Spans of sentences. A dot after an abbreviation, an initial or before a small letter ends none.

    What goes on for more than _LONGEST characters is no sentence of a reporter: it is cut at a space, so that
    reading time grows with the length of the text alone.
    """
    start = 0
    for end in _sentence_ends(text, abbreviations):
        while end - start > _LONGEST:
            cut = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
            cut = cut if cut > 0 else start + _LONGEST
            if text[start:cut].strip():
                yield start, cut
            start = cut
        if text[start:end].strip():
            yield start, end
        start = end


def _sentence_ends(text: str, abbreviations: frozenset[str]) -> Iterator[int]:
    start, length = 0, len(text)
    for match in _BOUNDARY.finditer(text):
        end = match.end()
        if match.group()[0] != "." or _ends_sentence(text, start, match.start(), end, length, abbreviations):
            yield end
            start = end
    yield length


def _ends_sentence(text: str, start: int, dot: int, end: int, length: int, abbreviations: frozenset[str]) -> bool:
    if "\n" in text[end : end + 2]:
        return True
    before = text[max(start, dot - _LONGEST_ABBREVIATION) : dot]
    word = _WORD_BREAK.split(before)[-1].lower()
    follows = _OPENER.match(text, end, min(length, end + 8))
    next_letter = text[follows.end() - 1] if follows else ""
    if word in abbreviations or (len(word) == 1 and word.isalpha()):
        # "U.S. The" is rare beside "U.S. officials": a dotted abbreviation before a capital ends one only after a time.
        return word in ("p.m", "a.m") and next_letter.isupper()
    if word.isdecimal() and _is_ordinal(text, before, word, end, abbreviations):
        return False
    return not next_letter.islower()


def _is_ordinal(text: str, before: str, word: str, end: int, abbreviations: frozenset[str]) -> bool:
    """Whether the word beside a number and its dot makes it an ordinal: «am 9.», «9. Januar», but «auf 30. Zuvor»."""
    earlier = _WORD_BREAK.split(before)[-2:-1]
    later = _NEXT_WORD.match(text, end)
    pairs = ([f"{earlier[0]} {word}".lower()] if earlier else []) + (
        [f"{word}. {later.group(1)}".lower()] if later else []
    )
    return any(pair in abbreviations for pair in pairs)
