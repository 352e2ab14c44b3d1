"""PURE: the posts of a live page: each is read, dated and compared as a text of its own.

A live page is many short reports under one address. What a post says was said when the post was published; a new post
is no edit of the older ones, and one that the page shows no more, because newer ones pushed it out, is not taken back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.claims.extract import Extractor
from monitor.reading.language import detect_language
from storage.records import ArticleVersion, Claim, DatedPart, Span

# The title, the text and the dated posts of one version of a page.
Told = tuple[str, str, tuple[DatedPart, ...]]


def extract_claims(
    extractor: Extractor,
    *,
    title: str,
    text: str,
    parts: Sequence[DatedPart] = (),
    published: Span | None,
    lang: str | None,
) -> tuple[Claim, ...]:
    """The claims of a text in order of place; those of a dated post are read as published when the post was.

    The headline of a live page is read with its newest post, which it follows.
    """
    if not parts:
        return extractor.extract(title=title, text=text, published=published, lang=lang)
    code = lang or detect_language(f"{title}\n{text}")
    found: list[Claim] = []
    for start, end, at in _stretches(text, parts):
        heading = title if start == parts[0].start else ""
        read = extractor.extract(title=heading, text=text[start:end], published=at or published, lang=code)
        found += [_moved(claim, start) for claim in read]
    return tuple(sorted(found, key=lambda claim: (claim.field != "title", claim.start, claim.end)))


def published_of(version: ArticleVersion, claim: Claim) -> Span | None:
    """When the post in which a claim stands was published; None outside of dated posts.

    A post from the future was published by the time at which we had it.
    """
    if not version.parts:
        return None
    newest = version.parts[0]
    part = newest if claim.field == "title" else _part_at(version.parts, claim.start)
    if part is None:
        return None
    if part.published.not_before > version.fetched_at:
        return Span(not_before=version.fetched_at, not_after=version.fetched_at)
    return part.published


def name_of_post(url: str, version: ArticleVersion, claim: Claim) -> str:
    """What tells the text of a claim from others: the page's address, with the time of the post that it stands in.

    Two posts may say the same words; a headline is the page's.
    """
    part = _part_at(version.parts, claim.start) if claim.field != "title" else None
    return url if part is None else f"{url}#{part.published.not_before.isoformat()}"


def oldest_shown(version: ArticleVersion) -> datetime | None:
    """When the oldest post that a live page still shows was published; None for any other page."""
    return _oldest(version.parts)


def without_passing_posts(old: Told, new: Told) -> tuple[tuple[str, str], tuple[str, str]]:
    """Title and text of two versions as an edit is to be seen: without new posts, and those that newer ones pushed out.

    A post that is gone from between others stays, so that its removal is seen. The headline follows the newest post: it
    counts only where no new one came.
    """
    (old_title, old_text, old_parts), (new_title, new_text, new_parts) = old, new
    oldest = _oldest(new_parts)
    if not old_parts or oldest is None:
        return (old_title, old_text), (new_title, new_text)
    had, has = {part.published for part in old_parts}, {part.published for part in new_parts}
    pushed_out = [part for part in old_parts if part.published not in has and part.published.not_before < oldest]
    come = [part for part in new_parts if part.published not in had]
    before, after = _without(old_text, pushed_out), _without(new_text, come)
    return (("", before), ("", after)) if come else ((old_title, before), (new_title, after))


def by_post(text: str, parts: Sequence[DatedPart]) -> Iterator[tuple[Span | None, str]]:
    """A text cut into its dated posts and what stands undated between them, in order of place."""
    return ((at, text[start:end]) for start, end, at in _stretches(text, parts))


def _stretches(text: str, parts: Sequence[DatedPart]) -> Iterator[tuple[int, int, Span | None]]:
    """The posts in order of place, and what stands between and behind them without a date."""
    at = 0
    for part in sorted(parts, key=lambda one: one.start):
        if text[at : part.start].strip():
            yield at, part.start, None
        yield part.start, part.end, part.published
        at = part.end
    if text[at:].strip():
        yield at, len(text), None


def _moved(claim: Claim, by: int) -> Claim:
    if claim.field == "title" or not by:
        return claim
    return replace(
        claim,
        start=claim.start + by,
        end=claim.end + by,
        sentence_start=claim.sentence_start + by,
        sentence_end=claim.sentence_end + by,
    )


def _part_at(parts: Sequence[DatedPart], place: int) -> DatedPart | None:
    return next((part for part in parts if part.start <= place < part.end), None)


def _oldest(parts: Sequence[DatedPart]) -> datetime | None:
    return min((part.published.not_before for part in parts), default=None)


def _without(text: str, parts: Sequence[DatedPart]) -> str:
    for part in sorted(parts, key=lambda one: one.start, reverse=True):
        text = text[: part.start] + text[part.end :]
    return text
