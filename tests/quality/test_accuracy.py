"""The gate: what the reader makes of annotated reports must not fall below the kept floors."""

from typing import Any

import pytest

from monitor.claims.extract import Extractor
from tests.quality.accuracy import Row, Score, files, read_reports, score, score_report
from tests.quality.floors import digests, load, lowered, raised

_SHOWN = ("precision", "recall", "status", "standing", "scope", "headline", "silent")


@pytest.mark.parametrize("name", sorted(files()))
def test_no_measure_falls_below_its_floor(name: str) -> None:
    reports = read_reports(files()[name])
    scored = score(reports, Extractor())
    measured, floors = scored.measures(), load()["claims"][name]
    shown = "  ".join(f"{key} {measured[key]:.3f}" for key in _SHOWN)
    by_metric = "  ".join(f"{key} {share:.3f}" for key, share in measured.items() if "." in key)
    print(f"\n{name}: {len(reports)} reports\n  {shown}\n  {by_metric}")  # noqa: T201 -- `make accuracy` shows it
    fallen = {key: (measured.get(key), floor) for key, floor in floors.items() if measured.get(key, 0.0) < floor}
    assert not fallen, f"(measured, floor) {fallen}; python -m tests.quality.floors --slips lists the errors"
    assert set(floors) == set(measured)


def test_annotations_are_those_the_floors_were_set_on() -> None:
    assert load()["digests"] == digests()


@pytest.mark.parametrize("name", sorted(files()))
def test_every_annotation_quotes_its_report(name: str) -> None:
    for report in read_reports(files()[name]):
        for row in report["gold"]:
            assert row["quote"] in report[row["quote_in"]], (report["id"], row["quote"])


def _row(low: int, *, status: str = "current", population: str | None = None, metric: str = "killed") -> Row:
    return {
        "metric": metric, "low": low, "high": None, "status": status, "population": population, "place": None,
        "qualifier": "exact", "quote": str(low),
    }  # fmt: skip


def _score(gold: list[Row], claims: list[Row]) -> Score:
    total = Score()
    score_report({"id": "r", "gold": gold}, claims, total)
    return total


def test_scores_what_is_found_missed_and_extra() -> None:
    total = _score([_row(5), _row(7, metric="injured")], [_row(5), _row(9)])
    assert (total.share("precision"), total.share("recall")) == (0.5, 0.5)
    assert total.share("injured.recall") == 0.0
    assert total.share("headline") == 0.0


def test_scores_status_and_scope_of_what_is_found() -> None:
    total = _score([_row(5), _row(3, status="denied")], [_row(5, population="age=child"), _row(3, status="previous")])
    assert (total.share("status"), total.share("standing"), total.share("scope")) == (0.5, 1.0, 0.5)


def test_counts_a_hospitalised_person_as_injured_and_repeats_once() -> None:
    gold = [_row(5, metric="hospitalised"), _row(5, metric="injured")]
    assert _score(gold, [_row(5, metric="injured")]).measures()["recall"] == 1.0


def test_silence_is_wanted_where_nothing_is_annotated() -> None:
    assert _score([], []).share("silent") == 1.0
    assert _score([], [_row(1)]).share("silent") == 0.0


_KEPT: dict[str, Any] = {"claims": {"en": {"recall": 0.5}}, "digests": {"en": "a"}, "lowered": []}


def test_raising_never_lowers() -> None:
    assert raised(_KEPT, {"en": {"recall": 0.4}}, {"en": "a"})["claims"]["en"]["recall"] == 0.5
    assert raised(_KEPT, {"en": {"recall": 0.6789}}, {"en": "a"})["claims"]["en"]["recall"] == 0.678


def test_raising_refuses_changed_annotations() -> None:
    with pytest.raises(ValueError, match="en have changed"):
        raised(_KEPT, {"en": {"recall": 0.9}}, {"en": "b"})


def test_lowering_keeps_the_reason() -> None:
    kept = lowered(_KEPT, {"en": {"recall": 0.4}}, {"en": "b"}, reason="a label was wrong", day="2026-11-22")
    assert kept["claims"]["en"]["recall"] == 0.4
    note = {"day": "2026-11-22", "reason": "a label was wrong", "floors": {"en.recall": [0.5, 0.4]}, "data": ["en"]}
    assert kept["lowered"] == [note]
