"""PURE: live pages: their posts as dated parts, newest first."""

from typing import Any

from monitor.reading.dates import is_sane, read_span
from monitor.reading.markup import collapse, plain_text, scrub
from storage.records import ArticlePart

_MAX_POSTS = 500


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
    return "\n\n".join("\n".join(line for line in (part.title, part.text) if line) for part in parts)
