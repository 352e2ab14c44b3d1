"""PURE: the claims of a version get their identity and circumstances; an edit ends some and begins others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from storage.keys import claim_ids, sentence_of
from storage.records import Article, ArticleVersion, Claim, Span, StampedClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """What a version changes among an article's claims: those new or back again, and those that an edit took out."""

    standing: tuple[StampedClaim, ...] = ()
    begun: tuple[StampedClaim, ...] = ()
    ended: tuple[StampedClaim, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether the ledger has anything to fold anew."""
        return bool(self.begun or self.ended)


def stamp_claims(
    story: str,
    article: Article,
    version: ArticleVersion,
    found: Sequence[Claim],
    held: Mapping[str, StampedClaim],
    *,
    wire_group: str | None = None,
) -> Stamped:
    """Return what a version's claims change. `held` are the article's claims in this story by id, ended ones too.

    A first version's claims were asserted when it was published; those that an edit brought, between the previous
    fetch and this one. A claim that an edit took out and another brought back is begun anew under its old id.
    """
    ids = claim_ids(article.url, found, title=version.title, text=version.text)
    by_edit = version.number > 1
    asserted_at = _edit_span(version) if by_edit else (article.published or _seen(version))
    standing, begun = [], []
    for identity, claim in dict(zip(ids, found, strict=True)).items():
        known = held.get(identity)
        if known is not None and known.ended_at is None:
            standing.append(replace(known, claim=claim))
            continue
        begun.append(
            StampedClaim(
                claim_id=identity,
                claim=claim,
                story=story,
                article_id=article.article_id,
                url=article.url,
                title=version.title,
                source=article.source,
                trust=article.trust,
                sentence=sentence_of(claim, title=version.title, text=version.text).strip(),
                asserted_at=known.asserted_at if known else asserted_at,
                recorded_at=known.recorded_at if known else version.fetched_at,
                by_edit=known.by_edit if known else by_edit,
                wire_group=wire_group,
                version_first=known.version_first if known else version.number,
            )
        )
    present = set(ids)
    ended = [
        replace(claim, ended_at=version.fetched_at, version_last=version.number - 1)
        for identity, claim in held.items()
        if identity not in present and claim.ended_at is None
    ]
    return Stamped(standing=tuple(standing), begun=tuple(begun), ended=tuple(ended))


def stamp_versions(
    story: str,
    article: Article,
    versions: Sequence[tuple[ArticleVersion, Sequence[Claim]]],
    held: Mapping[str, StampedClaim],
    *,
    wire_group: str | None,
    now: datetime,
) -> dict[str, StampedClaim]:
    """Return the claims of an article's versions by id, one version after another as they would have come in.

    Claims that an edit took out are there, ended. Those in `held` keep the time at which they were learned; new ones
    are learned `now`.
    """
    fresh: dict[str, StampedClaim] = {}
    for version, found in versions:
        stamped = stamp_claims(story, article, version, found, fresh, wire_group=wire_group)
        fresh |= {claim.claim_id: claim for claim in (*stamped.standing, *stamped.begun, *stamped.ended)}
    return {
        name: replace(claim, recorded_at=held[name].recorded_at if name in held else now)
        for name, claim in fresh.items()
    }


def _edit_span(version: ArticleVersion) -> Span:
    return Span(not_before=version.previous_fetched_at or version.fetched_at, not_after=version.fetched_at)


def _seen(version: ArticleVersion) -> Span:
    return Span(not_before=version.fetched_at, not_after=version.fetched_at)
