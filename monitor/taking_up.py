"""SHELL: take up stories from their seeds, and make the watch from what the store holds."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from monitor.clock import Clock
from monitor.intake import refold
from monitor.settings import Settings, to_subscriptions
from monitor.stories.seed import load_seed
from monitor.watch import Watch
from storage import feeds, stories
from storage.database import Database, lock_story
from storage.errors import SeedError, SettingsError
from storage.records import Story, StoryState

_LOG = logging.getLogger(__name__)
_UNWATCHED = (StoryState.DRAFT, StoryState.CLOSED)


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


def take_up_seeds(
    database: Database, folder: Path, *, now: datetime, polled_after: timedelta = timedelta(0)
) -> TakenUp:
    """Store the stories and feeds of a folder of seeds. A story that is new or changed is folded anew, silently.

    `polled_after`: new feeds fall due so much later, when whoever polls has learned of the new stories.
    """
    found, complaints = load_folder(folder)
    changed = [story.slug for story in found if take_up(database, story, now=now, due_at=now + polled_after)]
    return TakenUp(changed=tuple(changed), complaints=complaints)


def take_up(database: Database, story: Story, *, now: datetime, due_at: datetime) -> bool:
    """Store a story with its feeds and fold it anew, silently; returns whether it is new or changed.

    A feed that others have read, or that we read while the story was not watched, is looked at anew: entries that
    were nobody's may belong to this one.
    """
    with database.write() as session:
        before = stories.find_story(session, story.slug)
        if not stories.add_story(session, story, now=now):
            return False
        stored = stories.get_story(session, story.slug)
        is_woken = before is not None and before.state in _UNWATCHED and stored.state not in _UNWATCHED
        for spec in story.feeds:
            known = feeds.find_feed(session, spec.url)
            if known is not None and (is_woken or story.slug not in feeds.list_feed_stories(session, known.feed_id)):
                feeds.look_anew(session, known.feed_id, due_at=due_at)
            feeds.add_feed(session, spec, stories=(story.slug,), due_at=due_at)
        lock_story(session, story.slug)
        refold(session, Watch([stored]), stored, now=now, silent=True)
    if before is not None and before.state is not stored.state:
        _LOG.info("story %s: %s in its seed, was %s", story.slug, stored.state.value, before.state.value)
    elif stored.state is not story.state:
        _LOG.info(
            "story %s: %s as a command left it, though its seed says %s; storywatch stories close|open changes that",
            story.slug, stored.state.value, story.state.value,
        )  # fmt: skip
    return True


def make_watch(database: Database, settings: Settings, *, quiet: Collection[str] = ()) -> Watch:
    """The watch over the stories that the store holds now, with the subscriptions of the settings given.

    Of the `quiet` stories nobody is told.
    """
    with database.read() as session:
        every = stories.list_stories(session)
    late_after = timedelta(seconds=settings.polling.late_after)
    return Watch(every, to_subscriptions(settings), late_after=late_after, quiet=quiet)


class SeedKeeper:
    """Takes up a folder of seeds again and again; what is wrong with one is said once, not at every look."""

    def __init__(self, database: Database, folder: Path, *, clock: Clock) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._complaints: frozenset[str] = frozenset()

    async def take_up(self, polled_after: timedelta = timedelta(0)) -> None:
        """Store what is new or changed; new feeds fall due `polled_after` from now."""
        taken = await asyncio.to_thread(
            take_up_seeds, self._database, self._folder, now=self._clock(), polled_after=polled_after
        )
        for complaint in taken.complaints:
            if complaint not in self._complaints:
                _LOG.error("%s", complaint)
        self._complaints = frozenset(taken.complaints)
        for slug in taken.changed:
            _LOG.info("taking up story %s", slug)


class SubscriptionKeeper:
    """Takes up subscriptions that were changed in the file of settings; all else there waits for the next start."""

    def __init__(self, settings: Settings, load: Callable[[], Settings]) -> None:
        self.settings = settings
        self._load = load
        self._complaint = ""

    async def take_up(self) -> Settings:
        """The settings to go by: those of the start with the subscriptions of now. What is wrong is said once."""
        try:
            fresh = await asyncio.to_thread(self._load)
            self._demand_whole(fresh)
            known = {channel.name for channel in self.settings.channels}
            unknown = {name for one in to_subscriptions(fresh) for name in (*one.channels, *one.approvers)} - known
            if unknown:
                raise SettingsError(
                    f"channels that were not there at the start need a restart: {', '.join(sorted(unknown))}"
                )
        except SettingsError as error:
            if str(error) != self._complaint:
                _LOG.error("subscriptions stay as they were: %s", error)
            self._complaint = str(error)
            return self.settings
        self._complaint = ""
        if fresh.subscriptions != self.settings.subscriptions:
            self.settings = replace(self.settings, subscriptions=fresh.subscriptions)
            _LOG.info("taking up subscriptions: %s", ", ".join(one.name for one in to_subscriptions(self.settings)))
        return self.settings

    def _demand_whole(self, fresh: Settings) -> None:
        """A file that is gone or empty, for a moment (an editor writes it, a disk is full) or for good, is not one that
        asks for no alerts."""
        if fresh.file != self.settings.file:
            raise SettingsError(f"{self.settings.file or 'no file of settings'} was read at the start, and is gone now")
        if self.settings.channels and not fresh.channels:
            raise SettingsError(f"{fresh.file or 'the environment'} names no channel any more: is it whole?")


def describe_watch(database: Database) -> str:
    """One line for the log: how many stories and feeds are watched."""
    with database.read() as session:
        active = stories.list_stories(session, states=(StoryState.ACTIVE,))
        return f"watching {len(active)} stories, {len(feeds.list_feeds(session))} feeds"
