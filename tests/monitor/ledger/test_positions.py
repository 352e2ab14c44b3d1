"""Who says what, from when to when, and who still carries a dead figure."""

from dataclasses import replace

from monitor.ledger.fold import as_known_at, as_published_at, fold_story
from storage.records import History, RecordKey
from tests.support.ledger import STORY, day_at, parse_claim, show_figure

KILLED = RecordKey(story=STORY.slug, metric="killed")
LINES = [
    "6 tass 44 by=police",
    "9 tass 164 by=health",
    "9 khabar 164 by=health",
    "10 tass 164 by=health status=retracted",
    "11 herald 164 by=health",
    "13 herald 44 by=police",
    "15 tass 225 by=court learned=20",
]


def history() -> History:
    return fold_story([parse_claim(line) for line in LINES], (), STORY)[KILLED]


def test_an_origin_has_a_line() -> None:
    health = [one for one in history().positions if one.origin == "health" and not one.lagged]
    assert [(show_figure(one.figure), one.outlets, one.until is None) for one in health] == [
        ("164", ("khabar", "tass"), False),
        ("none", ("tass",), True),
    ]


def test_a_laggard_is_an_outlet_s_own_line() -> None:
    lagged = [one for one in history().positions if one.lagged]
    assert [(one.origin, one.outlets, show_figure(one.figure)) for one in lagged] == [("health", ("herald",), "164")]


def test_an_origin_is_shown_in_its_own_words() -> None:
    spoken = [
        replace(stamped, claim=replace(stamped.claim, origin="president-josé-ruiz", speaker=words))
        for stamped, words in (
            (parse_claim("1 ap 5"), "President José Ruiz"),
            (parse_claim("2 tass 8"), "president Jose Ruiz"),
        )
    ]
    found = fold_story(reversed(spoken), (), STORY)[KILLED]
    assert [step.origins for step in found.steps] == [("President José Ruiz",), ("president Jose Ruiz",)]
    assert {one.origin for one in found.positions} == {"President José Ruiz"}


def test_who_withdraws_a_figure_holds_it_no_longer() -> None:
    claims = [parse_claim("1 ap 164 by=health"), parse_claim("2 herald 164 by=health status=retracted")]
    found = fold_story(claims, (), STORY)[KILLED]
    assert [(show_figure(one.figure), one.until is None) for one in found.positions] == [("164", False), ("none", True)]


def test_as_known_at_and_as_published_at() -> None:
    claims = [parse_claim(line) for line in LINES]
    known = fold_story(as_known_at(claims, day_at(16)), (), STORY)[KILLED]
    assert known.best == 44
    public = fold_story(as_published_at(claims, day_at(16)), (), STORY)[KILLED]
    assert public.best == 225
    evening = fold_story(as_published_at(claims, day_at(10)), (), STORY)[KILLED]
    assert evening.best == 164
