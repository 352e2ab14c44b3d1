"""SQLite's index in many parts finds what one would, however articles came in, and keeps itself in parts."""

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from storage import articles, keeping
from storage.database import Database
from storage.records import MatchState, NewArticle
from storage.search import search_articles
from storage.search_index import rebuild_index
from storage.search_parts import compact_parts, list_parts, prove_parts
from storage.tables import DOCUMENTS
from tests.support.stored import NOON, at, new_article, store_story

COUNT = 60


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database whose index takes seven documents a part."""
    monkeypatch.setattr("storage.search_parts.PART_SIZE", 7)
    database = Database(f"sqlite:///{tmp_path}/storywatch.db")
    database.upgrade()
    with database.write() as session:
        store_story(session)
    yield database
    database.close()


def news(number: int) -> NewArticle:
    moment = NOON + timedelta(days=number)
    return new_article(number, published=at(moment), text=f"Ministry word{number % 9} and more word{number % 4}")


def orders() -> dict[str, list[int]]:
    mixed = list(range(COUNT))
    random.Random(4).shuffle(mixed)
    forward = list(range(COUNT))
    return {
        "as time goes": forward, "backwards": forward[::-1], "mixed": mixed,
        "one of the future first": [COUNT - 1, *forward[:-1]], "one of the past first": [0, *forward[:0:-1]],
        "a year within others": [*forward[::6], *(number for number in forward if number % 6)],
    }  # fmt: skip


@pytest.mark.parametrize("order", orders())
@pytest.mark.parametrize("at_once", [1, 25])
def test_whatever_comes_first_all_is_found_newest_first(stored: Database, order: str, at_once: int) -> None:
    numbers = orders()[order]
    for start in range(0, COUNT, at_once):
        with stored.write() as session:
            articles.add_articles(session, [news(number) for number in numbers[start : start + at_once]])
    with stored.read() as session:
        for query, expected in (
            ("ministry", range(COUNT)),
            ("word3", [number for number in range(COUNT) if 3 in (number % 9, number % 4)]),
            ("wor* -word3", [number for number in range(COUNT) if 3 not in (number % 9, number % 4)]),
            ('"and more" after:2022-01-29', range(20, COUNT)),
            ("ministry before:2022-01-29", range(20)),
        ):
            for limit in (5, 100):
                hits = search_articles(session, query, limit=limit)
                assert [int(hit.url.rsplit("/", 1)[1]) for hit in hits] == sorted(expected, reverse=True)[:limit]
        parts = list_parts(session)
        assert sum(part.documents for part in parts) == COUNT
        most = max(part.documents for part in parts)
        # Of those that come at once and into the midst of what is there, a part takes all that fall into it.
        assert most == 7 if order in ("as time goes", "backwards") else most <= 14 + at_once
        firsts = [part.first_key for part in parts]
        keys = list(session.execute(select(DOCUMENTS.c.document_key)).scalars())
        held = Counter(bisect_right(firsts, key) - 1 for key in keys)
        assert [held[place] for place in range(len(parts))] == [part.documents for part in parts]
    with stored.write() as session:
        prove_parts(session)


def test_what_changes_leaves_the_part_that_it_was_in(stored: Database) -> None:
    with stored.write() as session:
        articles.add_articles(session, [news(number) for number in range(30)])
    with stored.write() as session:
        for number in range(0, 30, 3):
            found = articles.get_article(session, f"https://news.example/{number}")
            articles.add_version(
                session, found.article_id, title="New", text="Otherwise", text_hash=f"n{number}", fetched_at=NOON
            )
            articles.set_match_state(session, found.article_id, "unrest", MatchState.REJECTED)
    with stored.read() as session:
        assert len(search_articles(session, "ministry", limit=100)) == 20
        assert len(search_articles(session, "otherwise", limit=100)) == 10
        assert len(search_articles(session, "story:unrest", limit=100)) == 20
        assert len(search_articles(session, "ministry", limit=100, all_versions=True)) == 30
        assert sum(part.documents for part in list_parts(session)) == 40
        assert list(keeping.find_problems(session)) == []
    with stored.write() as session:
        compact_parts(session)
        prove_parts(session)


def test_an_index_made_anew_lies_in_parts_of_time(stored: Database) -> None:
    with stored.write() as session:
        for number in orders()["mixed"]:
            articles.add_article(session, news(number))
    with stored.write() as session:
        assert rebuild_index(session) == COUNT
        assert [part.documents for part in list_parts(session)] == [7] * 8 + [4]
        assert [part.number for part in list_parts(session, low=1 << 61)] == [9]
    with stored.read() as session:
        assert len(search_articles(session, "ministry", limit=100)) == COUNT


def test_what_a_savepoint_took_back_is_not_indexed(stored: Database) -> None:
    with stored.write() as session:
        taken_back = session.begin_nested()
        articles.add_articles(session, [news(1), news(2)])
        taken_back.rollback()
        articles.add_article(session, news(3))
    with stored.read() as session:
        assert [hit.url for hit in search_articles(session, "ministry")] == ["https://news.example/3"]
        assert list(keeping.find_problems(session)) == []
