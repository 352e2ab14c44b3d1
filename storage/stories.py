"""Stories as stored: the definition from the seed, and the state that a person or the calendar gave it."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session

from storage.codec import from_json, to_json
from storage.errors import NotFoundError
from storage.keys import stable_hash
from storage.meta import find_fact, set_fact
from storage.records import ExtractionRun, Story, StoryState
from storage.tables import EXTRACTION_RUNS, STORIES
from storage.writing import changed_rows, insert_or_update, returned_id

_MARK_FACT = "stories.mark"


def add_story(session: Session, story: Story, *, now: datetime) -> bool:
    """Store a story, or its new definition. Returns whether anything changed.

    A story that a person closed or opened stays so until the seed's own state changes. A draft is never a person's
    doing, so whatever the seed says ends it.
    """
    held = session.execute(select(STORIES.c.payload, STORIES.c.state).where(STORIES.c.slug == story.slug)).first()
    payload = to_json(story)
    state = story.state
    if held:
        stored = StoryState(held.state)
        is_kept = from_json(Story, held.payload).state is story.state and stored is not StoryState.DRAFT
        state = stored if is_kept else story.state
        if held.payload == payload and state is stored:
            return False
    row = {
        "slug": story.slug, "title": story.title, "state": state.value, "payload": payload,
        "added_at": now, "updated_at": now,
    }  # fmt: skip
    if held:
        del row["added_at"]
        session.execute(update(STORIES).where(STORIES.c.slug == story.slug).values(**row))
    else:
        insert_or_update(session, STORIES, [row], ["slug"])
    _mark_change(session, story.slug, payload, state)
    return True


def get_story(session: Session, slug: str) -> Story:
    """The story of this name. Raises NotFoundError, which lists those that there are."""
    story = find_story(session, slug)
    if story is None:
        names = ", ".join(session.execute(select(STORIES.c.slug).order_by(STORIES.c.slug)).scalars()) or "none yet"
        raise NotFoundError(f"no story is called {slug!r}; stories: {names}")
    return story


def find_story(session: Session, slug: str) -> Story | None:
    """The story of this name, or None."""
    found = list_stories(session, slugs=(slug,))
    return found[0] if found else None


def list_stories(
    session: Session, *, states: tuple[StoryState, ...] = (), slugs: tuple[str, ...] = ()
) -> tuple[Story, ...]:
    """Stories in the order of their names; only those in `states` or called `slugs` where given."""
    query = select(STORIES.c.payload, STORIES.c.state).order_by(STORIES.c.slug)
    if states:
        query = query.where(STORIES.c.state.in_([state.value for state in states]))
    if slugs:
        query = query.where(STORIES.c.slug.in_(slugs))
    return tuple(replace(from_json(Story, row.payload), state=StoryState(row.state)) for row in session.execute(query))


def find_added_times(session: Session) -> dict[str, datetime]:
    """When each story was taken up, by its name."""
    return {row.slug: row.added_at for row in session.execute(select(STORIES.c.slug, STORIES.c.added_at))}


def set_story_state(session: Session, slug: str, state: StoryState, *, now: datetime) -> None:
    """Close a story, wake it, put it to sleep. Raises NotFoundError."""
    changed = session.execute(update(STORIES).where(STORIES.c.slug == slug).values(state=state.value, updated_at=now))
    if not changed_rows(changed):
        get_story(session, slug)
    _mark_change(session, slug, now.isoformat(), state)


def find_stories_mark(session: Session) -> str:
    """A mark that is another one whenever any story was added, changed, closed or opened: whoever holds all stories in
    memory asks for it before each piece of work."""
    return find_fact(session, _MARK_FACT) or ""


def _mark_change(session: Session, slug: str, what: str, state: StoryState) -> None:
    set_fact(session, _MARK_FACT, stable_hash("s1", find_stories_mark(session), slug, what, state.value))


def add_extraction_run(session: Session, story: str, lexicon_version: str, *, started_at: datetime) -> int:
    """Note that a lexicon begins to read a story's articles; returns the run's number."""
    row = {"story": story, "lexicon_version": lexicon_version, "started_at": started_at, "articles": 0, "claims": 0}
    return returned_id(session, EXTRACTION_RUNS, row, "run_id")


def finish_extraction_run(session: Session, run_id: int, *, articles: int, claims: int, finished_at: datetime) -> None:
    """Note that a run is over and what it read."""
    values = {"articles": articles, "claims": claims, "finished_at": finished_at}
    session.execute(update(EXTRACTION_RUNS).where(EXTRACTION_RUNS.c.run_id == run_id).values(**values))


def list_extraction_runs(session: Session, story: str) -> tuple[ExtractionRun, ...]:
    """A story's runs, newest first."""
    query = select(EXTRACTION_RUNS).where(EXTRACTION_RUNS.c.story == story).order_by(EXTRACTION_RUNS.c.run_id.desc())
    return tuple(ExtractionRun(**row) for row in session.execute(query).mappings())
