"""Claims, the histories folded from them, and the change log, as stored."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlmodel import Session

from storage.codec import UNREADABLE, Kept, from_json, to_json
from storage.errors import NotFoundError
from storage.records import History, LoggedRevision, RecordKey, RecordLine, Revision, RevisionKind, StampedClaim
from storage.search_index import touch
from storage.superseded import find_latest_superseded, find_superseded
from storage.tables import CLAIMS, HISTORIES, REVISIONS
from storage.writing import chunks, insert_new, insert_or_update

_URL = re.compile(r'"url": ?"([^"]*)"')
_KEY = ("story", "metric", "unit", "population", "place", "period")
# Asked with each delivery, so made once: to build a statement costs more than to run it.
_REVISIONS_OF = select(REVISIONS.c.revision_id, REVISIONS.c.payload).where(
    REVISIONS.c.revision_id.in_(bindparam("wanted", expanding=True))
)


def add_claims(session: Session, claims: Iterable[StampedClaim]) -> int:
    """Store claims; one that is there already (same story, same id) stays as it was. Returns how many were new."""
    rows = [_claim_row(stamped) for stamped in claims]
    touch(session, {row["article_id"] for row in rows} - {None})
    return insert_new(session, CLAIMS, rows, ["story", "claim_id"])


def replace_claims(session: Session, claims: Iterable[StampedClaim]) -> None:
    """Store claims; one that is there already takes all new values (an edit ended it, a copy was recognised)."""
    rows = [_claim_row(stamped) for stamped in claims]
    touch(session, {row["article_id"] for row in rows} - {None})
    insert_or_update(session, CLAIMS, rows, ["story", "claim_id"])


def get_claim(session: Session, claim_id: str, *, story: str | None = None) -> StampedClaim:
    """The claim of this id. Raises NotFoundError."""
    found = find_claim(session, claim_id, story=story)
    if found is None:
        raise no_claim(claim_id)
    return found


def no_claim(claim_id: str) -> NotFoundError:
    """The error that says that no claim has this id."""
    return NotFoundError(f"no claim {claim_id!r} is stored; `storywatch claims list` shows those that are")


def find_claim(session: Session, claim_id: str, *, story: str | None = None) -> StampedClaim | None:
    """The claim of this id as it is read now; None where none is."""
    query = select(CLAIMS.c.payload).where(CLAIMS.c.claim_id == claim_id)
    if story is not None:
        query = query.where(CLAIMS.c.story == story)
    payload = session.execute(query.order_by(CLAIMS.c.story).limit(1)).scalar()
    return None if payload is None else from_json(StampedClaim, payload)


def list_claims(
    session: Session,
    story: str | None = None,
    *,
    article_id: int | None = None,
    metric: str | None = None,
    origin: str | None = None,
    claim_ids: Iterable[str] | None = None,
    known_at: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[StampedClaim, ...]:
    """Claims in the order in which they were learned; all of a story by default, as the fold takes them.

    `known_at`: those learned by then, as they were read then; an end learned later is not known yet.
    """
    query = select(CLAIMS.c.payload).order_by(CLAIMS.c.recorded_at, CLAIMS.c.claim_id)
    wanted = {"story": story, "article_id": article_id, "metric": metric, "origin": origin}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(CLAIMS.c[name] == value)
    named = None if claim_ids is None else list(claim_ids)
    if named is not None:
        query = query.where(CLAIMS.c.claim_id.in_(named))
    if known_at is not None:
        past = find_superseded(
            session, known_at=known_at, story=story, article_id=article_id, metric=metric, claim_ids=named
        )
        now = session.execute(query.where(CLAIMS.c.recorded_at <= known_at)).scalars()
        found = [claim for claim in _as_known(now, past, known_at) if origin in (None, claim.claim.origin)]
        return tuple(found if limit is None else found[offset : offset + limit])
    if limit is not None:
        query = query.limit(limit).offset(offset)
    # A fold reads all claims once; pages come back to the same ones.
    read = _CLAIMS_KEPT.read if named is not None else partial(from_json, StampedClaim)
    return tuple(read(payload) for payload in session.execute(query).scalars())


def find_latest_claim(session: Session, story: str, *, known_at: datetime) -> StampedClaim | None:
    """The claim of a story that was learned last by a moment; None when none was."""
    query = select(CLAIMS.c.payload).where(CLAIMS.c.story == story, CLAIMS.c.recorded_at <= known_at)
    now = session.execute(query.order_by(CLAIMS.c.recorded_at.desc()).limit(1)).scalars().all()
    ids = [_CLAIMS_KEPT.read(payload).claim_id for payload in now]
    past = find_superseded(session, known_at=known_at, story=story, claim_ids=ids)
    if (latest := find_latest_superseded(session, story, known_at=known_at)) is not None:
        past[story, latest.claim_id] = latest
    return max(_as_known(now, past, known_at), key=lambda one: one.recorded_at, default=None)


def set_wire_group(session: Session, article_ids: Iterable[int], wire_group: str | None) -> None:
    """Make all claims of these articles copies of one wire text (or of none)."""
    for part in chunks(article_ids):
        query = select(CLAIMS.c.payload).where(CLAIMS.c.article_id.in_(part))
        claims = [from_json(StampedClaim, payload) for payload in session.execute(query).scalars()]
        replace_claims(session, [replace(claim, wire_group=wire_group) for claim in claims])


# --- histories --------------------------------------------------------------------------------


def find_histories(session: Session, story: str) -> dict[RecordKey, History]:
    """The present histories of a story, by record: what the next fold is compared with."""
    return {history.key: history for history in list_histories(session, story)}


def list_histories(
    session: Session, story: str | None = None, *, metric: str | None = None, limit: int | None = None, offset: int = 0
) -> tuple[History, ...]:
    """Histories in the order of their keys."""
    query = select(HISTORIES.c.payload).order_by(*(HISTORIES.c[name] for name in _KEY))
    if story is not None:
        query = query.where(HISTORIES.c.story == story)
    if metric is not None:
        query = query.where(HISTORIES.c.metric == metric)
    if limit is not None:
        query = query.limit(limit).offset(offset)
    return tuple(_HISTORIES_KEPT.read(payload) for payload in session.execute(query).scalars())


def list_record_lines(session: Session, story: str | None = None) -> tuple[RecordLine, ...]:
    """Which records a story has, or all do, in the order of their keys, without reading their histories."""
    query = select(*(HISTORIES.c[name] for name in _KEY), HISTORIES.c.state, HISTORIES.c.steps)
    if story is not None:
        query = query.where(HISTORIES.c.story == story)
    return tuple(
        RecordLine(key=RecordKey(**dict(zip(_KEY, scope, strict=True))), is_state=state is not None, steps=steps)
        for *scope, state, steps in session.execute(query.order_by(*(HISTORIES.c[name] for name in _KEY)))
    )


# What pages read again and again; a character of text makes some five bytes of objects.
_CLAIMS_KEPT = Kept(StampedClaim, most=1_000_000)
_HISTORIES_KEPT = Kept(History, most=10_000_000)
_REVISIONS_KEPT = Kept(Revision, most=400_000)


def read_claim(payload: str) -> StampedClaim:
    """A claim from its stored text; one that was read of late is not decoded again."""
    return _CLAIMS_KEPT.read(payload)


def read_revision(payload: str) -> Revision:
    """An entry of the change log from its stored text, in the same way."""
    return _REVISIONS_KEPT.read(payload)


def has_history(session: Session, key: RecordKey) -> bool:
    """Whether a record is kept."""
    return session.execute(select(HISTORIES.c.metric).where(*_is_key(HISTORIES, key))).first() is not None


def get_history(session: Session, key: RecordKey) -> History:
    """The present history of one record. Raises NotFoundError."""
    payload = session.execute(select(HISTORIES.c.payload).where(*_is_key(HISTORIES, key))).scalar()
    if payload is None:
        raise NotFoundError(
            f"story {key.story!r} has no record {key.metric!r} of this unit, population, place and period"
        )
    return _HISTORIES_KEPT.read(payload)


def update_histories(
    session: Session, story: str, changed: Iterable[History], gone: Iterable[RecordKey], *, now: datetime
) -> None:
    """Store the histories of a story that changed, and take out those that are gone; the others stay as they are."""
    insert_or_update(session, HISTORIES, [_history_row(history, now) for history in changed], _KEY)
    for key in gone:
        session.execute(delete(HISTORIES).where(*_is_key(HISTORIES, key)))


# --- the change log ---------------------------------------------------------------------------


def add_revisions(session: Session, revisions: Iterable[Revision]) -> tuple[Revision, ...]:
    """Append to the change log; returns those that were not in it yet, in the order given: what may be told."""
    given = list({revision.revision_id: revision for revision in revisions}.values())
    known: set[str] = set()
    for part in chunks([revision.revision_id for revision in given]):
        known.update(
            session.execute(select(REVISIONS.c.revision_id).where(REVISIONS.c.revision_id.in_(part))).scalars()
        )
    fresh = [revision for revision in given if revision.revision_id not in known]
    insert_new(session, REVISIONS, [_revision_row(revision) for revision in fresh], ["revision_id"])
    return tuple(fresh)


def get_revision(session: Session, revision_id: str) -> Revision:
    """The revision of this id. Raises NotFoundError."""
    found = find_revisions(session, [revision_id])
    if not found:
        raise NotFoundError(
            f"the change log has no revision {revision_id!r}; `storywatch stories show SLUG` lists them"
        )
    return found[revision_id]


def find_revisions(session: Session, revision_ids: Iterable[str]) -> dict[str, Revision]:
    """The revisions of these ids; unknown ones are absent."""
    found: dict[str, Revision] = {}
    for part in chunks(revision_ids):
        rows = session.execute(_REVISIONS_OF, {"wanted": part})
        found |= {row.revision_id: _REVISIONS_KEPT.read(row.payload) for row in rows}
    return found


def find_readable_revisions(
    session: Session, revision_ids: Iterable[str]
) -> tuple[dict[str, Revision], dict[str, str]]:
    """As `find_revisions`, and what is wrong with each of those that are stored and cannot be read, by id."""
    found: dict[str, Revision] = {}
    unread: dict[str, str] = {}
    for part in chunks(revision_ids):
        for row in session.execute(_REVISIONS_OF, {"wanted": part}):
            try:
                found[row.revision_id] = _REVISIONS_KEPT.read(row.payload)
            except UNREADABLE as error:
                unread[row.revision_id] = f"{type(error).__name__}: {error}"
    return found, unread


def find_taken_back(session: Session, revision_ids: Iterable[str]) -> frozenset[str]:
    """Those of these revisions that a correction took back, whatever became of it."""
    found: set[str] = set()
    for part in chunks(revision_ids):
        query = select(REVISIONS.c.corrects).where(REVISIONS.c.corrects.in_(part))
        found |= set(session.execute(query).scalars())
    return frozenset(found)


def list_revisions(
    session: Session,
    story: str | None = None,
    *,
    key: RecordKey | None = None,
    kinds: Iterable[RevisionKind] = (),
    metric: str | None = None,
    article_id: int | None = None,
    known_at: datetime | None = None,
    newest_first: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[Revision, ...]:
    """The change log in the order of writing, or newest first; all of it unless narrowed."""
    order = REVISIONS.c.sequence.desc() if newest_first else REVISIONS.c.sequence
    query = select(REVISIONS.c.payload).order_by(order)
    if story is not None:
        query = query.where(REVISIONS.c.story == story)
    if key is not None:
        query = query.where(*_is_key(REVISIONS, key))
    if wanted := [kind.value for kind in kinds]:
        query = query.where(REVISIONS.c.kind.in_(wanted))
    if metric is not None:
        query = query.where(REVISIONS.c.metric == metric)
    if article_id is not None:
        query = query.where(REVISIONS.c.article_id == article_id)
    if known_at is not None:
        query = query.where(REVISIONS.c.recorded_at <= known_at)
    if limit is not None:
        query = query.limit(limit).offset(offset)
    return tuple(_REVISIONS_KEPT.read(payload) for payload in session.execute(query).scalars())


def list_revisions_on(session: Session, urls: frozenset[str], *, look_back: int, limit: int) -> tuple[Revision, ...]:
    """The newest of the told changes that rest on evidence at one of these addresses, among the `look_back` newest."""
    query = select(REVISIONS.c.payload).where(REVISIONS.c.is_silent.is_(False)).order_by(REVISIONS.c.sequence.desc())
    found: list[Revision] = []
    for payload in session.execute(query.limit(look_back)).scalars():
        # To look for the addresses costs a hundredth of decoding; one with an escape in it is decoded.
        if urls.isdisjoint(_URL.findall(payload)) and "\\" not in payload:
            continue
        revision = _REVISIONS_KEPT.read(payload)
        if any(proof.url in urls for proof in revision.evidence):
            found.append(revision)
            if len(found) == limit:
                break
    return tuple(found)


def list_revisions_after(
    session: Session, story: str, sequence: int, *, limit: int = 1000
) -> tuple[LoggedRevision, ...]:
    """A story's changes after a place in the log, with their places: for readers that go on where they stopped.

    Nothing is missed, for whoever writes changes of a story holds its lock. The log as a whole is no such list: of two
    stories, the change that took its place first may be committed last.
    """
    query = select(REVISIONS.c.sequence, REVISIONS.c.payload)
    query = query.where(REVISIONS.c.story == story, REVISIONS.c.sequence > sequence)
    rows = session.execute(query.order_by(REVISIONS.c.sequence).limit(limit))
    return tuple(LoggedRevision(sequence=row.sequence, revision=_REVISIONS_KEPT.read(row.payload)) for row in rows)


def last_sequence(session: Session, story: str) -> int:
    """The place of a story's newest change in the log, 0 without one: a reader of what comes next begins there."""
    query = select(func.coalesce(func.max(REVISIONS.c.sequence), 0)).where(REVISIONS.c.story == story)
    return int(session.execute(query).scalar_one())


def count_kinds(session: Session) -> dict[str, int]:
    """How many entries of the change log there are of each kind."""
    query = select(REVISIONS.c.kind, func.count()).group_by(REVISIONS.c.kind)
    return {kind: count for kind, count in session.execute(query)}


def list_metrics(session: Session) -> frozenset[str]:
    """Every measure that the change log names."""
    return frozenset(session.execute(select(REVISIONS.c.metric).distinct()).scalars())


def count_revisions(session: Session, story: str | None = None) -> int:
    """How long the change log is, or the part of it about one story."""
    query = select(func.count()).select_from(REVISIONS)
    if story is not None:
        query = query.where(REVISIONS.c.story == story)
    return int(session.execute(query).scalar_one())


# --- inside -----------------------------------------------------------------------------------


def _as_known(now: Iterable[str], past: dict[tuple[str, str], StampedClaim], known_at: datetime) -> list[StampedClaim]:
    """The claims of now, and those of then in their place, as they stood at a moment, in the order of learning."""
    found = {(claim.story, claim.claim_id): claim for claim in map(_CLAIMS_KEPT.read, now)} | past
    stood = (
        replace(claim, ended_at=None, version_last=None) if claim.ended_at and claim.ended_at > known_at else claim
        for claim in found.values()
    )
    return sorted(stood, key=lambda claim: (claim.recorded_at, claim.claim_id))


def _is_key(table: Any, key: RecordKey) -> tuple[Any, ...]:
    return tuple(table.c[name] == getattr(key, name) for name in _KEY)


def _claim_row(stamped: StampedClaim) -> dict[str, Any]:
    claim, asserted = stamped.claim, stamped.asserted_at
    return {
        "story": stamped.story,
        "claim_id": stamped.claim_id,
        "article_id": stamped.article_id or None,
        "metric": claim.metric,
        "unit": claim.unit,
        "population": claim.population,
        "place": claim.place,
        "kind": claim.kind.value,
        "status": claim.status.value,
        "qualifier": claim.qualifier.value,
        "state": claim.state,
        "value": claim.value,
        "low": claim.low,
        "high": claim.high,
        "origin": claim.origin,
        "speaker": claim.speaker,
        "source": stamped.source,
        "asserted_at_from": asserted.not_before if asserted else None,
        "asserted_at_to": asserted.not_after if asserted else None,
        "ended_at": stamped.ended_at,
        "recorded_at": stamped.recorded_at,
        "wire_group": stamped.wire_group,
        "is_baseline": stamped.is_baseline,
        "payload": to_json(stamped),
    }


def _history_row(history: History, now: datetime) -> dict[str, Any]:
    return {
        **{name: getattr(history.key, name) for name in _KEY},
        "low": history.low,
        "best": history.best,
        "high": history.high,
        "state": history.current.state if history.current else None,
        "is_contested": history.is_contested,
        "is_provisional": history.is_provisional,
        "steps": len(history.steps),
        "updated_at": now,
        "payload": to_json(history),
    }


def _revision_row(revision: Revision) -> dict[str, Any]:
    public, effective = revision.public_at, revision.effective_at
    return {
        "revision_id": revision.revision_id,
        **{name: getattr(revision.key, name) for name in _KEY},
        "story": revision.story,
        "kind": revision.kind.value,
        "recorded_at": revision.recorded_at,
        "public_at_from": public.not_before if public else None,
        "public_at_to": public.not_after if public else None,
        "effective_at_from": effective.not_before if effective else None,
        "effective_at_to": effective.not_after if effective else None,
        "article_id": revision.article_id,
        "corrects": revision.corrects,
        "is_silent": revision.is_silent,
        "payload": to_json(revision),
    }
