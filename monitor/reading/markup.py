"""Fragments of HTML, as feeds carry them in titles and summaries, made into plain text."""

import re
import warnings
from html import unescape

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning

MAX_SUMMARY = 4000  # characters of plain text: enough for matching; the page itself is fetched
_MAX_FRAGMENT = 16_000
_TAG = re.compile(r"<[a-zA-Z/!?]")
# Well-known tags; the group takes the names of those at which the line runs on.
_SIMPLE = re.compile(
    r"</?(?:(a|b|i|em|strong|span|u|s|font|small|sub|sup|cite|q|abbr|time)|"
    r"p|br|div|img|h[1-6]|ul|ol|li|hr|figure|figcaption|blockquote|table|thead|tbody|tr|td|th|section|article|header|"
    r"footer|picture|source|center|dl|dt|dd)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_HIDDEN = ("script", "style", "template", "noscript", "iframe")


def scrub(text: str) -> str:
    """`text` without what no database takes: NUL, and halves of surrogate pairs, which JSON can spell."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def collapse(text: str) -> str:
    """`text` with every run of white space made one space, none at the ends."""
    return " ".join(text.split())


def folded(text: str) -> str:
    """`text` as titles are compared: white space and case do not count."""
    return collapse(text).casefold()


def plain_text(markup: str) -> str:
    """The text of a fragment of HTML, at most MAX_SUMMARY characters; a word broken by inline tags stays whole.

    Fragments of well-known inline tags alone are cut by a pattern; all others are read by BeautifulSoup.
    """
    fragment = markup[:_MAX_FRAGMENT]
    if "<" not in fragment:
        text = unescape(fragment) if "&" in fragment else fragment
    elif not _TAG.search(rest := _SIMPLE.sub(_gap, fragment)):
        text = unescape(rest)
    else:
        text = _soup_text(fragment)
    return _cut(collapse(text))


def _gap(match: re.Match[str]) -> str:
    """A space where the tag breaks the line, nothing where it runs on."""
    return "" if match.lastindex else " "


def _soup_text(fragment: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)  # a summary may well be one bare address
        soup = BeautifulSoup(fragment, "lxml")
    for element in soup.find_all(_HIDDEN):
        element.decompose()
    for element in soup.find_all(
        ["p", "br", "div", "li", "td", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "figure"]
    ):
        element.insert_before(" ")
        element.insert_after(" ")
    return soup.get_text()


def _cut(text: str) -> str:
    if len(text) <= MAX_SUMMARY:
        return text
    return text[:MAX_SUMMARY].rsplit(" ", 1)[0] + "…"
