"""The parts of the service in words and data, for `storywatch status`. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from storage.liveness import ROLES, RUN, SCHEDULER, Heard, find_leader


def parts_words(heard: Sequence[Heard]) -> str:
    """How many of each kind live, and what is missing."""
    if not heard:
        return "nobody, so that nothing is polled"
    live = Counter(one.part.role for one in heard if one.is_live)
    counted = [f"{live[role]} {role}" for role in ROLES if live[role]]
    silent = sum(not one.is_live for one in heard)
    leads = [] if find_leader(heard) else ["nobody leads, so that nothing is polled"]
    return ", ".join([*counted, *([f"{silent} silent"] if silent else []), *leads])


def part_name(one: Heard, heard: Sequence[Heard]) -> str:
    """A part by its machine and process, with what is remarkable of it."""
    leads = " leads," if one.part.role == SCHEDULER and one == find_leader(heard) else ""
    return f"{one.part.place}{leads}{'' if one.is_live else ' silent,'}"


def part_row(one: Heard, heard: Sequence[Heard]) -> list[str]:
    """Which part it is, where, and what it does."""
    return [one.part.role, one.part.place, _does(one, heard)]


def part_data(one: Heard, heard: Sequence[Heard]) -> dict[str, Any]:
    """All that is known of a part, for programs; times by the database's clock."""
    return {
        "role": one.part.role,
        "place": one.part.place,
        "live": one.is_live,
        "leads": one == find_leader(heard),
        "takes": list(one.part.work),
        "since": one.part.since,
        "heard_at": one.heard_at,
        "silent_seconds": round(one.silence.total_seconds(), 1),
    }


def _does(one: Heard, heard: Sequence[Heard]) -> str:
    if not one.is_live:
        return "silent"
    if one.part.work:
        return ", ".join(one.part.work)
    if one.part.role == SCHEDULER:
        return "leads" if one == find_leader(heard) else "waits to take over"
    return "all" if one.part.role == RUN else "the page"
