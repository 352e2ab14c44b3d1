"""Text as the matcher compares it: without case, marks and punctuation, each character still at its place."""

import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib.resources import files

_NOT_WORD = re.compile(r"[^\w ]|_")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
# What a text of ASCII alone becomes, by character: to look them up is twenty times quicker than to search for marks.
_ASCII = "".join(chr(code) if chr(code).isalnum() else " " for code in range(128))
# So large a share of ASCII is worth folding the other characters one by one.
_MOSTLY = 0.9


def _alike_letters() -> dict[str, str]:
    """Return the letters of Latin, Greek and Cyrillic that are a plain letter with marks, with that letter."""
    letters = tomllib.loads(files("monitor.stories").joinpath("inflections", "letters.toml").read_text("utf-8"))
    alike: dict[str, str] = dict(letters["alike"])
    for code in (*range(0x80, 0x530), *range(0x1E00, 0x2000)):
        letter = chr(code).lower()
        parts = unicodedata.normalize("NFD", letter)
        is_marked = len(parts) > 1 and all(map(unicodedata.combining, parts[1:]))
        if len(letter) == 1 and is_marked and letter not in letters["kept"]:
            alike[letter] = parts[0]
    return alike


_LETTERS = _alike_letters()
_MARKED = re.compile(f"[{''.join(_LETTERS)}]")


def compose(text: str) -> str:
    """Return the text in composed form (NFC), where a letter with its mark is one character."""
    return text if text.isascii() or unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return a composed text in lowercase, without marks, with a space for all that is no letter or digit.

    The result has the length of the text: an offset in one is the same offset in the other.
    """
    if text.isascii():
        return text.lower().translate(_ASCII)
    lowered = text.replace("İ", "I").lower()  # the one letter whose lowercase is longer than itself
    if len(text.encode("ascii", "ignore")) > _MOSTLY * len(text):
        folded = _FOREIGN.sub(lambda found: _fold_letter(found[0]), lowered)
        if folded.isascii():
            return folded.translate(_ASCII)
    return _NOT_WORD.sub(" ", _MARKED.sub(lambda found: _LETTERS[found[0]], lowered))


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    return _NOT_WORD.sub(" ", _LETTERS.get(letter, letter))


def needs_border(letter: str) -> bool:
    """Tell whether words that begin or end with this letter are set apart by spaces; not so in Chinese and Thai."""
    code = ord(letter)
    return not (0x0E00 <= code < 0x1000 or 0x1780 <= code < 0x1800 or 0x3040 <= code < 0xA000 or code >= 0x20000)
