"""PURE: boxes of other stories, comments and offers taken out of a page's tree before its text is read (by boxes.toml).

Extraction tells most of them by their classes and their many links. What is left begins with a heading that says what
it is: a figure in it is of another story, or of a reader, and must never become this article's.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import NamedTuple

from lxml.html import HtmlElement

from monitor.reading.markup import collapse
from monitor.reading.teasers import find_teasers

_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_BOXES = frozenset({"div", "section", "aside", "ul", "ol", "li", "header", "nav", "table"})
_WRAPPERS = _BOXES | {"p", "strong", "b", "span", "em"}
_PLAIN = ("div", "span", "strong", "b", "p", "dt")  # what sites make headings of, when they do not use those of HTML
_IN_TEASERS = ("p", "h2", "h3", "h4", "h5")
_LISTS = frozenset({"ul", "ol", "dl", "aside", "nav", "a", "table"})
_LONGEST_HEADING = 60  # characters
_MOST_HEADINGS = 500
_LARGEST_SHARE = 0.4  # of a page's prose that a box may hold, but for comments
_LINKED = 0.6  # of a text stands in links: a list of stories, no prose
_END = re.compile(r"[\s\d()\[\].:…>»›→|-]+$")


class _Heads(NamedTuple):
    stories: frozenset[str]
    comments: frozenset[str]
    offers: re.Pattern[str]

    def is_offer(self, said: str) -> bool:
        """Whether a heading is that of an offer, which is told by one word."""
        return len(said) <= _LONGEST_HEADING and self.offers.search(said) is not None


@cache
def _heads() -> _Heads:
    data = tomllib.loads((files("monitor.reading") / "boxes.toml").read_text(encoding="utf-8"))
    return _Heads(
        stories=frozenset(data["heads"]),
        comments=frozenset(data["comments"]),
        offers=re.compile("|".join(rf"\b{re.escape(word)}\b" for word in data["offers"])),
    )


def drop_boxes(tree: HtmlElement) -> None:
    """Take boxes out of the tree that begin with a heading of theirs, and what follows such a heading in the text.

    The heading goes with the lists, links and linked teasers that follow it, up to the first prose; or with the
    whole box, where that begins with it and holds no large part of the page. What is marked as hidden goes too, and
    teasers that are one link as a whole, unless they are a large part: some sites hide an article until their scripts
    have run.
    """
    for element in [*tree.findall(".//*[@hidden]"), *(link for link in tree.iter("a") if _is_teaser(link))]:
        if _is_in(tree, element) and _prose(element) <= _LARGEST_SHARE * _prose(tree):
            element.drop_tree()
    _drop_teasers(tree)
    heads = _heads()
    for heading, said in [*_find_headings(tree, heads)]:
        if not _is_in(tree, heading):
            continue
        heading = _whole(heading)
        box = _box(heading)
        if box is not None and (said in heads.comments or _prose(box) <= _LARGEST_SHARE * _prose(tree)):
            box.drop_tree()
        elif said in heads.stories or said in heads.comments:
            _drop_list(heading)


def _drop_teasers(tree: HtmlElement) -> None:
    prose = None
    for run in [*find_teasers(tree)]:
        prose = _prose(tree) if prose is None else prose
        if sum(len(collapse(element.text_content())) for element in run) <= _LARGEST_SHARE * prose:
            for element in run:
                element.drop_tree()


def _find_headings(tree: HtmlElement, heads: _Heads) -> Iterator[tuple[HtmlElement, str]]:
    """The elements that say that other things than the article follow, with what they say."""
    for heading in islice(tree.iter(*_HEADINGS), _MOST_HEADINGS):
        said = _END.sub("", collapse(heading.text_content()).lower()) if len(heading) < 4 else ""
        if said in heads.stories or said in heads.comments or (said and heads.is_offer(said)):
            yield heading, said
    for element in tree.iter(*_PLAIN):
        text = element.text
        if len(element) == 0 and text and len(text) <= _LONGEST_HEADING:
            said = _END.sub("", text.strip().lower())
            if said in heads.stories or said in heads.comments:
                yield element, said


def _is_teaser(link: HtmlElement) -> bool:
    return len(link) > 0 and next(link.iter(*_IN_TEASERS), None) is not None


def _is_in(tree: HtmlElement, element: HtmlElement) -> bool:
    """Whether an element still stands in the tree, below its root."""
    return element is not tree and any(parent is tree for parent in element.iterancestors())


def _whole(heading: HtmlElement) -> HtmlElement:
    """The heading with the elements that hold nothing else."""
    while (parent := heading.getparent()) is not None and parent.tag in _WRAPPERS and len(parent) == 1:
        if (parent.text or "").strip() or (heading.tail or "").strip():
            break
        heading = parent
    return heading


def _box(heading: HtmlElement) -> HtmlElement | None:
    """The largest element that begins with this heading and is a box; None if it stands in the text itself."""
    found, element = None, heading
    while (parent := element.getparent()) is not None and parent.tag in _BOXES and parent.find(".//h1") is None:
        if element.getprevious() is not None or (parent.text or "").strip():
            break
        found = element = parent
    return found


def _drop_list(heading: HtmlElement) -> None:
    """Take out a heading with the lists, links and linked teasers that follow it."""
    is_teaser = False
    following = heading.getnext()
    while following is not None:
        element, following = following, following.getnext()
        if element.tag in _HEADINGS:
            is_teaser = element.find(".//a") is not None
            if not is_teaser:
                break
        elif element.tag not in _LISTS and not is_teaser and not _is_linked(element):
            break
        elif element.tag == "p":
            is_teaser = False
        element.drop_tree()
    heading.drop_tree()


def _is_linked(element: HtmlElement) -> bool:
    """Whether an element is made of links, or of nothing."""
    text = collapse(element.text_content())
    links = sum(len(collapse(link.text_content())) for link in element.iter("a"))
    return links >= _LINKED * len(text)


def _prose(tree: HtmlElement) -> int:
    """How many characters of paragraphs a tree holds."""
    return sum(len(collapse(paragraph.text_content())) for paragraph in islice(tree.iter("p"), 2000))
