"""Articles as stored: pages, their other names, their versions, and the stories that they belong to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, null, select, update
from sqlmodel import Session

from storage.codec import from_row, to_json, to_row
from storage.errors import NotFoundError
from storage.records import Article, ArticleVersion, DatedPart, Match, MatchState, NewArticle, PageRead
from storage.search_index import FreshVersion, forget_fresh, text_of, touch, touch_fresh
from storage.tables import ALIASES, ARTICLES, FINGERPRINTS, MATCHES, VERSIONS
from storage.writing import (
    changed_rows,
    chunks,
    find_among,
    insert_new,
    insert_numbered,
    insert_or_update,
    insert_rows,
    returned_id,
)

# Of what is due so many are taken from the database at a time, where not all of it may be wanted.
_SCANNED = 200
_NAMED_SOURCES = 20  # where an outlet is asked for that nothing is of
_READ = ("etag", "last_modified", "last_read_at", "reread_at", "body_hash")
_NOTE_READING = (
    update(ARTICLES)
    .where(ARTICLES.c.article_id == bindparam("number"))
    .values({"pending_hash": null(), "pending_since": null(), **{name: bindparam(name) for name in _READ}})
)
_read_values = attrgetter("article_id", *_READ)


def add_article(session: Session, new: NewArticle) -> Article:
    """Store an article with its first version, names and matches; a known address gives the article as it stands."""
    return add_articles(session, [new])[0]


def add_articles(session: Session, new: Sequence[NewArticle]) -> tuple[Article, ...]:
    """Store many articles at once, each with its first version, names and matches; returns them in the same order.

    An article whose address is known (or comes twice) is returned as it stands, and nothing of it is written.
    """
    urls = [item.url for item in new]
    known = _numbers_of(session, urls)
    fresh: dict[str, NewArticle] = {}
    for item in new:
        if item.url not in known:
            fresh.setdefault(item.url, item)
    numbers = insert_numbered(session, ARTICLES, list(map(_article_row, fresh.values())), "article_id", ["url"])
    added = {number: fresh[url] for url, number in numbers.items()}
    versions = insert_numbered(
        session, VERSIONS, [_first_version(*pair) for pair in added.items()], "version_id", ["article_id", "number"]
    )
    _add_belongings(session, added)
    touch_fresh(session, [_fresh_version(versions[number], number, item) for number, item in added.items()])
    stored = {item.url: _article_of(number, item) for number, item in added.items()}
    if len(stored) < len(set(urls)):
        others = _numbers_of(session, (url for url in urls if url not in stored))
        stored |= {article.url: article for article in _articles(session, list(others.values()))}
    return tuple(stored[url] for url in urls)


def _add_belongings(session: Session, added: dict[int, NewArticle]) -> None:
    """Store other names, matches and fingerprints of articles that are new."""
    names = {alias: number for number, item in added.items() for alias in (item.url, *item.aliases)}
    insert_new(session, ALIASES, [{"alias": alias, "article_id": number} for alias, number in names.items()], ["alias"])
    matches = [_match_row(number, match, item.learned_at) for number, item in added.items() for match in item.matches]
    insert_new(session, MATCHES, matches, ["article_id", "story"])
    prints = [
        {"fingerprint": one, "article_id": number}
        for number, item in added.items()
        for one in sorted(set(item.fingerprints))
    ]
    insert_new(session, FINGERPRINTS, prints, ["fingerprint", "article_id"])


def update_article(session: Session, article: Article) -> None:
    """Store all fields of an article (read times, validators, title, publication time). Raises NotFoundError."""
    held = get_article(session, article.article_id)
    if held == article:
        return
    values = to_row(article, leave_out=("article_id",))
    session.execute(update(ARTICLES).where(ARTICLES.c.article_id == article.article_id).values(**values))
    if held.url != article.url:
        add_aliases(session, article.article_id, [article.url])
    searched = ("url", "source", "lang", "published")
    if any(getattr(held, name) != getattr(article, name) for name in searched):
        forget_fresh(session, article.article_id)
        touch(session, [article.article_id])


def get_article(session: Session, article: int | str) -> Article:
    """The article of this number, address or other name. Raises NotFoundError."""
    found = find_article(session, article)
    if found is None:
        raise NotFoundError(f"no article {article!r} is stored; `storywatch search` finds those that are")
    return found


def find_article(session: Session, article: int | str, *others: str) -> Article | None:
    """The article of this number, or of the first of these addresses and other names that is known; else None."""
    if isinstance(article, int):
        found = _articles(session, [article])
        return found[0] if found else None
    numbers = find_articles(session, (article, *others))
    first = next((numbers[name] for name in (article, *others) if name in numbers), None)
    return None if first is None else _articles(session, [first])[0]


def find_articles(session: Session, aliases: Iterable[str]) -> dict[str, int]:
    """The numbers of the articles that these addresses and other names lead to; unknown ones are absent."""
    rows = find_among(session, (ALIASES.c.article_id, ALIASES.c.alias), dict.fromkeys(aliases))
    return {alias: number for number, alias in rows}


def note_readings(session: Session, read: Iterable[PageRead]) -> None:
    """Store what reading pages again told of articles whose text did not change, in one batch.

    Validators, when they were read and when they are due, and that nothing waits to be confirmed; no other field.
    """
    rows = [dict(zip(("number", *_READ), _read_values(one), strict=True)) for one in read]
    if rows:
        session.connection().execute(_NOTE_READING, rows)


def add_aliases(session: Session, article_id: int, aliases: Iterable[str], *, moved: bool = False) -> None:
    """Note other names of an article; a name that already leads to another article keeps leading there.

    `moved`: it leads to this one from now on, since the other had it wrongly.
    """
    rows = [{"alias": alias, "article_id": article_id} for alias in dict.fromkeys(aliases)]
    if moved:
        insert_or_update(session, ALIASES, rows, ["alias"])
    else:
        insert_new(session, ALIASES, rows, ["alias"])


def list_articles(
    session: Session,
    *,
    story: str | None = None,
    source: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[Article, ...]:
    """Articles, last published (else first seen) first; only those of a story or a source where given."""
    moment = func.coalesce(ARTICLES.c.published_from, ARTICLES.c.first_seen_at)
    query = select(ARTICLES).order_by(moment.desc(), ARTICLES.c.article_id.desc()).limit(limit).offset(offset)
    if story is not None:
        belonging = select(MATCHES.c.article_id).where(MATCHES.c.story == story, belongs())
        query = query.where(ARTICLES.c.article_id.in_(belonging))
    if source is not None:
        query = query.where(ARTICLES.c.source == source)
    return tuple(from_row(Article, row) for row in session.execute(query).mappings())


def list_due_articles(session: Session, now: datetime, *, limit: int = 200) -> tuple[Article, ...]:
    """Articles due to be read again, the longest overdue first."""
    query = (
        select(ARTICLES)
        .where(ARTICLES.c.reread_at <= now)
        .order_by(ARTICLES.c.reread_at, ARTICLES.c.article_id)
        .limit(limit)
    )
    return tuple(from_row(Article, row) for row in session.execute(query).mappings())


def scan_due_articles(session: Session, now: datetime) -> Iterator[tuple[int, str]]:
    """Number and address of each article due to be read again, the longest overdue first; read as they are taken."""
    query = (
        select(ARTICLES.c.article_id, ARTICLES.c.url)
        .where(ARTICLES.c.reread_at <= now)
        .order_by(ARTICLES.c.reread_at, ARTICLES.c.article_id)
    )
    rows = session.execute(query.execution_options(yield_per=_SCANNED))
    return ((article_id, url) for article_id, url in rows)


def count_articles(session: Session, *, story: str | None = None) -> int:
    """How many articles are stored, or belong to a story."""
    query = select(func.count()).select_from(ARTICLES)
    if story is not None:
        query = select(func.count()).select_from(MATCHES).where(MATCHES.c.story == story, belongs())
    return int(session.execute(query).scalar_one())


def count_articles_by_story(session: Session) -> dict[str, int]:
    """How many articles belong to each story that has any."""
    query = select(MATCHES.c.story, func.count()).where(belongs()).group_by(MATCHES.c.story)
    return {story: count for story, count in session.execute(query)}


def count_watched_articles(session: Session) -> int:
    """How many articles are read again, now and then, for edits."""
    # As a range: an index answers it, and most articles are in no story and not read again.
    watched = (ARTICLES.c.reread_at > datetime(1970, 1, 1, tzinfo=UTC), ARTICLES.c.removed_at.is_(None))
    return int(session.execute(select(func.count()).select_from(ARTICLES).where(*watched)).scalar_one())


# --- versions ---------------------------------------------------------------------------------


def add_version(
    session: Session,
    article_id: int,
    *,
    title: str,
    text: str,
    text_hash: str,
    fetched_at: datetime,
    previous_fetched_at: datetime | None = None,
    parts: tuple[DatedPart, ...] = (),
    trace: str = "",
    recorded_at: datetime | None = None,
) -> ArticleVersion:
    """Store an article's text as it stands now; if the newest version has this very hash, that one is returned.

    `recorded_at` is when it is taken in, where it was fetched before.
    """
    newest = find_newest_version(session, article_id)
    if newest is not None and newest.text_hash == text_hash:
        return newest
    version = ArticleVersion(
        version_id=0,
        article_id=article_id,
        number=newest.number + 1 if newest else 1,
        title=title,
        text=text,
        text_hash=text_hash,
        fetched_at=fetched_at,
        previous_fetched_at=previous_fetched_at,
        parts=parts,
        trace=trace,
    )
    changed = {"title": title, "last_changed_at": recorded_at or fetched_at}
    number = returned_id(session, VERSIONS, to_row(version, leave_out=("version_id",)), "version_id")
    session.execute(update(ARTICLES).where(ARTICLES.c.article_id == article_id).values(**changed))
    touch(session, [article_id])
    return replace(version, version_id=number)


def find_newest_version(session: Session, article_id: int) -> ArticleVersion | None:
    """An article's text as it stood last, or None when no version is stored."""
    found = _list_versions(session, article_id, newest=True)
    return found[0] if found else None


def get_version(session: Session, article_id: int, number: int) -> ArticleVersion:
    """One version of an article by its number, from 1. Raises NotFoundError."""
    found = _list_versions(session, article_id, number=number)
    if not found:
        count = len(_list_versions(session, article_id))
        raise NotFoundError(f"article {article_id} has no version {number}; it has {count}")
    return found[0]


def list_versions(session: Session, article_id: int) -> tuple[ArticleVersion, ...]:
    """All versions of an article, oldest first. One whose text retention dropped has an empty text."""
    return _list_versions(session, article_id)


def find_newest_versions(session: Session, article_ids: Iterable[int]) -> dict[int, ArticleVersion]:
    """The newest version of each of these articles that has one."""
    found: dict[int, ArticleVersion] = {}
    for part in chunks(article_ids):
        query = select(VERSIONS).where(VERSIONS.c.article_id.in_(part)).order_by(VERSIONS.c.number)
        found |= {row["article_id"]: read_version(row) for row in session.execute(query).mappings()}
    return found


def read_version(row: Any) -> ArticleVersion:
    """A version from its row, unpacked if it was packed; an empty text if retention dropped it."""
    return from_row(ArticleVersion, {**row, "text": text_of(row["text"], row["packed"])})


# --- matches ----------------------------------------------------------------------------------


def record_matches(session: Session, article_id: int, matches: Iterable[Match], *, matched_at: datetime) -> None:
    """Store why an article belongs to stories (or was looked at and does not); what a person decided stays decided."""
    decided = {
        match.story: match.state for match in list_matches(session, article_id) if match.state != MatchState.AUTOMATIC
    }
    rows = [
        _match_row(article_id, replace(match, state=decided.get(match.story, match.state)), matched_at)
        for match in matches
    ]
    insert_or_update(session, MATCHES, rows, ["article_id", "story"])
    touch(session, [article_id])


def list_matches(session: Session, article_id: int) -> tuple[Match, ...]:
    """An article's matches, the best first."""
    query = select(MATCHES).where(MATCHES.c.article_id == article_id).order_by(MATCHES.c.score.desc(), MATCHES.c.story)
    return tuple(from_row(Match, row) for row in session.execute(query).mappings())


def find_last_matches(session: Session) -> dict[str, datetime]:
    """When an article was last matched to each story, by the story's name; stories without any are absent."""
    query = select(MATCHES.c.story, func.max(MATCHES.c.matched_at)).where(belongs()).group_by(MATCHES.c.story)
    return {row[0]: row[1] for row in session.execute(query)}


def set_match_state(session: Session, article_id: int, story: str, state: MatchState) -> None:
    """Accept or reject a match as a person decided. Raises NotFoundError."""
    pair = (MATCHES.c.article_id == article_id) & (MATCHES.c.story == story)
    if not changed_rows(session.execute(update(MATCHES).where(pair).values(state=state.value))):
        raise NotFoundError(f"article {article_id} was never held against story {story!r}")
    touch(session, [article_id])


def require_source(session: Session, source: str) -> None:
    """Raise NotFoundError, which names some that there are, unless an article of this outlet is stored."""
    if session.execute(select(ARTICLES.c.article_id).where(ARTICLES.c.source == source).limit(1)).first() is None:
        named = select(ARTICLES.c.source).where(ARTICLES.c.source > "").distinct().order_by(ARTICLES.c.source)
        names = list(session.execute(named.limit(_NAMED_SOURCES + 1)).scalars())
        more = ", …" if len(names) > _NAMED_SOURCES else ""
        raise NotFoundError(
            f"no article is of an outlet {source!r}; outlets: {', '.join(names[:_NAMED_SOURCES]) or 'none yet'}{more}"
        )


def list_stories_of(session: Session, article_id: int) -> tuple[str, ...]:
    """The stories that an article belongs to: matched and not rejected, or accepted by a person."""
    query = select(MATCHES.c.story).where(MATCHES.c.article_id == article_id, belongs()).order_by(MATCHES.c.story)
    return tuple(session.execute(query).scalars())


def find_removed(session: Session, article_ids: Iterable[int], *, by: datetime | None = None) -> frozenset[int]:
    """Which of these articles are gone from their outlets' sites; only those gone `by` a moment, if it is given."""
    gone = ARTICLES.c.removed_at.is_not(None) if by is None else ARTICLES.c.removed_at <= by
    found: set[int] = set()
    for part in chunks(set(article_ids)):
        query = select(ARTICLES.c.article_id).where(ARTICLES.c.article_id.in_(part), gone)
        found.update(session.execute(query).scalars())
    return frozenset(found)


def belongs() -> ColumnElement[bool]:
    """The condition on a match under which its article belongs to its story."""
    automatic = MATCHES.c.is_match & (MATCHES.c.state != MatchState.REJECTED.value)
    return automatic | (MATCHES.c.state == MatchState.ACCEPTED.value)


# --- wire copies ------------------------------------------------------------------------------


def set_fingerprints(session: Session, article_id: int, fingerprints: Iterable[int]) -> None:
    """Make these the fingerprints of an article's text."""
    session.execute(FINGERPRINTS.delete().where(FINGERPRINTS.c.article_id == article_id))
    insert_rows(
        session, FINGERPRINTS, [{"fingerprint": f, "article_id": article_id} for f in sorted(set(fingerprints))]
    )


def count_shared_fingerprints(session: Session, fingerprints: Iterable[int]) -> Counter[int]:
    """How many of these fingerprints each stored article shares: the candidates for copies of one wire text."""
    shared: Counter[int] = Counter()
    for part in chunks(set(fingerprints)):
        shared.update(
            session.execute(select(FINGERPRINTS.c.article_id).where(FINGERPRINTS.c.fingerprint.in_(part))).scalars()
        )
    return shared


def list_fingerprints(session: Session, article_id: int) -> frozenset[int]:
    """The fingerprints of an article's text."""
    query = select(FINGERPRINTS.c.fingerprint).where(FINGERPRINTS.c.article_id == article_id)
    return frozenset(session.execute(query).scalars())


# --- inside -----------------------------------------------------------------------------------


def _articles(session: Session, numbers: list[int]) -> list[Article]:
    found = []
    for part in chunks(numbers):
        query = select(ARTICLES).where(ARTICLES.c.article_id.in_(part)).order_by(ARTICLES.c.article_id)
        found += [from_row(Article, row) for row in session.execute(query).mappings()]
    return found


def _numbers_of(session: Session, urls: Iterable[str]) -> dict[str, int]:
    rows = find_among(session, (ARTICLES.c.article_id, ARTICLES.c.url), dict.fromkeys(urls))
    return {url: number for number, url in rows}


def _list_versions(
    session: Session, article_id: int, *, number: int | None = None, newest: bool = False
) -> tuple[ArticleVersion, ...]:
    query = select(VERSIONS).where(VERSIONS.c.article_id == article_id)
    if number is not None:
        query = query.where(VERSIONS.c.number == number)
    query = query.order_by(VERSIONS.c.number.desc()).limit(1) if newest else query.order_by(VERSIONS.c.number)
    return tuple(read_version(row) for row in session.execute(query).mappings())


def _article_row(new: NewArticle) -> dict[str, Any]:
    """What `_article_of` gives, as it is stored: a test holds the two together."""
    published = new.published
    return {
        "url": new.url, "source": new.source, "trust": new.trust.value, "title": new.title, "lang": new.lang,
        "published_from": published.not_before if published else None,
        "published_to": published.not_after if published else None,
        "first_seen_at": new.learned_at, "last_changed_at": new.learned_at, "last_read_at": new.fetched_at,
        "reread_at": new.reread_at, "etag": new.etag, "last_modified": new.last_modified, "body_hash": new.body_hash,
    }  # fmt: skip


def _article_of(number: int, new: NewArticle) -> Article:
    return Article(
        article_id=number,
        url=new.url,
        source=new.source,
        trust=new.trust,
        title=new.title,
        lang=new.lang,
        published=new.published,
        first_seen_at=new.learned_at,
        last_changed_at=new.learned_at,
        last_read_at=new.fetched_at,
        reread_at=new.reread_at,
        etag=new.etag,
        last_modified=new.last_modified,
        body_hash=new.body_hash,
    )


def _first_version(article_id: int, new: NewArticle) -> dict[str, Any]:
    return {
        "article_id": article_id, "number": 1, "title": new.title, "text": new.text, "text_hash": new.text_hash,
        "fetched_at": new.fetched_at, "parts": to_json(new.parts), "trace": new.trace,
    }  # fmt: skip


def _fresh_version(version_id: int, article_id: int, new: NewArticle) -> FreshVersion:
    published = new.published
    return FreshVersion(
        version_id, article_id, new.title, new.text, published.not_before if published else None,
        published.not_after if published else None, new.learned_at, new.url, new.source, new.lang,
        _stories_of(new.matches) if new.matches else (),
    )  # fmt: skip


def _stories_of(matches: Iterable[Match]) -> tuple[str, ...]:
    """As `list_stories_of` would give them; of two matches to one story the first was stored."""
    first = {match.story: match for match in reversed(tuple(matches))}
    return tuple(
        sorted(
            story
            for story, match in first.items()
            if match.state == MatchState.ACCEPTED or (match.is_match and match.state != MatchState.REJECTED)
        )
    )


def _match_row(article_id: int, match: Match, matched_at: datetime) -> dict[str, Any]:
    return {
        "article_id": article_id, "story": match.story, "score": match.score, "hits": to_json(match.hits),
        "is_match": match.is_match, "state": match.state.value, "matched_at": matched_at,
    }  # fmt: skip
