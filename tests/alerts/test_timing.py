"""Digests, quiet hours and retries, clock changes included."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.circuit import Circuit
from alerts.timing import (
    RETRY_SCHEDULE,
    Digest,
    count_attempts,
    leave_quiet_hours,
    next_digest_at,
    parse_digest,
    parse_quiet_hours,
    retry_at,
)
from storage.errors import SettingsError
from tests.support.alerting import NOON, after

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
MOMENTS = st.floats(-3e7, 3e7).map(after)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # years to minutes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("hourly", Digest(at=None)),
        ("daily", Digest(at=time(8))),
        ("daily 07:30", Digest(at=time(7, 30))),
        ("18:05", Digest(at=time(18, 5))),
    ],
)
def test_digests_are_read(text: str, expected: Digest | None) -> None:
    assert parse_digest(text) == expected


@pytest.mark.parametrize("text", ["weekly", "daily at 8", "8", "24:00", "daily 07:60"])
def test_wrong_digests_are_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_digest(text)


@pytest.mark.parametrize(
    ("moment", "zone", "digest", "expected"),
    [
        (utc(2022, 1, 10, 12), BERLIN, "daily 08:00", utc(2022, 1, 11, 7)),
        (utc(2022, 1, 10, 7), BERLIN, "daily 08:00", utc(2022, 1, 11, 7)),
        (utc(2022, 1, 10, 6, 59), BERLIN, "daily 08:00", utc(2022, 1, 10, 7)),
        # Half past two does not exist on that Sunday: just after it, then.
        (utc(2022, 3, 26, 12), BERLIN, "daily 02:30", utc(2022, 3, 27, 1, 30)),
        (utc(2022, 3, 27, 12), BERLIN, "daily 08:00", utc(2022, 3, 28, 6)),
        # Full hours of the local clock, half an hour off the rest of the world.
        (utc(2022, 1, 10, 12, 10), KOLKATA, "hourly", utc(2022, 1, 10, 12, 30)),
        (utc(2022, 1, 10, 12), BERLIN, "hourly", utc(2022, 1, 10, 13)),
    ],
)
def test_digests_come_at_their_local_time(moment: datetime, zone: ZoneInfo, digest: str, expected: datetime) -> None:
    parsed = parse_digest(digest)
    assert parsed is not None
    assert next_digest_at(moment, parsed, zone) == expected


@given(moment=MOMENTS, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_a_daily_digest_is_later_and_within_a_long_day(moment: datetime, hour: int, minute: int) -> None:
    due = next_digest_at(moment, Digest(at=time(hour, minute)), BERLIN)
    assert moment < due <= moment + timedelta(hours=25)


@given(moment=MOMENTS, start=st.times(), end=st.times())
def test_quiet_hours_are_left_once_and_never_earlier(moment: datetime, start: time, end: time) -> None:
    quiet = (start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))
    left = leave_quiet_hours(moment, quiet, ZoneInfo("Asia/Almaty"))
    assert moment <= left <= moment + timedelta(hours=24)
    assert leave_quiet_hours(left, quiet, ZoneInfo("Asia/Almaty")) == left


@pytest.mark.parametrize(
    ("moment", "quiet", "expected"),
    [
        # Clocks go back at three on 30 October: half past two comes at 00:30 UTC and again at 01:30 UTC.
        (utc(2022, 10, 30, 0, 10), "22:00-02:30", utc(2022, 10, 30, 1, 30)),
        (utc(2022, 10, 30, 1, 10), "22:00-02:30", utc(2022, 10, 30, 1, 30)),
        (utc(2022, 10, 30, 1, 30), "22:00-02:30", utc(2022, 10, 30, 1, 30)),
        # Quiet from the first half past two on, not awake again when it is ten past two once more.
        (utc(2022, 10, 30, 0, 20), "02:30-07:00", utc(2022, 10, 30, 0, 20)),
        (utc(2022, 10, 30, 0, 40), "02:30-07:00", utc(2022, 10, 30, 6)),
        (utc(2022, 10, 30, 1, 10), "02:30-07:00", utc(2022, 10, 30, 6)),
        # Within the hour that comes twice, and around it.
        (utc(2022, 10, 30, 1, 5), "02:10-02:20", utc(2022, 10, 30, 1, 20)),
        (utc(2022, 10, 29, 20), "22:00-07:00", utc(2022, 10, 30, 6)),
        # Clocks go forward at two on 27 March: half past two does not come.
        (utc(2022, 3, 27, 0, 40), "22:00-02:30", utc(2022, 3, 27, 1, 30)),
        (utc(2022, 3, 27, 1, 10), "02:30-07:00", utc(2022, 3, 27, 5)),
        (utc(2022, 3, 26, 21), "22:00-07:00", utc(2022, 3, 27, 5)),
    ],
)
def test_quiet_hours_hold_where_clocks_change(moment: datetime, quiet: str, expected: datetime) -> None:
    assert leave_quiet_hours(moment, parse_quiet_hours(quiet), BERLIN) == expected


@settings(deadline=None)
@given(
    hours=st.floats(-40, 40),
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from(["Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe"]),
)
def test_nothing_is_told_while_the_clock_shows_quiet_hours(hours: float, start: time, end: time, zone: str) -> None:
    quiet = (start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))
    moment = utc(2024, 10, 27, 1) + timedelta(hours=hours)
    left = leave_quiet_hours(moment, quiet, ZoneInfo(zone))
    assert moment <= left <= moment + timedelta(hours=50)
    clock = left.astimezone(ZoneInfo(zone)).time()
    start, end = quiet
    assert not (start <= clock < end if start <= end else clock >= start or clock < end)


@pytest.mark.parametrize("text", ["22:00", "22:00-25:00", "night", "22-7"])
def test_wrong_quiet_hours_are_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_quiet_hours(text)


def test_retries_follow_the_schedule_with_a_little_chance() -> None:
    for attempts, pause in enumerate(RETRY_SCHEDULE, start=1):
        assert retry_at(attempts, now=NOON, chance=0) == after(pause)
        late = retry_at(attempts, now=NOON, chance=0.999)
        assert late is not None
        assert after(pause) < late < after(pause * 1.1)
    assert retry_at(len(RETRY_SCHEDULE) + 1, now=NOON, chance=0) is None


@given(late=st.lists(st.floats(0, 1e5), min_size=10, max_size=10))
def test_every_attempt_that_had_its_time_counts(late: list[float]) -> None:
    waited = late[0]
    for attempts, (pause, more) in enumerate(zip((*RETRY_SCHEDULE, 0.0), late, strict=True), start=1):
        assert count_attempts(attempts, waited) == attempts
        waited += pause + more
    assert count_attempts(9, 4.9) == 1
    assert count_attempts(9, 304.9) == 2


def test_a_wish_to_wait_is_obeyed_up_to_a_day() -> None:
    assert retry_at(1, now=NOON, chance=0, retry_after=60) == after(60)
    assert retry_at(2, now=NOON, chance=0, retry_after=60) == after(300)
    assert retry_at(1, now=NOON, chance=0, retry_after=1e9) == after(86_400)


def test_a_circuit_rests_after_three_failures_and_longer_each_time() -> None:
    circuit = Circuit().fail(NOON).fail(NOON)
    assert not circuit.is_resting(NOON)
    rests = []
    for _ in range(8):
        circuit = circuit.fail(NOON)
        assert circuit.rests_until is not None
        rests.append((circuit.rests_until - NOON).total_seconds())
    assert rests == [30, 60, 120, 240, 480, 600, 600, 600]
    assert circuit.is_probing()
    assert circuit.succeed() == Circuit()


def test_a_circuit_gives_the_time_that_a_receiver_asks_for() -> None:
    assert Circuit().fail(NOON, retry_after=90).rests_until == after(90)
    hour = Circuit().fail(NOON, retry_after=3_600)
    assert (hour.is_resting(after(3_599)), hour.is_resting(after(3_600))) == (True, False)
    assert Circuit().fail(NOON, retry_after=1e9).rests_until == after(86_400)
    # What was under way with it asks for less, or for nothing.
    assert hour.fail(after(1), retry_after=5).fail(after(2)).fail(after(3)).rests_until == after(3_600)
    # A clock that steps back makes no rest longer.
    assert not hour.is_resting(after(-10))
