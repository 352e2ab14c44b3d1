"""Rule 11, across records: parts that do not fit into their whole are reported, never added up silently.

That a part larger than the whole raises the whole is done by the fold; here is what remains odd afterwards.
Populations need not lie inside the whole (attackers), so that only places are checked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from monitor.claims.places import UNRESOLVED, place_slug
from monitor.ledger.record import is_vague
from monitor.ledger.values import window_of
from storage.records import Figure, History, RecordKey, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistency:
    """Parts of a record that exceed it. `total` is what they come to at least, `whole` what stands for all of them."""

    key: RecordKey
    whole: Figure
    parts: tuple[tuple[RecordKey, Figure], ...]
    total: float


def find_inconsistencies(histories: Mapping[RecordKey, History], story: Story) -> tuple[Inconsistency, ...]:
    """Return the records whose parts by place come to more than the whole allows, in the order of their keys."""
    parents = {place_slug(place.name): place_slug(place.parent) for place in story.places if place.parent}
    placed = _by_whole(histories)
    found = []
    for key in sorted(placed):
        whole = histories[key].current if key in histories else None
        if whole is None or whole.state is not None or is_vague(whole):
            continue
        parts = _outermost(placed[key], parents)
        total = sum(window_of(figure).low for _, figure in parts)
        if total > window_of(whole).high:
            found.append(Inconsistency(key=key, whole=whole, parts=parts, total=total))
    return tuple(found)


def _by_whole(histories: Mapping[RecordKey, History]) -> dict[RecordKey, list[tuple[RecordKey, Figure]]]:
    """Return the records of places, each with the figure that stands for it, by the record of their whole."""
    placed: dict[RecordKey, list[tuple[RecordKey, Figure]]] = {}
    for key, history in histories.items():
        if key.place and key.place != UNRESOLVED and history.current is not None:
            placed.setdefault(replace(key, place=""), []).append((key, history.current))
    return placed


def _outermost(
    placed: Iterable[tuple[RecordKey, Figure]], parents: Mapping[str, str]
) -> tuple[tuple[RecordKey, Figure], ...]:
    """Return the parts that do not lie within one another, in the order of their places."""
    by_place = {key.place: (key, figure) for key, figure in placed}
    return tuple(
        by_place[place]
        for place in sorted(by_place)
        if not is_vague(by_place[place][1]) and not _has_ancestor(place, parents, set(by_place))
    )


def _has_ancestor(place: str, parents: Mapping[str, str], known: set[str]) -> bool:
    seen = {place}
    while (parent := parents.get(place)) is not None and parent not in seen:
        if parent in known:
            return True
        seen.add(parent)
        place = parent
    return False
