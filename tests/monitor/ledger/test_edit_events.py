"""Which figure the event of an edit speaks of."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.words import load_words
from monitor.claims.extract import Extractor
from monitor.ledger.edit_events import NOTED, SILENT, edit_revision
from storage.records import Article, ArticleVersion, Figure, Revision, Trust

AT = datetime(2022, 1, 9, 12, tzinfo=UTC)
OLD = (
    "The toll was read out on Channel 7 on Sunday evening, as viewers said.\n"
    "The collapse of the mine has killed 52 people, the Energy Ministry said on Channel 7.\n"
    "Buses to the pit run every 20 minutes."
)


def version(number: int, text: str) -> ArticleVersion:
    return ArticleVersion(
        version_id=number,
        article_id=1,
        number=number,
        title="Mine collapse",
        text=text,
        text_hash=str(number),
        fetched_at=AT + timedelta(hours=number),
    )


def event_of(new: str) -> Revision:
    article = Article(
        article_id=1, url="https://courier.example/mine", title="Mine collapse", source="Courier", trust=Trust.MAJOR,
        lang="en", published=None, first_seen_at=AT, last_changed_at=AT,
    )  # fmt: skip
    event = edit_revision(
        "mine", article, version(1, OLD), version(2, new), extractor=Extractor(), now=AT + timedelta(hours=2)
    )
    assert event is not None
    return event


@pytest.mark.parametrize(
    ("new", "before", "after", "reason"),
    [
        ("The collapse of the mine has killed dozens of people, officials said.", 52, None, SILENT),
        ("The collapse of the mine has killed 44 people, the Energy Ministry said.", 52, 44, SILENT),
        (
            "The collapse of the mine has killed 44 people, the Energy Ministry said.\n"
            "Correction: an earlier version of this article gave a wrong number of dead.",
            52,
            44,
            NOTED,
        ),
    ],
)
def test_the_figure_that_counts_something_comes_first(
    new: str, before: float | None, after: float | None, reason: str
) -> None:
    event = event_of(new)
    assert (event.key.metric, event.reason) == ("killed", reason)
    assert _number(event.before) == before
    if after is not None:
        assert _number(event.after) == after


@pytest.mark.parametrize(
    ("words", "metric", "said"),
    [
        ("injured 52 people", "injured", ("killed 52", "injured 52")),
        ("killed 52 children", "killed", ("killed 52", "killed, children 52")),
        ("left 52 people feared dead", "killed", ("killed 52", "killed 52, unconfirmed")),
    ],
)
def test_a_number_that_counts_something_else_is_told_with_what_it_counted(
    words: str, metric: str, said: tuple[str, str]
) -> None:
    event = event_of(OLD.replace("killed 52 people", words))
    assert event.key.metric == metric
    assert load_words("en").edit_sides(event) == ("", *said)


def _number(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value
