"""Foreign words within a service's markup: escaped as it asks, cut between signs. Pure.

What articles say is text: it never formats, never mentions anybody, and never becomes a link under another name.
"""

import re
from collections.abc import Callable, Iterable

from alerts.foreign import one_line

# What formats within a line of Markdown; what does so only at a line's start.
_INLINE = frozenset("\\`*_{}[]()>~|")
_AT_START = re.compile(r"(-?#{1,6}|[-+]|\d{1,9}[.)])(?=\s|$)")
_DISCORD = _INLINE | frozenset("<@")
# A sign with no width: the word reads as before, and names nobody any more.
_GAP = "\u200b"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
Escape = Callable[[str], list[str]]


def discord(text: str) -> list[str]:
    """Return a text sign by sign as Discord's Markdown writes it; joined they are one line that formats nothing."""
    return _escape_line(text, {sign: f"\\{sign}" for sign in _DISCORD})


def mattermost(text: str) -> list[str]:
    """Return a text sign by sign as Mattermost's Markdown writes it; nobody is mentioned, no hashtag is made."""
    signs = {sign: f"\\{sign}" for sign in _INLINE} | _ENTITIES
    return _escape_line(text, signs | {"@": f"@{_GAP}", "#": f"#{_GAP}"})


def slack(text: str) -> list[str]:
    """Return a text sign by sign as Slack wants it in a message's plain `text`."""
    return [_ENTITIES.get(sign, sign) for sign in one_line(text)]


def plain(text: str) -> list[str]:
    """Return a text sign by sign as it is, for fields that know no markup."""
    return list(one_line(text))


def cut(signs: Iterable[str], limit: int) -> str:
    """Return the signs joined, at most `limit` characters long; what is left out is an ellipsis, no sign is halved."""
    kept: list[str] = []
    room = limit
    for sign in signs:
        if len(sign) > room:
            while kept and room < 1:
                room += len(kept.pop())
            return "".join([*kept, "…"]) if room >= 1 else ""
        kept.append(sign)
        room -= len(sign)
    return "".join(kept)


def fit(parts: Iterable[str], separator: str, limit: int) -> str:
    """Return as many of the parts as fit whole, in their order; a link that does not fit is left out, not halved."""
    text = ""
    for part in filter(None, parts):
        longer = f"{text}{separator}{part}" if text else part
        if len(longer) <= limit:
            text = longer
    return text


def _escape_line(text: str, signs: dict[str, str]) -> list[str]:
    line = one_line(text)
    found = _AT_START.match(line)
    marks = {found.end() - 1} if found else set()
    return [f"\\{sign}" if index in marks else signs.get(sign, sign) for index, sign in enumerate(line)]
