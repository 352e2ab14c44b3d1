"""The stretches of time that PostgreSQL's index is asked about, the newest first."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.search_index import first_key, moment_of
from storage.search_postgres import _Stretches

NOON = datetime(2022, 1, 12, 12, tzinfo=UTC)
HIGHEST = (1 << 62) - 1


def key_of(days: float) -> int:
    """The lowest key so many days before."""
    return first_key(NOON - timedelta(days=days))


@pytest.mark.parametrize(("found", "longest"), [(19, 5), (10, 5), (1, 60), (0, 100)])
def test_the_next_stretch_is_as_long_as_the_finds_let_expect(found: int, longest: int) -> None:
    """It was 64 times as long, whatever the first had found."""
    stretches = _Stretches(1, HIGHEST, key_of(0), key_of(1), is_latest=True)
    assert stretches.next(0, 20) is not None
    second = stretches.next(found, 20)
    assert second is not None
    low, high, days = second
    assert timedelta(0) < moment_of(high) - moment_of(low) < timedelta(days=longest)
    assert days


@given(st.floats(0.01, 4_000), st.lists(st.integers(0, 19), max_size=30), st.booleans())
def test_stretches_follow_each_other_down_to_the_last(days: float, finds: list[int], is_latest: bool) -> None:
    low, high = (1, HIGHEST) if is_latest else (-HIGHEST, -1)
    sign = 1 if is_latest else -1
    stretches = _Stretches(low, high, sign * key_of(0), sign * key_of(days), is_latest=is_latest)
    edge = high if is_latest else low
    found = 0
    for more in [0, *sorted(finds), *[0] * 1_000]:
        found = max(found, more)
        if (stretch := stretches.next(found, 20)) is None:
            break
        first, last, _ = stretch
        assert first <= last
        assert edge == (last if is_latest else first)
        edge = first - 1 if is_latest else last + 1
    assert edge == (low - 1 if is_latest else high + 1)
