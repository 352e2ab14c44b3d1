"""Keeps the full-text index in step with the articles: what was touched in a transaction is indexed before it commits.

A document is one version of one article. Its key holds the time of publication, so that newest first needs no sort, and
is negative for versions since replaced. Besides its words it has tags, which begin with a tilde and so never meet a
word: source, host, language, stories, metrics, and on PostgreSQL the day and the month.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Select, delete, func, select
from sqlmodel import Session

from storage.codec import unpack_text
from storage.folding import parted, words
from storage.meta import set_fact
from storage.search_parts import Entry, add_entries, drop_parts, remove_entries
from storage.sending import send
from storage.tables import ARTICLES, CLAIMS, DOCUMENTS, MATCHES, VERSIONS
from storage.writing import among, chunks, find_among, insert_rows, is_postgres, listed

RECIPE = f"3 {unicodedata.unidata_version}"  # how words are made of a text; an index of another recipe is made anew
RECIPE_FACT = "search_recipe"
_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_PLACE_BITS = 6  # 64 documents a second: small steps between keys keep SQLite's index small
_MOST_SECONDS = (1 << 34) - 1
_DAY = 86_400 << _PLACE_BITS  # of keys
_MOST_BYTES = 900_000  # PostgreSQL bounds the words of a document at 1 MB
_PLAIN_HOST = re.compile(r"https?://([a-z0-9.-]+)(?=[/?#]|$)")
_TOUCHED = "storywatch_touched_articles"
_FRESH = "storywatch_fresh_articles"


class FreshVersion(NamedTuple):
    """The only version of an article that this transaction stored: what is in hand need not be read again."""

    version_id: int
    article_id: int
    title: str
    text: str
    published_from: datetime | None
    published_to: datetime | None
    first_seen_at: datetime
    url: str
    source: str
    lang: str | None
    stories: tuple[str, ...]  # to which it belongs
    packed: None = None


def touch(session: Session, article_ids: Iterable[int]) -> None:
    """Note that these articles' text, matches or claims changed: they are indexed before this transaction commits."""
    session.info.setdefault(_TOUCHED, set()).update(article_ids)


def touch_fresh(session: Session, versions: Iterable[FreshVersion]) -> None:
    """Note articles that were just stored, each with its first version.

    Unless they are touched after that, nothing of them has to be asked for when they are indexed.
    """
    session.info.setdefault(_FRESH, {}).update({version.article_id: version for version in versions})


def doubt_fresh(session: Any, _transaction: Any) -> None:
    """Have it asked whether the articles that were just stored are there: something was taken back."""
    touch(session, session.info.get(_FRESH, ()))


def forget_fresh(session: Session, article_id: int) -> None:
    """Have an article read again when it is indexed: its text or time of publication changed since it was stored."""
    session.info.get(_FRESH, {}).pop(article_id, None)


def index_touched(session: Session) -> None:
    """Bring the index in step with the articles touched in this transaction."""
    touched: set[int] = session.info.pop(_TOUCHED, set())
    fresh: dict[int, FreshVersion] = session.info.pop(_FRESH, {})
    if (touched or fresh) and is_postgres(session):
        # Two workers must not choose one free key. Always the last lock of a transaction, so that none waits in a ring.
        send(session, "SELECT pg_advisory_xact_lock(7026003)")
    for part in chunks(sorted(touched | fresh.keys())):
        index_articles(session, part, fresh, touched)


def index_articles(
    session: Session,
    article_ids: list[int],
    fresh: Mapping[int, FreshVersion] = MappingProxyType({}),
    touched: Container[int] = (),
) -> None:
    """Write the search documents of these articles anew (at most a thousand at once).

    `fresh`: those that were never indexed, as they were stored in this transaction; of them `touched` since.
    """
    new = [fresh[number] for number in article_ids if number in fresh and number not in touched]
    tags = {version.article_id: _tags_in_hand(version) for version in new}
    asked = [number for number in article_ids if number not in tags]
    versions: list[Any] = [*new]
    if asked:
        stored = _still_stored(session, [fresh[number] for number in asked if number in fresh])
        known = {version.article_id for version in stored}
        others = [number for number in asked if number not in known]
        held = _versions(session, others) if others else []
        remove_documents(session, others, held)
        versions += [*stored, *held]
        tags |= tags_of(session, asked)
    write = _write_postgres if is_postgres(session) else _write_sqlite
    write(session, versions, _new_keys(session, versions), tags)


def _still_stored(session: Session, versions: list[FreshVersion]) -> list[FreshVersion]:
    """Those that a savepoint did not take back, and that have no other version since."""
    if not versions:
        return []
    held: dict[int, list[int]] = defaultdict(list)
    columns = (VERSIONS.c.version_id, VERSIONS.c.article_id)
    for version_id, article_id in find_among(session, columns, [version.article_id for version in versions]):
        held[article_id].append(version_id)
    return [version for version in versions if held[version.article_id] == [version.version_id]]


def _write_sqlite(session: Session, versions: Sequence[Any], keys: list[int], tags: dict[int, list[str]]) -> None:
    entries, documents = [], []
    for row, key in zip(versions, keys, strict=True):
        marks = " ".join(tags[row.article_id])
        entries.append((key, parted(row.title), parted(text_of(row.text, row.packed)), marks))
        documents.append(_document(key, row, marks))
    add_entries(session, entries, partial(_indexed, session))
    insert_rows(session, DOCUMENTS, documents)


def _indexed(session: Session, keys: list[int]) -> list[Entry]:
    """What was put into SQLite's index for these documents."""
    found = []
    for part in chunks(keys):
        rows = (
            select(DOCUMENTS.c.document_key, VERSIONS.c.title, VERSIONS.c.text, VERSIONS.c.packed, DOCUMENTS.c.content)
            .join(VERSIONS, VERSIONS.c.version_id == DOCUMENTS.c.version_id)
            .where(DOCUMENTS.c.document_key.in_(part))
        )
        found += [
            (key, parted(title), parted(text_of(plain, packed)), tags)
            for key, title, plain, packed, tags in session.execute(rows)
        ]
    return found


def _write_postgres(session: Session, versions: Sequence[Any], keys: list[int], tags: dict[int, list[str]]) -> None:
    documents = []
    for row, key in zip(versions, keys, strict=True):
        marks = (*_time_tags(abs(key) // _DAY, key > 0), *tags[row.article_id])
        content = folded_content(parted(row.title), parted(text_of(row.text, row.packed)), marks)
        documents.append(_document(key, row, content))
    insert_rows(session, DOCUMENTS, documents)


def _document(key: int, row: Any, content: str) -> dict[str, Any]:
    return {"document_key": key, "article_id": row.article_id, "version_id": row.version_id, "content": content}


def folded_content(title: str, body: str, tags: Sequence[str]) -> str:
    """A document's words as PostgreSQL holds them: a space before and after each, a bar between title, text and tags.

    `title` and `body` are as `storage.folding.parted` gives them.
    """
    content = " ".join(("", title, "|", body, "|", *tags, ""))
    while "  " in content:
        content = content.replace("  ", " ")
    if len(content) * 4 > _MOST_BYTES and len(content.encode()) > _MOST_BYTES:
        body_words = body.split()
        return folded_content(title, " ".join(body_words[: len(body_words) * 3 // 4]), tags)
    return content


def remove_documents(session: Session, article_ids: list[int], versions: Sequence[Any] | None = None) -> None:
    """Take these articles out of the index. Their texts must still be as they were indexed."""
    chosen = DOCUMENTS.c.article_id.in_(article_ids)
    if not is_postgres(session):
        columns = (DOCUMENTS.c.document_key, DOCUMENTS.c.version_id, DOCUMENTS.c.content)
        held = session.execute(select(*columns).where(chosen)).all()
        if not held:
            return
        texts = {row.version_id: row for row in (_versions(session, article_ids) if versions is None else versions)}
        gone: list[Entry] = []
        for key, version_id, tags in held:
            row = texts[version_id]
            gone.append((key, parted(row.title), parted(text_of(row.text, row.packed)), tags))
        remove_entries(session, gone)
    session.execute(delete(DOCUMENTS).where(chosen))


def rebuild_index(session: Session) -> int:
    """Make the whole index anew, as after a change of the recipe; returns how many articles are in it."""
    session.execute(delete(DOCUMENTS))
    if not is_postgres(session):
        drop_parts(session)
    # In the order of time, so that each part of the index is one stretch of it.
    moment = func.coalesce(ARTICLES.c.published_from, ARTICLES.c.first_seen_at)
    article_ids = list(session.execute(select(ARTICLES.c.article_id).order_by(moment)).scalars())
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
    taken = {row[0] for row in find_among(session, (key,), [sign * place for sign, place in wanted])}
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
    passed = moment - _EPOCH
    return min(max(passed.days * 86_400 + passed.seconds, 0), _MOST_SECONDS)


@lru_cache(maxsize=10_000)
def tag(kind: str, name: str) -> str:
    """The tag of one name: `~`, a letter for the kind, and its folded words."""
    return f"~{kind}{'_'.join(words(name))}"


def day_tag(moment: datetime, *, is_latest: bool = True) -> str:
    """The tag of a day, for PostgreSQL's index, which has no order."""
    return f"~{'d' if is_latest else 'x'}{moment.astimezone(UTC):%Y%m%d}"


def month_tag(moment: datetime, *, is_latest: bool = True) -> str:
    """The tag of a month."""
    return f"~{'m' if is_latest else 'y'}{moment.astimezone(UTC):%Y%m}"


@lru_cache(maxsize=10_000)
def _time_tags(day: int, is_latest: bool) -> tuple[str, str]:
    """The tags of a day, by how many there were before it since keys begin, and of its month."""
    moment = moment_of(day * _DAY)
    return day_tag(moment, is_latest=is_latest), month_tag(moment, is_latest=is_latest)


def host_of(url: str) -> str:
    """The host of an address without `www.`."""
    plain = _PLAIN_HOST.match(url)  # nearly all are so, and it is many times quicker
    return (plain[1] if plain else urlsplit(url).hostname or "").removeprefix("www.")


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
    for number, source, url, lang in _ask(session, _tagged_articles, article_ids):
        tags[number] += _names_of(source, url, lang)
    for number, story in _ask(session, _tagged_stories, article_ids):
        tags[number].append(tag("t", story))
    for number, metric in _ask(session, _tagged_metrics, article_ids):
        tags[number].append(tag("k", metric))
    return tags


def _tags_in_hand(version: FreshVersion) -> list[str]:
    """As `tags_of`, of an article whose claims are yet to come."""
    names = _names_of(version.source, version.url, version.lang)
    return ["~a", *names, *(tag("t", story) for story in version.stories)]


def _names_of(source: str, url: str, lang: str | None) -> list[str]:
    names = {tag("s", source), tag("s", host_of(url))} - {"~s"}
    return sorted(names) + ([tag("l", lang)] if lang else [])


# --- statements -------------------------------------------------------------------------------
# Made once, with one parameter however many numbers are asked about.


def _ask(session: Session, statement: Callable[[bool], Select[Any]], numbers: Iterable[int]) -> Iterable[Any]:
    postgres = is_postgres(session)
    return session.connection().execute(statement(postgres), {"numbers": listed(numbers, postgres=postgres)})


@cache
def _tagged_articles(postgres: bool) -> Select[Any]:
    query = select(ARTICLES.c.article_id, ARTICLES.c.source, ARTICLES.c.url, ARTICLES.c.lang)
    return query.where(among(ARTICLES.c.article_id, "numbers", postgres=postgres))


@cache
def _tagged_stories(postgres: bool) -> Select[Any]:
    query = select(MATCHES.c.article_id, MATCHES.c.story).where(
        among(MATCHES.c.article_id, "numbers", postgres=postgres),
        (MATCHES.c.is_match & (MATCHES.c.state != "rejected")) | (MATCHES.c.state == "accepted"),
    )
    return query.order_by(MATCHES.c.story)


@cache
def _tagged_metrics(postgres: bool) -> Select[Any]:
    query = select(CLAIMS.c.article_id, CLAIMS.c.metric).distinct()
    return query.where(among(CLAIMS.c.article_id, "numbers", postgres=postgres)).order_by(CLAIMS.c.metric)
