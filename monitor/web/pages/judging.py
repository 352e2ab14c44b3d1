"""What people overruled in a story; the forms that merge, split, pin and add to records, or say who speaks for whom."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import StringConstraints
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from monitor.judging import NOTE_ON, measures, note_judgement, scoped_key
from monitor.ledger.judgements import read_payload
from monitor.web.presenter import Presenter, record_path, sentence_case
from monitor.web.refusals import RefusedError
from monitor.web.site import EditorDep, ReaderDep, SiteDep, own_path, see_other
from storage import claims, judgements, stories
from storage.errors import JudgementError
from storage.keys import key_text, parse_key, place_key
from storage.records import Evidence, Judgement, JudgementKind, RecordKey, StampedClaim, Story

router = APIRouter(include_in_schema=False)
ON_RECORDS = (JudgementKind.MERGE, JudgementKind.SPLIT, JudgementKind.PIN, JudgementKind.ADD, JudgementKind.ALIAS)
# What gives claims of one record to another, which is named by `into`.
GIVING = frozenset({JudgementKind.MERGE, JudgementKind.SPLIT})
# A choice that leaves a part of a claim's scope as it was read.
AS_READ = "="
# A reason holds more than spaces.
SAID = StringConstraints(strip_whitespace=True, min_length=1)
UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """One judgement in a list: what it rules over, in words, with a link to it where it has a page."""

    judgement: Judgement
    words: str
    path: str
    proof: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """What a claim may be said to speak of: (value, words) of each choice; the first leaves it as it was read."""

    metrics: tuple[tuple[str, str], ...]
    populations: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, str], ...]


@router.get("/stories/{slug}/judgements")
def show_judgements(request: Request, site: SiteDep, caller: ReaderDep, slug: str) -> Response:
    """Everything that people overruled in a story, the latest first; what was taken back stays in sight."""
    with site.database.read() as session:
        story = stories.get_story(session, slug)
        found = judgements.list_judgements(session, slug, with_revoked=True)
        ui = site.presenter(request, [story])
        rulings = as_ruled(session, ui, reversed(found))
        page = site.page(request, "stories", session, caller=caller)
    return site.render(request, "judgements.html", page, ui, story=story, rulings=rulings)


@router.post("/stories/{slug}/judgements")
def judge(
    request: Request,
    site: SiteDep,
    caller: EditorDep,
    slug: str,
    kind: Annotated[str, Form()],
    why: Annotated[str, SAID, Form(max_length=2000)],
    target: Annotated[str, Form(max_length=400)] = "",
    into: Annotated[str, Form(max_length=400)] = "",
    value: Annotated[float | None, Form()] = None,
    origin: Annotated[str, Form(max_length=200)] = "",
    url: Annotated[str, Form(max_length=2000)] = "",
    quote: Annotated[str, Form(max_length=2000)] = "",
    chosen_claims: Annotated[tuple[str, ...], Form(alias="claims", max_length=500)] = (),
    metric: Annotated[str, Form(max_length=100)] = AS_READ,
    population: Annotated[str, Form(max_length=200)] = AS_READ,
    place: Annotated[str, Form(max_length=200)] = AS_READ,
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Merge a record into another or give it some claims, pin it, add a claim to it, or say who a name speaks for."""
    chosen = next((one for one in ON_RECORDS if one.value == kind), None)
    if chosen is None:
        raise RefusedError(400, "error.bad_request")
    given: dict[JudgementKind, dict[str, object]] = {
        JudgementKind.MERGE: {"into": into},
        JudgementKind.PIN: {"value": value},
        JudgementKind.ADD: {"value": value, "origin": origin.strip(), "url": url.strip(), "quote": quote.strip()},
        JudgementKind.ALIAS: {"origin": origin},
    }
    now = site.clock()
    with site.database.write() as session:
        story = stories.get_story(session, slug)
        if chosen is JudgementKind.SPLIT:
            into = _split_into(story, target, {"metric": metric, "population": population, "place": place})
            given[chosen] = {"into": into, "claims": chosen_claims}
        note_judgement(session, story, chosen, target, given[chosen], who=caller.name, why=why, now=now)
        site.refold(session, slug, now)
        # The page of a record that lost its claims is gone: they are on the other's, if that is one now.
        is_kept = chosen in GIVING and claims.has_history(session, parse_key(into))
    return see_other(request, record_path(parse_key(into)) if is_kept else own_path(back), "judged")


def _split_into(story: Story, target: str, chosen: dict[str, str]) -> str:
    """The key of the record that claims are given to: the one they leave, but for what was chosen."""
    try:
        key = parse_key(target)
    except ValueError as error:
        raise JudgementError(str(error), code="no_record", given=target) from error
    scope = {name: getattr(key, name) if value == AS_READ else value for name, value in chosen.items()}
    return key_text(scoped_key(story, key, **scope))


def as_ruled(session: Session, ui: Presenter, found: Iterable[Judgement]) -> list[Ruled]:
    """Judgements with what they rule over, in words."""
    found = list(found)
    on_claims = {one.target for one in found if one.kind in (JudgementKind.REJECT, JudgementKind.RESCOPE)}
    story = found[0].story if found else ""
    held = {one.claim_id: one for one in claims.list_claims(session, story, claim_ids=on_claims)} if on_claims else {}
    numbered = {one.judgement_id: one for one in found}
    ruled = []
    for one in found:
        # A note on a judgement is about what that one rules over.
        on = numbered.get(read_payload(one).get(NOTE_ON, 0), one)
        ruled.append(replace(_ruled(ui, on, held.get(one.target)), judgement=one))
    return ruled


def _ruled(ui: Presenter, judgement: Judgement, stamped: StampedClaim | None) -> Ruled:
    kind, payload = judgement.kind, read_payload(judgement)
    if kind in (JudgementKind.MERGE, JudgementKind.SPLIT, JudgementKind.PIN, JudgementKind.ADD):
        key = parse_key(judgement.target)
        if kind in (JudgementKind.MERGE, JudgementKind.SPLIT):
            into = parse_key(str(payload["into"]))
            name = ui.record_name(key)
            if kind is JudgementKind.SPLIT:
                name = ui.t("judge.some_of", n=ui.count("judge.sentences", len(payload["claims"])), name=name)
            words = ui.t("judge.into", name=name, into=ui.record_name(into))
            return Ruled(judgement=judgement, words=words, path=record_path(into))
        words = ui.t("judge.value", name=ui.record_name(key), value=ui.words.quantity(payload["value"], key.unit))
        return Ruled(judgement=judgement, words=words, path=record_path(key))
    if kind is JudgementKind.ALIAS:
        words = ui.t("judge.speaks", name=sentence_case(judgement.target), origin=str(payload.get("origin", "")))
        return Ruled(judgement=judgement, words=words, path="")
    if kind in (JudgementKind.ACCEPT_MATCH, JudgementKind.REJECT_MATCH):
        path = f"/articles/{judgement.target}" if judgement.target.isdecimal() else ""
        return Ruled(judgement=judgement, words=ui.t("judge.article", n=judgement.target), path=path)
    if stamped is None and NOTE_ON in payload:
        return Ruled(judgement=judgement, words=ui.t("judge.taken_back"), path="")
    if stamped is None:
        path = f"/revisions/{judgement.target}" if kind is JudgementKind.ANNOTATE else ""
        return Ruled(judgement=judgement, words=str(payload.get("quote") or ui.t("judge.change")), path=path)
    scope: dict[str, str] = {name: str(payload[name]) for name in ("metric", "population", "place") if name in payload}
    words = _scope_words(ui, stamped, scope) if kind is JudgementKind.RESCOPE else stamped.source
    proof = Evidence(sentence=stamped.sentence, quote=stamped.claim.quote, lang=stamped.lang)
    return Ruled(judgement=judgement, words=words, path=f"/articles/{stamped.article_id}", proof=proof)


def _scope_words(ui: Presenter, stamped: StampedClaim, scope: dict[str, str]) -> str:
    claim = stamped.claim
    key = RecordKey(
        story=stamped.story,
        metric=scope.get("metric", claim.metric),
        population=scope.get("population", claim.population or ""),
        place=scope.get("place", claim.place or ""),
    )
    return ui.record_name(key)


def scopes_of(ui: Presenter, story: Story, known: Iterable[RecordKey], *, as_read: str = "judge.as_read") -> Scopes:
    """What claims of a story may speak of: its measures, the populations we have words for, its places and records.

    `as_read` names the text of the choice that changes nothing.
    """
    known = list(known)
    whole, unchanged = ui.t("judge.whole"), (AS_READ, ui.t(as_read))
    places = {place_key(place.name) for place in story.places if not place.whole} | {key.place for key in known}
    populations = {*ui.words.populations(), *(key.population for key in known)}

    def named(values: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return (unchanged, *sorted(values, key=lambda one: (one[0] != "", one[1])))

    return Scopes(
        metrics=named((name, ui.metric(name, story.slug)) for name in measures(story)),
        populations=named((one, sentence_case(ui.words.population(one)) or whole) for one in populations | {""}),
        places=named(
            (one, ui.t("place.unresolved") if one == UNRESOLVED else ui.words.place(one, story) or whole)
            for one in places | {""}
        ),
    )


def other_records(ui: Presenter, key: RecordKey, known: Iterable[RecordKey]) -> list[tuple[str, str]]:
    """The records that this one may be merged into, as (key, name), by name: of its measure, or of its very scope."""
    scope = (key.population, key.place, key.period)
    others = [
        (key_text(one), ui.record_name(one))
        for one in known
        if one != key
        and one.unit == key.unit
        and (one.metric == key.metric or (one.population, one.place, one.period) == scope)
    ]
    return sorted(others, key=lambda one: one[1])
