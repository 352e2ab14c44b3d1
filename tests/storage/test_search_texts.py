"""One statement serves all queries of a form, whose words are its parameters."""

import pytest

from storage.query import parse_query
from storage.search_texts import may_hold, parted_query


def form(query: str) -> tuple[object, dict[str, str]]:
    node = parse_query(query).node
    assert node is not None
    return parted_query(node)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"toll dead"', '"minister said"'),
        ('toll -"dead said" OR min*', 'said -"toll toll" OR al*'),
        ('source:tass "toll dead said"', 'lang:ru "said said toll"'),
    ],
)
def test_queries_of_one_form_have_one_statement(one: str, other: str) -> None:
    assert form(one)[0] == form(other)[0]
    assert form(one)[1] != form(other)[1]


@pytest.mark.parametrize(
    ("one", "other"), [("toll dead", '"toll dead"'), ('"toll dead"', '"toll dead"*'), ("toll OR dead", "toll dead")]
)
def test_queries_of_two_forms_have_two(one: str, other: str) -> None:
    assert form(one)[0] != form(other)[0]


def test_words_are_looked_for_as_they_lie_in_the_row() -> None:
    assert form('"Toll dead said"* min* source:tass -café')[1] == {
        "text_0": " toll dead said",
        "pairs_0": "toll dead",
        "text_2": " min",
        "text_3": " ~stass ",
        "text_4": " cafe ",
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ('"toll dead"', 1),
        ('"toll dead" "dead said"', 2),
        ('"toll dead" OR "dead said"', 1),
        ('"toll dead" OR said', 0),
        ('-"toll dead"', 0),
        ('toll (said ("toll dead" min*))', 1),
        ('"toll dead"*', 0),
        ("toll", 0),
    ],
)
def test_as_many_conditions_of_pairs_as_phrases_that_must_stand(query: str, count: int) -> None:
    node, _ = parted_query(parse_query(query).node)  # type: ignore[arg-type]  # each has words
    assert len(may_hold(node)) == count
