"""Rule 1: figures as windows. Two figures agree when their windows overlap; a narrower or firmer one refines.

The rounding step g of a number is 10 to the power of its trailing zeros, at most a quarter of it:
exact [n, n]; at least [n, n+g); more than [n+1, n+g); about ± max(g/2, 5 %); nearly
[n − max(min(g, n/10), 5 %), n]; at most [0, n]; ranges and vague words as their bounds say.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from storage.records import Claim, Figure, Qualifier

FIRMNESS = {
    Qualifier.EXACT: 0,
    Qualifier.AT_LEAST: 1,
    Qualifier.MORE_THAN: 1,
    Qualifier.RANGE: 2,
    Qualifier.ABOUT: 2,
    Qualifier.NEARLY: 2,
    Qualifier.AT_MOST: 3,
    Qualifier.FEWER_THAN: 3,
    Qualifier.VAGUE: 4,
}
"""How firmly a number is stated: 0 a count, 1 a floor, 2 an estimate, 3 a ceiling, 4 a word."""

FLOORS = frozenset({Qualifier.AT_LEAST, Qualifier.MORE_THAN})
CEILINGS = frozenset({Qualifier.AT_MOST, Qualifier.FEWER_THAN})
ESTIMATES = frozenset({Qualifier.ABOUT, Qualifier.NEARLY, Qualifier.RANGE})
ROUNDING_SLACK = 0.1
# From this rounding step on, a number without hedge is more often rounded than counted.
ROUND = 100


@dataclass(frozen=True, slots=True)
class Window:
    """The numbers that a figure may stand for, both ends included; `high` is infinite when nothing bounds it."""

    low: float
    high: float

    def overlaps(self, other: "Window") -> bool:
        """Whether one number could be meant by both."""
        return self.low <= other.high and other.low <= self.high

    def is_above(self, other: "Window") -> bool:
        """Whether every number of this one is greater than every number of the other."""
        return self.low > other.high

    def is_narrower(self, other: "Window") -> bool:
        """Whether this one says strictly more."""
        return self.high - self.low < other.high - other.low


def rounding_step(number: float) -> float:
    """Return the step to which a number seems rounded: 1 for 2,053, 100 for 4,300, at most a quarter of the number."""
    if number <= 0 or not math.isfinite(number) or number != int(number):
        return 1.0
    whole, step = int(number), 1
    while whole % 10 == 0:
        whole //= 10
        step *= 10
    return float(max(1, min(step, int(number) // 4)))


def window_of(figure: Figure) -> Window:
    """Return the window of a figure; a figure that states no number at all may be any."""
    return _window(figure.qualifier, figure.value, figure.low, figure.high)


@lru_cache(maxsize=65536)
def _window(qualifier: Qualifier, value: float | None, low: float | None, high: float | None) -> Window:
    if qualifier in (Qualifier.RANGE, Qualifier.VAGUE) or value is None:
        bottom = low if low is not None else value if value is not None else 0.0
        return Window(bottom, max(bottom, high if high is not None else math.inf))
    n, g = value, rounding_step(value)
    last = g - 1 if g > 1 else 0.0
    match qualifier:
        case Qualifier.AT_LEAST:
            return Window(n, n + last)
        case Qualifier.MORE_THAN:
            return Window(n + 1, n + max(last, 1))
        case Qualifier.ABOUT:
            slack = max(g / 2 if g > 1 else 0.0, 0.05 * abs(n))
            return Window(n - slack, n + slack)
        case Qualifier.NEARLY:
            return Window(n - max(min(g, n / 10), 0.05 * abs(n)), n)
        case Qualifier.AT_MOST:
            return Window(0.0, max(0.0, n))
        case Qualifier.FEWER_THAN:
            return Window(0.0, max(0.0, n - 1))
        case _:
            return Window(n, n)


def figure_of(claim: Claim) -> Figure:
    """Return the figure that a claim states, with the claim's own reading of its bounds."""
    return _figure(claim.value, claim.low, claim.high, claim.qualifier, claim.state)


@lru_cache(maxsize=65536)
def _figure(
    value: float | None, low: float | None, high: float | None, qualifier: Qualifier, state: str | None
) -> Figure:
    return Figure(value=value, low=low, high=high, qualifier=qualifier, state=state)


def best_of(figure: Figure) -> float | None:
    """Return the one number that stands for a figure: as stated, else its lower bound, else its upper."""
    if figure.value is not None:
        return figure.value
    return figure.low if figure.low is not None else figure.high


def is_count(figure: Figure) -> bool:
    """Whether a figure is a count, exact or a floor under an unrounded number ("at least 3,958")."""
    if figure.value is None:
        return False
    if figure.qualifier is Qualifier.EXACT:
        return True
    return figure.qualifier is Qualifier.AT_LEAST and rounding_step(figure.value) == 1.0


def is_rounded_floor(figure: Figure) -> bool:
    """Whether a figure is a lower limit that was cut off: "at least 200", "more than 43"."""
    value = figure.value
    if figure.qualifier is Qualifier.MORE_THAN:
        return True
    return figure.qualifier is Qualifier.AT_LEAST and (value is None or rounding_step(value) > 1)


def says_same(one: Figure, other: Figure) -> bool:
    """Whether two figures name the same number, whatever hedges it, or agree by their windows."""
    if one.value is not None and one.value == other.value:
        return True
    return window_of(one).overlaps(window_of(other))


def is_rounding_of(figure: Figure, known: Figure) -> bool:
    """Whether a figure repeats or loosely rounds a known one: "more than 160", "over 150", "nearly 170" for 164."""
    return repeats(figure, window_of(figure), known, window_of(known))


def is_rounded_up(figure: Figure, count: Figure) -> bool:
    """Whether a number of full hundreds or thousands is the nearest such to a count: 7,000 for 6,928."""
    value, exact = figure.value, count.value
    if value is None or exact is None or not is_count(count):
        return False
    step = rounding_step(value)
    return step >= ROUND and rounding_step(exact) < step and 0 <= value - exact <= step / 2


def repeats(figure: Figure, window: Window, known: Figure, known_window: Window) -> bool:
    """The same as `is_rounding_of` for callers that hold the windows already.

    A ceiling holds every smaller number: only its own number repeats it.
    """
    value = figure.value
    if value is not None and value == known.value:
        return True
    if known.qualifier in CEILINGS:
        return False
    if window.low <= known_window.high and known_window.low <= window.high:
        return True
    if value is None or figure.qualifier not in FLOORS or rounding_step(value) <= 1:
        return False
    exact = best_of(known)
    return exact is not None and value <= exact <= value * (1 + ROUNDING_SLACK)


def refines(new: Figure, standing: Figure) -> bool:
    """Whether an agreeing figure says more than the standing one: narrower, or firmer under the same number."""
    firmer = FIRMNESS[new.qualifier] < FIRMNESS[standing.qualifier]
    if window_of(new).is_narrower(window_of(standing)):
        return FIRMNESS[new.qualifier] <= FIRMNESS[standing.qualifier] or new.qualifier is Qualifier.EXACT
    return firmer and new.value == standing.value and new.qualifier is Qualifier.EXACT
