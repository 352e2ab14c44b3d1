"""The built-in table of measures, read from lexicons/metrics.toml."""

import tomllib
from functools import cache
from typing import Any

from monitor.claims.lexicon import LEXICONS
from storage.records import Metric, MetricKind


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((LEXICONS / "metrics.toml").read_text(encoding="utf-8"))


@cache
def builtin_metrics() -> dict[str, Metric]:
    """All built-in metrics by name, in the order of the file."""
    return {
        name: Metric(name=name, kind=MetricKind(row["kind"]), unit=row.get("unit", "people"))
        for name, row in _table().items()
    }


@cache
def harms() -> frozenset[str]:
    """What happens to people in one event: dead, hurt, missing, in hospital."""
    return frozenset(name for name, row in _table().items() if row.get("is_harm", False))


@cache
def told_of_dead() -> frozenset[str]:
    """What is done for some of the dead: named, buried. A text that tells of it is still about the dead."""
    return frozenset(name for name, row in _table().items() if row.get("is_of_dead", False))


def is_cumulative(name: str) -> bool:
    """Whether a built-in metric only ever grows, as the dead do; False for an unknown name."""
    known = builtin_metrics().get(name)
    return known is not None and known.kind is MetricKind.CUMULATIVE
