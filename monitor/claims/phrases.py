"""Phrases of several words looked up in token lists: a dictionary by first word, longest phrase first."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from monitor.claims.tokens import Tokens

Payload = TypeVar("Payload")
_THREE = 3
# What follows the first two words of phrases: the payload of the pair, at most one, and the longer ones by third word.
_Longer = tuple[list[Payload], dict[str, list[tuple[int, tuple[str, ...], Payload]]]]


def _goes_on(words: list[str], index: int, phrase: tuple[str, ...]) -> bool:
    """Whether a phrase, of which three words are known to stand at `index`, stands there to its end."""
    is_long = index + len(phrase) <= len(words)
    return is_long and all(words[index + place] == phrase[place] for place in range(3, len(phrase)))


class PhraseTable(Generic[Payload]):
    """Maps phrases (tuples of lower-case words) to payloads; a later entry for one phrase replaces an earlier one."""

    __slots__ = ("_alone", "_by_first", "_lasts", "bit", "firsts", "keys", "leads")

    def __init__(self, entries: Iterable[tuple[tuple[str, ...], Payload]] = ()) -> None:
        phrases = dict(entries)
        table: dict[str, tuple[list[Payload], dict[str, _Longer[Payload]]]] = {}
        for words, payload in sorted(phrases.items(), key=lambda entry: -len(entry[0])):
            alone, longer = table.setdefault(words[0], ([], {}))
            if len(words) == 1:
                alone.append(payload)
                continue
            pair, by_third = longer.setdefault(words[1], ([], {}))
            if len(words) < _THREE:
                pair.append(payload)
            else:
                by_third.setdefault(words[2], []).append((len(words), words, payload))
        # First word → the payload of the word alone (at most one) and, by their second word, that of the pair and the
        # longer phrases by their third.
        self._by_first = table
        self._alone = {words[0] for words in phrases if len(words) == 1}
        self._lasts = {words[-1] for words in phrases}
        # One word of each phrase. A lexicon gives a bit to the marks of these words and to the flags of those that a
        # phrase may start with: a sentence without a word of either holds no phrase.
        self.keys = {max(words, key=len) for words in phrases}
        self.bit = 0
        # The words that a phrase may start with: loops over many tokens look here before they call.
        self.firsts = table.keys()
        # Those of them that phrases of several words start with, and the second words of these.
        self.leads = {first: longer.keys() for first, (_, longer) in table.items() if longer}

    def at(self, words: list[str], index: int) -> tuple[int, Payload] | None:
        """The longest phrase that starts at `index`: its end and payload, or None."""
        candidates = self._by_first.get(words[index])
        if candidates is None:
            return None
        alone, longer = candidates
        if longer and index + 1 < len(words) and words[index + 1] in longer:
            pair, by_third = longer[words[index + 1]]
            if by_third and index + 2 < len(words) and words[index + 2] in by_third:
                for length, phrase, payload in by_third[words[index + 2]]:
                    if length == _THREE or _goes_on(words, index, phrase):
                        return index + length, payload
            if pair:
                return index + 2, pair[0]
        return (index + 1, alone[0]) if alone else None

    def ending_at(self, words: list[str], end: int, longest: int = 5) -> tuple[int, Payload] | None:
        """The longest phrase that ends right before `end`: its start and payload, or None."""
        if end < 1 or words[end - 1] not in self._lasts:
            return None
        for start in range(max(0, end - longest), end):
            candidates = self._by_first.get(words[start])
            if candidates is None:
                continue
            alone, longer = candidates
            if start + 1 == end:
                return (start, alone[0]) if alone else None
            pair, by_third = longer.get(words[start + 1], ((), {}))
            if pair and start + 2 == end:
                return start, pair[0]
            for length, phrase, payload in by_third.get(words[start + 2], ()) if start + 2 < end else ():
                if start + length == end and _goes_on(words, start, phrase):
                    return start, payload
        return None

    def find(self, words: list[str]) -> Iterator[tuple[int, int, Payload]]:
        """All phrases from left to right, longest first, without overlap: (start, end, payload)."""
        if self.firsts.isdisjoint(words):
            return iter(())
        return self._find(words, [index for index, word in enumerate(words) if word in self.firsts])

    def is_in(self, words: list[str]) -> bool:
        """Whether any phrase stands among words."""
        return any(word in self._by_first and self.at(words, index) is not None for index, word in enumerate(words))

    def find_in(self, tokens: Tokens) -> Iterator[tuple[int, int, Payload]]:
        """The same for a sentence; what its marks tell that it does not hold is not searched for."""
        indices = self.openings(tokens)
        return self._find(tokens.lower, indices) if indices else iter(())

    def openings(self, tokens: Tokens) -> list[int]:
        """Where a phrase may begin in a sentence: at its first word, before the second of one of several words."""
        if not tokens.marks & self.bit:
            return []
        words, alone, leads = tokens.lower, self._alone, self.leads
        last = len(words) - 1
        return [
            index
            for index in tokens.indices(self.bit)
            if words[index] in alone or (index < last and words[index + 1] in leads[words[index]])
        ]

    def _find(self, words: list[str], indices: list[int]) -> Iterator[tuple[int, int, Payload]]:
        last = 0
        for index in indices:
            found = self.at(words, index) if index >= last else None
            if found is not None:
                last = found[0]
                yield index, last, found[1]
