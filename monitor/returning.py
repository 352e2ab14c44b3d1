"""SHELL: articles that were taken down and may come back: looked for ever more rarely, told when they are there."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from monitor.intake import refold
from monitor.ledger.edit_events import return_revision
from monitor.reading.landings import is_back
from monitor.sources.answers import Fetched
from monitor.sources.policy import return_at
from monitor.tools import Tools
from monitor.watch import Watch
from storage import articles
from storage.database import lock_story
from storage.records import Article, ReadArticle


def is_there_again(tools: Tools, article: Article, fetched: Fetched, page: ReadArticle | None) -> bool:
    """Whether what answers at a removed article's address is that article; no `page`: what we hold of it."""
    if fetched.trouble is not None:
        return False
    if page is None:
        return True
    with tools.database.read() as session:
        held = articles.find_newest_version(session, article.article_id)
    return held is not None and is_back(page, title=held.title, text=held.text)


async def stay_away(tools: Tools, article: Article, now: datetime) -> None:
    """Note that a removed article is not there yet, and when to look again."""
    if article.removed_at is None:
        return
    later = replace(article, last_read_at=now, reread_at=return_at(article.removed_at, now), pending_hash=None)
    await tools.write(lambda session: articles.update_article(session, replace(later, pending_since=None)))


def put_back(session: Session, watch: Watch, article: Article, *, now: datetime, trace: str) -> None:
    """Note that a removed article is there again, and tell its stories; nothing of one that was not removed."""
    if article.removed_at is None:
        return
    articles.update_article(session, replace(articles.get_article(session, article.article_id), removed_at=None))
    version = articles.find_newest_version(session, article.article_id)
    slugs = [slug for slug in articles.list_stories_of(session, article.article_id) if slug in watch.stories]
    lock_story(session, *slugs)
    for slug in slugs:
        event = return_revision(slug, article, version, returned_at=now)
        refold(session, watch, watch.stories[slug], now=now, extra=(event,), trace=trace)
