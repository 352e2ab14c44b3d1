"""An index made by another recipe of folding is made anew at the next upgrade, on both databases."""

import threading

from storage import articles, keeping, meta, search_index
from storage.database import Database
from storage.search import search_articles
from tests.support.stored import NOON, at, new_article, store_article, store_story


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
