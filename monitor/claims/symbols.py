"""Sentences to symbols: one for each word, phrase or quantity with its noun, which the rules of the grammar read."""

from monitor.claims.grammar import Symbol
from monitor.claims.lexicon import Lexicon
from monitor.claims.nouns import NounPhrase
from monitor.claims.quantities import Quantity
from monitor.claims.tokens import LEAD, Tokens

_EXCLUDED = frozenset(("Y",))
_THINGS = frozenset(("X",))
# Things that people lie or live in, which rules ask for by name.
_ROOMS = {name: frozenset(("X", name)) for name in ("hospital", "shelter")}


class Symbols:
    """A sentence in symbols: words, phrases and quantities with their nouns, and the token span of each.

    `figures` holds the number of the quantity at the places where one stands.
    """

    __slots__ = ("figures", "places", "symbols")

    def __init__(self, symbols: list[Symbol], places: list[tuple[int, int]], figures: dict[int, int]) -> None:
        self.symbols = symbols
        self.places = places
        self.figures = figures

    def text(self) -> str:
        """The string that rules are matched against."""
        return "".join([symbol.character for symbol in self.symbols])


def find_symbols(tokens: Tokens, quantities: list[Quantity], phrases: list[NounPhrase], lexicon: Lexicon) -> Symbols:
    """The symbols of a sentence with its quantities and their noun phrases."""
    singles, leads = lexicon.symbols, lexicon.words.leads
    other, name = lexicon.grammar.other, lexicon.grammar.name
    starts = {quantity.start: number for number, quantity in enumerate(quantities)}
    idioms = {start: end for start, end, _ in lexicon.idioms.find_in(tokens)}
    special = {*starts, *idioms}
    symbols: list[Symbol] = []
    places: list[tuple[int, int]] = []
    figures: dict[int, int] = {}
    lower, words, count = tokens.lower, tokens.words, len(tokens.lower)
    index = 0
    symbol: Symbol | None
    for start, word in enumerate(lower):
        if start < index:
            continue
        index = start + 1
        if start in special:
            if start in starts:
                number = figures[len(places)] = starts[start]
                symbol, index = _quantity_symbol(quantities[number], phrases[number], lexicon)
            else:
                symbol, index = lexicon.grammar.plain, idioms[start]
        elif words[start].flags & LEAD and index < count and lower[index] in leads[word] and tokens.kinds[start] != "m":
            symbol, index = _phrase_symbol(tokens, start, starts, lexicon)
        else:
            symbol = singles[word]
            if symbol is None:
                continue
            if symbol is other and tokens.is_capital(start):
                symbol = name
        symbols.append(symbol)
        places.append((start, index))
    return Symbols(symbols, places, figures)


def _phrase_symbol(tokens: Tokens, index: int, starts: dict[int, int], lexicon: Lexicon) -> tuple[Symbol, int]:
    """The symbol of the longest phrase that starts here and ends before the next quantity."""
    found, cut = lexicon.words.at(tokens.lower, index), None
    if found is not None:
        cut = next((position for position in range(index + 1, found[0]) if position in starts), None)
        found = found if cut is None else lexicon.words.at(tokens.lower[:cut], index)
    if found is not None and found[1].symbol is not None:
        return found[1].symbol, found[0]
    if cut is not None and tokens.lower[index] in lexicon.symbols.known:
        return lexicon.symbols.known[tokens.lower[index]], index + 1
    return lexicon.symbols.by_suffix(tokens.lower[index]), index + 1


def _quantity_symbol(quantity: Quantity, phrase: NounPhrase, lexicon: Lexicon) -> tuple[Symbol, int]:
    symbol = lexicon.grammar.symbol
    if quantity.reason is not None:
        return symbol(_EXCLUDED), quantity.end
    if phrase.kind == "thing":
        head = lexicon.words.at([phrase.lemma], 0)
        room = next((name for name in _ROOMS if head is not None and name in head[1].classes), None)
        return symbol(_THINGS if room is None else _ROOMS[room]), phrase.end
    names = {"Q"}
    if quantity.hedge:
        names.add("hedged_q")
    if phrase.kind == "bare":
        names.add("B")
        if quantity.is_rest and not quantity.hedge:
            names.add("rest_q")
    elif ("role", "military") in phrase.axes:
        names.add("soldier_q")
    else:
        head = lexicon.words.at(phrase.head.split(), 0) if phrase.head else None
        for name in ("lives", "victims", "bodies"):
            if head is not None and name in head[1].classes:
                names.add(name + "_q")
                break
        else:
            if head is not None and head[1].metric_of("noun") is not None:
                names.add("noun_q")
    return symbol(frozenset(names)), phrase.end
