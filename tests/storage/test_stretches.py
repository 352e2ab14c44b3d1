"""The stretches of time that PostgreSQL's index is asked about, the newest first."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.search_index import first_key, moment_of
from storage.search_postgres import _BARRING, _UNCERTAIN, Ends, _place_of, _Stretches, _Times

NOON = datetime(2022, 1, 12, 12, tzinfo=UTC)
HIGHEST = (1 << 62) - 1


def ends_of(first: float, all_days: float, sign: int = 1) -> Ends:
    """Some hundreds of documents in the newest days, of all those days."""
    return Ends(sign * key_of(0), some=sign * key_of(first), oldest=sign * key_of(max(first, all_days)))


def key_of(days: float) -> int:
    """The lowest key so many days before."""
    return first_key(NOON - timedelta(days=days))


@pytest.mark.parametrize(("found", "longest"), [(19, 5), (10, 5), (1, 75), (0, 100)])
def test_the_next_stretch_is_as_long_as_the_finds_let_expect(found: int, longest: int) -> None:
    """It was 64 times as long, whatever the first had found."""
    stretches = _Stretches(1, HIGHEST, ends_of(1, 2_000), is_latest=True)
    assert stretches.next(0, 20) is not None
    second = stretches.next(found, 20)
    assert second is not None
    low, high, days = second
    assert timedelta(0) < moment_of(high) - moment_of(low) < timedelta(days=longest)
    assert days


def test_little_more_is_asked_about_where_little_is_missing() -> None:
    """The next stretch was four times as long at least, and all that was found in it was read and sorted."""
    stretches = _Stretches(1, HIGHEST, ends_of(30, 2_000), is_latest=True)
    assert stretches.next(0, 20) is not None
    second = stretches.next(19, 20)
    assert second is not None
    assert moment_of(second[1]) - moment_of(second[0]) < timedelta(days=62)  # whole months


@pytest.mark.parametrize(("all_days", "found", "is_all"), [(250, 0, True), (800, 0, False), (250, 15, False)])
def test_the_rest_is_asked_about_at_once_where_the_next_stretch_would_be_most_of_it(
    all_days: int, found: int, is_all: bool
) -> None:
    """Many months as tags cost more than all that there is; but of a common word all finds would be read and sorted."""
    stretches = _Stretches(1, HIGHEST, ends_of(1, all_days), is_latest=True)
    assert stretches.next(0, 20) is not None
    second = stretches.next(found, 20)
    assert second is not None
    assert (second[2] == "") is is_all
    assert (second[0] == 1) is is_all


def test_no_more_is_asked_about_than_need_be_where_few_finds_may_take_long() -> None:
    """`common -commoner`: 64 times as much, and then everything, was 5 ms of the server."""
    stretches = _Stretches(1, HIGHEST, ends_of(8, 1_500), is_latest=True, pace=_BARRING)
    assert stretches.next(0, 20) is not None
    second = stretches.next(0, 20)
    assert second is not None
    assert timedelta(60) < moment_of(second[1]) - moment_of(second[0]) < timedelta(days=100)
    third = stretches.next(4, 20)
    assert third is not None
    assert third[2], "four times as many are missing, and there is more than five times as much"


@pytest.mark.parametrize(("found", "is_all"), [(0, True), (1, True), (12, False)])
def test_of_a_phrase_all_is_asked_about_after_the_first_stretch_but_where_it_stands_often(
    found: int, is_all: bool
) -> None:
    stretches = _Stretches(1, HIGHEST, ends_of(8, 1_500), is_latest=True, pace=_UNCERTAIN)
    first = stretches.next(0, 20)
    assert first is not None
    assert timedelta(15) < timedelta(days=1) + (moment_of(ends_of(8, 1_500).newest or 0) - moment_of(first[0]))
    second = stretches.next(found, 20)
    assert second is not None
    assert (second[2] == "") is is_all


def test_months_without_a_find_are_not_asked_about_one_by_one_and_then_again() -> None:
    """`word -commoner`: three stretches of months and then all, each as much work as all."""
    stretches = _Stretches(1, HIGHEST, ends_of(8, 1_500), is_latest=True, pace=_BARRING)
    tags = []
    while (stretch := stretches.next(0, 20)) is not None:
        tags.append(stretch[2].count("'") // 2)
    assert len(tags) == 3
    assert max(tags) <= 9
    assert tags[-1] == 0


@pytest.mark.parametrize(
    ("months", "place"), [(0, _Times.NONE), (1, _Times.FIRST), (9, _Times.FIRST), (10, _Times.LAST)]
)
def test_few_times_come_before_the_words_and_many_behind_them(months: int, place: _Times) -> None:
    """Each document in those months is held against all of them, unless the words were looked for before."""
    assert _place_of(" | ".join(f"'~m2022{month:02}'" for month in range(months))) is place


@given(st.floats(0.01, 4_000), st.floats(0.01, 9_000), st.lists(st.integers(0, 19), max_size=30), st.booleans())
def test_stretches_follow_each_other_down_to_the_last(
    days: float, all_days: float, finds: list[int], is_latest: bool
) -> None:
    low, high = (1, HIGHEST) if is_latest else (-HIGHEST, -1)
    sign = 1 if is_latest else -1
    stretches = _Stretches(low, high, ends_of(days, all_days, sign), is_latest=is_latest)
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
