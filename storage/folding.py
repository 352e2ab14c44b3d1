"""How a text becomes the words that search compares: folded once, here, so that both databases agree.

Case and marks go (é → e, ё → е, ü → u), letters without a decomposition are spelt out (ß → ss, ł → l, ø → o, æ → ae);
й stays. A number is one word however its thousands are parted ("4,353", "4 353" with a no-break space, "4353"). Han and
kana, which have no spaces, give one word a letter, so that a query for several becomes a phrase.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

MOST_WORDS = 40_000  # of one text; a page beyond that is a dump, and PostgreSQL bounds a document at 1 MB
_LONGEST_WORD = 64

_SPELT_OUT = {
    "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ŋ": "n",
    "ĸ": "k", "ƀ": "b", "ɨ": "i", "ʼ": "", "й": "й", "ѐ": "е", "ѝ": "и",
}  # fmt: skip
IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARKS = "".join(
    chr(code)
    for first, last in ((0x300, 0x1000), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00), (0x20D0, 0x2100), (0xFE00, 0xFE30))
    for code in range(first, last)
    if unicodedata.category(chr(code)).startswith("M")
)
PARTED = r"[,.'’\u00a0\u202f\u2009]"
# Begins with its digit, so that the search for it is quick; only then it looks whether a word goes on there.
_NUMBER = rf"[0-9](?<![^\W_][0-9])(?<![{_MARKS}][0-9])[0-9]{{0,2}}(?:{PARTED}[0-9]{{3}})+(?![^\W_]|[{_MARKS}])"
WORD = re.compile(rf"{_NUMBER}|[{IDEOGRAPH}]|[^\W_{IDEOGRAPH}][{_MARKS}]*(?:[^\W_{IDEOGRAPH}][{_MARKS}]*)*")
_NUMBER_ONLY = re.compile(_NUMBER)
_PARTING = re.compile(PARTED)
_IDEOGRAPH = re.compile(f"[{IDEOGRAPH}]")


class _Folding(dict[int, str]):
    """What each letter folds to, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = _fold_letter(chr(code))
        self[code] = folded
        return folded


def _fold_letter(letter: str) -> str:
    if unicodedata.category(letter).startswith("M"):
        return ""
    if not letter.isalnum() or "\uac00" <= letter <= "\ud7a3":
        return letter  # Hangul syllables would fall apart into their strokes
    lower = letter.casefold()
    if lower in _SPELT_OUT:
        return _SPELT_OUT[lower]
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", lower).casefold())
    return "".join(_SPELT_OUT.get(part, part) for part in parts if part.isalnum())


_FOLDING = _Folding()
_FOLDED_RANGES = (range(0x80, 0x3400), range(0xA640, 0xABC0), range(0xF900, 0x10000))


def _folded(letter: str) -> str:
    """A lowercase letter or a mark, folded; those between the ranges (Han, Hangul) stay as they are."""
    code = ord(letter)
    return _FOLDING[code] if code > 0xFFFF or any(code in part for part in _FOLDED_RANGES) else letter


@cache
def _changing() -> re.Pattern[str]:
    """The lowercase letters and marks that fold to something else: quicker to look for than to look up every letter."""
    codes = [code for part in _FOLDED_RANGES for code in part if _FOLDING[code] != chr(code)]
    return re.compile(f"[{''.join(map(chr, codes))}\U00010000-\U0010ffff]")


@cache
def _unlike_itself() -> re.Pattern[str]:
    """What is not a letter or digit that folds to itself, beyond ASCII; and the two signs that mark a tag."""
    codes = [code for code in range(0x80, 0x10000) if _part_letter(chr(code)) != chr(code)]
    return re.compile(f"[\0~_{_ranges(codes)}\U00010000-\U0010ffff]")


def _ranges(codes: list[int]) -> str:
    """Ascending codes as the inside of a character class."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)


class _Parting(dict[str, str]):
    """What each such letter becomes, found out when it is first met: folded, a space, or apart between two."""

    def __missing__(self, letter: str) -> str:
        self[letter] = _part_letter(letter)
        return self[letter]


def _part_letter(letter: str) -> str:
    return "".join(f" {one} " if _IDEOGRAPH.match(one) else one if one.isalnum() else " " for one in _folded(letter))


_PARTINGS = _Parting()


class _Spelling(dict[str, str]):
    """What each letter is spelt as, found out when it is first met."""

    def __init__(self, spell: Callable[[str], str]) -> None:
        super().__init__()
        self.spell = spell

    def __missing__(self, letter: str) -> str:
        self[letter] = self.spell(letter)
        return self[letter]


def _fold_alone(letter: str) -> str:
    return "".join(map(_folded, letter.lower()))


def _part_alone(letter: str) -> str:
    """As `_part_letter`; _UNSETTLED for a letter that may join with others, or is written in another way."""
    is_settled = unicodedata.category(letter)[0] != "M" and not "\u1100" <= letter <= "\u11ff"
    if not is_settled or unicodedata.normalize("NFC", letter) != letter:
        return _UNSETTLED
    return "".join(map(_part_letter, letter.lower()))


_UNSETTLED = "\0"
_FOLDED_ALONE = _Spelling(_fold_alone)
_PARTED_ALONE = _Spelling(_part_alone)
_PAGES = ("cp1252", "cp1251")  # Western and Cyrillic letters with the quotation marks and dashes of print
_ASCII = bytes(range(0x80))
_BELOW_IDEOGRAPHS = bytes(range(0x30))
_FOREIGN = re.compile("[\u0080-\U0010ffff]")
_LOWERED = bytes(range(0x100)).lower()
_WORDS_ALONE = bytes(code if code >= 0x80 or chr(code).isalnum() else 0x20 for code in _LOWERED)
_MOST_FOREIGN = 2  # of so many octets no more than one is beyond ASCII: else an expression over all is as quick
_SHORTEST = 200  # letters; below, it takes as long to find out that a page has no room as to respell it
_SHORT = 1_000  # octets; below, nothing is gained by an expression that takes long to make
# Digits become 0, what may part them (or ends in such an octet) a comma, and the octets before those go.
_DIGITS = bytes.maketrans(b"123456789.'\xa0\xaf\x89\x99", b"000000000,,,,,,")
_GONE = b"\xc2\xe2\x80"
_PARTED_DIGITS = b"0,000"
# Every octet but the space as one: a word of too many letters is a long run of it.
_RUNS = bytes(0x20 if code == 0x20 else 0x78 for code in range(0x100))
_LONG_RUN = b"x" * (_LONGEST_WORD + 1)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _from_octets(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogatepass")


def _from_page(text: str, spelling: _Spelling) -> str | None:
    """A text respelt within one table of 256 letters, the quickest way of all; None where none has room for it."""
    found = _in_page(text, spelling)
    return found and found[0].decode(found[1])


def _in_page(text: str, spelling: _Spelling, *, has_numbers: bool = False) -> tuple[bytes, str] | None:
    """As `_from_page`, by the page's octets and with its name; `has_numbers`: those parted by thousands are joined."""
    if len(text) < _SHORTEST:
        return None
    for page in _PAGES:
        try:
            octets = text.encode(page)
        except UnicodeEncodeError:
            continue
        table, settled, digits = _page(page, spelling.spell)
        if octets.translate(None, settled):
            return None
        if has_numbers and _PARTED_DIGITS in octets.translate(digits):
            octets = _NUMBER_ONLY.sub(_join_number, text).encode(page)
        return octets.translate(table), page
    return None


@cache
def _page(page: str, spell: Callable[[str], str]) -> tuple[bytes, bytes, bytes]:
    """What each octet of a page becomes, those that become one letter of it, and what tells a number that is parted."""
    table, settled, digits = bytearray(range(0x100)), bytearray(), bytearray(range(0x100))
    for code in range(0x100):
        letter = bytes([code]).decode(page, "ignore")
        spelt = spell(letter) if letter else ""
        if len(spelt) == len(spelt.encode(page, "ignore")) == 1 and spelt != _UNSETTLED:
            table[code] = spelt.encode(page)[0]
            settled.append(code)
        if letter and letter in "0123456789":
            digits[code] = _PARTED_DIGITS[0]
        elif letter and _PARTING.match(letter):
            digits[code] = _PARTED_DIGITS[1]
    return bytes(table), bytes(settled), bytes(digits)


def _respelt(octets: bytes, table: bytes, spelling: _Spelling) -> str | None:
    """A text with its ASCII letters as in `table` and all others as in `spelling`; None where that is no quicker.

    Most texts hold few letters beyond ASCII, and few kinds of them: each is put in place at once.
    """
    foreign = octets.translate(None, _ASCII)
    if len(foreign) * _MOST_FOREIGN > len(octets) > _SHORT:
        return None
    plain = _from_octets(octets.translate(table))
    for letter in set(_from_octets(foreign)):
        spelt = spelling[letter]
        if spelt == _UNSETTLED:
            return None
        if spelt != letter:
            plain = plain.replace(letter, spelt)
    return plain


def fold_letters(text: str) -> str:
    """The text with every letter folded and all between words as it was."""
    if text.isascii():
        return text.lower()
    plain = _from_page(text, _FOLDED_ALONE)
    if plain is None:
        plain = _respelt(_octets(text), _LOWERED, _FOLDED_ALONE)
    return _changing().sub(_fold_match, text.lower()) if plain is None else plain


def fold_in_place(text: str) -> str | None:
    """As `fold_letters`, letter for letter, so that each word stays where it was.

    None where a letter folds to more or fewer of them, or is a word of its own.
    """
    plain = None if text.isascii() else _from_page(text, _FOLDED_ALONE)
    if plain is None:
        plain = fold_letters(text)
        if len(plain) != len(text) or not _folds_one_for_one(text) or _has_ideograph(text):
            return None
    return plain


def _folds_one_for_one(text: str) -> bool:
    """Whether each letter folds to one: where one gives two and another none, all between would be shifted."""
    return text.isascii() or all(len(_FOLDED_ALONE[letter]) == 1 for letter in set(text))


def _has_ideograph(text: str) -> bool:
    """Whether a letter stands in the text that is a word of its own."""
    if text.isascii():
        return False
    # The upper halves of its letters, without all below U+3000: many times quicker than to look at each letter.
    upper = text.encode("utf-16-le", "surrogatepass")[1::2].translate(None, _BELOW_IDEOGRAPHS)
    return bool(upper) and _IDEOGRAPH.search(text) is not None


def _fold_match(match: re.Match[str]) -> str:
    return _FOLDING[ord(match.group())]


def parted(text: str) -> str:
    """The folded words of a text with spaces between them, for an index that parts them itself.

    The same words as those of `words`, a little sooner.
    """
    plain, has_long_run = _spaced(text)
    if len(plain) > MOST_WORDS or (has_long_run and _has_long_word(plain)):
        return " ".join(words(text))
    return plain


def words(text: str) -> list[str]:
    """The folded words of a text, in order; at most MOST_WORDS."""
    plain, has_long_run = _spaced(text)
    found = plain.split()
    if len(found) > MOST_WORDS or (has_long_run and _has_long_word(plain)):
        found = [word[:_LONGEST_WORD] for word in found[:MOST_WORDS]]
    return found


def _has_long_word(plain: str) -> bool:
    """Whether a word has more letters than are kept; looks at the last space within reach of each word, so at few."""
    start, last = 0, len(plain) - _LONGEST_WORD
    while start < last:
        space = plain.rfind(" ", start, start + _LONGEST_WORD + 1)
        if space < 0:
            return True
        start = space + 1
    return False


def _has_long_run(octets: bytes) -> bool:
    return len(octets) > _LONGEST_WORD and _LONG_RUN in octets.translate(_RUNS)


def _spaced(text: str) -> tuple[str, bool]:
    """A text folded, with a space for every sign that is of no word; and whether a word may have too many letters."""
    found = None if text.isascii() else _in_page(text, _PARTED_ALONE, has_numbers=True)
    if found is None:
        octets = _octets(text)
        if _PARTED_DIGITS in octets.translate(_DIGITS, _GONE):
            text = _NUMBER_ONLY.sub(_join_number, text)
            octets = _octets(text)
            # What parted its numbers may have been all that no page has room for.
            found = None if text.isascii() else _in_page(text, _PARTED_ALONE)
        if text.isascii():
            found = octets.translate(_WORDS_ALONE), "ascii"
    if found is not None:
        return found[0].decode(found[1]), _has_long_run(found[0])
    plain = _respelt(octets, _WORDS_ALONE, _PARTED_ALONE)
    if plain is None:
        plain = _from_octets(_octets(unicodedata.normalize("NFC", text)).translate(_WORDS_ALONE))
        changed = _FOREIGN if len(octets) <= _SHORT else _unlike_itself()
        plain = changed.sub(_part_match, plain.lower())
    return plain, _has_long_run(_octets(plain))


def _part_match(match: re.Match[str]) -> str:
    return _PARTINGS[match.group()]


def _join_number(match: re.Match[str]) -> str:
    return _PARTING.sub("", match.group())
