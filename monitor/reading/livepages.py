"""PURE: live pages: their posts as dated parts, newest first, and where each stands in the page's text."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from monitor.reading.dates import is_sane, read_span
from monitor.reading.markup import collapse, plain_text, scrub
from storage.records import ArticlePart, DatedPart, ReadArticle, Span

MAX_POSTS = 500
_BETWEEN = "\n\n"
_T = TypeVar("_T")
_Dated = tuple[_T, Span | None]


def read_live_posts(block: dict[str, Any]) -> tuple[ArticlePart, ...]:
    """The posts of a schema.org LiveBlogPosting, newest first, undated ones last; of very many the newest."""
    listed = block.get("liveBlogUpdate")
    updates = [one for one in (listed if isinstance(listed, list) else [listed]) if isinstance(one, dict)]
    posts = [_post(update, span) for update, span in _newest([(update, _date(update)) for update in updates])]
    return tuple(post for post in posts if post.title or post.text)


def merge_posts(parts: Iterable[ArticlePart]) -> tuple[ArticlePart, ...]:
    """The posts of a live page on several pages as of one: newest first, the newest alone of very many."""
    return tuple(part for part, _ in _newest([(part, part.published) for part in parts]))


def _newest(listed: Sequence[_Dated[_T]]) -> list[_Dated[_T]]:
    """At most as many as are kept, the latest first; those without a date after them, in the order of the page."""
    dated = [(span.not_before, one, span) for one, span in listed if span is not None]
    is_oldest_first = len(dated) > 1 and dated[0][0] < dated[-1][0]
    if is_oldest_first:
        dated.reverse()
    dated.sort(key=itemgetter(0), reverse=True)
    newest: list[_Dated[_T]] = [(one, span) for _, one, span in dated[:MAX_POSTS]]
    undated: list[_Dated[_T]] = [(one, None) for one, span in listed if span is None]
    room = MAX_POSTS - len(newest)
    return newest + (undated[-room:] if is_oldest_first and room else undated[:room])


def _date(update: dict[str, Any]) -> Span | None:
    raw = update.get("datePublished")
    span = read_span(raw) if isinstance(raw, str) else None
    return span if span is not None and is_sane(span) else None


def _post(update: dict[str, Any], published: Span | None) -> ArticlePart:
    title, body = update.get("headline"), update.get("articleBody")
    return ArticlePart(
        title=scrub(collapse(title)) if isinstance(title, str) else "",
        text=scrub(plain_text(body)) if isinstance(body, str) else "",
        published=published,
    )


def join_posts(parts: tuple[ArticlePart, ...]) -> str:
    """The text of a live page: its posts in order, one paragraph each, a blank line between two."""
    return _BETWEEN.join(map(_text, parts))


def place_posts(page: ReadArticle) -> tuple[DatedPart, ...]:
    """Where the dated posts of a live page stand in its text, in its order; none if its text is not made of them."""
    if not page.parts or join_posts(page.parts) != page.text:
        return ()
    placed, start = [], 0
    for part in page.parts:
        end = start + len(_text(part))
        if part.published is not None:
            placed.append(DatedPart(start=start, end=end, published=part.published))
        start = end + len(_BETWEEN)
    return tuple(placed)


def _text(part: ArticlePart) -> str:
    return "\n".join(line for line in (part.title, part.text) if line)
