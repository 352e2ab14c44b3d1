"""What a subscription can ask for: measures and stories that there are, and a hint for those that there are not."""

import pytest

from monitor.known_labels import find_unmeant
from storage.records import Metric, MetricKind, Story
from tests.support.alerting import subscribe

KZ = Story(slug="kz", title="Kazakhstan", metrics=(Metric(name="treaties", kind=MetricKind.CUMULATIVE),))


@pytest.mark.parametrize("metric", ["*", "killed", "kill*", "treaties", "curfew", "state_of_emergency", "magnitude"])
def test_measures_that_there_are_pass(metric: str) -> None:
    assert list(find_unmeant(subscribe(metrics=(metric,), stories=("k?",)), [KZ])) == []


def test_what_there_is_not_is_named_with_what_was_meant() -> None:
    slips = subscribe(metrics=("kiled", "killed"), stories=("kx",))
    assert list(find_unmeant(slips, [KZ])) == [
        "subscription 'desk': metrics: nothing is called 'kiled'; did you mean 'killed'?",
        "subscription 'desk': stories: nothing is called 'kx'; known here: kz",
    ]
    assert list(find_unmeant(subscribe(stories=("kx",)), [])) == [
        "subscription 'desk': stories: nothing is called 'kx'"
    ]
