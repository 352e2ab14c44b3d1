"""The hand-worked cases of tests/data/ledger/cases.toml."""

import random
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from monitor.ledger.fold import fold_story
from storage.records import RecordKey
from tests.support.ledger import STORY, parse_claim, show_figure

FILE = Path(__file__).parents[2] / "data" / "ledger" / "cases.toml"
CASES: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"].replace(" ", "-") for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    claims = [parse_claim(line, number) for number, line in enumerate(case["claims"])]
    random.Random(case["name"]).shuffle(claims)
    metric, population, place = (*case.get("record", "killed").split("/"), "", "")[:3]
    key = RecordKey(story=STORY.slug, metric=metric, population=population, place=place)
    history = fold_story(claims, (), STORY)[key]
    assert [f"{step.kind} {show_figure(step.figure)}" for step in history.steps] == case["steps"]
    if "rules" in case:
        assert [step.rule for step in history.steps] == case["rules"]
    if "refused" in case:
        assert dict(Counter(refusal.rule for refusal in history.refusals)) == case["refused"]
    assert history.is_contested is case.get("contested", False)
    for bound in ("low", "best", "high"):
        if bound in case:
            assert getattr(history, bound) == case[bound]


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 25
    assert len({case["name"] for case in CASES}) == len(CASES)
