"""The past of one record is folded from the claims that can count for it, and is the same as from all claims."""

from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from monitor.ledger.fold import fold_story
from monitor.web.pages.records import read_history
from storage import claims, judgements, stories
from storage.database import Database
from storage.records import BaselineClaim, History, Qualifier, RecordKey, Span
from tests.monitor.web import archive

SLUG = archive.KAZAKHSTAN.slug
MOMENTS = [archive.NOW - timedelta(days=days) for days in (16, 14, 12, 11, 9, 5, 0)]


def from_all_claims(database: Database, key: RecordKey, at: datetime) -> History:
    with database.read() as session:
        story = stories.get_story(session, key.story)
        known = claims.list_claims(session, key.story, known_at=at)
        decided = judgements.list_judgements(session, key.story, known_at=at)
    return fold_story(known, decided, story).get(key, History(key=key))


@pytest.mark.parametrize("at", MOMENTS)
def test_it_is_what_all_claims_of_the_story_give(database: Database, at: datetime) -> None:
    with database.read() as session:
        keys = [history.key for history in claims.list_histories(session, SLUG)]
        past = {key: read_history(session, key, at) for key in keys}
    assert past == {key: from_all_claims(database, key, at) for key in keys}
    assert any(history.steps for history in past.values()) or at < MOMENTS[1]


def test_the_seeds_figures_count_from_when_news_of_any_measure_reached_their_time(database: Database) -> None:
    """The last claim learned by then is of another measure than the record that is asked for."""
    with database.write() as session:
        every = claims.list_claims(session, SLUG)
        last = max(every, key=lambda one: one.recorded_at)
        other = next(one for one in ("injured", "detained", "killed") if one != last.claim.metric)
        at = Span(not_before=last.recorded_at, not_after=last.recorded_at)
        opened = BaselineClaim(metric=other, value=12, qualifier=Qualifier.EXACT, effective_at=at)
        stories.add_story(session, replace(stories.get_story(session, SLUG), claims=(opened,)), now=archive.NOW)
    key = RecordKey(story=SLUG, metric=other)
    with database.read() as session:
        past = read_history(session, key, last.recorded_at)
    assert past == from_all_claims(database, key, last.recorded_at)


def test_a_past_record_is_shown_without_the_forms_that_judge_it(client: httpx.Client) -> None:
    path = f"/stories/{SLUG}/record"
    assert "Hold this record at a figure" in client.get(path, params={"metric": "killed"}).text
    past = client.get(path, params={"metric": "killed", "as_known_at": "2022-01-12T00:00"}).text
    assert "Hold this record at a figure" not in past
