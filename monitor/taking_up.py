"""SHELL: take up stories from their seeds, and make the watch from what the store holds."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from monitor.intake import refold
from monitor.settings import Settings, to_subscriptions
from monitor.stories.seed import load_seed
from monitor.watch import Watch
from storage import feeds, stories
from storage.database import Database, lock_story
from storage.errors import SeedError
from storage.records import Story

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUp:
    """What a folder of seeds came to: stories that are new or changed, and the complaints about wrong files."""

    changed: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()


def load_folder(folder: Path) -> tuple[tuple[Story, ...], tuple[str, ...]]:
    """All seeds of a folder that can be read, and a complaint for each that cannot; one wrong file spoils no other."""
    found: dict[str, Story] = {}
    complaints: list[str] = []
    if not folder.is_dir():
        return (), (f"{folder}: there is no such folder of seeds; make it, or set seeds in storywatch.toml",)
    for path in sorted(folder.glob("*.toml")):
        try:
            story = load_seed(path)
        except SeedError as error:
            complaints.append(str(error))
            continue
        if story.slug in found:
            complaints.append(f"{path}: slug: another seed is called {story.slug!r} already; give this one its own")
            continue
        found[story.slug] = story
    return tuple(found.values()), tuple(complaints)


def take_up_seeds(database: Database, folder: Path, *, now: datetime) -> TakenUp:
    """Store the stories and feeds of a folder of seeds. A story that is new or changed is folded anew, silently."""
    found, complaints = load_folder(folder)
    changed = []
    for story in found:
        with database.write() as session:
            if not stories.add_story(session, story, now=now):
                continue
            changed.append(story.slug)
            for spec in story.feeds:
                feeds.add_feed(session, spec, stories=(story.slug,), due_at=now)
            lock_story(session, story.slug)
            refold(session, Watch([story]), story, now=now, silent=True)
    return TakenUp(changed=tuple(changed), complaints=complaints)


def make_watch(database: Database, settings: Settings) -> Watch:
    """The watch over the stories that the store holds now, with the subscriptions of the settings."""
    with database.read() as session:
        every = stories.list_stories(session)
    late_after = timedelta(seconds=settings.polling.late_after)
    return Watch(every, to_subscriptions(settings), late_after=late_after)
