"""PostgreSQL answers searches down its indices: no plan makes the words of all documents anew."""

import random
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from storage import articles, claims
from storage.database import Database
from storage.records import Claim
from storage.search import search_articles
from tests.support.postgres import Postgres
from tests.support.statements import noted
from tests.support.stored import HOUR, NOON, at, claim, new_article, store_story

COUNT = 2_500


@pytest.fixture(scope="module")
def filled(migrated_postgres: Postgres) -> Any:
    """Enough documents that the first stretch is not all of them, and statistics that say so."""
    migrated_postgres.command("CREATE DATABASE plans TEMPLATE storywatch_template")
    database = Database(migrated_postgres.url("plans"))
    with database.write() as session:
        store_story(session)
        news = [
            new_article(n, published=at(NOON + n * HOUR), text=f"The ministry said word{n} and word{n % 50} of it.")
            for n in range(COUNT)
        ]
        stored = articles.add_articles(session, news)
        claims.add_claims(session, [claim(f"c{n}", n, article_id=stored[n].article_id) for n in range(0, COUNT, 20)])
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    yield database
    database.close()
    migrated_postgres.drop("plans")


def plans(database: Database, query: str, **options: Any) -> list[str]:
    """The plans of all statements that one search runs."""
    with noted(database) as asked, database.read() as session:
        search_articles(session, query, **options)
    found = []
    for statement, parameters in asked:
        with database.read() as session:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            rows = session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters)
            found.append("\n".join(row[0] for row in rows))
    return found


@pytest.mark.postgres
@pytest.mark.parametrize(
    "query",
    ["ministry", "word7", "word7 -word3", '"said word7"', "wor*", "killed>100", "killed>100 killed<110", "", "-said"],
)
@pytest.mark.parametrize("rank", [False, True])
def test_a_search_runs_down_indices(filled: Database, query: str, rank: bool) -> None:
    found = plans(filled, query, rank=rank)
    assert [
        plan for plan in found if re.search(r"Seq Scan on (search_documents|articles|article_versions)", plan)
    ] == []
    by_words = [plan for plan in found if "array_to_tsvector" in plan]
    assert all("Bitmap Index Scan on ix_search_documents_content" in plan for plan in by_words)
    assert by_words or query in ("", "wor*")


@pytest.mark.postgres
@pytest.mark.parametrize(
    "query",
    [
        '"said word7"',
        '"the ministry said" word7',
        '"ministry said word77"*',
        '"said word7" OR ("and word3" ministry)',
        '("said word7" word8) -word3',
    ],
)
def test_phrases_are_looked_for_by_their_pairs_of_words(filled: Database, query: str) -> None:
    """Else thousands of texts that hold both words apart would be looked at one by one."""
    by_words = [plan for plan in plans(filled, query) if "array_to_tsvector" in plan]
    assert by_words
    for plan in by_words:
        (condition,) = re.findall(r"Index Cond: .*array_to_tsvector.*", plan)
        assert "search_pairs(" in condition
        assert not re.search(r"Filter: .*search_pairs", plan)


@pytest.mark.postgres
@pytest.mark.parametrize("query", ["ministry -said", "-said", "ministry", "word7 OR -word8"])
def test_times_are_asked_for_apart_from_words_and_few_before_them(filled: Database, query: str) -> None:
    """Within one condition the index holds each document with the words against every month: two to four times as long.

    Words that never stand together were looked for in the whole archive for each stretch, however short.
    """
    by_words = [plan for plan in plans(filled, query) if "array_to_tsvector" in plan]
    in_times = [re.findall(r"Index Cond: .*array_to_tsvector.*", plan)[0] for plan in by_words if "~m2" in plan]
    assert in_times
    for condition in in_times:
        times, words, *_ = re.findall(r"@@ (.*?)::tsquery", condition)
        assert "~m2" not in words
        assert re.search(r"'(?!~)|'~a'", words.replace("''", "'")), "never only what must not be in a document"
        assert 1 <= times.count("~m2") <= 9


@pytest.mark.postgres
@pytest.mark.parametrize("query", ['-"said word7"', '"said word7" OR word3', '"said wor"*', "word7"])
def test_what_may_be_found_without_a_pair_is_asked_for_none(filled: Database, query: str) -> None:
    assert [plan for plan in plans(filled, query) if "search_pairs(" in plan and "Index Cond" in plan] == []


@pytest.mark.postgres
def test_statements_of_searches_stay_prepared(filled: Database) -> None:
    """A session that ends with a rollback would have the driver forget them, and the server plan each anew."""
    for _ in range(10):
        with filled.read() as session:
            search_articles(session, "word7")
    with filled.read() as session:
        kept = session.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one()
    assert kept >= 2  # where the newest lie, and the search with what it shows


@pytest.mark.postgres
@pytest.mark.parametrize(
    "query", ["ministry", "word7 -word3", '"said word7"', "wor*", "killed>100", "killed>100 killed<110", "-said"]
)
def test_a_search_is_planned_once_for_all_words_and_runs_down_indices(filled: Database, query: str) -> None:
    """What is prepared is planned without the words, so that no plan may hang on how common they are."""
    for _ in range(8):
        with filled.read() as session:
            search_articles(session, query)
    with filled.read() as session:
        search_articles(session, query)
        prepared = session.execute(
            text(
                "SELECT name, cardinality(parameter_types), generic_plans FROM pg_prepared_statements "
                "WHERE statement LIKE '%AS page %' AND statement !~ 'EXPLAIN|pg_prepared'"
            )
        ).all()
        assert prepared
        for name, count, planned in prepared:
            assert planned
            values = f"({', '.join(['NULL'] * count)})" if count else ""
            rows = session.connection().exec_driver_sql(f'EXPLAIN EXECUTE "{name}"{values}')
            plan = "\n".join(row[0] for row in rows)
            assert re.search(r"[$][0-9]", plan), "not planned for these very values"
            assert not re.search(r"Seq Scan on (search_documents|articles|article_versions|claims|matches)", plan)
            assert "array_to_tsvector" not in plan or "Bitmap Index Scan on ix_search_documents_content" in plan


@pytest.mark.postgres
def test_no_plan_of_a_search_is_compiled_or_shared_out(filled: Database) -> None:
    """Of a large archive PostgreSQL would do both, which takes longer than the search; only for that transaction."""
    for is_within in (True, False):
        with filled.read() as session:
            if is_within:
                search_articles(session, "word7")
            row = session.execute(text("SELECT current_setting('jit'), current_setting('enable_seqscan')")).one()
        assert tuple(row) == (("off", "off") if is_within else ("on", "on"))


@pytest.mark.postgres
@pytest.mark.parametrize("off", [("enable_nestloop",), ("enable_nestloop", "enable_hashjoin")])
def test_the_newest_that_carry_a_figure_come_first_whatever_the_plan(
    migrated_postgres: Postgres, monkeypatch: pytest.MonkeyPatch, off: tuple[str, ...]
) -> None:
    """Where the figure was asked for beside what was sorted before, a join of another kind took others for the newest."""
    monkeypatch.setattr("storage.search_postgres._FIRST_STRETCH", 1)
    name = f"among{len(off)}"
    migrated_postgres.command(f"CREATE DATABASE {name} TEMPLATE storywatch_template")
    for setting in off:
        migrated_postgres.command(f"ALTER DATABASE {name} SET {setting} = off")
    database = Database(migrated_postgres.url(name))
    order = list(range(100))
    random.Random(1).shuffle(order)
    with database.write() as session:
        store_story(session)
        news = [new_article(n, published=at(NOON + order[n] * 100 * HOUR)) for n in range(100)]
        stored = articles.add_articles(session, news)
        told = [claim(f"c{n}", n, article_id=stored[n].article_id) for n in range(100) if order[n] < 80]
        told += [replace(one, claim_id=f"d{one.claim_id}", claim=Claim(metric="injured", value=1)) for one in told]
        claims.add_claims(session, told)
    for query in ("killed>=0", "killed>=0 injured>0"):
        for offset in (0, 1):
            with database.read() as session:
                hits = search_articles(session, query, limit=7, offset=offset)
            assert [order[int(hit.url.rsplit("/", 1)[1])] for hit in hits] == list(range(79 - offset, 72 - offset, -1))
    database.close()
    migrated_postgres.drop(name)
