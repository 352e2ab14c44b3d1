"""One revision with its evidence, and the judgements that a person makes on it."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter, Form
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from alerts.interest import EVENT_KINDS
from monitor.judging import note_judgement
from monitor.ledger.baseline import baseline_claims
from monitor.ledger.judgements import MATCH_STATES, match_state
from monitor.ledger.values import figure_of
from monitor.web.pages.articles import as_diff
from monitor.web.pages.judging import AS_READ, SAID, scopes_of
from monitor.web.pages.records import evidence_of
from monitor.web.refusals import RefusedError
from monitor.web.site import EditorDep, Number, ReaderDep, SiteDep, own_path, see_other
from storage import articles, claims, judgements, stories
from storage.database import lock_story
from storage.records import ArticleVersion, Evidence, JudgementKind, Revision, RevisionKind, Story

router = APIRouter(include_in_schema=False)
FROM_HERE = (JudgementKind.REJECT, JudgementKind.RESCOPE, JudgementKind.ANNOTATE)
ON_CLAIMS = frozenset({JudgementKind.REJECT, JudgementKind.RESCOPE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One sentence behind a revision, with our copy of its article and how a person overruled it.

    `is_of_seed`: it stands in the story's seed, which is edited and not judged.
    """

    evidence: Evidence
    article_id: int = 0
    ruled: JudgementKind | None = None
    is_of_seed: bool = False


@router.get("/revisions/{revision_id}")
def show_revision(request: Request, site: SiteDep, caller: ReaderDep, revision_id: str) -> Response:
    """One revision: before and after, who said so, in which sentences, and what people noted."""
    with site.database.read() as session:
        revision = claims.get_revision(session, revision_id)
        story = stories.find_story(session, revision.story)
        wanted = {revision_id, *(one.claim_id for one in revision.evidence)}
        noted = [
            one
            for one in judgements.list_judgements(session, revision.story, with_revoked=True)
            if one.target in wanted
        ]
        ruled = {one.target: one.kind for one in noted if one.kind in ON_CLAIMS and one.revoked_at is None}
        proofs = _proofs(session, revision, ruled) or _seeds_proofs(story, revision)
        known = [one.key for one in claims.list_record_lines(session, revision.story)] if caller.may_edit else []
        edit = _find_edit(session, revision)
        page = site.page(request, "stories", session, caller=caller)
    ui = site.presenter(request, [story] if story else [])
    diff = as_diff(ui, edit[0].text, edit[1].text) if edit else ""
    return site.render(
        request,
        "revision.html",
        page,
        ui,
        revision=revision,
        story=story,
        is_event=revision.kind in EVENT_KINDS,
        edit=edit,
        diff=diff,
        proofs=proofs,
        judgements=noted,
        scopes=scopes_of(ui, story, known) if story and caller.may_edit else None,
    )


def _find_edit(session: Session, revision: Revision) -> tuple[ArticleVersion, ArticleVersion] | None:
    """The two versions that an edit stands between; None for another kind, or when a text is no longer kept."""
    if revision.kind is not RevisionKind.EDITED or revision.article_id is None or revision.public_at is None:
        return None
    fetched_at = revision.public_at.not_after
    versions = articles.list_versions(session, revision.article_id)
    found = next((pair for pair in pairwise(versions) if pair[1].fetched_at == fetched_at), None)
    return found if found and found[0].text and found[1].text else None


def _seeds_proofs(story: Story | None, revision: Revision) -> list[Proof]:
    """What the story's seed says, for an entry that rests on no article."""
    if story is None or revision.after is None:
        return []
    return [
        Proof(evidence=evidence_of(one), is_of_seed=True)
        for one in baseline_claims(story)
        if one.key == revision.key and figure_of(one.claim) == revision.after
    ]


def _proofs(session: Session, revision: Revision, ruled: dict[str, JudgementKind]) -> list[Proof]:
    ids = [one.claim_id for one in revision.evidence if one.claim_id]
    found = (
        {claim.claim_id: claim for claim in claims.list_claims(session, revision.story, claim_ids=ids)} if ids else {}
    )
    return [
        Proof(
            evidence=one,
            article_id=found[one.claim_id].article_id if one.claim_id in found else 0,
            ruled=ruled.get(one.claim_id),
        )
        for one in revision.evidence
    ]


@router.post("/revisions/{revision_id}/judgements")
def judge(
    request: Request,
    site: SiteDep,
    caller: EditorDep,
    revision_id: str,
    kind: Annotated[str, Form()],
    why: Annotated[str, SAID, Form(max_length=2000)],
    target: Annotated[str, Form()] = "",
    metric: Annotated[str, Form(max_length=100)] = AS_READ,
    population: Annotated[str, Form(max_length=200)] = AS_READ,
    place: Annotated[str, Form(max_length=200)] = AS_READ,
) -> Response:
    """Reject a claim behind a revision, say that it speaks of something else, or note something on the revision."""
    chosen = next((one for one in FROM_HERE if one.value == kind), None)
    now = site.clock()
    with site.database.write() as session:
        revision = claims.get_revision(session, revision_id)
        is_of_it = chosen is JudgementKind.ANNOTATE or target in {
            one.claim_id for one in revision.evidence if one.claim_id
        }
        if chosen is None or not is_of_it:
            raise RefusedError(400, "error.bad_request")
        scope = {"metric": metric, "population": population, "place": place}
        is_of_claim = chosen in ON_CLAIMS
        note_judgement(
            session,
            stories.get_story(session, revision.story),
            chosen,
            target if is_of_claim else revision_id,
            {name: value for name, value in scope.items() if value != AS_READ}
            if chosen is JudgementKind.RESCOPE
            else {},
            who=caller.name,
            why=why,
            now=now,
        )
        if is_of_claim:
            site.refold(session, revision.story, now)
    return see_other(request, f"/revisions/{revision_id}", "judged" if is_of_claim else "noted")


@router.post("/judgements/{judgement_id}/revoke")
def revoke(
    request: Request, site: SiteDep, caller: EditorDep, judgement_id: Number, back: Annotated[str, Form()] = "/"
) -> Response:
    """Take a judgement back."""
    now = site.clock()
    with site.database.write() as session:
        judgement = judgements.get_judgement(session, judgement_id)
        lock_story(session, judgement.story)
        judgements.revoke_judgement(session, judgement_id, revoked_at=now)
        if judgement.kind in MATCH_STATES:
            left = judgements.list_judgements(session, judgement.story, target=judgement.target)
            articles.set_match_state(session, int(judgement.target), judgement.story, match_state(left))
            site.rematch(session, int(judgement.target), judgement.story, now)
        elif judgement.kind is not JudgementKind.ANNOTATE:
            site.refold(session, judgement.story, now)
    return see_other(request, own_path(back), "revoked")
