"""Which sentences are worth reading: words of a text found in one pass, before anything is made a token."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import ahocorasick_rs

# The one letter whose small form is longer: folded so that every character keeps its place.
_LONGER = {ord("İ"): "i"}


def fold(text: str) -> str:
    """A text in small letters, each at the place of its capital."""
    return (text.translate(_LONGER) if "İ" in text else text).lower()


class Gate:
    """Forms of a language, to be found as parts of words too."""

    __slots__ = ("_search",)

    def __init__(self, forms: Iterable[str]) -> None:
        kept: dict[str, None] = {}
        for form in sorted({form for form in forms if form}, key=len):
            # The shortest forms find the longer ones that they begin.
            if not any(form[:size] in kept for size in range(1, len(form))):
                kept[form] = None
        # A DFA reads a text several times faster than what is chosen for many forms otherwise.
        self._search = ahocorasick_rs.AhoCorasick(
            list(kept) or ["\x00"], implementation=ahocorasick_rs.Implementation.DFA
        )

    def opens(self, folded: str) -> bool:
        """Whether any of the forms stands in a text in small letters."""
        return bool(self._search.find_matches_as_indexes(folded))

    def sentences(self, folded: str, spans: Sequence[tuple[int, int]]) -> frozenset[int]:
        """The numbers of the sentences that hold one of the forms."""
        starts = [start for start, _ in spans]
        found: set[int] = set()
        for _, first, last in self._search.find_matches_as_indexes(folded, overlapping=True):
            number = bisect_right(starts, first) - 1
            if number >= 0 and last <= spans[number][1]:
                found.add(number)
        return frozenset(found)
