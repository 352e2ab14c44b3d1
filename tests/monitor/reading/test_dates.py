"""Dates as wide as they are known."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.reading.dates import is_sane, read_span
from storage.records import Span


def span(*bounds: str) -> Span:
    first, last = (datetime.fromisoformat(bound).replace(tzinfo=UTC) for bound in (bounds * 2)[:2])
    return Span(not_before=first, not_after=last)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-01-10T10:00:00Z", span("2022-01-10T10:00:00")),
        ("2022-01-10T10:00:00.123+06:00", span("2022-01-10T04:00:00")),
        ("2022-01-10T10:00:00-0330", span("2022-01-10T13:30:00")),
        ("2022-01-10 10:00", span("2022-01-10T10:00:00")),
        ("2022-01-10T10:00+06", span("2022-01-10T04:00:00")),
        ("2022-01-10", span("2022-01-10T00:00:00", "2022-01-10T23:59:59")),
        ("20220110", span("2022-01-10T00:00:00", "2022-01-10T23:59:59")),
        ("2022-02", span("2022-02-01T00:00:00", "2022-02-28T23:59:59")),
        ("2021-12", span("2021-12-01T00:00:00", "2021-12-31T23:59:59")),
        ("2022", span("2022-01-01T00:00:00", "2022-12-31T23:59:59")),
        ("Mon, 10 Jan 2022 10:00:00 +0600", span("2022-01-10T04:00:00")),
        ("Mon, 10 Jan 2022 10:00:00 MSK", span("2022-01-10T07:00:00")),
        ("Mon, 10 Jan 2022 10:00:00 GMT+3", span("2022-01-10T07:00:00")),
        ("Mon, 10 Jan 2022 10:00:00 UTC-05:30", span("2022-01-10T15:30:00")),
        ("Mon, 10 Jan 2022 10:00:00 EST", span("2022-01-10T15:00:00")),
        ("2022-13-40", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_read_span(text: str, expected: Span | None) -> None:
    assert read_span(text) == expected


@given(st.text(max_size=80))
def test_any_text_gives_a_span_or_none(text: str) -> None:
    found = read_span(text)
    assert found is None or found.not_before <= found.not_after


def test_sanity() -> None:
    now = datetime(2022, 1, 10, tzinfo=UTC)
    assert is_sane(span("2022-01-09T00:00:00"), now)
    assert is_sane(span("2022-01-11T00:00:00"), now)
    assert not is_sane(span("2022-02-01T00:00:00"), now)
    assert not is_sane(span("1970-01-01T00:00:00"))
