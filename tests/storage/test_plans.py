"""The hot queries run down an index: none reads a whole table, and none sorts what an index holds in order."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from monitor.stepping import PAUSES
from storage import articles, claims, deliveries, feeds, outbox
from storage.database import Database
from storage.records import DeliveryState, RevisionKind
from storage.search import search_articles
from storage.stepping import find_ahead
from tests.support.statements import noted
from tests.support.stored import HOUR, KILLED, NOON, claim, new_article, revision, store_story

Use = Callable[[Session], object]

# What is asked all the time, and whether an ordering by a sort is allowed (of the few rows that are left).
HOT: dict[str, tuple[Use, bool]] = {
    "due feeds": (lambda s: feeds.list_due_feeds(s, NOON), True),
    "the next due feed": (lambda s: feeds.next_feed_due_at(s), False),
    "entries of many feeds": (lambda s: feeds.find_entries_seen(s, [(1, "a"), (2, "b")]), False),
    "seen entries": (lambda s: feeds.find_seen_entries(s, 1, ["a", "b"]), False),
    "an article by its names": (lambda s: articles.find_article(s, "https://news.example/7", "guid:7"), True),
    "due rereads": (lambda s: articles.list_due_articles(s, NOON), True),
    "the newest version": (lambda s: articles.find_newest_version(s, 7), False),
    "versions": (lambda s: articles.list_versions(s, 7), False),
    "matches": (lambda s: articles.list_matches(s, 7), True),
    "wire copies": (lambda s: articles.count_shared_fingerprints(s, [1, 2, 3]), False),
    "a story's claims": (lambda s: claims.list_claims(s, "unrest"), True),
    "an article's claims": (lambda s: claims.list_claims(s, article_id=7), True),
    "a story's histories": (lambda s: claims.find_histories(s, "unrest"), False),
    "known revisions": (lambda s: claims.find_revisions(s, ["r1", "r2"]), False),
    "the newest revisions": (lambda s: claims.list_revisions(s, "unrest", newest_first=True, limit=20), False),
    "a record's revisions": (lambda s: claims.list_revisions(s, key=KILLED), False),
    "the log from a place on": (lambda s: claims.list_revisions_after(s, "unrest", 3), False),
    "alerts of a revision": (lambda s: deliveries.list_alerts(s, revision_ids=["r1"]), True),
    "the next delivery": (lambda s: deliveries.next_delivery_due_at(s), False),
    "waiting deliveries": (lambda s: deliveries.list_deliveries(s, states=[DeliveryState.DUE]), True),
    "who was told": (lambda s: outbox.list_told_or_waiting(s, ["r1"]), True),
    "what a stepped clock left": (lambda s: find_ahead(s, NOON, PAUSES), True),
    "search, newest first": (lambda s: search_articles(s, "ministry said"), True),
    "search for everything": (lambda s: search_articles(s, ""), True),
    "search by figure": (lambda s: search_articles(s, "killed>400"), True),
    "search by a range of figures": (lambda s: search_articles(s, "killed>100 killed<300 ministry"), True),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with enough in it for its statistics to mean something."""
    folder: Path = tmp_path_factory.mktemp("plans")
    database = Database(f"sqlite:///{folder}/storywatch.db")
    database.upgrade()
    with database.write() as session:
        store_story(session)
        stored = articles.add_articles(session, [new_article(n, fingerprints=(n, n + 1)) for n in range(500)])
        claims.add_claims(
            session,
            [claim(f"c{n}", n, article_id=a.article_id, recorded_at=NOON + n * HOUR) for n, a in enumerate(stored)],
        )
        claims.add_revisions(session, [revision(f"r{n}", n, kind=RevisionKind.RAISED) for n in range(300)])
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    yield database
    database.close()


def plans(database: Database, use: Use, about: str = "") -> list[str]:
    """The lines of SQLite's plans for all statements that a query runs, or for those that name something."""
    with noted(database) as asked, database.read() as session:
        use(session)
    with database.engine.connect() as connection:
        return [
            str(row[3])
            for statement, parameters in asked
            if statement.startswith("SELECT") and about in statement
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


@pytest.mark.parametrize("name", HOT)
def test_a_hot_query_runs_down_an_index(filled: Database, name: str) -> None:
    use, may_sort = HOT[name]
    lines = plans(filled, use)
    assert lines
    whole = [
        line for line in lines if line.startswith("SCAN") and "VIRTUAL TABLE INDEX" not in line and "USING" not in line
    ]
    small = ("SCAN feeds", "SCAN CONSTANT ROW", "SCAN stories", "SCAN search_parts", "SCAN (subquery", "SCAN found")
    assert [line for line in whole if not line.startswith(small)] == []
    if not may_sort:
        assert [line for line in lines if "TEMP B-TREE FOR ORDER BY" in line] == []


def test_newest_first_is_walked_not_sorted(filled: Database) -> None:
    lines = plans(filled, lambda session: search_articles(session, "ministry"), about="FROM search_index")
    walked = [line for line in lines if line.startswith("SCAN search_index_1 VIRTUAL TABLE INDEX")]
    assert len(walked) == 1
    assert walked[0].endswith("<")  # from the last to the first, as the index lies
    assert [line for line in lines if "TEMP B-TREE" in line] == []
