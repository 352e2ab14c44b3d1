"""Which sentences are worth reading: words of a text found in one pass, before anything is made a token."""

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
        # A DFA of few forms reads a text several times faster than what is chosen for many otherwise.
        self._search = _search(_shortest(forms), ahocorasick_rs.Implementation.DFA)

    def opens(self, folded: str) -> bool:
        """Whether any of the forms stands in a text in small letters."""
        return bool(self._search.find_matches_as_indexes(folded))


class Gates:
    """Several gates of one language, found in one pass: each has a bit, by its place among those given."""

    __slots__ = ("_bits", "_search")

    def __init__(self, *gates: Iterable[str]) -> None:
        opened: dict[str, int] = {}
        for number, forms in enumerate(gates):
            for form in _shortest(forms):
                opened[form] = opened.get(form, 0) | 1 << number
        # A DFA of all forms outgrows the caches of a processor that does other work between two texts.
        self._search = _search(opened, ahocorasick_rs.Implementation.ContiguousNFA)
        self._bits = (*opened.values(), 0)

    def sentences(self, folded: str, spans: Sequence[tuple[int, int]]) -> list[int]:
        """For each sentence the gates that it opens, as bits."""
        opened: list[int] = []
        found = 0
        start, end, following = 0, 0, iter(spans)
        # What is found comes in the order of its end.
        for form, first, last in self._search.find_matches_as_indexes(folded, overlapping=True):
            while last > end:
                nearest = next(following, None)
                if nearest is None:
                    break
                opened.append(found)
                start, end = nearest
                found = 0
            if start <= first and last <= end:
                found |= self._bits[form]
        opened.append(found)
        opened.extend(0 for _ in following)
        return opened[1:]


def _shortest(forms: Iterable[str]) -> list[str]:
    """The forms that no shorter one begins: it finds them too."""
    kept: dict[str, None] = {}
    for form in sorted({form for form in forms if form}, key=len):
        if not any(form[:size] in kept for size in range(1, len(form))):
            kept[form] = None
    return list(kept)


def _search(forms: Iterable[str], implementation: ahocorasick_rs.Implementation) -> ahocorasick_rs.AhoCorasick:
    return ahocorasick_rs.AhoCorasick(list(forms) or ["\x00"], implementation=implementation)
