"""An index made by another recipe of folding is made anew at the next upgrade, on both databases."""

import threading

from sqlalchemy import select

from storage import articles, claims, keeping, meta, search_index
from storage.database import Database
from storage.records import Match, MatchState
from storage.search import search_articles
from storage.tables import DOCUMENTS
from tests.support.stored import NOON, at, claim, new_article, store_article, store_story


def test_an_index_of_another_recipe_is_made_anew(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        number = store_article(session).article_id
        articles.add_version(session, number, title="T", text="The ministry again", text_hash="2", fetched_at=NOON)
        meta.set_fact(session, search_index.RECIPE_FACT, "0")
    database.upgrade()
    with database.read() as session:
        assert meta.find_fact(session, search_index.RECIPE_FACT) == search_index.RECIPE
        assert len(search_articles(session, "ministry", all_versions=True)) == 2
        assert list(keeping.find_problems(session)) == []


def test_two_processes_index_articles_of_one_second(database: Database) -> None:
    """Two databases on one address stand for two processes; all is published in one second."""
    other = Database(database.url)
    with database.write() as session:
        store_story(session)

    def store(own: Database, first: int) -> None:
        for number in range(first, first + 20):
            with own.write() as session:
                articles.add_articles(session, [new_article(number * 10 + n, published=at(NOON)) for n in range(8)])

    threads = [threading.Thread(target=store, args=pair) for pair in ((database, 0), (other, 100))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    with database.read() as session:
        assert len(search_articles(session, "ministry", limit=1000)) == 320


def test_what_is_indexed_from_hand_is_what_is_indexed_anew(database: Database) -> None:
    """Of an article that was just stored nothing is asked again; what is written of it is the same."""
    held = Match(story="unrest", score=2.0, hits=())
    no_match = Match(story="unrest", score=0.1, hits=(), is_match=False)
    kinds = [
        (), (held,), (no_match,), (no_match, held), (held, no_match), (Match(story="quake", score=1.0, hits=()), held),
        (Match(story="unrest", score=2.0, hits=(), state=MatchState.REJECTED),),
        (Match(story="unrest", score=0.1, hits=(), is_match=False, state=MatchState.ACCEPTED),),
    ]  # fmt: skip
    with database.write() as session:
        store_story(session, "unrest")
        store_story(session, "quake")
        for number, matches in enumerate(kinds):
            store_article(session, number, matches=matches)
        store_article(session, 20, source="", lang=None, published=None, url="https://www.Other.example:81/a")
        told = store_article(session, 21)
        claims.add_claims(session, [claim(article_id=told.article_id)])
        moved = store_article(session, 22)
        articles.set_match_state(session, moved.article_id, "unrest", MatchState.REJECTED)
    with database.write() as session:
        rows = select(DOCUMENTS.c.document_key, DOCUMENTS.c.article_id, DOCUMENTS.c.content)
        before = session.execute(rows.order_by(DOCUMENTS.c.article_id)).all()
        search_index.rebuild_index(session)
        assert session.execute(rows.order_by(DOCUMENTS.c.article_id)).all() == before
        assert {hit.article_id for hit in search_articles(session, "story:quake")} == {6}


def test_what_a_savepoint_took_back_is_not_indexed(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        taken_back = session.begin_nested()
        store_article(session, 1)
        taken_back.rollback()
        kept = store_article(session, 2)
    with database.read() as session:
        assert [hit.article_id for hit in search_articles(session, "ministry")] == [kept.article_id]
        assert list(keeping.find_problems(session)) == []
