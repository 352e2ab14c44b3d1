"""When things are due: digests and quiet hours in local time, groups in Alertmanager's sense, retries. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage.errors import SettingsError
from storage.records import Subscription

# Seconds after the 1st, 2nd … failed attempt: the example schedule of the Standard Webhooks specification, "Retries".
RETRY_SCHEDULE = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
# A receiver may ask us to wait, within reason.
LONGEST_RETRY_AFTER = 86_400.0
# The share of a pause that chance adds, so that many deliveries that failed together do not come back together.
JITTER = 0.1

# So long programs of older and newer settings may work side by side (a rolling restart): what one does not know is for
# the other.
ROLLING = timedelta(hours=1)

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_DEFAULT_DAILY = time(8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A digest goes out at each full hour (`at` None) or daily at a local time."""

    at: time | None


def parse_clock(text: str) -> time:
    """Return the local time of "HH:MM"; SettingsError for anything else."""
    found = _CLOCK.fullmatch(text.strip())
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise SettingsError(f"{text!r} is no time of day: write HH:MM, as in 07:30")
    return time(int(found[1]), int(found[2]))


def parse_digest(text: str) -> Digest | None:
    """Return what "", "hourly", "daily", "daily HH:MM" or "HH:MM" asks for; None for at once; SettingsError for
    anything else."""
    words = text.split()
    if not words:
        return None
    if words == ["hourly"]:
        return Digest(at=None)
    if words == ["daily"]:
        return Digest(at=_DEFAULT_DAILY)
    if len(words) == 2 and words[0] == "daily":
        return Digest(at=parse_clock(words[1]))
    if len(words) == 1:
        return Digest(at=parse_clock(words[0]))
    raise SettingsError(f'{text!r} is no digest: write "hourly", "daily 08:00" or nothing for at once')


def parse_quiet_hours(text: str) -> tuple[time, time] | None:
    """Return the two ends of "22:00-07:00" in local time; None for nothing; SettingsError for anything else."""
    if not text.strip():
        return None
    start, dash, end = text.partition("-")
    if not dash:
        raise SettingsError(f'{text!r} are no quiet hours: write two times of day, as in "22:00-07:00"')
    return parse_clock(start), parse_clock(end)


def parse_timezone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name; SettingsError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"{name!r} is no time zone: write an IANA name, as in Europe/Berlin") from error


def next_digest_at(after: datetime, digest: Digest, zone: ZoneInfo) -> datetime:
    """Return the first moment of that digest later than `after`, in UTC. A local time that a clock change skips comes
    just after it."""
    local = after.astimezone(zone)
    if digest.at is None:
        # Full hours of the local clock, counted in UTC so that an hour that comes twice is told twice.
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return after.astimezone(UTC) - into + timedelta(hours=1)
    day = local.date()
    while True:
        moment = datetime.combine(day, digest.at, tzinfo=zone).astimezone(UTC)
        if moment > after:
            return moment
        day += timedelta(days=1)


def leave_quiet_hours(at: datetime, quiet: tuple[time, time] | None, zone: ZoneInfo) -> datetime:
    """Return `at`, or the end of the quiet hours that it falls into (start included, end not), in UTC.

    Where the clocks change, quiet is what either reading of the clock makes so: they begin at the first time that the
    clock shows their start, and end at the last time that it shows their end.
    """
    if quiet is None or quiet[0] == quiet[1]:
        return at
    left = at
    while (end := _end_of_quiet(left, quiet, zone)) is not None:
        left = end
    return left


def leave_quiet(subscription: Subscription, at: datetime) -> datetime:
    """Return `at`, or the end of the subscription's quiet hours that it falls into, in UTC."""
    if not subscription.quiet_hours.strip():
        return at
    return leave_quiet_hours(at, parse_quiet_hours(subscription.quiet_hours), parse_timezone(subscription.timezone))


def _end_of_quiet(at: datetime, quiet: tuple[time, time], zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours that `at` falls into; None outside of them."""
    start, end = quiet
    today = at.astimezone(zone).date()
    for days in (-1, 0, 1):
        day = today + timedelta(days=days)
        begins = min(_readings(day, start, zone))
        ends = max(_readings(day if start < end else day + timedelta(days=1), end, zone))
        if begins <= at < ends:
            return ends
    return None


def _readings(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments, in UTC, that a local time may mean: two where clocks change, else the same twice."""
    local = datetime.combine(day, clock, tzinfo=zone)
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def group_due_at(subscription: Subscription, first_planned_at: datetime, flushed_at: datetime | None) -> datetime:
    """Return when a group of waiting alerts is due.

    As in Alertmanager: a new group waits `group_wait`; one that was flushed less than `group_interval` ago waits for
    the
    end of that interval. A digest waits for its moment instead. Quiet hours delay either. `first_planned_at` is that
    of the group's first waiting alert, `flushed_at` when the group was last sent.
    """
    digest = parse_digest(subscription.digest)
    if digest is not None:
        due = next_digest_at(first_planned_at, digest, parse_timezone(subscription.timezone))
    else:
        due = first_planned_at + timedelta(seconds=subscription.group_wait)
        if flushed_at is not None:
            interval_end = flushed_at + timedelta(seconds=subscription.group_interval)
            if first_planned_at < interval_end:
                due = interval_end
    return leave_quiet(subscription, due)


def count_attempts(taken: int, waited: float) -> int:
    """Return how many attempts at a delivery count by the schedule, of one that was taken up `taken` times in the
    `waited` seconds since it was made.

    As many as had time to be: what was taken up by a program that was killed before it could send was no attempt.
    """
    had_time, end = 1, 0.0
    for pause in RETRY_SCHEDULE:
        end += pause
        had_time += end <= waited
    return min(taken, had_time)


def retry_at(attempts: int, *, now: datetime, chance: float, retry_after: float | None = None) -> datetime | None:
    """Return when to try again after `attempts` failed attempts; None when there is nothing left to try.

    `chance` in [0, 1) spreads the pause by up to a tenth; `retry_after` (seconds) is the receiver's wish, obeyed up to
    a day.
    """
    if attempts > len(RETRY_SCHEDULE):
        return None
    pause = RETRY_SCHEDULE[attempts - 1] * (1 + JITTER * chance)
    if retry_after is not None:
        pause = max(pause, min(retry_after, LONGEST_RETRY_AFTER))
    return now + timedelta(seconds=pause)
