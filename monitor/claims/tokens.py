"""Texts to sentences, sentences to tokens. Offsets always point into the text as it was given."""

import re

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
_MARKS = frozenset(".!?…。؟।")
_CLOSERS = frozenset("\"'”’»)]")
_ENDS = (*sorted(_MARKS), "\n")
_LONGEST = 1200
_LONGEST_ABBREVIATION = 24
# "St George's." ends with no initial.
_APOSTROPHES = ("'", "’")
_WORD_BREAK = re.compile(r"[\s(\"“']")
_WORD_BREAKS = frozenset(" \n(\"“'")
_NEXT_WORD = re.compile(r"\s*([^\W\d_]+)")
_OPENER = re.compile(r"\s*[\"'“‘«(\[—–•-]*\s*(?:[^\W\d_]|\d)")

# What a word may be: the beginning of a number, a colon or dash, a possessive, a word before a place or in
# place of one, the end of a clause, an auxiliary of the perfect, the first word of a phrase of several, "among".
NUMERIC, COLON, OWNER, PLACE, CLAUSE, PERFECT, LEAD, AMONG = (1 << bit for bit in range(8))
FIRST_FREE_BIT = 8
_COLONS = frozenset(":-–—")
# How many words and chunks a vocabulary keeps before it begins anew, and how long they may be.
_MOST_WORDS = 30_000
_LONGEST_KEPT = 40

# Small letters may be more characters than the capital, and a sigma's depends on its neighbours.
_UNEVEN = re.compile("[İΣ]")
_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "‐": "-", "‑": "-", "\u00ad": None})


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


def kind_of(word: str) -> str:
    """The kind of a token: n (number), w (word), q (quotation mark), m (other mark)."""
    return _KINDS[word[0]]


class Word:
    """A word, number or mark as it is written: folded for look-up, its kind, and what a Vocabulary knows of it.

    `flags` has the bits of what may begin at it, `marks` those of what a sentence may hold that has it.
    """

    __slots__ = ("flags", "is_capital", "kind", "lower", "marks")

    def __init__(self, lower: str, kind: str, flags: int, marks: int, is_capital: bool) -> None:
        self.lower = lower
        self.kind = kind
        self.flags = flags
        self.marks = marks
        self.is_capital = is_capital


class Chunk:
    """The words of what stands between two spaces, each with its first and last place in it.

    `only` is the word of a chunk that is nothing else. Numbers may go on over a space, as "1 300" does, so that it is
    told where a digit stands at an end.
    """

    __slots__ = ("closes_digit", "ends", "only", "opens_digit", "size", "starts", "words")

    def __init__(self, size: int, words: list[Word], starts: list[int], ends: list[int]) -> None:
        is_one = len(words) == 1 and ends[0] == size and words[0].kind != "q"
        self.size = size
        self.words = words
        self.starts = starts
        self.ends = ends
        self.only = words[0] if is_one else None
        self.opens_digit = bool(words) and words[0].kind == "n"
        self.closes_digit = bool(words) and words[-1].lower[-1].isdecimal()


class Vocabulary:
    """What a lexicon knows of single words, as bits: one look-up a chunk, instead of one in every table for each word.

    The first bits are those above; a lexicon gives one more to each phrase table. Words that it does not hold, and
    what stands between spaces, are kept as they are met.
    """

    __slots__ = ("_chunks", "_flags", "_marks", "_owners", "_words")

    def __init__(self, flags: dict[str, int], marks: dict[str, int], owners: tuple[str, ...]) -> None:
        """`flags` and `marks`: the bits of the words that are known, `owners` the endings of a possessive."""
        self._flags = flags
        self._marks = marks
        self._owners = owners
        self._words: dict[str, Word] = {}
        self._chunks: dict[str, Chunk] = {}

    def chunks(self, part: str) -> list[Chunk]:
        """A sentence without space around it, cut at its spaces."""
        known = self._chunks
        found: list[Chunk] = []
        is_digit = False
        for piece in part.split(" "):
            chunk = known.get(piece)
            if chunk is None:
                chunk = self._learn(piece)
            if is_digit and chunk.opens_digit:
                return [self.cut(part)]
            is_digit = chunk.closes_digit
            found.append(chunk)
        return found

    def _learn(self, piece: str) -> Chunk:
        chunk = self.cut(piece)
        if len(piece) <= _LONGEST_KEPT:
            if len(self._chunks) > _MOST_WORDS:
                self._chunks.clear()
            self._chunks[piece] = chunk
        return chunk

    def cut(self, part: str) -> Chunk:
        """The words of a piece of text, whatever space stands in it."""
        is_ascii = part.isascii()
        is_even = is_ascii or not _UNEVEN.search(part)
        words: list[Word] = []
        starts: list[int] = []
        ends: list[int] = []
        at = len(part) - len(part.lstrip())
        for match in (_ASCII_TOKEN if is_ascii else _TOKEN).findall(part.lower() if is_even else part):
            size = len(match.rstrip())
            surface = part[at : at + size]
            word = self._words.get(surface)
            if word is None:
                word = self._word(surface)
            words.append(word)
            starts.append(at)
            ends.append(at + size)
            at += len(match)
        return Chunk(len(part), words, starts, ends)

    def _word(self, surface: str) -> Word:
        lower = surface.lower()
        kind = kind_of(lower)
        if kind == "w" and not lower.isascii():
            lower = lower.translate(_TYPOGRAPHY)
        is_capital = surface[0].isupper() or (kind == "w" and "-" in lower and not surface.islower())
        own = self._own(lower)
        word = Word(lower, kind, self._flags.get(lower, 0) | own, self._marks.get(lower, 0) | own, is_capital)
        if len(surface) <= _LONGEST_KEPT:
            if len(self._words) > _MOST_WORDS:
                self._words.clear()
            self._words[surface] = word
        return word

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


class Tokens:
    """A sentence's tokens in parallel: `lower` is folded for look-up, `kinds` is n (number), w (word) or m (mark).

    Quotation marks are no tokens, so that phrases match across them; `quotes` holds the index of the token after each.
    `words` are what a Vocabulary knows of the tokens, `flags` and `marks` the bits of all. Where they begin and end in
    the text is worked out when it is asked for.
    """

    __slots__ = ("_chunks", "_ends", "_first", "_starts", "flags", "kinds", "lower", "marks", "quotes", "text", "words")

    def __init__(self, text: str, first: int, chunks: list[Chunk]) -> None:
        """`first`: where the chunks begin in the text, each a space behind the one before."""
        words: list[Word] = []
        lower: list[str] = []
        kinds: list[str] = []
        quotes: list[int] = []
        flags = marks = 0
        for chunk in chunks:
            word = chunk.only
            if word is not None:
                words.append(word)
                lower.append(word.lower)
                kinds.append(word.kind)
                flags |= word.flags
                marks |= word.marks
                continue
            for one in chunk.words:
                if one.kind == "q":
                    quotes.append(len(lower))
                    continue
                words.append(one)
                lower.append(one.lower)
                kinds.append(one.kind)
                flags |= one.flags
                marks |= one.marks
        self.text = text
        self.words = words
        self.lower = lower
        self.kinds = "".join(kinds)
        self.quotes = quotes
        self.flags = flags
        self.marks = marks
        self._first = first
        self._chunks = chunks
        self._starts: list[int] = []
        self._ends: list[int] = []

    @property
    def starts(self) -> list[int]:
        """Where each token begins in the text."""
        if not self._starts:
            self._place()
        return self._starts

    @property
    def ends(self) -> list[int]:
        """Where each token ends in the text."""
        if not self._starts:
            self._place()
        return self._ends

    def _place(self) -> None:
        at = self._first
        for chunk in self._chunks:
            for index, word in enumerate(chunk.words):
                if word.kind != "q":
                    self._starts.append(at + chunk.starts[index])
                    self._ends.append(at + chunk.ends[index])
            at += chunk.size + 1

    def surface(self, start: int, end: int) -> str:
        """The text from token `start` up to and without token `end`."""
        return self.text[self.starts[start] : self.ends[end - 1]] if end > start else ""

    def is_capital(self, index: int) -> bool:
        """Whether the token is there and capitalised, behind a particle ("al-Ghaithi") or an apostrophe too."""
        return index < len(self.words) and self.words[index].is_capital

    def indices(self, flag: int) -> list[int]:
        """The tokens with any of the bits of a flag, in order."""
        if not self.flags & flag:
            return []
        return [index for index, word in enumerate(self.words) if word.flags & flag]

    def is_month_like(self, index: int, plain: frozenset[str]) -> bool:
        """Whether a month's name is written as one: "may" without a capital is a verb, a `plain` name is not."""
        return self.lower[index] in plain or self.is_capital(index)


def tokenize(text: str, start: int, end: int, vocabulary: Vocabulary) -> Tokens:
    """The tokens of text[start:end], with offsets into the whole text."""
    part = text[start:end]
    kept = part.lstrip()
    return Tokens(text, start + len(part) - len(kept), vocabulary.chunks(kept.rstrip()))


def split_sentences(text: str, abbreviations: frozenset[str]) -> list[tuple[int, int]]:
    """Spans of sentences. A dot after an abbreviation, an initial or before a small letter ends none.

    What goes on for more than _LONGEST characters is no sentence of a reporter: it is cut at a space, so that
    reading time grows with the length of the text alone.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for end in _sentence_ends(text, abbreviations):
        while end - start > _LONGEST:
            cut = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
            cut = cut if cut > 0 else start + _LONGEST
            if not _is_blank(text[start:cut]):
                spans.append((start, cut))
            start = cut
        if not _is_blank(text[start:end]):
            spans.append((start, end))
        start = end
    return spans


def _is_blank(text: str) -> bool:
    return not text or text.isspace()


def _sentence_ends(text: str, abbreviations: frozenset[str]) -> list[int]:
    ends: list[int] = []
    start = end = 0
    for first in _marks(text):
        if first < end:
            # A mark among others: they end a sentence together.
            continue
        last = _behind_marks(text, first)
        if last is None:
            continue
        end = last
        if text[first] != "." or _ends_sentence(text, start, first, end, len(text), abbreviations):
            ends.append(end)
            start = end
    ends.append(len(text))
    return ends


def _behind_marks(text: str, first: int) -> int | None:
    """Where the marks end that begin at `first`: before a space, or they end no sentence. New lines need none."""
    end, length = first + 1, len(text)
    if text[first] == "\n":
        while end < length and text[end] == "\n":
            end += 1
        return end
    while end < length and text[end] in _MARKS:
        end += 1
    while end < length and text[end] in _CLOSERS:
        end += 1
    return end if end == length or text[end].isspace() else None


def _marks(text: str) -> list[int]:
    """Where the marks stand that may end a sentence: found one by one, which is quicker than by a set of them."""
    places: list[int] = []
    for mark in _ENDS:
        at = text.find(mark)
        while at >= 0:
            places.append(at)
            at = text.find(mark, at + 1)
    places.sort()
    return places


def _ends_sentence(text: str, start: int, dot: int, end: int, length: int, abbreviations: frozenset[str]) -> bool:
    behind = text[end : end + 2]
    if "\n" in behind:
        return True
    before = text[max(start, dot - _LONGEST_ABBREVIATION) : dot]
    word = _last_word(before).lower()
    if len(behind) > 1 and behind[0] == " " and behind[1].isalpha():
        next_letter = behind[1]
    else:
        follows = _OPENER.match(text, end, min(length, end + 8))
        next_letter = text[follows.end() - 1] if follows else ""
    is_ending = len(word) == 1 and before[-2:-1] in _APOSTROPHES
    if word in abbreviations or (len(word) == 1 and word.isalpha() and not is_ending):
        # "U.S. The" is rare beside "U.S. officials": a dotted abbreviation before a capital ends one only after a time.
        return word in ("p.m", "a.m") and next_letter.isupper()
    if word.isdecimal() and _is_ordinal(text, before, word, end, abbreviations):
        return False
    return not next_letter.islower()


def _last_word(text: str) -> str:
    """What stands behind the last break between words."""
    at = text.rfind(" ") + 1
    if text[at:].isalnum():
        return text[at:]
    at = len(text)
    while at:
        character = text[at - 1]
        if character in _WORD_BREAKS or character.isspace():
            break
        at -= 1
    return text[at:]


def _is_ordinal(text: str, before: str, word: str, end: int, abbreviations: frozenset[str]) -> bool:
    """Whether the word beside a number and its dot makes it an ordinal: «am 9.», «9. Januar», but «auf 30. Zuvor»."""
    earlier = _WORD_BREAK.split(before)[-2:-1]
    later = _NEXT_WORD.match(text, end)
    pairs = ([f"{earlier[0]} {word}".lower()] if earlier else []) + (
        [f"{word}. {later.group(1)}".lower()] if later else []
    )
    return any(pair in abbreviations for pair in pairs)
