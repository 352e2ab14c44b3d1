"""Rule 1: windows of figures."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ledger.values import Window, is_rounding_of, refines, rounding_step, window_of
from storage.records import Figure, Qualifier
from tests.support.ledger import parse_figure


def figure(words: str) -> Figure:
    return Figure(**parse_figure(words))


@pytest.mark.parametrize(
    ("number", "step"), [(2053, 1), (4300, 100), (8000, 1000), (10, 2), (20, 5), (40, 10), (1, 1), (0, 1), (7.5, 1)]
)
def test_rounding_step(number: float, step: float) -> None:
    assert rounding_step(number) == step


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("164", 164, 164),
        ("at_least:146", 146, 146),
        ("at_least:4300", 4300, 4399),
        ("more_than:4300", 4301, 4399),
        ("more_than:125", 126, 126),
        ("about:1000", 875, 1125),
        ("about:253", 253 * 0.95, 253 * 1.05),
        ("nearly:8000", 7200, 8000),
        ("at_most:50", 0, 50),
        ("fewer_than:50", 0, 49),
        ("range:10-15", 10, 15),
        ("vague:24-99", 24, 99),
    ],
)
def test_windows(words: str, low: float, high: float) -> None:
    window = window_of(figure(words))
    assert (window.low, window.high) == pytest.approx((low, high))


def test_a_figure_without_a_number_may_be_any() -> None:
    assert window_of(Figure()) == Window(0.0, math.inf)


@pytest.mark.parametrize(
    ("new", "standing", "expected"),
    [
        ("4353", "more_than:4300", True),
        ("9900", "nearly:10000", True),
        ("3958", "at_least:3958", True),
        ("at_least:3958", "3958", False),
        ("nearly:8000", "7939", False),
        ("about:5800", "about:6000", True),
    ],
)
def test_refines(new: str, standing: str, expected: bool) -> None:
    assert refines(figure(new), figure(standing)) is expected


@pytest.mark.parametrize(
    ("words", "known", "expected"),
    [
        ("more_than:160", "164", True),
        ("more_than:150", "164", True),
        ("at_least:164", "164", True),
        ("more_than:100", "164", False),
        ("165", "164", False),
        ("more_than:164", "200", False),
    ],
)
def test_roundings(words: str, known: str, expected: bool) -> None:
    assert is_rounding_of(figure(words), figure(known)) is expected


@given(
    st.floats(min_value=0, max_value=1e12), st.sampled_from([one for one in Qualifier if one not in ("range", "vague")])
)
def test_a_window_is_never_turned_round(value: float, qualifier: Qualifier) -> None:
    window = window_of(Figure(value=value, low=value, qualifier=qualifier))
    assert window.low <= window.high
