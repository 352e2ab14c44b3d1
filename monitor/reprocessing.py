"""SHELL: read what is stored anew, with the present words and the present seed, as if it came in today.

What an older lexicon read gives way to what this one reads in the same versions, and is kept as superseded: what was
known before is told from it. History is folded anew, and whoever was told otherwise gets a correction. Reading is done
outside any transaction; one transaction takes a story's claims over whole, so that no half of it is ever told as news.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from monitor.claims.lexicon import LEXICON_VERSION
from monitor.clock import Clock
from monitor.intake import join_wire_group, refold
from monitor.ledger.judgements import match_state
from monitor.ledger.live_pages import extract_claims
from monitor.ledger.stamping import stamp_versions
from monitor.watch import Watch
from storage import articles, claims, judgements, stories, superseded
from storage.database import Database, lock_story
from storage.records import Article, ArticleVersion, Claim, Judgement, Match, MatchState, Revision, StampedClaim

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprocessed:
    """What reading a story's articles anew came to; `begun` and `gone` are claims that only one lexicon reads."""

    story: str
    articles: int
    claims: int
    begun: int
    gone: int
    revisions: tuple[Revision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadAnew:
    """An article with what each of its versions says now; no `match`: it does not belong to the story any more."""

    article: Article
    match: Match | None
    versions: tuple[tuple[ArticleVersion, tuple[Claim, ...]], ...]


def reprocess_story(
    database: Database, watch: Watch, slug: str, *, clock: Clock, on_progress: Callable[[int, int], None]
) -> Reprocessed:
    """Read all stored articles anew for one story, as an extraction run, and fold it; alerts are planned as ever.

    `on_progress` is called with how many articles are done and how many there are. An article whose text retention
    dropped keeps its claims. Raises NotFoundError for a story that is not watched.
    """
    with database.write() as session:
        stories.get_story(session, slug)
        run = stories.add_extraction_run(session, slug, LEXICON_VERSION, started_at=clock())
    read = {one.article.article_id: one for one in _read_all(database, watch, slug, on_progress)}
    now = clock()
    with database.write() as session:
        lock_story(session, slug)
        newest = articles.find_newest_versions(session, read)
        begun = gone = count = 0
        for number, one in read.items():
            if newest[number].number != one.versions[-1][0].number:
                # An edit came in while we read: read it with the edit.
                one = _read_one(session, watch, slug, one.article) or one
            added, removed, total = _take_over(session, slug, one, now, run)
            begun, gone, count = begun + added, gone + removed, count + total
        revisions = refold(session, watch, watch.stories[slug], now=now)
        stories.finish_extraction_run(session, run, articles=len(read), claims=count, finished_at=now)
    return Reprocessed(story=slug, articles=len(read), claims=count, begun=begun, gone=gone, revisions=tuple(revisions))


def _read_all(
    database: Database, watch: Watch, slug: str, on_progress: Callable[[int, int], None]
) -> Iterable[_ReadAnew]:
    """Every stored article that belongs to the story now, or belonged to it until now."""
    with database.read() as session:
        total = articles.count_articles(session)
        for offset in range(0, total, _PAGE):
            for place, article in enumerate(articles.list_articles(session, limit=_PAGE, offset=offset), start=1):
                one = _read_one(session, watch, slug, article)
                if one is not None:
                    yield one
                on_progress(offset + place, total)


def _read_one(session: Session, watch: Watch, slug: str, article: Article) -> _ReadAnew | None:
    versions = articles.list_versions(session, article.article_id)
    if not versions or not all(version.text for version in versions):
        return None
    held = next((one for one in articles.list_matches(session, article.article_id) if one.story == slug), None)
    match = _judge(watch, slug, article, versions[-1], held)
    if match is None and held is None:
        return None
    extractor = watch.extractors[slug]
    read = tuple(
        (
            version,
            extract_claims(
                extractor,
                title=version.title,
                text=version.text,
                parts=version.parts,
                published=article.published,
                lang=article.lang,
            )
            if match is not None
            else (),
        )
        for version in versions
    )
    return _ReadAnew(article=article, match=match, versions=read)


def _judge(watch: Watch, slug: str, article: Article, newest: ArticleVersion, held: Match | None) -> Match | None:
    """The match by which an article belongs to a story: a person's word counts, else the matcher's."""
    if held is not None and held.state is MatchState.REJECTED:
        return None
    found = watch.matcher.match(title=newest.title, text=newest.text, published=article.published, lang=article.lang)
    match = next((one for one in found if one.story == slug), None)
    if match is None and held is not None and held.state is MatchState.ACCEPTED:
        return held
    return match


def rematch_article(session: Session, watch: Watch, article_id: int, *, now: datetime) -> tuple[Revision, ...]:
    """Take a stored article in again after a person accepted or rejected a match: its claims come in, or end.

    All its versions are read, so that what an edit took out stays in history. Call within one write transaction.
    """
    article = articles.get_article(session, article_id)
    revisions: list[Revision] = []
    for slug, story in watch.stories.items():
        lock_story(session, slug)
        one = _read_one(session, watch, slug, article)
        held = next((match for match in articles.list_matches(session, article_id) if match.story == slug), None)
        if one is not None:
            _stamp_anew(session, slug, one, now, None)
        elif held is not None and held.state is MatchState.REJECTED:  # its text is dropped already: nothing to read
            left = [claim.claim_id for claim in claims.list_claims(session, slug, article_id=article_id)]
            superseded.supersede_claims(session, slug, left, superseded_at=now)
        revisions += refold(session, watch, story, now=now)
    return tuple(revisions)


def unjudge_match(session: Session, watch: Watch, taken: Judgement, *, now: datetime) -> tuple[Revision, ...]:
    """Let a match stand as the judgements left after `taken` was revoked say, and take its article in again."""
    left = judgements.list_judgements(session, taken.story, target=taken.target)
    articles.set_match_state(session, int(taken.target), taken.story, match_state(left))
    return rematch_article(session, watch, int(taken.target), now=now)


def _take_over(session: Session, slug: str, one: _ReadAnew, now: datetime, run_id: int) -> tuple[int, int, int]:
    """Put what was read anew in the place of what is held; returns how many claims are new, gone, and there now."""
    number = one.article.article_id
    if one.match is not None:
        articles.record_matches(session, number, [one.match], matched_at=now)
    else:
        left = [replace(old, is_match=False) for old in articles.list_matches(session, number) if old.story == slug]
        articles.record_matches(session, number, left, matched_at=now)
    return _stamp_anew(session, slug, one, now, run_id)


def _stamp_anew(session: Session, slug: str, one: _ReadAnew, now: datetime, run_id: int | None) -> tuple[int, int, int]:
    number = one.article.article_id
    held = {claim.claim_id: claim for claim in claims.list_claims(session, slug, article_id=number)}
    group = next((claim.wire_group for claim in held.values() if claim.wire_group), None)
    if group is None and not held:
        group, _ = join_wire_group(session, one.article, articles.list_fingerprints(session, number))
    fresh = stamp_versions(slug, one.article, one.versions, held, wire_group=group, now=now)
    left = [name for name, claim in held.items() if name not in fresh or not _reads_alike(claim, fresh[name])]
    superseded.supersede_claims(session, slug, left, superseded_at=now, run_id=run_id)
    claims.replace_claims(session, [claim for name, claim in fresh.items() if held.get(name) != claim])
    return len(fresh.keys() - held.keys()), len(held.keys() - fresh.keys()), len(fresh)


def _reads_alike(old: StampedClaim, new: StampedClaim) -> bool:
    """Whether a newer lexicon reads the very same: nothing is superseded but its version."""
    return old == replace(new, claim=replace(new.claim, lexicon_version=old.claim.lexicon_version))
