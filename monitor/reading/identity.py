"""PURE: what names an entry within its feed. Ids change, repeat, and hold headlines (the table is identity.toml)."""

import re
import tomllib
from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from monitor.reading.markup import folded
from monitor.reading.urls import canonical_url
from storage.records import Entry, ParsedFeed


class _Quirks(NamedTuple):
    empty: frozenset[str]
    counters: re.Pattern[str]
    dates: re.Pattern[str]


@cache
def _quirks() -> _Quirks:
    data = tomllib.loads((files("monitor.reading") / "identity.toml").read_text(encoding="utf-8"))
    return _Quirks(
        empty=frozenset(data["empty"]),
        counters=re.compile(f"(?:{'|'.join(data['counters'])})$", re.IGNORECASE),
        dates=re.compile("|".join(data["dates"])),
    )


def name_entries(feed: ParsedFeed) -> dict[str, Entry]:
    """The entries of a feed by what names each within it, the last entry first; of several with one name the first.

    That is the entry's id where it can be believed, else its link, else its title. An id is not believed that says
    nothing, is the headline, is the feed's own address, or is shared by entries that link to different pages.
    """
    ids = [_id(entry, feed) for entry in feed.entries]
    targets: defaultdict[str, set[str]] = defaultdict(set)
    for name, entry in zip(ids, feed.entries, strict=True):
        targets[name].add(canonical_url(entry.link) if entry.link else "")
    named = {}
    for name, entry in zip(reversed(ids), reversed(feed.entries), strict=True):
        is_believed = name and len(targets[name]) == 1
        named[name if is_believed else entry.link or entry.entry_id or entry.title] = entry
    return named


def _id(entry: Entry, feed: ParsedFeed) -> str:
    """An entry's id without a counter at its end; empty where it names nothing."""
    text = entry.entry_id.strip()
    quirks = _quirks()
    if text.lower() in quirks.empty or quirks.dates.fullmatch(text):
        return ""
    if folded(text) == folded(entry.title):
        return ""
    if feed.link and canonical_url(text) == canonical_url(feed.link):
        return ""
    return plain_id(entry)


def plain_id(entry: Entry) -> str:
    """An entry's id without a counter of its changes at the end."""
    return _quirks().counters.sub("", entry.entry_id.strip())
