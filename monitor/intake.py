"""SHELL: take one version of an article in. One transaction stores it with its matches, claims, revisions and alerts.

Everything that needs thought (matching, extracting, folding, comparing, planning) is asked of the pure rooms; this
module only fetches what they need from the store and puts back what they decided. Nothing here touches the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from alerts.plan import plan_alerts
from monitor.finds import note_finds
from monitor.ledger.changes import find_revisions
from monitor.ledger.edit_events import edit_revision
from monitor.ledger.stamping import stamp_claims
from monitor.reading.wire import fingerprint, is_same_text
from monitor.recognition import recognise, shared_alias
from monitor.watch import Reading, Watch
from storage import articles, claims, deliveries, outbox
from storage.database import lock_story
from storage.keys import wire_group_id
from storage.records import (
    Article,
    ArticleVersion,
    DatedPart,
    Match,
    MatchState,
    NewArticle,
    Revision,
    RevisionKind,
    StampedClaim,
    Story,
)

# A copy shares most with its original: what shares less than the twenty best is none.
MOST_CANDIDATES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of one version: where it is stored, and what the change log and the outbox got from it."""

    article: Article
    version: ArticleVersion
    is_new: bool
    stories: tuple[str, ...] = ()
    claims: int = 0
    revisions: tuple[Revision, ...] = ()
    alerts: int = 0


def take_article(
    session: Session,
    watch: Watch,
    new: NewArticle,
    reading: Reading,
    *,
    claimed: str = "",
    used_id: str = "",
    silent: bool = False,
) -> Taken:
    """Store an article read for the first time with all that follows from it; a known one is returned as it stands.

    `reading` is what `watch.read` made of the same text. `claimed` is the address that its page calls its own, where it
    was read at another; `used_id` the alias of an id that its feed gave to another page before: an article that we hold
    under these is this one only if its words say so. Call within one write transaction. `silent`: nobody is told.
    """
    found = recognise(session, new, *(name for name in (claimed, used_id) if name))
    known = found.article
    if known is not None:
        articles.add_aliases(session, known.article_id, new.aliases)
        version = articles.find_newest_version(session, known.article_id)
        if version is not None:
            if found.is_by_words and version.text_hash != new.text_hash:
                known = replace(known, reread_at=new.learned_at)
                articles.update_article(session, known)
            return Taken(article=known, version=version, is_new=False)
    prints = fingerprint(new.text)
    article = articles.add_article(session, replace(new, matches=reading.matches, fingerprints=tuple(sorted(prints))))
    articles.add_aliases(session, article.article_id, found.wrong, moved=True)
    articles.add_aliases(session, article.article_id, [claimed] if claimed else [])
    articles.add_aliases(session, article.article_id, map(shared_alias, found.shared))
    version = articles.get_version(session, article.article_id, 1)
    return _take(session, watch, article, version, reading, prints, now=new.learned_at, silent=silent)


def take_version(
    session: Session,
    watch: Watch,
    article: Article,
    reading: Reading,
    *,
    title: str,
    text: str,
    text_hash: str,
    now: datetime,
    parts: tuple[DatedPart, ...] = (),
    trace: str = "",
    fetched_at: datetime | None = None,
    silent: bool = False,
) -> Taken:
    """Store an article's text as it stands at `now`; the version already held is returned if it is that very text.

    `trace` is the id of the re-read that brought it. `fetched_at` is when it stood so, where that is learned only `now`
    (an archive). `silent`: nobody is told.
    """
    held = articles.find_newest_version(session, article.article_id)
    version = articles.add_version(
        session, article.article_id, title=title, text=text, text_hash=text_hash,
        fetched_at=fetched_at or now, previous_fetched_at=article.last_read_at, parts=parts, trace=trace,
        recorded_at=now,
    )  # fmt: skip
    if held is not None and version.version_id == held.version_id:
        return Taken(article=article, version=version, is_new=False)
    article = articles.get_article(session, article.article_id)
    articles.record_matches(session, article.article_id, reading.matches, matched_at=now)
    prints = fingerprint(text)
    articles.set_fingerprints(session, article.article_id, prints)
    return _take(session, watch, article, version, reading, prints, now=now, silent=silent)


def accepted(reading: Reading, stories: Sequence[str]) -> Reading:
    """A reading in which a person said beforehand, of a whole source, that it belongs to these stories."""
    found = {match.story: match for match in reading.matches}
    named = [found.pop(slug, Match(story=slug, score=0.0, hits=())) for slug in stories]
    matches = (*(replace(match, is_match=True, state=MatchState.ACCEPTED) for match in named), *found.values())
    return replace(reading, matches=matches)


def accepted_stories(session: Session, article_id: int) -> tuple[str, ...]:
    """The stories that a person said an article belongs to."""
    return tuple(m.story for m in articles.list_matches(session, article_id) if m.state is MatchState.ACCEPTED)


def refold(
    session: Session,
    watch: Watch,
    story: Story,
    *,
    now: datetime,
    changed: Sequence[StampedClaim] | None = None,
    extra: Sequence[Revision] = (),
    silent: bool = False,
    trace: str = "",
) -> tuple[Revision, ...]:
    """Fold a story anew, append what moved (and `extra` events) to its change log, and plan the alerts due for it.

    Returns the revisions that are new. `changed` are the claims that this transaction began or altered, if that is
    all it did to them. `silent`: the revisions are kept and told to nobody. `trace` is the id of the poll or re-read
    behind them. Call with the story locked.
    """
    folded = watch.folds.fold(session, story, changed, now=now)
    altered, gone = folded.changed(), folded.gone()
    keys = [*(history.key for history in altered), *gone]
    found = find_revisions(
        {key: folded.before[key] for key in keys if key in folded.before},
        {history.key: history for history in altered},
        claims=folded.claims,
        recorded_at=now,
        log=[revision for key in keys for revision in claims.list_revisions(session, key=key)],
    )
    moved = [replace(_hush(revision, watch, now, silent), trace=trace) for revision in (*found, *extra)]
    claims.update_histories(session, story.slug, altered, gone, now=now)
    fresh = claims.add_revisions(session, moved)
    told = outbox.list_told_or_waiting(session, [revision.corrects for revision in fresh if revision.corrects])
    planned = plan_alerts(fresh, watch.subscriptions, stories=(story,), now=now, told=told)
    deliveries.add_alerts(session, planned)
    return fresh


def _take(
    session: Session,
    watch: Watch,
    article: Article,
    version: ArticleVersion,
    reading: Reading,
    prints: frozenset[int],
    *,
    now: datetime,
    silent: bool = False,
) -> Taken:
    decided = {match.story: match for match in articles.list_matches(session, article.article_id)}
    stories = [slug for slug in sorted(reading.claims) if _belongs(decided.get(slug))]
    left = [slug for slug in sorted(decided) if slug in watch.stories and slug not in stories]
    lock_story(session, *stories, *left)
    group, regrouped = join_wire_group(session, article, prints)
    revisions: list[Revision] = []
    count = 0
    for slug in (*stories, *left):
        found = reading.claims[slug] if slug in stories else ()
        count += len(found)
        held = {one.claim_id: one for one in claims.list_claims(session, slug, article_id=article.article_id)}
        stamped = stamp_claims(slug, article, version, found, held, now=now, wire_group=group)
        claims.replace_claims(session, [*stamped.begun, *stamped.ended])
        events = _edit_events(session, watch, slug, article, version, now) if slug in stories else ()
        if stamped.is_change or events:
            touched = [*stamped.begun, *stamped.ended, *(one for one in regrouped if one.story == slug)]
            revisions += refold(
                session, watch, watch.stories[slug], now=now, changed=touched, extra=events, silent=silent,
                trace=version.trace,
            )  # fmt: skip
    revisions += note_finds(
        session,
        watch,
        article,
        version,
        now=now,
        silent=silent or (bool(stories) and watch.quiet.issuperset(stories)),
    )
    return Taken(
        article=article, version=version, is_new=True, stories=tuple(stories), claims=count, revisions=tuple(revisions)
    )


def _belongs(match: Match | None) -> bool:
    """Whether an article is read for a story: a person's word counts, else the matcher's (None: it was forced)."""
    return (
        match is None
        or match.state is MatchState.ACCEPTED
        or (match.is_match and match.state is not MatchState.REJECTED)
    )


def _edit_events(
    session: Session, watch: Watch, slug: str, article: Article, version: ArticleVersion, now: datetime
) -> tuple[Revision, ...]:
    if version.number == 1:
        return ()
    old = articles.get_version(session, article.article_id, version.number - 1)
    event = edit_revision(slug, article, old, version, extractor=watch.extractors[slug], now=now)
    return (event,) if event is not None else ()


def join_wire_group(
    session: Session, article: Article, prints: frozenset[int]
) -> tuple[str | None, tuple[StampedClaim, ...]]:
    """The wire text that this article is a copy of, if any, and the claims of the first copy if it joins with it."""
    shared = articles.count_shared_fingerprints(session, prints) if prints else {}
    for other, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:MOST_CANDIDATES]:
        if other == article.article_id:
            continue
        theirs = articles.list_fingerprints(session, other)
        if not is_same_text(prints, theirs):
            continue
        held = claims.list_claims(session, article_id=other)
        group = next((one.wire_group for one in held if one.wire_group), None)
        if group is not None:
            return group, ()
        group = wire_group_id(format(one, "x") for one in theirs)
        claims.set_wire_group(session, [other], group)
        return group, claims.list_claims(session, article_id=other)
    return None, ()


def _hush(revision: Revision, watch: Watch, now: datetime, silent: bool) -> Revision:
    """Keep quietly what is told to be quiet, and old news that we only learn now; a correction is always told."""
    is_late = watch.is_late(revision.public_at, now)
    if silent or revision.story in watch.quiet or (is_late and revision.kind is not RevisionKind.CORRECTION):
        return replace(revision, is_silent=True)
    return revision
