"""SHELL: note what a person overruled, checked and bound to what it rules over. The page and the command line share it.

What is noted moves nothing by itself: the caller works the story out again in the same transaction. The payloads are
those that `monitor.ledger.judgements` reads.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from alerts.addresses import is_web_address
from monitor.claims.metrics import builtin_metrics
from monitor.ledger.bindings import binding_of
from monitor.ledger.judgements import read_payload
from monitor.ledger.origins import fold_name
from storage import claims, judgements
from storage.database import lock_story
from storage.errors import JudgementError
from storage.keys import key_text, parse_key
from storage.records import Judgement, JudgementKind, Metric, RecordKey, StampedClaim, Story

# In the payload of a note: the number of the judgement that it gives another reason for.
NOTE_ON = "on"
_LEAST_LETTERS = 2
# Of these each one counts, whatever was said after it; of the others the last one does.
_IN_ANY_ORDER = frozenset({JudgementKind.REJECT, JudgementKind.ADD, JudgementKind.ANNOTATE})


def note_judgement(
    session: Session,
    story: Story,
    kind: JudgementKind,
    target: str,
    payload: Mapping[str, object] | None = None,
    *,
    who: str,
    why: str,
    now: datetime,
) -> Judgement:
    """Store a judgement of one story, with the story locked.

    `target` is a claim's whole id (reject, rescope), a record's key (merge, split, pin, add), a name (alias) or
    anything (annotate). Raises JudgementError for what makes no sense, NotFoundError for a claim that is not there.
    A split names the whole ids of its claims. What stands already is not stored twice: it is returned, and another
    reason for it is kept as a note on it.
    """
    lock_story(session, story.slug)
    given = dict(payload or {})
    if kind in (JudgementKind.REJECT, JudgementKind.RESCOPE):
        ruled = claims.get_claim(session, target, story=story.slug)
        if kind is JudgementKind.RESCOPE:
            given = _scope(story, ruled, given)
        # Bound to what it says as well as to its id, so that it outlives a newer lexicon.
        given |= _binding(session, story, ruled)
    elif kind in (JudgementKind.MERGE, JudgementKind.SPLIT):
        target = key_text(_key(story, target))
        given["into"] = key_text(_measured(session, story, str(given.get("into", ""))))
        if given["into"] == target:
            raise JudgementError(f"{target} is one record already: name another one", code="same_record")
        into = _nature(session, story, str(given["into"]))
        _check_alike(_nature(session, story, target), into)
        if kind is JudgementKind.SPLIT:
            chosen = _claims_of(session, story, given.get("claims"))
            for one in chosen:
                _check_alike(_nature_of(one), into)
            given["claims"] = [one.claim_id for one in chosen]
            given["bound"] = [_binding(session, story, one) for one in chosen]
    elif kind in (JudgementKind.PIN, JudgementKind.ADD):
        target = key_text(_counted(session, story, target))
        given["value"] = _number(given.get("value"))
        given |= _address(given.get("url"))
    elif kind is JudgementKind.ALIAS:
        target, given = _alias(target, str(given.get("origin", "")))
    standing = _standing_twin(session, story, kind, target, given, why)
    if standing is not None and why and why != standing.why:
        note = {NOTE_ON: standing.judgement_id}
        note_judgement(session, story, JudgementKind.ANNOTATE, target, note, who=who, why=why, now=now)
    return standing or judgements.add_judgement(
        session, story=story.slug, kind=kind, target=target, payload=json.dumps(given), who=who, why=why, made_at=now
    )


def _standing_twin(
    session: Session, story: Story, kind: JudgementKind, target: str, given: Mapping[str, object], why: str
) -> Judgement | None:
    """The judgement in force that says the very same; where the last word counts, only if it is the last one."""
    # A claim that was split off may be split off again from where it is now: those count in the order of the story.
    on_target = None if kind is JudgementKind.SPLIT else target
    found = judgements.list_judgements(session, story.slug, kind=kind, target=on_target)
    if kind not in _IN_ANY_ORDER:
        found = found[-1:]
    return next(
        (
            one
            for one in reversed(found)
            if one.target == target
            and read_payload(one) == given
            and (kind is not JudgementKind.ANNOTATE or one.why == why)
        ),
        None,
    )


def measures(story: Story) -> dict[str, Metric]:
    """Every measure that a claim of this story may be of: the built-in ones and the story's own."""
    return builtin_metrics() | {metric.name: metric for metric in story.metrics}


def _scope(story: Story, ruled: StampedClaim, given: dict[str, object]) -> dict[str, object]:
    """What a claim is said to speak of; a new measure brings its unit."""
    if not given:
        raise JudgementError("say what it speaks of: another measure, population or place", code="no_scope")
    metric = str(given.get("metric", ruled.claim.metric))
    if metric == ruled.claim.metric:
        return given
    known = measures(story)
    if metric not in known:
        raise _no_measure(story, metric, known)
    _check_alike(_nature_of(ruled), (metric, False))
    return given | {"unit": known[metric].unit}


def _binding(session: Session, story: Story, ruled: StampedClaim) -> dict[str, object]:
    return binding_of(ruled, claims.list_claims(session, story.slug, article_id=ruled.article_id))


def _no_measure(story: Story, metric: str, known: Iterable[str]) -> JudgementError:
    names = ", ".join(sorted(known))
    return JudgementError(
        f"{metric!r} is no measure of {story.slug}; there are {names}", code="no_measure", given=metric, known=names
    )


def _claims_of(session: Session, story: Story, given: object) -> list[StampedClaim]:
    wanted = list(dict.fromkeys(map(str, given))) if isinstance(given, list | tuple) else []
    if not wanted:
        raise JudgementError("say which claims make a record of their own: name one at least", code="no_claims")
    return [claims.get_claim(session, claim_id, story=story.slug) for claim_id in wanted]


def scoped_key(story: Story, key: RecordKey, *, metric: str, population: str, place: str) -> RecordKey:
    """The record beside `key` of another measure, population or place; a new measure brings its unit.

    Raises JudgementError for a measure that the story does not have.
    """
    known = measures(story)
    if metric != key.metric and metric not in known:
        raise _no_measure(story, metric, known)
    unit = key.unit if metric == key.metric else known[metric].unit
    return replace(key, metric=metric, unit=unit, population=population, place=place)


def _key(story: Story, line: str) -> RecordKey:
    try:
        key = parse_key(line)
    except ValueError as error:
        raise JudgementError(str(error), code="no_record", given=line) from error
    if key.story != story.slug:
        message = f"{line!r} names a record of {key.story!r}, not of {story.slug!r}"
        raise JudgementError(message, code="no_record", given=line)
    return key


def _measured(session: Session, story: Story, line: str) -> RecordKey:
    """The record of this line: one that is kept, or one of a measure of the story in that measure's unit."""
    key = _key(story, line)
    known = measures(story)
    if claims.has_history(session, key):
        return key
    if key.metric not in known:
        raise _no_measure(story, key.metric, known)
    if key.unit != known[key.metric].unit:
        message = f"{key.metric} is counted in {known[key.metric].unit}, not in {key.unit!r}"
        raise JudgementError(message, code="other_unit", given=key.unit)
    return key


def _counted(session: Session, story: Story, line: str) -> RecordKey:
    """The same, of a record that holds numbers."""
    key = _measured(session, story, line)
    if claims.has_history(session, key) and claims.get_history(session, key).is_of_state:
        message = f"{key.metric} of {story.slug} is a state and no figure: no number can stand for it"
        raise JudgementError(message, code="of_state")
    return key


def _check_alike(one: tuple[str, bool | None], other: tuple[str, bool | None]) -> None:
    """Refuse to count a state as a number or a number as a state; each is a metric and whether it is of a state."""
    if {one[1], other[1]} == {True, False}:
        state, figure = (one, other) if one[1] else (other, one)
        message = f"{state[0]} is a state and {figure[0]} a figure: they are never one record"
        raise JudgementError(message, code="unlike")


def _nature(session: Session, story: Story, line: str) -> tuple[str, bool | None]:
    """A record's metric, and whether it holds states; None of one that is not kept and of no measure."""
    key = parse_key(line)
    if claims.has_history(session, key):
        return key.metric, claims.get_history(session, key).is_of_state
    return key.metric, False if key.metric in measures(story) else None


def _nature_of(stamped: StampedClaim) -> tuple[str, bool | None]:
    return stamped.claim.metric, stamped.claim.state is not None


def _number(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else math.nan
    if not math.isfinite(number) or number < 0:
        raise JudgementError(f"{value!r} is no figure: give a number from 0 on", code="no_figure")
    return abs(number)  # of -0, which is no number below 0, the figure without its sign


def _address(url: object) -> dict[str, object]:
    if url and not is_web_address(str(url)):
        message = f"{url!r} is no web address: it begins with https:// or http://, or is left out"
        raise JudgementError(message, code="no_address", given=url)
    return {"url": str(url).strip()} if url else {}


def _alias(name: str, origin: str) -> tuple[str, dict[str, object]]:
    name, origin = name.strip(), origin.strip()
    said, meant = fold_name(name), fold_name(origin)
    if min(len(said), len(meant)) < _LEAST_LETTERS or said == meant:
        raise JudgementError(f"{name!r} cannot speak for {origin!r}: give two different names", code="one_name")
    return name, {"origin": origin}
