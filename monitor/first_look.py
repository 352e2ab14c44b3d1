"""SHELL: the first look at a new story: its feeds are polled once, their pages read, and history is filled silently."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.cycle import read_entry
from monitor.polling import poll_feed
from monitor.sources.discovery import discover_feeds, search_feeds
from monitor.sources.http import Fetcher
from monitor.tools import Tools
from storage import articles, feeds
from storage.errors import StorywatchError
from storage.records import Article, Feed, FeedSpec, Match, SeenEntry, Story

# A site that offers a feed a section offers too many: its first ones are its main ones.
MOST_FEEDS = 4
_PAGES_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """An article that was found to belong to the story, and why."""

    article: Article
    match: Match


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """What the first look came to: matched articles, entries looked at, and what was wrong with feeds."""

    matched: tuple[Matched, ...]
    entries: int
    troubles: tuple[str, ...]


async def find_outlet_feeds(fetcher: Fetcher, url: str, source: str) -> tuple[FeedSpec, ...]:
    """The feeds of the outlet that an article is of: those that its page names or that stand at usual places."""
    try:
        found = await discover_feeds(fetcher, url)
    except StorywatchError:
        return ()  # the caller says that none was found
    return tuple(FeedSpec(url=one.url, source=source) for one in found[:MOST_FEEDS])


def find_search_feeds(story: Story) -> tuple[FeedSpec, ...]:
    """PURE: feeds that search services make of a story's first name and its theme, in its first language."""
    names = [entity.name for entity in sorted(story.entities, key=lambda one: not one.central)]
    terms = [*names[:1], *(topic.name for topic in story.topics[:1])]
    if not terms:
        return ()
    lang = story.languages[0] if story.languages else "en"
    return tuple(FeedSpec(url=url, source=name) for name, url in search_feeds(terms, lang))


async def look_first(
    tools: Tools, story: str, chosen: Sequence[Feed], *, on_progress: Callable[[int, int], None]
) -> FirstLook:
    """Poll the feeds of a story once and read what they bring. `tools.watch` says which stories are quiet.

    `on_progress` is called with how many pages are done and how many there are. What is not read when this is
    interrupted waits in the store for the service.
    """
    polled = await asyncio.gather(*(poll_feed(tools, feed) for feed in chosen))
    with tools.database.read() as session:
        waiting = [
            (feed, seen)
            for feed in chosen
            for seen in feeds.list_waiting_entries(session, tools.clock(), feed_id=feed.feed_id, limit=10_000)
        ]
    gate = asyncio.Semaphore(_PAGES_AT_ONCE)
    done = 0

    async def read(feed: Feed, seen: SeenEntry) -> int | None:
        nonlocal done
        async with gate:
            taken = await read_entry(tools, feed, seen)
        done += 1
        on_progress(done, len(waiting))
        return taken.article.article_id if taken is not None and story in taken.stories else None

    numbers = await asyncio.gather(*(read(feed, seen) for feed, seen in waiting))
    with tools.database.read() as session:
        matched = [
            Matched(article=articles.get_article(session, number), match=match)
            for number in dict.fromkeys(one for one in numbers if one is not None)
            for match in articles.list_matches(session, number)
            if match.story == story
        ]
    return FirstLook(
        matched=tuple(sorted(matched, key=lambda one: (-one.match.score, one.article.url))),
        entries=sum(one.entries for one in polled),
        troubles=tuple(one.update.message for one in polled if one.update.message),
    )
