"""Copies of one wire text: 4-word fingerprints and how much of one text is contained in another.

Containment finds copies that were cut or wrapped in other text, which Jaccard similarity and simhash miss (Broder,
"On the resemblance and containment of documents", 1997). From 0.4 on two texts are one. Below that
they may share sentences, which the ledger counts as one voice sentence by sentence (`monitor.ledger.assertions`).
"""

import hashlib
import re
import unicodedata
from collections.abc import Set

WORDS = 4
SAME_TEXT = 0.4
_LEAST = 8
_WORD = re.compile(r"\w+")
_BITS = 0x7FFF_FFFF_FFFF_FFFF


def fingerprint(text: str) -> frozenset[int]:
    """Return the fingerprints of a text: a 63-bit number for every run of four words, case and form folded."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    runs = {" ".join(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1)}
    return frozenset(_number(run) for run in runs)


def _number(run: str) -> int:
    return int.from_bytes(hashlib.blake2b(run.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") & _BITS


def containment(a: Set[int], b: Set[int]) -> float:
    """Return the share of the shorter text that the longer one holds, 0 to 1; 0 when one is too short to tell."""
    shorter = min(len(a), len(b))
    return len(a & b) / shorter if shorter >= _LEAST else 0.0


def is_same_text(a: Set[int], b: Set[int]) -> bool:
    """Whether two texts are copies of one wire text."""
    return containment(a, b) >= SAME_TEXT
