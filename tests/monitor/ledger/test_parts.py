"""Parts that do not fit into their whole."""

from dataclasses import replace

from monitor.ledger.fold import fold_story
from monitor.ledger.parts import find_inconsistencies
from storage.records import Place
from tests.support.ledger import STORY, parse_claim

PLACED = replace(
    STORY,
    places=(Place(name="Almaty Region"), Place(name="Almaty", parent="Almaty Region"), Place(name="Taraz")),
)


def odd(*lines: str) -> list[tuple[str, float, int]]:
    claims = [parse_claim(line, number) for number, line in enumerate(lines)]
    found = find_inconsistencies(fold_story(claims, (), PLACED), PLACED)
    return [(one.key.metric, one.total, len(one.parts)) for one in found]


def test_parts_that_come_to_more_than_the_whole() -> None:
    assert odd("1 ap 164 by=health", "1 ap 103 place=almaty", "2 ap 80 place=taraz") == [("killed", 183, 2)]


def test_parts_that_fit() -> None:
    assert odd("1 ap 164 by=health", "1 ap 103 place=almaty", "2 ap 10 place=taraz") == []


def test_a_place_within_another_is_counted_once() -> None:
    assert odd("1 ap 164 by=health", "1 ap 103 place=almaty", "2 ap 120 place=almaty-region") == []


def test_unresolved_places_and_populations_are_left_out() -> None:
    assert odd("1 ap 5 by=health", "1 ap 3 place=unresolved", "1 ap 9 population=role=attacker") == []
