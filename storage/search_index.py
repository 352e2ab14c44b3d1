"""Keeps the full-text index in step with the articles: what was touched in a transaction is indexed before it commits.

A document is one version of one article. Its key holds the time of publication, so that newest first needs no sort, and
is negative for versions since replaced. Besides its words it has tags, which begin with a tilde and so never meet a
word: source, host, language, stories, metrics, and on PostgreSQL the day and the month.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select, text
from sqlmodel import Session

from storage.codec import unpack_text
from storage.folding import words
from storage.meta import set_fact
from storage.tables import ARTICLES, CLAIMS, DOCUMENTS, MATCHES, VERSIONS
from storage.writing import chunks, insert_rows, is_postgres

RECIPE = f"2 {unicodedata.unidata_version}"  # how words are made of a text; an index of another recipe is made anew
RECIPE_FACT = "search_recipe"
_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_PLACE_BITS = 6  # 64 documents a second: small steps between keys keep SQLite's index small
_MOST_SECONDS = (1 << 34) - 1
_LAST_POSITION = 16_383  # PostgreSQL keeps no place beyond it
_MOST_POSITIONS = 255  # … and no more of one word
_MOST_BYTES = 900_000  # … and bounds a document at 1 MB
_TOUCHED = "storywatch_touched_articles"
_INSERT_ENTRY = text("INSERT INTO search_index (rowid, title, body, tags) VALUES (:key, :title, :body, :tags)")
_DELETE_ENTRY = text(
    "INSERT INTO search_index (search_index, rowid, title, body, tags) VALUES ('delete', :key, :title, :body, :tags)"
)


def touch(session: Session, article_ids: Iterable[int]) -> None:
    """Note that these articles' text, matches or claims changed: they are indexed before this transaction commits."""
    session.info.setdefault(_TOUCHED, set()).update(article_ids)


def index_touched(session: Session) -> None:
    """Bring the index in step with the articles touched in this transaction."""
    touched: set[int] = session.info.pop(_TOUCHED, set())
    if touched and is_postgres(session):
        # Two workers must not choose one free key. Always the last lock of a transaction, so that none waits in a ring.
        session.execute(text("SELECT pg_advisory_xact_lock(7026003)"))
    for part in chunks(sorted(touched)):
        index_articles(session, part)


def index_articles(session: Session, article_ids: list[int]) -> None:
    """Write the search documents of these articles anew (at most a thousand at once)."""
    versions = _versions(session, article_ids)
    remove_documents(session, article_ids, versions)
    postgres = is_postgres(session)
    tags = tags_of(session, article_ids)
    documents, entries = [], []
    for row, key in zip(versions, _new_keys(session, versions), strict=True):
        marks = tags[row.article_id]
        title, body = words(row.title), words(text_of(row.text, row.packed))
        if postgres:
            moment = moment_of(key)
            marks = [*marks, day_tag(moment, is_latest=key > 0), month_tag(moment, is_latest=key > 0)]
            content = _tsvector(title, body, marks)
        else:
            content = " ".join(marks)
            entries.append({"key": key, "title": " ".join(title), "body": " ".join(body), "tags": content})
        documents.append(
            {"document_key": key, "article_id": row.article_id, "version_id": row.version_id, "content": content}
        )
    insert_rows(session, DOCUMENTS, documents)
    if entries:
        session.execute(_INSERT_ENTRY, entries)


def remove_documents(session: Session, article_ids: list[int], versions: Sequence[Any] | None = None) -> None:
    """Take these articles out of the index. Their texts must still be as they were indexed."""
    chosen = DOCUMENTS.c.article_id.in_(article_ids)
    if not is_postgres(session):
        held = session.execute(
            select(DOCUMENTS.c.document_key, DOCUMENTS.c.version_id, DOCUMENTS.c.content).where(chosen)
        )
        texts = {row.version_id: row for row in (_versions(session, article_ids) if versions is None else versions)}
        gone = [
            {
                "key": row.document_key,
                "title": " ".join(words(texts[row.version_id].title)),
                "body": " ".join(words(text_of(texts[row.version_id].text, texts[row.version_id].packed))),
                "tags": row.content,
            }
            for row in held
        ]
        if gone:
            session.execute(_DELETE_ENTRY, gone)
    session.execute(delete(DOCUMENTS).where(chosen))


def rebuild_index(session: Session) -> int:
    """Make the whole index anew, as after a change of the recipe; returns how many articles are in it."""
    session.execute(delete(DOCUMENTS))
    if not is_postgres(session):
        session.execute(text("INSERT INTO search_index (search_index) VALUES ('delete-all')"))
    article_ids = list(session.execute(select(ARTICLES.c.article_id).order_by(ARTICLES.c.article_id)).scalars())
    for part in chunks(article_ids):
        index_articles(session, part)
    set_fact(session, RECIPE_FACT, RECIPE)
    return len(article_ids)


def text_of(plain: str | None, packed: bytes | None) -> str:
    """A version's text from its two columns; empty if retention dropped it."""
    return plain if plain is not None else unpack_text(packed) if packed is not None else ""


def _new_keys(session: Session, versions: Sequence[Any]) -> list[int]:
    """A free key for each version: that of its second, or the next one where others were published in it."""
    wanted, latest = [], set[int]()
    for row in versions:
        sign = -1 if row.article_id in latest else 1
        latest.add(row.article_id)
        wanted.append((sign, first_key(publication_moment(row)) | (row.version_id & ((1 << _PLACE_BITS) - 1)) or 1))
    key = DOCUMENTS.c.document_key
    taken = set(session.execute(select(key).where(key.in_([sign * place for sign, place in wanted]))).scalars())
    keys = []
    for sign, place in wanted:
        while sign * place in taken:
            place += 1
            if sign * place not in taken and session.execute(select(key).where(key == sign * place)).scalar():
                taken.add(sign * place)
        taken.add(sign * place)
        keys.append(sign * place)
    return keys


def publication_moment(row: Any) -> datetime:
    """When an article counts as published: a day or month is narrowed to when we first saw it, or spread out evenly.

    `row` has the columns article_id, published_from, published_to and first_seen_at.
    """
    start, end, seen = row.published_from, row.published_to, row.first_seen_at
    if start is None or start <= seen <= end:
        moment: datetime = seen
        return moment
    width = int((end - start).total_seconds())
    spread: datetime = start + timedelta(seconds=row.article_id * 7_919 % (width + 1))
    return spread


def first_key(moment: datetime) -> int:
    """The lowest key that a document published at this moment or later can have."""
    return seconds(moment) << _PLACE_BITS


def moment_of(key: int) -> datetime:
    """The publication time, to the second, that a key holds."""
    return _EPOCH + timedelta(seconds=abs(key) >> _PLACE_BITS)


def seconds(moment: datetime) -> int:
    """Whole seconds since 1900 in UTC, within what a key can hold."""
    return min(max(int((moment - _EPOCH).total_seconds()), 0), _MOST_SECONDS)


def tag(kind: str, name: str) -> str:
    """The tag of one name: `~`, a letter for the kind, and its folded words."""
    return f"~{kind}{'_'.join(words(name))}"


def day_tag(moment: datetime, *, is_latest: bool = True) -> str:
    """The tag of a day, for PostgreSQL's index, which has no order."""
    return f"~{'d' if is_latest else 'x'}{moment.astimezone(UTC):%Y%m%d}"


def month_tag(moment: datetime, *, is_latest: bool = True) -> str:
    """The tag of a month."""
    return f"~{'m' if is_latest else 'y'}{moment.astimezone(UTC):%Y%m}"


def host_of(url: str) -> str:
    """The host of an address without `www.`."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _versions(session: Session, article_ids: list[int]) -> list[Any]:
    """The versions of these articles that have a text, the newest of each article first."""
    query = (
        select(
            VERSIONS.c.version_id, VERSIONS.c.article_id, VERSIONS.c.title, VERSIONS.c.text, VERSIONS.c.packed,
            ARTICLES.c.published_from, ARTICLES.c.published_to, ARTICLES.c.first_seen_at,
        )
        .join(ARTICLES, ARTICLES.c.article_id == VERSIONS.c.article_id)
        .where(VERSIONS.c.article_id.in_(article_ids), VERSIONS.c.dropped_at.is_(None))
        .order_by(VERSIONS.c.article_id, VERSIONS.c.number.desc())
    )  # fmt: skip
    return list(session.execute(query))


def tags_of(session: Session, article_ids: list[int]) -> dict[int, list[str]]:
    """What these articles are filed under (source, host, language, stories, metrics), as the index writes it."""
    tags: dict[int, list[str]] = defaultdict(lambda: ["~a"])
    articles = select(ARTICLES.c.article_id, ARTICLES.c.source, ARTICLES.c.url, ARTICLES.c.lang)
    for number, source, url, lang in session.execute(articles.where(ARTICLES.c.article_id.in_(article_ids))):
        names = {tag("s", source), tag("s", host_of(url))} - {"~s"}
        tags[number] += sorted(names) + ([tag("l", lang)] if lang else [])
    matches = select(MATCHES.c.article_id, MATCHES.c.story).where(
        MATCHES.c.article_id.in_(article_ids),
        (MATCHES.c.is_match & (MATCHES.c.state != "rejected")) | (MATCHES.c.state == "accepted"),
    )
    for number, story in session.execute(matches.order_by(MATCHES.c.story)):
        tags[number].append(tag("t", story))
    metrics = select(CLAIMS.c.article_id, CLAIMS.c.metric).where(CLAIMS.c.article_id.in_(article_ids)).distinct()
    for number, metric in session.execute(metrics.order_by(CLAIMS.c.metric)):
        tags[number].append(tag("k", metric))
    return tags


def _tsvector(title: list[str], body: list[str], tags: list[str]) -> str:
    """A document as PostgreSQL writes it: words with their places, those of the title weighted; tags without places."""
    places: dict[str, list[str]] = defaultdict(list)
    size = 0
    for position, word in enumerate(title, start=1):
        places[word].append(f"{min(position, _LAST_POSITION)}A")
    for position, word in enumerate(body, start=len(title) + 2):
        held = places[word]
        if len(held) < _MOST_POSITIONS:
            size += 2 + (0 if held else len(word.encode()) + 4)
            if size > _MOST_BYTES:
                break
            held.append(str(min(position, _LAST_POSITION)))
    lexemes = [f"'{word}':{','.join(where)}" if where else f"'{word}'" for word, where in places.items()]
    return " ".join([*lexemes, *(f"'{name}'" for name in tags)])
