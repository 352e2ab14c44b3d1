"""One record: how it changed, who says what, what was refused, and how it stood at a time."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from monitor.ledger.fold import counting_metrics, fold_story
from monitor.ledger.judgements import read_payload
from monitor.ledger.origins import written_origin
from monitor.web.charts import draw_chart
from monitor.web.pages.judging import Ruled, as_ruled, other_records, scopes_of
from monitor.web.presenter import Presenter, latest_first
from monitor.web.refusals import RefusedError
from monitor.web.site import ReaderDep, SiteDep, with_query
from storage import claims, judgements, stories
from storage.errors import NotFoundError
from storage.keys import key_text
from storage.record_edits import list_record_edits
from storage.records import Evidence, Figure, History, RecordKey, Refusal, StampedClaim

router = APIRouter(include_in_schema=False)
# Rows of each table at first, and when all are asked for.
SHORT, LONG = 40, 1_000
MOST_SPLIT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A claim of the record, ready to be shown; `rule` and `reason` say why one did not move it."""

    figure: Figure
    evidence: Evidence
    rule: str = ""
    reason: str = ""


@router.get("/stories/{slug}/record")
def show_record(
    request: Request,
    site: SiteDep,
    caller: ReaderDep,
    slug: str,
    metric: str,
    unit: str = "people",
    population: str = "",
    place: str = "",
    period: str = "",
    as_known_at: str = "",
    whole: bool = False,
) -> Response:
    """The history of one record, now or as it was known at a time; long tables cut short unless the `whole` is asked
    for."""
    key = RecordKey(story=slug, metric=metric, unit=unit, population=population, place=place, period=period)
    known_at = parse_moment(as_known_at)
    most = LONG if whole else SHORT
    with site.database.read() as session:
        story = stories.get_story(session, slug)
        history = read_history(session, key, known_at)
        found = list_record_edits(session, slug, metrics=(metric,), known_at=known_at)
        edits = [edit for edit in found if edit.key == key]
        refusals = list_refused(session, slug, history.refusals[-most:], known_at)
        # What stood once is not judged: what stands now is.
        may_judge = caller.may_edit and known_at is None
        known = [one.key for one in claims.list_record_lines(session, slug)] if may_judge else []
        counted = list_counted(session, history) if may_judge else []
        rulings = list_rulings(session, site.presenter(request, [story]), key, known_at)
        page = site.page(request, "stories", session, caller=caller)
    ui = site.presenter(request, [story])
    scope = {"metric": metric, "unit": unit, "population": population, "place": place, "period": period}
    longest = max(len(history.steps), len(history.positions), len(history.refusals))
    return site.render(
        request,
        "record.html",
        page,
        ui,
        story=story,
        history=history,
        chart=draw_chart(
            history,
            ui.words,
            title=ui.t("chart.label", name=ui.record_name(key)),
            now=known_at or ui.now,
            zone=story.timezone,
            width=900,
            edits=edits,
        ),
        edits=list({edit.revision.revision_id: edit.revision for edit in reversed(edits)}.values())[:most],
        steps=history.steps[-most:][::-1],
        positions=latest_first(history.positions)[:most],
        refusals=refusals,
        as_known_at=known_at,
        scope=[(name, value) for name, value in scope.items() if value],
        all_of_it=with_query(f"/stories/{slug}/record", **scope, as_known_at=as_known_at, whole="1")
        if longest > most and not whole
        else "",
        longest=longest,
        may_judge=may_judge,
        rulings=rulings,
        target=key_text(key),
        others=other_records(ui, key, known),
        counted=counted,
        scopes=scopes_of(ui, story, known, as_read="judge.as_here") if counted else None,
        names=sorted({*(one.origin for one in history.positions), *(one.name for one in story.origins)} - {""}),
    )


def list_counted(session: Session, history: History) -> list[Weighed]:
    """The claims that a person may give to another record: those behind its steps and positions, the newest first."""
    ids = [claim_id for step in reversed(history.steps) for claim_id in step.evidence]
    ids += [one.claim_id for one in latest_first(history.positions)]
    wanted = list(dict.fromkeys(one for one in ids if one))[:MOST_SPLIT]
    found = {one.claim_id: one for one in claims.list_claims(session, history.key.story, claim_ids=wanted)}
    return [Weighed(figure=figure_of(found[one]), evidence=evidence_of(found[one])) for one in wanted if one in found]


def list_rulings(session: Session, ui: Presenter, key: RecordKey, known_at: datetime | None) -> list[Ruled]:
    """What people overruled of this record and still hold: pins, additions and what was merged into it.

    Of a past moment those that were held then; what was taken back since says so.
    """
    line = key_text(key)
    standing = {one.judgement_id for one in judgements.list_judgements(session, key.story, known_at=known_at)}
    found = [
        one
        for one in judgements.list_judgements(session, key.story, with_revoked=True)
        if one.judgement_id in standing and (one.target == line or read_payload(one).get("into") == line)
    ]
    return as_ruled(session, ui, reversed(found))


def parse_moment(text: str) -> datetime | None:
    """A time as a form or a caller writes it, in UTC without a zone; None for an empty one. Raises RefusedError 400."""
    if not text:
        return None
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError:
        raise RefusedError(400, "error.moment", given=text[:60]) from None


def as_utc(moment: datetime) -> datetime:
    """A time in UTC; one without a zone is in UTC already. Raises ValueError outside of the years 1 to 9999."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{moment} does not exist in UTC") from error


def read_history(session: Session, key: RecordKey, known_at: datetime | None) -> History:
    """A record's history, now or folded from what was known at a time (empty: nothing was yet of one kept now).

    Raises NotFoundError for a record that neither is kept nor was known of then.
    """
    present = find_history(session, key)
    unknown = NotFoundError(f"story {key.story!r} keeps no such record of {key.metric!r}")
    if known_at is None:
        if present is None:
            raise unknown
        return present
    story = stories.get_story(session, key.story)
    decided = judgements.list_judgements(session, key.story, known_at=known_at)
    counting = counting_metrics(key, decided)
    known = [
        claim
        for metric in ([None] if counting is None else sorted(counting))
        for claim in claims.list_claims(session, key.story, metric=metric, known_at=known_at)
    ]
    # The seed's own figures count from when the story's news reached their time, of whatever measure it was.
    latest = claims.find_latest_claim(session, key.story, known_at=known_at)
    every = [*known, *([latest] if latest else [])]
    past = fold_story(every, decided, story, only=(key,), known_at=known_at).get(key)
    if past is None and present is None:
        raise unknown
    return past or History(key=key)


def find_history(session: Session, key: RecordKey) -> History | None:
    """A record's present history, or None."""
    try:
        return claims.get_history(session, key)
    except NotFoundError:
        return None


def list_refused(
    session: Session, story: str, refusals: tuple[Refusal, ...], known_at: datetime | None
) -> list[Weighed]:
    """The refused claims with their sentences, the latest first; those whose claim is gone are left out."""
    ids = {one.claim_id for one in refusals}
    found = {one.claim_id: one for one in claims.list_claims(session, story, claim_ids=ids, known_at=known_at)}
    return [
        Weighed(
            figure=figure_of(claim),
            evidence=evidence_of(claim),
            rule=refusal.rule,
            reason=refusal.reason or refusal.rule,
        )
        for refusal in reversed(refusals)
        if (claim := found.get(refusal.claim_id)) is not None
    ]


def figure_of(stamped: StampedClaim) -> Figure:
    """What a claim says, as a figure."""
    claim = stamped.claim
    return Figure(value=claim.value, low=claim.low, high=claim.high, qualifier=claim.qualifier, state=claim.state)


def evidence_of(stamped: StampedClaim) -> Evidence:
    """A claim as evidence."""
    return Evidence(
        claim_id=stamped.claim_id,
        sentence=stamped.sentence,
        quote=stamped.claim.quote,
        url=stamped.address,
        title=stamped.title,
        source=stamped.source,
        origin=written_origin(stamped.claim),
        speaker=stamped.claim.speaker,
        published=stamped.asserted_at,
        lang=stamped.lang,
    )
