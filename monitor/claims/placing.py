"""Which place a figure is told of: the nearest that no other figure claims, or the name that stands before it."""

from monitor.claims.linking import Link, Reading
from monitor.claims.places import Mention
from monitor.claims.quantities import Quantity

_REACH = 8
_NEXT_REACH = 4
_BREAKS = frozenset((",", ";", "–", "—"))


def mention_for(reading: Reading, found: Link, mentions: list[Mention]) -> Mention | None:
    """The place nearest to the figure, without another figure between."""
    quantity = reading.quantities[found.quantity]
    low, high = min(quantity.start, found.trigger[0]), max(quantity.end, found.trigger[1])
    others = [reading.quantities[number] for number in reading.links if number != found.quantity]
    best: tuple[int, Mention] | None = None
    for mention in mentions:
        distance = mention.start - high if mention.start >= high else low - mention.end
        left, right = sorted((mention.start, quantity.start))
        if distance > _REACH or any(left < other.number_start < right for other in others):
            continue
        if "level" in found.rule.flags and any(_is_placed_by(reading, other, mention) for other in others):
            # "Two died in Ohio, one in Indiana, bringing the toll to seven": the place is the one's.
            continue
        if mention.end <= low and (_is_told_anew(reading, mention.end, low) or _is_of_telling(reading, mention)):
            continue
        if mention.is_wide and "," in reading.tokens.lower[high : mention.start]:
            # "1,203 dead, by the count of volunteers in four districts"
            continue
        if mention.start >= high and any(_opens_next(reading, high, mention, other) for other in others):
            continue
        cost = max(distance, 0) + (2 if mention.start < low else 0)
        if best is None or cost < best[0]:
            best = (cost, mention)
    return best[1] if best else None


def named_place(reading: Reading, found: Link) -> Mention:
    """The capitalised name that stands before its figure: "Parigi Moutong 15"."""
    tokens, last = reading.tokens, found.trigger[1]
    first = last - 1
    while first > 0 and tokens.kinds[first - 1] == "w" and tokens.is_capital(first - 1):
        first -= 1
    return Mention(tokens.surface(first, last), first, last)


def is_placed(reading: Reading, found: Link, mention: Mention | None) -> bool:
    """Whether the place alone makes a figure a part: "in Naryn twelve, in Osh eight", "84 of them in Kerr County"."""
    if mention is None or mention.is_source or "placed" not in found.rule.flags:
        return False
    if "named" in found.rule.flags:
        return True
    quantity = reading.quantities[found.quantity]
    return (
        0 <= mention.start - max(quantity.end, found.trigger[1]) <= 2
        or mention.end + 2 >= quantity.start > mention.end - 1
    )


def _is_of_telling(reading: Reading, mention: Mention) -> bool:
    """Whether somebody spoke at a place: "he told a briefing in Rome that 20 deaths were certain"."""
    between = _classes_between(reading, 0, mention.start)
    opening = next(
        (
            symbol.classes
            for symbol, (start, _) in zip(reading.symbols.symbols, reading.symbols.places, strict=True)
            if start == mention.end
        ),
        frozenset(),
    )
    return "who" in opening and any("say" in classes for classes in between)


def is_there(reading: Reading, found: Link, mention: Mention | None) -> bool:
    """Whether a figure is of what happened at its place: behind it, or before it with nobody who speaks between."""
    if mention is None:
        return False
    start = reading.quantities[found.quantity].start
    between = _classes_between(reading, mention.end, start)
    return mention.start >= start or all(classes.isdisjoint(("say", "put")) for classes in between)


def _classes_between(reading: Reading, first: int, last: int) -> list[frozenset[str]]:
    return [
        symbol.classes
        for symbol, (start, end) in zip(reading.symbols.symbols, reading.symbols.places, strict=True)
        if first <= start and end <= last
    ]


def _is_told_anew(reading: Reading, first: int, last: int) -> bool:
    """Whether somebody gives a figure after a place: "tyres burned in Burri after a panel reported 87 deaths"."""
    between = _classes_between(reading, first, last)
    opening = next((index for index, classes in enumerate(between) if "sub" in classes), len(between))
    return any("put" in classes for classes in between[opening:])


def _opens_next(reading: Reading, end: int, mention: Mention, other: Quantity) -> bool:
    """Whether a place behind a break is the next figure's: "rose to 3,000, while in Syria it reached 1,000"."""
    is_near = 0 <= other.start - mention.end <= _NEXT_REACH
    return is_near and not _BREAKS.isdisjoint(reading.tokens.lower[end : mention.start])


def _is_placed_by(reading: Reading, other: Quantity, mention: Mention) -> bool:
    """Whether a place follows another figure without a comma between."""
    between = reading.tokens.lower[other.end : mention.start]
    return other.end <= mention.start and len(between) <= _REACH and "," not in between
