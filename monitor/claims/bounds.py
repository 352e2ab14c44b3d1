"""Our reading of a hedged number as bounds: `low` and `high` of a claim (design, rule 1 of the ledger)."""

from storage.records import Qualifier


def rounding_step(value: float) -> float:
    """The step that a number was rounded to: ten to its trailing zeros, at most a quarter of it, at least one."""
    step = 1.0
    number = int(value)
    while number and number % 10 == 0:
        number //= 10
        step *= 10
    return max(1.0, min(step, value / 4))


def bounds_of(value: float, high: float | None, qualifier: Qualifier) -> tuple[float | None, float | None]:
    """The interval that a stated number means. `high` is given for ranges and vague words; None is open."""
    step = rounding_step(value)
    if qualifier is Qualifier.AT_LEAST:
        return value, None
    if qualifier is Qualifier.MORE_THAN:
        return value + 1, None
    if qualifier is Qualifier.AT_MOST:
        return 0.0, value
    if qualifier is Qualifier.FEWER_THAN:
        return 0.0, max(0.0, value - 1)
    if qualifier is Qualifier.ABOUT:
        margin = max(step / 2, value * 0.05)
        return value - margin, value + margin
    if qualifier is Qualifier.NEARLY:
        return value - max(min(step, value / 10), value * 0.05), value
    return value, high if high is not None else value
