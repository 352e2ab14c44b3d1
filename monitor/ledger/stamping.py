"""PURE: the claims of a version get their identity and circumstances; an edit ends some and begins others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.ledger.live_pages import name_of_post, oldest_shown, published_of
from storage.keys import claim_ids, returned_claim_id, sentence_of
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
    now: datetime,
    wire_group: str | None = None,
) -> Stamped:
    """Return what a version's claims change. `held` are the article's claims in this story by id, ended ones too.
    They begin and end `now`, when the version is learned of.

    A first version's claims were asserted when it was published; those that an edit brought, between the previous
    fetch and this one. Those of a live page's post were asserted when the post was published, unless it stood there
    before without them. A claim that an edit took out and another brought back is begun anew under its old id; where it
    takes the place of another figure again, the page says it anew, and it gets an id of its own.
    """
    standing, begun = [], []
    named = _name_returns(_name(article, version, found), version, held)
    for identity, claim in named.items():
        known = held.get(identity)
        if known is not None and known.ended_at is None:
            standing.append(replace(known, claim=claim))
            continue
        asserted_at, by_edit = _asserted(article, version, claim)
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
                recorded_at=known.recorded_at if known else now,
                by_edit=known.by_edit if known else by_edit,
                wire_group=wire_group,
                version_first=known.version_first if known else version.number,
                lang=article.lang,
            )
        )
    ended = [
        replace(claim, ended_at=now, version_last=version.number - 1)
        for identity, claim in held.items()
        if identity not in named and claim.ended_at is None and not _is_pushed_out(claim, version)
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

    Claims that an edit took out are there, ended. Those in `held` keep the times at which they were learned and known
    to have ended; new ones are learned `now`.
    """
    fresh: dict[str, StampedClaim] = {}
    for version, found in versions:
        stamped = stamp_claims(story, article, version, found, fresh, now=version.fetched_at, wire_group=wire_group)
        fresh |= {claim.claim_id: claim for claim in (*stamped.standing, *stamped.begun, *stamped.ended)}
    return {
        name: replace(
            claim,
            recorded_at=held[name].recorded_at if name in held else now,
            ended_at=_ended_at(claim, held.get(name)),
        )
        for name, claim in fresh.items()
    }


def _ended_at(claim: StampedClaim, held: StampedClaim | None) -> datetime | None:
    """When a claim ended: of the same edit, as it was learned (an archive's edits are learned long after)."""
    is_same_edit = held is not None and held.ended_at is not None and held.version_last == claim.version_last
    return held.ended_at if held is not None and is_same_edit else claim.ended_at


def _name(article: Article, version: ArticleVersion, found: Sequence[Claim]) -> dict[str, Claim]:
    """The claims by their identities, in their order; each post of a live page counts its repeats for itself."""
    texts: dict[str, list[Claim]] = {}
    for claim in found:
        texts.setdefault(name_of_post(article.url, version, claim), []).append(claim)
    named: dict[str, Claim] = {}
    for text, said in texts.items():
        named |= zip(claim_ids(text, said, title=version.title, text=version.text), said, strict=True)
    return named


def _name_returns(
    named: Mapping[str, Claim], version: ArticleVersion, held: Mapping[str, StampedClaim]
) -> dict[str, Claim]:
    """The claims under the ids that they go by now: what replaces its own replacement has a new one each time."""
    latest = {identity: _latest_id(identity, held) for identity in named}
    kept = set(latest.values())
    leaving = [
        one
        for name, one in held.items()
        if one.ended_at is None and name not in kept and not _is_pushed_out(one, version)
    ]
    found = {}
    for identity, claim in named.items():
        name = latest[identity]
        past = held.get(name)
        found[returned_claim_id(name) if past is not None and _is_back(past, claim, leaving) else name] = claim
    return found


def _latest_id(identity: str, held: Mapping[str, StampedClaim]) -> str:
    """The id by which a claim went last."""
    while (following := returned_claim_id(identity)) in held:
        identity = following
    return identity


def _is_back(past: StampedClaim, claim: Claim, leaving: Sequence[StampedClaim]) -> bool:
    """Whether a claim that was taken out comes back in the place of another figure that had come since."""
    return past.ended_at is not None and any(
        other.version_first > (past.version_last or 0)
        and _scope(other.claim) == _scope(claim)
        and _said(other.claim) != _said(claim)
        for other in leaving
    )


def _scope(claim: Claim) -> tuple[str | None, ...]:
    return (claim.metric, claim.unit, claim.population, claim.place, claim.period)


def _said(claim: Claim) -> tuple[object, ...]:
    return (claim.value, claim.low, claim.high, claim.qualifier, claim.state, claim.status)


def _asserted(article: Article, version: ArticleVersion, claim: Claim) -> tuple[Span, bool]:
    """When a claim that is new was made, and whether an edit of a text that stood there before brought it."""
    at = published_of(version, claim)
    before = version.previous_fetched_at
    if at is not None and (version.number == 1 or before is None or at.not_after >= before):
        return at, False
    return (_edit_span(version), True) if version.number > 1 else (article.published or _seen(version), False)


def _is_pushed_out(claim: StampedClaim, version: ArticleVersion) -> bool:
    """Whether a claim is of a post that a live page shows no more since newer ones came."""
    oldest, at = oldest_shown(version), claim.asserted_at
    return oldest is not None and at is not None and claim.claim.field != "title" and at.not_after < oldest


def _edit_span(version: ArticleVersion) -> Span:
    return Span(not_before=version.previous_fetched_at or version.fetched_at, not_after=version.fetched_at)


def _seen(version: ArticleVersion) -> Span:
    return Span(not_before=version.fetched_at, not_after=version.fetched_at)
