"""How fast articles are stored and made searchable, against SQLModel's `add_all` of the same rows.

python -m bench.ingest [--database URL] [--count N]                ours and the peer, side by side
python -m bench.ingest --database URL --count 1000000 --fill       fill a database for bench.search

The peer writes as SQLModel's documentation shows it: objects, `add_all`, a flush where a number is needed, a commit as
often as ours. SQLAlchemy sends what is flushed at once by many rows a statement, so that this is no slow way to use it;
who writes past the objects, with `insert()` and dictionaries, is quicker and no user of it any more. Its words are
folded by our own function, which costs it about what FTS5's `unicode61` would; its index on SQLite has the settings
that FTS5 comes with, and takes all articles of a commit in one call. CPU is this process's: what PostgreSQL's server
does is not in it, on either side. 200 a commit tells what an article costs; one a commit is what the service does,
which stores each page in a transaction of its own. On SQLite the index is in this process and most of what ours costs:
it merges its pieces at every sixteenth commit (the peer's at every fourth); a run of few commits sees nothing of that.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice

from sqlmodel import Session

from bench.corpus import START, STORY, Corpus
from bench.figures import Figure, chosen, cpu, faster, leave, options
from storage import articles, claims, search_index, search_parts, stories, tables
from storage.codec import to_json
from storage.database import Database
from storage.folding import parted
from storage.records import NewArticle

BATCH = 200
# The peer's index of words on SQLite: one table with the settings that FTS5 comes with.
_PLAIN_INDEX = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS plain_index USING fts5"
    "(title, body, tags, content='', tokenize=\"ascii tokenchars '~_'\")"
)
_PLAIN_ADD = "INSERT INTO plain_index (rowid, title, body, tags) VALUES (?, ?, ?, ?)"
FILLED_AT_ONCE = 1_000
_WORDS_INDEX = "ix_search_documents_content"


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.database or f"sqlite:///{folder}/bench.db"
        if arguments.fill:
            fill(Database(url), arguments.count or 100_000)
        else:
            leave(arguments, compare(url, arguments.count or chosen(arguments, 600, 2_000, 4_000)))


def compare(url: str, count: int) -> list[Figure]:
    """Store the same articles both ways, in commits of two sizes: CPU of this process and time on the clock."""
    news = list(Corpus(max(count, 100_000)).articles(0, count))
    found = []
    for size, part in ((BATCH, count), (1, BATCH + max(50, count // 4))):
        ours, our_clock = _timed(url, news[:part], partial(_store, size=size))
        theirs, clock = _timed(url, news[:part], partial(_add_all, size=size))
        what = f"an article stored, searchable and durable, {size} a commit, CPU"
        found.append(faster(what, peer="SQLModel add_all", theirs=theirs, ours=ours, unit="ms", at_least=4))
        print(f"by the clock: ours {our_clock / clock:.1f} × SQLModel add_all, {size} a commit")
    return found


def fill(database: Database, count: int) -> float:
    """Store a whole corpus, with a claim for every twentieth article; returns the size on disk over the raw text's."""
    database.upgrade()
    corpus = Corpus(count)
    with database.write() as session:
        stories.add_story(session, STORY, now=START)
        first = articles.count_articles(session)
    started, raw, done = time.perf_counter(), 0, first
    with _index_last(database):
        for batch in _batches(corpus.articles(first), FILLED_AT_ONCE):
            with database.write() as session:
                stored = articles.add_articles(session, batch)
                claims.add_claims(
                    session,
                    [
                        corpus.claim(done + place, article.article_id, article.first_seen_at)
                        for place, article in enumerate(stored)
                        if (done + place) % 20 == 0
                    ],
                )
            raw += sum(len(item.text.encode()) + len(item.title.encode()) for item in batch)
            done += len(batch)
            if done % 50_000 < FILLED_AT_ONCE:
                print(f"{done:>9} stored, {(done - first) / (time.perf_counter() - started):.0f}/s", flush=True)
    size = size_of(database)
    raw = raw * done // max(1, done - first)  # of what was there before, as much an article
    print(
        f"{done} articles in {time.perf_counter() - started:.0f} s; "
        f"{size / 1e6:.0f} MB on disk, {size / raw:.2f} times the raw text"
    )
    return size / raw


@contextmanager
def _index_last(database: Database) -> Iterator[None]:
    """On PostgreSQL the index of words is made when all is in: a fifth of the work of keeping it in step."""
    if database.is_sqlite:
        yield
        return
    (index,) = (index for index in tables.DOCUMENTS.indexes if index.name == _WORDS_INDEX)
    with database.engine.begin() as connection:
        index.drop(connection, checkfirst=True)
    yield
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        index.create(connection)
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")


def size_of(database: Database) -> int:
    """Bytes on disk, indices included, the log of SQLite's writes folded in first."""
    with database.engine.connect() as connection:
        if database.path is None:
            return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return database.path.stat().st_size


def _timed(
    url: str, news: list[NewArticle], store: Callable[[Database, list[NewArticle]], None]
) -> tuple[float, float]:
    """CPU in ms an article, and articles a second by the clock."""
    database = Database(url)
    database.upgrade()
    _empty(database)
    with database.write() as session:
        stories.add_story(session, STORY, now=START)
    store(database, news[:BATCH])  # what is made once, statements and tables of letters, is no cost of an article
    news = news[BATCH:]
    started, used = time.perf_counter(), cpu()
    store(database, news)
    rate, cost = len(news) / (time.perf_counter() - started), (cpu() - used) / len(news) * 1e3
    database.close()
    print(f"  {rate:.0f} articles/s by the clock, {cost:.2f} ms CPU each", flush=True)
    return cost, rate


def _store(database: Database, news: list[NewArticle], size: int) -> None:
    for batch in _batches(news, size):
        with database.write() as session:
            articles.add_articles(session, batch)


def _add_all(database: Database, news: list[NewArticle], size: int) -> None:
    """The same rows and the same index entries, as SQLModel's documentation shows it."""
    for batch in _batches(news, size):
        with database.write() as session:
            pages = [_article_row(item) for item in batch]
            session.add_all(pages)
            session.flush()
            versions = [
                tables.ArticleVersionRow(
                    article_id=page.article_id, number=1, title=item.title, text=item.text, text_hash=item.text_hash,
                    fetched_at=item.fetched_at,
                )
                for page, item in zip(pages, batch, strict=True)
            ]  # fmt: skip
            session.add_all(versions)
            session.flush()
            entries = []
            for page, version, item in zip(pages, versions, batch, strict=True):
                assert page.article_id is not None
                assert version.version_id is not None
                session.add_all(
                    [
                        tables.ArticleAliasRow(alias=name, article_id=page.article_id)
                        for name in (item.url, *item.aliases)
                    ]
                )
                session.add_all(
                    [
                        tables.MatchRow(
                            article_id=page.article_id, story=match.story, score=match.score, hits=to_json(match.hits),
                            matched_at=item.fetched_at,
                        )
                        for match in item.matches
                    ]
                )  # fmt: skip
                entries.append(_add_document(session, page.article_id, version.version_id, item))
            if database.is_sqlite:
                session.connection().exec_driver_sql(_PLAIN_ADD, entries)


def _add_document(session: Session, article_id: int, version_id: int, item: NewArticle) -> search_parts.Entry:
    """The document's row; returns what SQLite's index takes, with all the others of a commit at once."""
    key = search_index.first_key(item.fetched_at) | (version_id & 63)
    tags = ["~a", search_index.tag("s", item.source), search_index.tag("l", item.lang or "")]
    title, body, content = parted(item.title), parted(item.text), " ".join(tags)
    is_postgres = session.get_bind().dialect.name == "postgresql"
    if is_postgres:
        content = search_index.folded_content(title, body, tags)
    session.add_all(
        [tables.SearchDocumentRow(document_key=key, article_id=article_id, version_id=version_id, content=content)]
    )
    return (key, "", "", "") if is_postgres else (key, title, body, content)


def _article_row(item: NewArticle) -> tables.ArticleRow:
    assert item.published is not None
    return tables.ArticleRow(
        url=item.url, source=item.source, title=item.title, lang=item.lang, first_seen_at=item.fetched_at,
        last_changed_at=item.fetched_at, published_from=item.published.not_before,
        published_to=item.published.not_after,
    )  # fmt: skip


def _empty(database: Database) -> None:
    with database.write() as session:
        if database.is_sqlite:
            search_parts.drop_parts(session)
            session.connection().exec_driver_sql("DROP TABLE IF EXISTS plain_index")
            session.connection().exec_driver_sql(_PLAIN_INDEX)
        for table in reversed(tables.METADATA.sorted_tables):
            if table.name != "meta":
                session.execute(table.delete())


def _batches(items: Iterable[NewArticle], size: int) -> Iterator[list[NewArticle]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _arguments() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--database", default="", help="a database that may be emptied; a new SQLite file without")
    parser.add_argument("--count", type=int)
    parser.add_argument("--fill", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
