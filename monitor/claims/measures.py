"""Values with a unit: area burned, magnitude, damage in money. They stand where counts of people do not."""

from monitor.claims.lexicon import Lexicon, MeasureSpec
from monitor.claims.linking import read_quantities
from monitor.claims.quantities import Quantity
from monitor.claims.tokens import Tokens

_PERSONAL = frozenset(("age", "date", "year", "pronoun"))


def find_measures(tokens: Tokens, lexicon: Lexicon, convention: str) -> list[tuple[Quantity, str, str, int]]:
    """(quantity, metric, unit, end token) of every value that the sentence gives for one of the lexicon's measures."""
    lower = tokens.lower
    specs = [spec for spec in lexicon.measures if spec.has_unit(lower) and any(spec.near.find(lower))]
    if not specs:
        return []
    quantities, _ = read_quantities(tokens, lexicon, convention)
    found: list[tuple[Quantity, str, str, int]] = []
    for spec in specs:
        for quantity in quantities:
            unit = _unit(lower, quantity, spec) if quantity.reason not in _PERSONAL else None
            if unit is not None:
                found.append((quantity, spec.metric, unit[0], unit[1]))
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
