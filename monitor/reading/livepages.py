"""PURE: live pages: their posts as dated parts, newest first, and where each stands in the page's text."""

from typing import Any

from monitor.reading.dates import is_sane, read_span
from monitor.reading.markup import collapse, plain_text, scrub
from storage.records import ArticlePart, DatedPart, ReadArticle

_MAX_POSTS = 500
_BETWEEN = "\n\n"


def read_live_posts(block: dict[str, Any]) -> tuple[ArticlePart, ...]:
    """The posts of a schema.org LiveBlogPosting, newest first; undated ones keep their place at the end."""
    updates = block.get("liveBlogUpdate")
    posts = [
        _post(one)
        for one in (updates if isinstance(updates, list) else [updates])[:_MAX_POSTS]
        if isinstance(one, dict)
    ]
    posts = [post for post in posts if post.title or post.text]
    dated = [(post.published.not_before, post) for post in posts if post.published is not None]
    dated.sort(key=lambda pair: pair[0], reverse=True)
    return (*(post for _, post in dated), *(post for post in posts if post.published is None))


def _post(update: dict[str, Any]) -> ArticlePart:
    raw = update.get("datePublished")
    span = read_span(raw) if isinstance(raw, str) else None
    title, body = update.get("headline"), update.get("articleBody")
    return ArticlePart(
        title=scrub(collapse(title)) if isinstance(title, str) else "",
        text=scrub(plain_text(body)) if isinstance(body, str) else "",
        published=span if span is not None and is_sane(span) else None,
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
