"""SHELL: tells of new articles that a saved search finds, within the transaction that stores them."""

import logging
from datetime import datetime

from sqlmodel import Session

from alerts.finds import find_revision
from alerts.plan import plan_alerts
from monitor.watch import Watch
from storage import claims, deliveries, searches
from storage.errors import QueryError
from storage.query import Query, parse_query
from storage.records import Article, ArticleVersion, Revision, SavedSearch
from storage.searched import is_found, load_searched

_LOG = logging.getLogger(__name__)


def note_finds(
    session: Session, watch: Watch, article: Article, version: ArticleVersion, *, now: datetime, silent: bool = False
) -> tuple[Revision, ...]:
    """Append to the change log what saved searches find in this newest version, and plan the alerts due for it.

    Call once the version's matches and claims are stored. Articles first seen before a search was saved are nothing new
    to it; what an edit brings into a newer one is. `silent`: kept, and told to nobody. Returns what is new.
    """
    asked = [
        (search, query)
        for search in searches.list_searches(session)
        if search.is_told and search.saved_at <= article.first_seen_at and (query := _parsed(search)) is not None
    ]
    if not asked:
        return ()
    seen = load_searched(session, article.article_id, title=version.title, text=version.text)
    hushed = silent or watch.is_late(article.published, now)
    events = [
        find_revision(search, article, version, now=now, is_silent=hushed)
        for search, query in asked
        if is_found(query, seen)
    ]
    fresh = claims.add_revisions(session, events)
    deliveries.add_alerts(session, plan_alerts(fresh, watch.subscriptions, now=now))
    return fresh


def _parsed(search: SavedSearch) -> Query | None:
    """Its query; None, with a word in the log, where another version of Storywatch saved what this one cannot read."""
    try:
        return parse_query(search.query)
    except QueryError as error:
        _LOG.warning("saved search %s is left out: %s", search.name, error)
        return None
