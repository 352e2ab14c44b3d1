"""What comes in several files: news sitemaps behind an index, articles on several pages."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.reading.feeds_sitemap import INDEX_FORMAT
from monitor.reading.livepages import join_posts, merge_posts
from monitor.reading.urls import canonical_url
from monitor.sources.answers import Fetched, Trouble
from monitor.sources.http import PAGE_ACCEPT, Fetcher
from monitor.sources.policy import FULL_EVERY, hash_body, is_index
from monitor.sources.robots import Robots
from storage.errors import ArticleParseError, FeedParseError, FetchError, HostRestsError
from storage.records import Entry, Feed, ParsedFeed, ReadArticle

_MAX_SITEMAPS = 4
_MAX_HELD = 50  # files of an index that are remembered
_MAX_PARTS = 5_000
_FRESH_SITEMAP = timedelta(days=3)
_MAX_PAGES = 6
_NUMBERED = re.compile(r"[-_/.,?&]*(?:[a-z]{1,8}[-_/=.]?)?\d{1,2}(?:\.html?)?", re.IGNORECASE)
_PASSING = (Trouble.SERVER, Trouble.THROTTLED)

Parse = Callable[[Fetched], Awaitable[ParsedFeed]]
Read = Callable[[Fetched], Awaitable[ReadArticle]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is remembered of a file of an index, so that it is not read again while it stands as it was."""

    etag: str | None
    last_modified: str | None
    body_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """A feed with what its files brought that is new; `complaint` says which could not be read.

    `index` is the feed as it stood, if it was one, and `parts` are the files that were read, by their addresses, to be
    noted once the entries are stored. `is_whole`: nothing was held of any.
    """

    feed: ParsedFeed
    index: ParsedFeed | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    is_whole: bool = True
    complaint: str = ""


class IndexBook:
    """Remembers the indices that were read, and their files, as long as the process lives; then all is read anew."""

    def __init__(self) -> None:
        self._indices: dict[int, ParsedFeed] = {}
        self._whole_at: dict[int, datetime] = {}
        self._parts: dict[tuple[int, str], Part] = {}

    def find_index(self, feed: Feed) -> ParsedFeed | None:
        """The index that a feed was when it was read last; None where it was none, or is to be read anew."""
        return self._indices.get(feed.feed_id) if is_index(feed) else None

    def parts_of(self, feed: Feed, index: ParsedFeed, now: datetime) -> dict[str, Part]:
        """What is remembered of the files of a feed's index, by their addresses; nothing if all is to be read whole."""
        whole_at = self._whole_at.get(feed.feed_id)
        if not is_index(feed) or whole_at is None or now - whole_at >= FULL_EVERY:
            return {}
        found = {entry.link: self._parts.get((feed.feed_id, entry.link)) for entry in index.entries}
        return {link: part for link, part in found.items() if part is not None}

    def note(self, feed: Feed, read: Expanded, now: datetime) -> None:
        """Remember what a poll read, now that what it brought is stored: of an index its likeliest files at most."""
        if read.index is None:
            return
        likeliest = sorted(read.index.entries, key=_by_likelihood)[:_MAX_HELD]
        self._indices[feed.feed_id] = replace(read.index, entries=tuple(likeliest))
        self._parts.update({(feed.feed_id, link): part for link, part in read.parts.items()})
        if read.is_whole:
            self._whole_at[feed.feed_id] = now
        while len(self._parts) > _MAX_PARTS:
            del self._parts[next(iter(self._parts))]


async def expand_index(
    fetcher: Fetcher,
    feed: ParsedFeed,
    now: datetime,
    parse: Parse,
    *,
    name: str,
    held: Mapping[str, Part] | None = None,
) -> Expanded:
    """A sitemap index with what the freshest of its files bring; any other feed as it is.

    `name` is its address, for messages. `parse` reads one answer, wherever the caller wants that done. `held` is what
    is remembered of the files: what is as it was brings nothing. A file that cannot be read is left out and complained
    of; FeedParseError where none can be.
    """
    if feed.format != INDEX_FORMAT:
        return Expanded(feed=feed)
    entries: dict[str, Entry] = {}
    parts: dict[str, Part] = {}
    complaints = []
    chosen = choose_sitemaps(feed, now)
    for link in chosen:
        known = (held or {}).get(link)
        try:
            part, brought = await _read_part(fetcher, link, parse, known)
        except HostRestsError:
            raise  # all of it is asked for when the host is rested
        except (FetchError, FeedParseError) as error:
            complaints.append(str(error))
            continue
        if part is not None:
            parts[link] = part
        entries.update({entry.link: entry for entry in brought})
    words = (
        f"{len(complaints)} of the {len(chosen)} files that this index names cannot be read: {' | '.join(complaints)}"
    )
    if complaints and len(complaints) == len(chosen):
        raise FeedParseError(words)
    return Expanded(
        feed=replace(feed, entries=tuple(entries.values())),
        index=feed,
        parts=parts,
        is_whole=not held,
        complaint=words if complaints else "",
    )


async def _read_part(
    fetcher: Fetcher, link: str, parse: Parse, known: Part | None
) -> tuple[Part | None, tuple[Entry, ...]]:
    """What is to be remembered of a file of an index, and its entries; nothing of one that is as it was."""
    fetched = await fetcher.get(
        link,
        etag=known.etag if known is not None else None,
        last_modified=known.last_modified if known is not None else None,
    )
    if fetched.is_not_modified:
        return None, ()
    if not fetched.is_success:
        raise FetchError(fetched.explain())
    hash_ = hash_body(fetched.body)
    part = Part(etag=fetched.etag, last_modified=fetched.last_modified, body_hash=hash_)
    if known is not None and known.body_hash == hash_:
        return part, ()
    parsed = await parse(fetched)
    if parsed.format == INDEX_FORMAT:
        raise FeedParseError(f"{link}: is an index itself; add that as a feed of its own if it holds news")
    return part, parsed.entries


def choose_sitemaps(index: ParsedFeed, now: datetime) -> tuple[str, ...]:
    """PURE: the files of an index that may hold news: lately changed ones, those called news first, then by age."""
    fresh = [entry for entry in index.entries if entry.updated_at is None or now - entry.updated_at <= _FRESH_SITEMAP]
    return tuple(entry.link for entry in sorted(fresh, key=_by_likelihood)[:_MAX_SITEMAPS])


def _by_likelihood(entry: Entry) -> tuple[bool, float]:
    changed = entry.updated_at.timestamp() if entry.updated_at is not None else float("-inf")
    return "news" not in entry.link.lower(), -changed


async def join_pages(
    fetcher: Fetcher,
    robots: Robots,
    first: ReadArticle,
    url: str,
    read: Read,
    *,
    keep: bool = False,
    is_held: bool = False,
) -> ReadArticle:
    """The article with the text of the pages that follow it, at most six in all; `url` is the first page's.

    `keep`: `read` is given answers with their raw exchanges.

    A "next" link that leads to another article (another title), a wall or nowhere ends it: a first page alone is better
    than none. Not so if the article `is_held`: then a page that fails for now must not look as if it were taken out,
    and FetchError is raised.
    """
    seen, texts, posts, link = {url}, [first.text], [*first.parts], first.next_url
    while link and link not in seen and len(seen) < _MAX_PAGES and first.obstacle is None:
        seen.add(link)
        try:
            fetched = await fetcher.get(link, accept=PAGE_ACCEPT, keep=keep, check=robots.check)
            page = await read(fetched) if fetched.is_success else None
        except (FetchError, ArticleParseError) as error:
            if is_held and isinstance(error, FetchError) and error.retryable:
                raise
            break
        if is_held and fetched.trouble in _PASSING:
            raise FetchError(fetched.explain())
        if page is None or page.obstacle is not None or not is_continued(first, page, url, link, len(texts) + 1):
            break
        texts.append(page.text)
        posts += page.parts
        link = page.next_url
    if len(texts) == 1:
        return first
    if first.parts:
        parts = merge_posts(posts)
        return replace(first, text=join_posts(parts), parts=parts)
    return replace(first, text="\n".join(texts))


def is_continued(first: ReadArticle, page: ReadArticle, url: str, link: str, number: int) -> bool:
    """PURE: whether `page`, read at `link`, is page `number` of the article that begins with `first`, read at `url`.

    It has the same title, or that title with its number, at the same address with a number.
    """
    if page.title == first.title:
        return True
    stem = canonical_url(url).removesuffix(".html")
    title, address = page.title.removeprefix(first.title), canonical_url(link).removeprefix(stem)
    if not first.title or title == page.title or address == canonical_url(link):
        return False
    counted = re.fullmatch(r"\W*(?:[^\W\d]+\W+)?(\d+)(?:\W+(?:[^\W\d]+\W+)?\d+)?\W*", title)
    return counted is not None and int(counted[1]) == number and _NUMBERED.fullmatch(address) is not None
