"""Saved searches on both databases, and the reading of a query that must agree with the index."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from storage import articles, claims, searches
from storage.database import Database
from storage.errors import NotFoundError, QueryError
from storage.query import parse_query
from storage.records import Claim
from storage.search import search_articles
from storage.searched import is_found, load_searched
from tests.contracts.test_database_search import fill, random_query
from tests.support.stored import HOUR, NOON, claim

MORE = (
    "killed>100",
    "killed<100",
    "-killed>=200",
    "killed>=100 killed<200",
    "killed>300 killed<100",
    "killed<=300 -killed>100 -killed<40 injured>10",
    "metric:killed",
    "after:2022-06",
    "before:2023",
    "-after:2023-05-07",
)


def test_asked_of_one_article_a_query_answers_as_the_index_does(database: Database) -> None:
    fill(database)
    chance = random.Random(3)
    with database.write() as session:
        stored = articles.list_articles(session, limit=100)
        for number, article in enumerate(stored[:20]):
            told = [claim(f"c{number}", number * 20, article_id=article.article_id)]
            told += [replace(told[0], claim_id=f"d{number}", claim=Claim(metric="killed", value=400 - number * 20))]
            told += [replace(told[0], claim_id=f"e{number}", claim=Claim(metric="injured", value=number))]
            claims.add_claims(session, told[: 1 + number % 3])
    queries = [random_query(chance) for _ in range(100)]
    queries += [f"{random_query(chance)} {chance.choice(MORE)}" for _ in range(60)]
    queries += ["-(toll)", "café*", '"said toll"', *MORE]
    with database.read() as session:
        texts = {}
        for article in stored:
            version = articles.get_version(session, article.article_id, 1)
            texts[article.article_id] = load_searched(
                session, article.article_id, title=version.title, text=version.text
            )
        for query in queries:
            try:
                asked = parse_query(query)
            except QueryError:
                continue  # what counts for the whole query may not stand beside OR
            expected = {hit.article_id for hit in search_articles(session, query, limit=100)}
            assert {number for number, text in texts.items() if is_found(asked, text)} == expected, query


def test_searches_are_kept_replaced_listed_and_removed(database: Database) -> None:
    with database.write() as session:
        searches.save_search(session, "quakes", "earthquake magnitude>6", saved_at=NOON, who="me")
        searches.save_search(session, "ответ", "ответ", saved_at=NOON)
    with database.write() as session:
        again = searches.save_search(session, "quakes", "earthquake magnitude>6", saved_at=NOON + HOUR)
        assert again.saved_at == NOON  # the same query goes on
        other = searches.save_search(session, "quakes", "earthquake", saved_at=NOON + HOUR, is_told=False)
        assert other.saved_at - NOON == timedelta(hours=1)
        told = searches.save_search(session, "quakes", "earthquake", saved_at=NOON + 2 * HOUR)
        assert told.saved_at == NOON + 2 * HOUR  # what came while nobody was told is not told now
    with database.read() as session:
        assert [one.name for one in searches.list_searches(session)] == ["quakes", "ответ"]
        assert searches.get_search(session, "quakes") == told
    with database.write() as session:
        searches.remove_search(session, "quakes")
        assert searches.find_search(session, "quakes") is None
        with pytest.raises(NotFoundError, match="searches list"):
            searches.remove_search(session, "quakes")


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [("two words", "x y", "letters"), ("", "x", "letters"), ("empty", " ", "every article"), ("odd", "(x", "closed")],
)
def test_what_cannot_be_saved_is_refused_with_its_reason(database: Database, name: str, query: str, words: str) -> None:
    with database.write() as session, pytest.raises(QueryError, match=words):
        searches.save_search(session, name, query, saved_at=NOON)
