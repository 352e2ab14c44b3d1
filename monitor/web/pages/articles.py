"""One article: its versions, what an edit changed, the stories that it belongs to, and what it says."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from monitor.reading.versions import diff_words
from monitor.web.pages.records import figure_of
from monitor.web.presenter import Presenter, mark_spans, record_path
from monitor.web.refusals import RefusedError
from monitor.web.site import EditorDep, Number, ReaderDep, SiteDep, see_other
from storage import articles, claims, judgements
from storage.database import lock_story
from storage.records import (
    ArticleVersion,
    ClaimStatus,
    DiffPart,
    Figure,
    JudgementKind,
    MatchState,
    StampedClaim,
)

router = APIRouter(include_in_schema=False)
FIGURE = re.compile(r"\d[\d.,\u00a0\u202f ]*\d|\d")
LONG_EQUAL = 90
KEPT_WORDS = 30
VERDICTS = {
    "accept": (MatchState.ACCEPTED, JudgementKind.ACCEPT_MATCH),
    "reject": (MatchState.REJECTED, JudgementKind.REJECT_MATCH),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One claim of an article in a list."""

    name: str
    path: str
    figure: Figure
    unit: str
    is_off: bool


@router.get("/articles/{article_id}")
def show_article(
    request: Request,
    site: SiteDep,
    caller: ReaderDep,
    article_id: Number,
    version: Number | None = None,
    against: Number | None = None,
) -> Response:
    """An article as it stood at one version (the newest by default), or what changed between two."""
    with site.database.read() as session:
        article = articles.get_article(session, article_id)
        versions = articles.list_versions(session, article_id)
        shown = choose(versions, version)
        older = choose(versions, against) if against is not None else None
        matches = articles.list_matches(session, article_id)
        stated = claims.list_claims(session, article_id=article_id)
        known = site.stories(session)
        page = site.page(request, "search", session, caller=caller)
    ui = site.presenter(request, known)
    standing = [one for one in stated if one.version_first <= shown.number <= (one.version_last or shown.number)]
    body = as_diff(ui, older.text, shown.text) if older else as_text(ui, shown, standing)
    return site.render(
        request,
        "article.html",
        page,
        ui,
        article=article,
        version=shown,
        older=older,
        versions=versions,
        title_diff=as_diff(ui, older.title, shown.title) if older and older.title != shown.title else "",
        body=body,
        matches=matches,
        titles={story.slug: story.title for story in known},
        claims=[said(ui, one) for one in sorted(standing, key=lambda one: one.claim.start)],
    )


def choose(versions: tuple[ArticleVersion, ...], number: int | None) -> ArticleVersion:
    """The version of this number, or the newest. Raises RefusedError 404."""
    found = (
        next((one for one in versions if one.number == number), None)
        if number is not None
        else (versions or (None,))[-1]
    )
    if found is None:
        raise RefusedError(404, "error.not_found")
    return found


def said(ui: Presenter, stamped: StampedClaim) -> Said:
    """A claim as a line with a link to its record."""
    claim = stamped.claim
    key = stamped.key
    is_off = claim.status not in (ClaimStatus.CURRENT, ClaimStatus.UNCONFIRMED)
    return Said(
        name=ui.record_name(key), path=record_path(key), figure=figure_of(stamped), unit=claim.unit, is_off=is_off
    )


def as_text(ui: Presenter, version: ArticleVersion, standing: Iterable[StampedClaim]) -> Markup:
    """A version's text, escaped, with the quotes of its claims marked and each post of a live page under its time."""
    if not version.text:
        return escape(ui.t("article.dropped"))
    spans = {(one.claim.start, one.claim.end) for one in standing if one.claim.field == "text"}
    fits = {(start, end) for start, end in spans if any(version.text[start:end] == one.claim.quote for one in standing)}
    pieces, at = [], 0
    for part in sorted(version.parts, key=lambda one: one.start):
        before = marked_part(version.text, at, part.start, fits)
        pieces += [before, Markup('<span class="post-time">{}</span>').format(ui.span(part.published))]
        at = part.start
    return Markup("").join([*pieces, marked_part(version.text, at, len(version.text), fits)])


def marked_part(text: str, start: int, end: int, spans: Iterable[tuple[int, int]]) -> Markup:
    """A stretch of a text, escaped, with the spans that lie in it marked."""
    return mark_spans(text[start:end], {(one - start, other - start) for one, other in spans if start <= one < end})


def as_diff(ui: Presenter, old: str, new: str) -> Markup:
    """What changed word by word; a figure that changed is boxed, a long stretch that did not is folded away."""
    parts = [part_markup(ui, part) for part in diff_words(old, new)]
    return Markup("").join(parts)


def part_markup(ui: Presenter, part: DiffPart) -> Markup:
    """One part of a diff as markup."""
    return Markup("{}{}").format(deleted(part.old), inserted(part.new)) if part.old != part.new else kept(ui, part.old)


def deleted(text: str) -> Markup:
    """Words that went."""
    return Markup("<del>{}</del>").format(boxed(text)) if text else Markup("")


def inserted(text: str) -> Markup:
    """Words that came."""
    return Markup("<ins>{}</ins>").format(boxed(text)) if text else Markup("")


def kept(ui: Presenter, text: str) -> Markup:
    """Words that stayed; of a long stretch its two ends."""
    words = re.findall(r"\S+\s*", text)
    if len(words) <= LONG_EQUAL:
        return escape(text)
    gap = ui.t("article.unchanged", n=len(words) - 2 * KEPT_WORDS)
    return Markup('{}<span class="gap">{}</span>{}').format(
        "".join(words[:KEPT_WORDS]), gap, "".join(words[-KEPT_WORDS:])
    )


def boxed(text: str) -> Markup:
    """A changed text with its figures boxed."""
    parts: list[Markup] = []
    position = 0
    for found in FIGURE.finditer(text):
        parts += [
            escape(text[position : found.start()]),
            Markup('<span class="figure">{}</span>').format(found.group()),
        ]
        position = found.end()
    return Markup("").join([*parts, escape(text[position:])])


@router.post("/articles/{article_id}/matches/{story}")
def decide_match(
    request: Request, site: SiteDep, caller: EditorDep, article_id: Number, story: str, verdict: Annotated[str, Form()]
) -> Response:
    """Accept or reject a match, and work the story out again."""
    if verdict not in VERDICTS:
        raise RefusedError(400, "error.bad_request")
    state, kind = VERDICTS[verdict]
    now = site.clock()
    with site.database.write() as session:
        lock_story(session, story)
        articles.set_match_state(session, article_id, story, state)
        judgements.add_judgement(session, story=story, kind=kind, target=str(article_id), who=caller.name, made_at=now)
        site.rematch(session, article_id, story, now)
    return see_other(request, f"/articles/{article_id}", "matched")
