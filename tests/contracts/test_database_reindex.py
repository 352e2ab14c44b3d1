"""An index made by another recipe of folding is made anew at the next upgrade, on both databases."""

from storage import articles, keeping, meta, search_index
from storage.database import Database
from storage.search import search_articles
from tests.support.stored import NOON, store_article, store_story


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
