"""Correction notices: the sentence in which an article owns up to an edit, by the lexicon of its language."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache

from monitor.claims.lexicon import LEXICONS

_OPENING = re.compile(r"^[\W_]*(.+?)\s*(?:[:—–-]|\(|$)")
_LONGEST_START = 40


@cache
def _notices(lang: str) -> tuple[frozenset[str], tuple[str, ...]]:
    path = LEXICONS / lang / "notices.toml"
    if not path.is_file():
        return frozenset(), ()
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return frozenset(map(str, table["starts"])), tuple(map(str, table["phrases"]))


def find_notice(sentences: Iterable[str], lang: str) -> str | None:
    """Return the first sentence that is a correction notice in a language; None if none is."""
    return next((sentence.strip() for sentence in sentences if is_notice(sentence, lang)), None)


def is_notice(sentence: str, lang: str) -> bool:
    """Whether a sentence announces a correction."""
    starts, phrases = _notices(lang)
    folded = " ".join(sentence.replace("’", "'").casefold().split())
    opening = _OPENING.match(folded[:_LONGEST_START])
    if opening is not None and opening[1] in starts:
        return True
    return any(phrase in folded for phrase in phrases)
