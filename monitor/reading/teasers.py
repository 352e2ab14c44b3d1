"""PURE: teasers of other stories told by their form, whatever their classes: a linked headline and a line or two, again
and again.

Three of them in a row, each of which leads to one other page, are a list of stories. Whether they are so large a part
of the page that they are what it has to say, the caller tells.
"""

from collections.abc import Iterator
from itertools import islice

from lxml.html import HtmlElement

from monitor.reading.markup import collapse

_MOST_LINKS = 1_500
_LEAST = 3  # in a row
_LONGEST = 400  # characters of one teaser
_HEADLINE = 15  # characters: a shorter link is a word of a sentence
_WORDS = 20  # characters that a teaser says beside its headline
_UNITS = frozenset(
    {"div", "li", "article", "section", "p", "td", "tr", "dt", "h2", "h3", "h4", "h5", "h6", "b", "strong"}
)
_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})
_STRESSED = _HEADINGS | {"b", "strong"}
_RULES = frozenset({"br", "hr"})
_BETWEEN = frozenset({"p", "div", "br", "hr", "img"})


def find_teasers(tree: HtmlElement) -> Iterator[list[HtmlElement]]:
    """The elements of each list of teasers in a page, with what belongs to each."""
    targets: dict[HtmlElement, str | None] = {}
    groups: dict[HtmlElement, list[HtmlElement]] = {}
    for link in islice(tree.iter("a"), _MOST_LINKS):
        unit = _unit(link, targets)
        if unit is None or (parent := unit.getparent()) is None:
            continue
        units = groups.setdefault(parent, [])
        if unit not in units[-1:] and _is_headed(unit):
            units.append(unit)
    for units in groups.values():
        if len(units) >= _LEAST:
            yield from _runs(units, targets)


def _unit(link: HtmlElement, targets: dict[HtmlElement, str | None]) -> HtmlElement | None:
    """The largest element around a link in which all links lead where it does; None if it is the link alone."""
    unit = None
    parent = link.getparent()
    while parent is not None and parent.tag in _UNITS:
        if parent not in targets:
            targets[parent] = _target(parent)
        if targets[parent] is None:
            break
        unit, parent = parent, parent.getparent()
    return unit


def _target(element: HtmlElement) -> str | None:
    """The one page to which all links in a short element lead; None where there are several, or it is long."""
    if len(element.text_content()) > 2 * _LONGEST or len(collapse(element.text_content())) > _LONGEST:
        return None
    found = {href for link in element.iter("a") if (href := (link.get("href") or "").strip())}
    target = found.pop() if len(found) == 1 else ""
    return None if not target or target.startswith(("#", "mailto:", "tel:", "javascript:")) else target


def _is_headed(unit: HtmlElement) -> bool:
    """Whether an element begins with a headline: a heading, or a link that is stressed or stands apart."""
    text = collapse(unit.text_content())
    for element in unit.iter():
        if element.tag not in _STRESSED and element.tag != "a":
            continue
        words = collapse(element.text_content())
        if not words:
            continue
        is_plain_link = element.tag == "a" and unit.tag == "p" and element.getparent().tag not in _STRESSED
        return len(words) >= _HEADLINE and text.startswith(words) and not is_plain_link
    return False


def _runs(units: list[HtmlElement], targets: dict[HtmlElement, str | None]) -> Iterator[list[HtmlElement]]:
    """Teasers that follow one another, each with the lines after it."""
    run: list[HtmlElement] = []
    pages: list[str | None] = []
    for unit in units:
        after = _after(unit)
        if run and _next(run[-1]) is not unit:
            if len(set(pages)) >= _LEAST:
                yield run
            run, pages = [], []
        if _says_something(unit, after):
            run += [unit, *after]
            pages.append(targets[unit])
    if len(set(pages)) >= _LEAST:
        yield run


def _next(element: HtmlElement) -> HtmlElement | None:
    following = element.getnext()
    while following is not None and following.tag in _RULES:
        following = following.getnext()
    return following


def _after(unit: HtmlElement) -> list[HtmlElement]:
    """The lines without links that follow a headline of its own."""
    lines: list[HtmlElement] = []
    following = unit.getnext() if unit.tag in _STRESSED else None
    while following is not None and following.tag in _BETWEEN and next(following.iter("a"), None) is None:
        lines.append(following)
        following = following.getnext()
    return lines if sum(len(collapse(line.text_content())) for line in lines) <= _LONGEST else []


def _says_something(unit: HtmlElement, after: list[HtmlElement]) -> bool:
    """Whether there is more than the headline: bare links are no teasers."""
    links = sum(len(collapse(link.text_content())) for link in unit.iter("a"))
    said = len(collapse(unit.text_content())) + sum(len(collapse(line.text_content())) for line in after)
    return said - links >= _WORDS
