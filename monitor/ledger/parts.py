"""Rule 11, across records: parts that do not fit into their whole are reported, never added up silently.

That a part larger than the whole raises the whole is done by the fold; here is what remains odd afterwards.
Populations need not lie inside the whole (attackers), so that only places are checked.
"""

from collections.abc import Mapping
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
    found = []
    for key in sorted(histories):
        whole = histories[key].current
        if key.place or whole is None or whole.state is not None or is_vague(whole):
            continue
        parts = _parts(key, histories, story)
        total = sum(window_of(figure).low for _, figure in parts)
        if total > window_of(whole).high:
            found.append(Inconsistency(key=key, whole=whole, parts=parts, total=total))
    return tuple(found)


def _parts(
    key: RecordKey, histories: Mapping[RecordKey, History], story: Story
) -> tuple[tuple[RecordKey, Figure], ...]:
    """Return the parts that do not lie within one another, each with the figure that stands for it."""
    parents = {place_slug(place.name): place_slug(place.parent) for place in story.places if place.parent}
    placed = {
        other.place: (other, history.current)
        for other, history in histories.items()
        if other.place and other.place != UNRESOLVED and replace(other, place="") == key and history.current is not None
    }
    outermost = {
        place: (other, figure)
        for place, (other, figure) in placed.items()
        if figure is not None and not is_vague(figure) and not _has_ancestor(place, parents, set(placed))
    }
    return tuple(outermost[place] for place in sorted(outermost))


def _has_ancestor(place: str, parents: Mapping[str, str], known: set[str]) -> bool:
    seen = {place}
    while (parent := parents.get(place)) is not None and parent not in seen:
        if parent in known:
            return True
        seen.add(parent)
        place = parent
    return False
