"""Phrases of several words looked up in token lists: a dictionary by first word, longest phrase first."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

Payload = TypeVar("Payload")


class PhraseTable(Generic[Payload]):
    """Maps phrases (tuples of lower-case words) to payloads; a later entry for one phrase replaces an earlier one."""

    __slots__ = ("_by_first", "firsts")

    def __init__(self, entries: Iterable[tuple[tuple[str, ...], Payload]] = ()) -> None:
        table: dict[str, dict[tuple[str, ...], Payload]] = {}
        for words, payload in entries:
            table.setdefault(words[0], {})[words] = payload
        self._by_first: dict[str, tuple[tuple[int, tuple[str, ...], Payload], ...]] = {
            first: tuple(
                sorted(
                    ((len(words), words, payload) for words, payload in phrases.items()), key=lambda entry: -entry[0]
                )
            )
            for first, phrases in table.items()
        }
        # The words that a phrase may start with: loops over many tokens look here before they call.
        self.firsts = self._by_first.keys()

    def at(self, words: Sequence[str], index: int) -> tuple[int, Payload] | None:
        """The longest phrase that starts at `index`: its end and payload, or None."""
        candidates = self._by_first.get(words[index])
        if candidates is None:
            return None
        if len(candidates) == 1 and candidates[0][0] == 1:
            return index + 1, candidates[0][2]
        for length, phrase, payload in candidates:
            if length == 1 or tuple(words[index : index + length]) == phrase:
                return index + length, payload
        return None

    def ending_at(self, words: Sequence[str], end: int, longest: int = 5) -> tuple[int, Payload] | None:
        """The longest phrase that ends right before `end`: its start and payload, or None."""
        by_first = self._by_first
        for start in range(max(0, end - longest), end):
            if words[start] not in by_first:
                continue
            for length, phrase, payload in by_first[words[start]]:
                if start + length == end and tuple(words[start:end]) == phrase:
                    return start, payload
        return None

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int, Payload]]:
        """All phrases from left to right, longest first, without overlap: (start, end, payload)."""
        index, by_first = 0, self._by_first
        count = len(words)
        while index < count:
            if words[index] in by_first:
                found = self.at(words, index)
                if found is not None:
                    yield index, found[0], found[1]
                    index = found[0]
                    continue
            index += 1
