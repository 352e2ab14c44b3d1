"""Values with a unit: area burned, magnitude, damage in money. They stand where counts of people do not."""

from monitor.claims.lexicon import Lexicon, MeasureSpec
from monitor.claims.linking import Reading
from monitor.claims.quantities import Quantity

_PERSONAL = frozenset(("age", "date", "year", "pronoun"))


def find_measures(reading: Reading, lexicon: Lexicon) -> list[tuple[int, str, str, int]]:
    """(quantity, metric, unit, end token) of every value that the sentence gives for one of the lexicon's measures."""
    found: list[tuple[int, str, str, int]] = []
    for spec in lexicon.measures:
        if next(spec.near.find(reading.tokens.lower), None) is None:
            continue
        for number, quantity in enumerate(reading.quantities):
            if quantity.reason in _PERSONAL or number in reading.links:
                continue
            unit = _unit(reading.tokens.lower, quantity, spec)
            if unit is not None:
                found.append((number, spec.metric, unit[0], unit[1]))
    return found


def _unit(lower: list[str], quantity: Quantity, spec: MeasureSpec) -> tuple[str, int] | None:
    """The unit beside the number and where it ends; a measure without units needs its word beside the number."""
    after = spec.units.at(lower, quantity.end) if quantity.end < len(lower) else None
    if after is not None:
        return after[1], after[0]
    before = spec.units_before.ending_at(lower, quantity.number_start)
    if before is not None:
        return before[1], quantity.end
    return None
