"""How a text becomes the words that search compares: folded once, here, so that both databases agree.

Case and marks go (é → e, ё → е, ü → u), letters without a decomposition are spelt out (ß → ss, ł → l, ø → o, æ → ae);
й stays. A number is one word however its thousands are parted ("4,353", "4 353" with a no-break space, "4353"). Han and
kana, which have no spaces, give one word a letter, so that a query for several becomes a phrase.
"""

import re
import unicodedata
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
_BLOCK = 32  # a word that is too long covers a whole block of so many letters, wherever it begins
_FOLDED_WORD = re.compile(rf"[{IDEOGRAPH}]|[^\W_{IDEOGRAPH}]+")


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


@cache
def _changing() -> re.Pattern[str]:
    """The lowercase letters and marks that fold to something else: quicker to look for than to look up every letter."""
    ranges = (range(0x80, 0x3400), range(0xA640, 0xABC0), range(0xF900, 0x10000))
    codes = [code for part in ranges for code in part if _FOLDING[code] != chr(code)]
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
    folded = _FOLDING[ord(letter)] if _changing().match(letter) else letter
    return "".join(f" {one} " if _IDEOGRAPH.match(one) else one if one.isalnum() else " " for one in folded)


_PARTINGS = _Parting()


def fold_letters(text: str) -> str:
    """The text with every letter folded and all between words as it was."""
    lower = text.lower()
    return lower if lower.isascii() else _changing().sub(_fold_match, lower)


def _fold_match(match: re.Match[str]) -> str:
    return _FOLDING[ord(match.group())]


def parted(text: str) -> str:
    """The folded words of a text for an index that parts them itself, at every ASCII sign but letters and digits.

    The same words as those of `words`, in a third of the time.
    """
    joined = _NUMBER_ONLY.sub(_join_number, text)
    if joined.isascii():
        plain = joined.lower().replace("_", " ").replace("~", " ").replace("\0", " ")
    else:
        plain = _unlike_itself().sub(_part_match, unicodedata.normalize("NFC", joined).lower())
    if len(plain) > MOST_WORDS or any(
        " " not in plain[start : start + _BLOCK] for start in range(0, len(plain) - _BLOCK + 1, _BLOCK)
    ):
        return " ".join(words(text))
    return plain


def _part_match(match: re.Match[str]) -> str:
    return _PARTINGS[match.group()]


def words(text: str) -> list[str]:
    """The folded words of a text, in order; at most MOST_WORDS."""
    joined = _NUMBER_ONLY.sub(_join_number, text)
    plain = fold_letters(joined if joined.isascii() else unicodedata.normalize("NFC", joined))
    found = _FOLDED_WORD.findall(plain)
    if len(found) > MOST_WORDS or max(map(len, found), default=0) > _LONGEST_WORD:
        found = [word[:_LONGEST_WORD] for word in found[:MOST_WORDS]]
    return found


def _join_number(match: re.Match[str]) -> str:
    return _PARTING.sub("", match.group())
