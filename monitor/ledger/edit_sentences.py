"""A version of an article as sentences of words and numbers, ready to be compared with another version."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.claims.extract import Extractor
from monitor.claims.quantities import Quantity, default_convention, find_quantities
from monitor.claims.tokens import Tokens, split_sentences, tokenize
from storage.records import Claim, ClaimKind, Figure, Qualifier

Key = tuple[str, ...]
_DIGITS = re.compile(r"\d+(?:[.,\u00a0\u202f ]\d{3})*")
_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,\u00a0\u202f ]\d{3})*")


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its hedge at one place of a sentence's key. `is_count`: no year, age, time or part of a name."""

    at: int
    start: int
    end: int
    value: float
    figure: Figure
    key: str
    is_count: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its words and numbers as `key`, the claims in it, whether any word in it names a measure."""

    text: str
    key: Key
    numbers: tuple[Number, ...]
    claims: tuple[Claim, ...]
    has_trigger: bool

    def likeness(self, other: "Sentence") -> float:
        """The share of words that two sentences have in common, 0 to 1."""
        one, two = Counter(_words(self.key)), Counter(_words(other.key))
        total = one.total() + two.total()
        return 2 * (one & two).total() / total if total else 0.0

    def numbers_in(self, first: int, last: int) -> list[Number]:
        """The numbers at places first to last of the key."""
        return [number for number in self.numbers if first <= number.at < last]

    def carries(self, number: Number) -> bool:
        """Whether a number is a figure that the article reports: held by a claim, or a count beside a trigger."""
        return self.claim_at(number) is not None or (number.is_count and self.has_trigger)

    def claim_at(self, number: Number) -> Claim | None:
        """The claim whose quote holds a number, the shortest first."""
        holding = [
            claim
            for claim in self.claims
            if claim.start <= number.start and number.end <= claim.end and claim.value == number.value
        ]
        return min(holding, key=lambda claim: claim.end - claim.start, default=None)

    def metric_of(self, number: Number) -> str:
        """The measure that a number belongs to; empty if no claim holds it."""
        claim = self.claim_at(number)
        return "" if claim is None else claim.metric

    def is_notice(self, notice: str) -> bool:
        """Whether this is the sentence of a correction notice."""
        return self.text.strip() == notice


def read_sentences(title: str, text: str, *, lang: str | None, extractor: Extractor) -> list[Sentence]:
    """Return the sentences of a title and a text. Without a language only digits are numbers, all of them counts."""
    if lang is None:
        return [
            _plain(piece)
            for field in (title, text)
            for piece in re.split(r"(?<=[.!?…。؟।])\s+|\n+", field)
            if piece.strip()
        ]
    claims = [
        claim
        for claim in extractor.extract(title=title, text=text, published=None, lang=lang)
        if claim.kind is not ClaimKind.STATE
    ]
    found: list[Sentence] = []
    for name, body in (("title", title), ("text", text)):
        mine = sorted((claim for claim in claims if claim.field == name), key=lambda claim: claim.start)
        found.extend(_read(body, mine, lang, extractor))
    return found


def _read(body: str, claims: Sequence[Claim], lang: str, extractor: Extractor) -> Iterator[Sentence]:
    lexicon = extractor.lexicon(lang)
    starts = [claim.start for claim in claims]
    for start, end in split_sentences(body, lexicon.abbreviations):
        tokens = tokenize(body, start, end, lexicon.vocabulary)
        quantities = find_quantities(tokens, lexicon, default_convention())
        key, numbers = _key(tokens, quantities)
        inside = claims[bisect_left(starts, start) : bisect_left(starts, end)]
        has_trigger = lexicon.gate.opens(body[start:end].lower())
        yield Sentence(body[start:end], key, numbers, tuple(inside), has_trigger)


def _key(tokens: Tokens, quantities: Sequence[Quantity]) -> tuple[Key, tuple[Number, ...]]:
    """Return a sentence's words with every quantity as one number, marks left out."""
    by_start = {quantity.start: quantity for quantity in quantities}
    key: list[str] = []
    numbers: list[Number] = []
    index = 0
    while index < len(tokens.lower):
        quantity = by_start.get(index)
        if quantity is not None:
            number = _number(tokens, quantity, len(key))
            numbers.append(number)
            key.append(number.key)
            index = max(quantity.end, index + 1)
            continue
        if tokens.kinds[index] != "m":
            key.append(tokens.lower[index])
        index += 1
    return tuple(key), tuple(numbers)


def _number(tokens: Tokens, quantity: Quantity, at: int) -> Number:
    figure = Figure(value=quantity.value, low=quantity.value, high=quantity.high, qualifier=quantity.qualifier)
    return Number(
        at=at,
        start=tokens.starts[quantity.number_start],
        end=tokens.ends[max(quantity.number_start, quantity.end - 1)],
        value=quantity.value,
        figure=figure,
        key=f"#{quantity.value:.12g}|{quantity.high or ''}|{quantity.qualifier}",
        is_count=quantity.reason is None and not _ends_name(tokens, quantity.number_start),
    )


def _ends_name(tokens: Tokens, index: int) -> bool:
    """Whether a number follows a capitalised word that does not begin the sentence: "Khabar 24", "Flight 702"."""
    return index > 1 and tokens.kinds[index - 1] == "w" and tokens.is_capital(index - 1)


def _plain(piece: str) -> Sentence:
    key: list[str] = []
    numbers: list[Number] = []
    for match in _WORD.finditer(piece.casefold()):
        if _DIGITS.fullmatch(match[0]):
            value = float(re.sub(r"\D", "", match[0]))
            figure = Figure(value=value, low=value, high=value, qualifier=Qualifier.EXACT)
            numbers.append(Number(len(key), match.start(), match.end(), value, figure, f"#{value:.12g}", True))
            key.append(numbers[-1].key)
        else:
            key.append(match[0])
    return Sentence(piece, tuple(key), tuple(numbers), (), bool(numbers))


def _words(key: Key) -> Iterator[str]:
    return (word for word in key if not word.startswith("#"))
