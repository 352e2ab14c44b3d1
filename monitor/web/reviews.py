"""Records as schema.org ClaimReview (JSON-LD): each figure that was reported, how it stands now, and who carried it.

https://schema.org/ClaimReview: a rating has words alone (`alternateName`), since what is told is how a figure stands
among those reported, not whether it is true. docs/formats.md says what is left out, and why.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from sqlmodel import Session

from alerts.addresses import is_web_address
from monitor.ledger.origins import fold_name
from monitor.web.presenter import Presenter, iso, record_path
from storage import claims, research, stories
from storage.covering import cover_login
from storage.keys import key_text
from storage.records import EntityKind, Figure, History, RevisionKind, Span, StampedClaim, Step, Story

# Steps that put no figure of their own into the record.
_WITHOUT_FIGURE = frozenset({RevisionKind.RETRACTED, RevisionKind.RESOLVED, RevisionKind.CONFIRMED})
_PARTIES = {EntityKind.PERSON: "Person", EntityKind.ORGANISATION: "Organization"}


def review_records(session: Session, slug: str, ui: Presenter, *, base_url: str = "") -> dict[str, Any]:
    """One JSON-LD document with a ClaimReview for each figure of each record. Raises NotFoundError.

    `base_url` is where people reach our page; without one a review has no address.
    """
    story = stories.get_story(session, slug)
    known = {claim.claim_id: claim for claim in claims.list_claims(session, slug)}
    reviews = [
        _review(session, story, history, step, known, ui) | _address(history, base_url)
        for history in claims.list_histories(session, slug)
        for step in _figures(history)
    ]
    return {"@context": "https://schema.org", "@graph": reviews}


def _figures(history: History) -> list[Step]:
    """The step that brought each figure, in order."""
    found: dict[Figure, Step] = {}
    for step in history.steps:
        if step.figure is not None and step.kind not in _WITHOUT_FIGURE:
            found.setdefault(step.figure, step)
    return list(found.values())


def _standing(history: History, figure: Figure) -> str:
    """How a figure stands now: a key of the catalogue under `standing`."""
    if figure in history.deprecated and figure != history.current:
        return "withdrawn"
    if figure == history.current:
        return "contested" if history.is_contested else "provisional" if history.is_provisional else "current"
    beside = any(step.kind is RevisionKind.CONTESTED and step.figure == figure for step in history.steps)
    return "contested" if beside and history.is_contested else "superseded"


def _review(
    session: Session, story: Story, history: History, step: Step, known: Mapping[str, StampedClaim], ui: Presenter
) -> dict[str, Any]:
    figure, key = step.figure or Figure(), history.key
    carried = _carriers(session, history, figure, step, known)
    words = f"{ui.record_name(key)}: {ui.figure(figure, key.unit)}"
    claim: dict[str, Any] = {"@type": "Claim", "name": words}
    if step.origins:
        claim["author"] = [_party(origin, story, ui) for origin in step.origins]
    claim |= _dated(step.public_at)
    if appearances := [_appearance(one, story, ui) for one in carried]:
        claim |= {"firstAppearance": appearances[0], "appearance": appearances}
    return {
        "@type": "ClaimReview",
        "@id": f"urn:storywatch:{quote(key_text(key), safe='/=;%')}#{history.steps.index(step) + 1}",
        "claimReviewed": words,
        "about": {"@type": "Event", "name": story.title},
        "author": {"@type": "Organization", "name": ui.t("app.name")},
        "datePublished": iso(history.steps[-1].recorded_at),
        "itemReviewed": claim,
        "reviewRating": {"@type": "Rating", "alternateName": ui.word("standing", _standing(history, figure))},
    }


def _carriers(
    session: Session, history: History, figure: Figure, step: Step, known: Mapping[str, StampedClaim]
) -> Iterable[StampedClaim]:
    if figure.value is not None and (found := research.list_followers(session, history.key, figure)):
        return found
    return [known[claim_id] for claim_id in step.evidence if claim_id in known]


def _address(history: History, base_url: str) -> dict[str, str]:
    return {"url": f"{base_url.rstrip('/')}{record_path(history.key)}"} if base_url else {}


def _party(name: str, story: Story, ui: Presenter) -> dict[str, str]:
    """Who is quoted: a person or an organisation where the seed lists it as one, else a thing.

    Nothing else that is stored says of an origin what it is, and its name does not tell.
    """
    folded = fold_name(name)
    kinds = {one.kind for one in story.entities if folded in map(fold_name, (one.name, *one.aliases))}
    known = [_PARTIES[kind] for kind in kinds if kind in _PARTIES]
    return {"@type": known[0] if len(kinds) == len(known) == 1 else "Thing", "name": ui.name(name)}


def _appearance(stamped: StampedClaim, story: Story, ui: Presenter) -> dict[str, Any]:
    page: dict[str, Any] = {"@type": "NewsArticle", "headline": stamped.title}
    if is_web_address(stamped.url):
        page["url"] = cover_login(stamped.url)
    if stamped.source:
        page["publisher"] = {"@type": "Organization", "name": stamped.source}
    if stamped.claim.speaker:
        page["mentions"] = _party(stamped.claim.speaker, story, ui)
    return page | _dated(stamped.asserted_at) | {"abstract": stamped.sentence}


def _dated(span: Span | None) -> dict[str, str]:
    return {"datePublished": iso(span.not_before)} if span is not None else {}
