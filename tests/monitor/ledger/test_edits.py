"""Edits of one article: which change what it says."""

import json

import pytest

from monitor.claims.extract import Extractor
from monitor.cli.compare import compare_lines
from monitor.ledger.edits import EditReport, compare_versions
from monitor.ledger.notices import is_notice
from storage.records import Place, Story

TEXT = (
    "A bus fell into a ravine near the border on Friday. At least 12 people were killed and 31 were injured, police said.\n"
    "The road, 40 km long, was rebuilt in 2014. Rescuers worked through the night."
)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor()


def compare(extractor: Extractor, new: str, *, title: str = "Bus crash", lang: str | None = "en") -> EditReport:
    return compare_versions(("Bus crash", TEXT), (title, new), extractor=extractor, lang=lang)


@pytest.mark.parametrize(
    "new",
    [
        TEXT,
        TEXT.replace(" ", "  "),
        TEXT.replace("12 people", "twelve people"),
        TEXT.replace("through the night", "all through the night"),
        "Updated 2 hours ago. " + TEXT + " Read more: related stories.",
        TEXT.replace("ravine", "gorge"),
        TEXT.replace("\n", " "),
    ],
)
def test_cosmetic_edits_are_silent(extractor: Extractor, new: str) -> None:
    report = compare(extractor, new)
    assert not report.substantive
    assert report.changes == ()


def test_a_thousands_mark_is_no_change(extractor: Extractor) -> None:
    report = compare_versions(
        ("", "The quake killed 1,300 people."), ("", "The quake killed 1300 people."), extractor=extractor
    )
    assert not report.substantive


def test_a_figure_that_changes_is_reported_alone(extractor: Extractor) -> None:
    report = compare(extractor, TEXT.replace("12", "14"))
    assert report.substantive
    (change,) = report.changes
    assert (change.metric, change.kind) == ("killed", "raised")
    assert change.before is not None
    assert change.after is not None
    assert (change.before.value, change.after.value) == (12, 14)
    assert report.notice is None


def test_a_hedge_that_is_dropped_is_a_change(extractor: Extractor) -> None:
    report = compare(extractor, TEXT.replace("At least 12", "12"))
    assert [change.kind for change in report.changes] == ["requalified"]


@pytest.mark.parametrize(
    ("old", "new", "kind", "metric"),
    [
        ("12 people were killed", "12 people were injured", "remeasured", "injured"),
        ("12 people were killed", "12 children were killed", "rescoped", "killed"),
        ("12 people were killed", "12 people were killed in Karaganda", "rescoped", "killed"),
        ("12 people were killed", "12 people were feared dead", "restated", "killed"),
        ("12 people were killed", "12 people were at the scene", "dropped", "killed"),
    ],
)
def test_a_number_that_stays_and_counts_something_else_is_a_change(
    extractor: Extractor, old: str, new: str, kind: str, metric: str
) -> None:
    story = Story(slug="s", title="S", places=(Place(name="Karaganda"),))
    text = f"A bus fell into a ravine on Friday. At least {old}, police said."
    report = compare_versions(("", text), ("", text.replace(old, new)), extractor=Extractor(story), lang="en")
    assert [(change.kind, change.metric) for change in report.changes] == [(kind, metric)]


def test_measures_that_change_places_are_told_of_both(extractor: Extractor) -> None:
    report = compare(extractor, TEXT.replace("killed and 31 were injured", "injured and 31 were killed"))
    assert {(change.metric, change.kind) for change in report.changes} == {
        ("injured", "remeasured"),
        ("killed", "remeasured"),
    }


@pytest.mark.parametrize(
    "words",
    ["12 people died", "12 passengers were killed", "12 people lost their lives", "12 people had been killed"],
)
def test_other_words_for_what_a_number_counts_are_cosmetic(extractor: Extractor, words: str) -> None:
    assert not compare(extractor, TEXT.replace("12 people were killed", words)).substantive


def test_a_sentence_with_figures_that_goes_is_a_change(extractor: Extractor) -> None:
    report = compare(extractor, TEXT.replace("At least 12 people were killed and 31 were injured, police said.", ""))
    assert {(change.metric, change.kind) for change in report.changes} == {
        ("killed", "dropped"),
        ("injured", "dropped"),
    }


def test_a_sentence_that_moves_is_none(extractor: Extractor) -> None:
    first, second = "At least 12 people were killed, police said.", "Rescuers worked through the night near the border."
    third = "Nobody knows why the driver lost control."
    report = compare_versions(
        ("", f"{first} {second} {third}"), ("", f"{second} {third} {first}"), extractor=extractor, lang="en"
    )
    assert not report.substantive


def test_a_notice_is_found_and_is_substantive(extractor: Extractor) -> None:
    notice = "Correction: an earlier version of this article gave a wrong number of dead."
    report = compare(extractor, TEXT + " " + notice)
    assert report.substantive
    assert report.notice == notice


def test_a_title_that_changes_counts(extractor: Extractor) -> None:
    report = compare_versions(
        ("Crash kills 12", "Police."), ("Crash kills 14", "Police."), extractor=extractor, lang="en"
    )
    assert [change.kind for change in report.changes] == ["raised"]


def test_a_language_without_a_pack_compares_digits(extractor: Extractor) -> None:
    old, new = "164 nəfər ölüb.", "165 nəfər ölüb."
    assert compare_versions(("", old), ("", new), extractor=extractor, lang="az").substantive
    assert not compare_versions(("", old), ("", old + " Ətraflı."), extractor=extractor, lang="az").substantive


@pytest.mark.parametrize(
    ("sentence", "lang", "expected"),
    [
        ("CORRECTION: the figure was wrong.", "en", True),
        ("Editor’s note — this story has been corrected.", "en", True),
        ("A house of correction stood here.", "en", False),
        ("The court ordered a correction of prices.", "en", False),
        ("Исправлено: ранее сообщалось о 164 погибших.", "ru", True),
        ("Исправление ошибок займёт неделю.", "ru", False),
        ("Correction: nobody reads this.", "xx", False),
    ],
)
def test_notices(sentence: str, lang: str, expected: bool) -> None:
    assert is_notice(sentence, lang) is expected


def test_compare_lines_speaks_the_exchange_format(extractor: Extractor) -> None:
    line = json.dumps({"id": "e1", "title": "Bus crash", "v1": TEXT, "v2": TEXT.replace("31", "33")})
    (answer,) = compare_lines([line, ""], extractor)
    said = json.loads(answer)
    assert said["id"] == "e1"
    assert said["substantive"] is True
    assert [(change["metric"], change["from"]["low"], change["to"]["low"]) for change in said["changes"]] == [
        ("injured", 31, 33)
    ]


def test_compare_lines_say_what_a_number_that_stays_counted_before(extractor: Extractor) -> None:
    line = json.dumps({"title": "Bus crash", "v1": TEXT, "v2": TEXT.replace("12 people", "12 children")})
    (answer,) = compare_lines([line], extractor)
    change = json.loads(answer)["changes"][0]
    assert (change["kind"], change["from"]["low"], change["to"]["low"]) == ("rescoped", 12, 12)
    assert (change["was"]["population"], change["now"]["population"]) == (None, "age=child")
