"""Keeps the full-text index in step with the articles: what was touched in a transaction is indexed before it commits.

A document is one version of one article. Its key holds the time of publication, so that newest first needs no sort, and
is negative for versions since replaced. Besides its words it has tags, which begin with a tilde and so never meet a
word: source, host, language, stories, metrics, and on PostgreSQL the day and the month.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select, text
from sqlmodel import Session

from storage.codec import unpack_text
from storage.folding import words
from storage.tables import ARTICLES, CLAIMS, DOCUMENTS, MATCHES, VERSIONS
from storage.writing import chunks, insert_rows, is_postgres

_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_ID_BITS = 30
_MOST_SECONDS = (1 << 33) - 1
_LAST_POSITION = 16_383  # PostgreSQL keeps no place beyond it
_MOST_POSITIONS = 255  # … and no more of one word
_MOST_BYTES = 900_000  # … and bounds a document at 1 MB
_TOUCHED = "storywatch_touched_articles"


def touch(session: Session, article_ids: Iterable[int]) -> None:
    """Note that these articles' text, matches or claims changed: they are indexed before this transaction commits."""
    session.info.setdefault(_TOUCHED, set()).update(article_ids)


def index_touched(session: Session) -> None:
    """Bring the index in step with the articles touched in this transaction."""
    touched: set[int] = session.info.pop(_TOUCHED, set())
    for part in chunks(sorted(touched)):
        index_articles(session, part)


def index_articles(session: Session, article_ids: list[int]) -> None:
    """Write the search documents of these articles anew (at most a thousand at once)."""
    _remove_documents(session, article_ids)
    postgres = is_postgres(session)
    tags = _tags(session, article_ids)
    documents, entries = [], []
    latest: set[int] = set()
    for row in _versions(session, article_ids):
        body = row["text"] if row["text"] is not None else unpack_text(row["packed"]) if row["packed"] else None
        if body is None:
            continue
        is_latest = row["article_id"] not in latest
        latest.add(row["article_id"])
        moment = row["published_from"] or row["first_seen_at"]
        key = document_key(moment, row["version_id"], is_latest=is_latest)
        title, text_words = words(row["title"]), words(body)
        marks = [*tags[row["article_id"]]]
        if postgres:
            marks += [day_tag(moment, is_latest=is_latest), month_tag(moment, is_latest=is_latest)]
            content: Any = _tsvector(title, text_words, marks)
        else:
            parts = (" ".join(title), " ".join(text_words), " ".join(marks))
            content = zlib.compress("\n".join(parts).encode(), 1)
            entries.append({"key": key, "title": parts[0], "body": parts[1], "tags": parts[2]})
        documents.append(
            {"document_key": key, "article_id": row["article_id"], "version_id": row["version_id"], "content": content}
        )
    insert_rows(session, DOCUMENTS, documents)
    if entries:
        session.execute(
            text("INSERT INTO search_index (rowid, title, body, tags) VALUES (:key, :title, :body, :tags)"), entries
        )


def document_key(moment: datetime, version_id: int, *, is_latest: bool = True) -> int:
    """The key of a document: seconds since 1900, then the version's number; negative for a version since replaced."""
    key = (seconds(moment) << _ID_BITS) | (version_id & ((1 << _ID_BITS) - 1))
    return key if is_latest else -key


def first_key(moment: datetime) -> int:
    """The lowest key that a document published at this moment or later can have."""
    return seconds(moment) << _ID_BITS


def moment_of(key: int) -> datetime:
    """The publication time, to the second, that a key holds."""
    return _EPOCH + timedelta(seconds=abs(key) >> _ID_BITS)


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
    columns = (
        VERSIONS.c.version_id, VERSIONS.c.article_id, VERSIONS.c.title, VERSIONS.c.text, VERSIONS.c.packed,
        ARTICLES.c.published_from, ARTICLES.c.first_seen_at,
    )  # fmt: skip
    query = (
        select(*columns)
        .join(ARTICLES, ARTICLES.c.article_id == VERSIONS.c.article_id)
        .where(VERSIONS.c.article_id.in_(article_ids))
        .order_by(VERSIONS.c.article_id, VERSIONS.c.number.desc())
    )
    return list(session.execute(query).mappings())


def _tags(session: Session, article_ids: list[int]) -> dict[int, list[str]]:
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


def _remove_documents(session: Session, article_ids: list[int]) -> None:
    held = select(DOCUMENTS.c.document_key, DOCUMENTS.c.content).where(DOCUMENTS.c.article_id.in_(article_ids))
    if not is_postgres(session):
        gone = []
        for key, content in session.execute(held):
            title, body, tags = zlib.decompress(content).decode().split("\n")
            gone.append({"key": key, "title": title, "body": body, "tags": tags})
        if not gone:
            return
        session.execute(
            text(
                "INSERT INTO search_index (search_index, rowid, title, body, tags) "
                "VALUES ('delete', :key, :title, :body, :tags)"
            ),
            gone,
        )
    session.execute(delete(DOCUMENTS).where(DOCUMENTS.c.article_id.in_(article_ids)))


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
