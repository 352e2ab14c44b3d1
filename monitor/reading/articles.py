"""PURE: the bytes of a page as article text with metadata, or what stood in its way."""

import logging
import re
from datetime import timedelta
from itertools import islice
from urllib.parse import urlsplit

import trafilatura
from lxml import etree
from lxml.html import HtmlComment, HtmlElement, HtmlEntity, HTMLParser, HtmlProcessingInstruction, document_fromstring
from trafilatura.metadata import Document

from monitor.reading.boxes import drop_boxes
from monitor.reading.charsets import decode_page
from monitor.reading.dates import is_sane, read_span
from monitor.reading.language import choose_language
from monitor.reading.limits import cut_page
from monitor.reading.livepages import join_posts, read_live_posts
from monitor.reading.markup import collapse
from monitor.reading.metadata import PageMetadata, read_metadata
from monitor.reading.obstacles import BLANK, RESERVED, find_obstacle, without_furniture
from monitor.reading.urls import believable_canonical, link_within, parsable
from storage.errors import ArticleParseError
from storage.records import ReadArticle, Span

_MAX_MARKUP = 4_000_000  # characters; the rest of a longer page is not read
_MAX_TAGS = 40_000  # real pages have a tenth; beyond it extraction would take seconds
_TEXT_TYPES = ("text/", "application/xhtml", "application/xml", "application/octet-stream")
_SIGNATURES = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"PK\x03\x04", "an archive or office document"),
    (b"\x1f\x8b", "a compressed file"),
)
_UNSEEN = (
    "script", "style", "svg", "template", "iframe", "link", "meta", "nav", "footer", "select", "button", "noscript",
    "canvas", "object", "video", "audio", "map", "textarea", "input",
)  # fmt: skip
_URL_DATE = re.compile(r"/((?:19|20)\d{2})[/-](0[1-9]|1[0-2])[/-](0[1-9]|[12]\d|3[01])(?:[/-]|$)")
_HTML_MARK = re.compile(
    r"<(?:!doctype|html|head|body|div|p|article|meta|title|h1|section|main|table|span)\b", re.IGNORECASE
)
_PARSER = HTMLParser(collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True)
# One class for all elements: lxml's own choice by tag is made in Python, once for each element that is touched.
_PARSER.set_element_class_lookup(
    etree.ElementDefaultClassLookup(
        element=HtmlElement, comment=HtmlComment, pi=HtmlProcessingInstruction, entity=HtmlEntity
    )
)
_LOG = logging.getLogger(__name__)


def read_article(html: bytes, *, url: str, content_type: str | None = None, lang: str | None = None) -> ReadArticle:
    """Read a page. `url` is where it was fetched (may be empty), `lang` what its feed says of the language.

    A page whose text is behind a wall, or has none, comes back with `obstacle` set. Raises ArticleParseError, and
    nothing else, for what is no page at all.
    """
    name = url or "the document"
    url = parsable(url)
    _refuse_other_kinds(html, name, content_type)
    markup = cut_page(decode_page(html[: 4 * _MAX_MARKUP], content_type)[:_MAX_MARKUP].replace("\x00", ""))
    if not _HTML_MARK.search(markup):
        raise ArticleParseError(f"{name}: this is no HTML page; check the address or the file")
    tree = _parse(markup, name)
    meta = read_metadata(markup)
    parts = read_live_posts(meta.live) if meta.live else ()
    text = join_posts(parts) if parts else _body_text(tree, meta, url, is_huge=markup.count("<") > _MAX_TAGS)
    title = meta.title or _heading(tree)
    obstacle = RESERVED if meta.is_reserved else None
    obstacle = obstacle or find_obstacle(title=title, text=text, markup=markup, url=url, is_free=meta.is_free)
    if obstacle == BLANK and text and parts:
        obstacle = None  # a live page that has just begun
    published, raw = _published(meta, tree, url)
    return ReadArticle(
        title=title,
        text=text,
        lang=choose_language(lang or meta.lang, f"{title}\n{text}"),
        source=meta.source or (urlsplit(url).hostname or "" if url else ""),
        author=meta.author,
        published=published,
        modified=meta.modified,
        published_raw=raw,
        canonical_url=believable_canonical(meta.canonical, url) or believable_canonical(meta.shared_url, url),
        obstacle=obstacle,
        is_live=meta.live is not None,
        parts=parts,
        next_url=link_within(meta.next_url, url),
    )


def _refuse_other_kinds(html: bytes, name: str, content_type: str | None) -> None:
    if not html.strip(b" \t\r\n\x00"):
        raise ArticleParseError(f"{name}: the answer is empty; it may be filled later, else check the address")
    for signature, kind in _SIGNATURES:
        if html.startswith(signature):
            raise ArticleParseError(f"{name}: this is {kind}, not an HTML page; it is not read")
    kind = (content_type or "").split(";", 1)[0].strip().lower()
    if kind and not kind.startswith(_TEXT_TYPES):
        raise ArticleParseError(f"{name}: this is {kind}, not an HTML page; it is not read")
    if html.lstrip()[:1] in (b"{", b"["):
        raise ArticleParseError(f"{name}: this is JSON, not an HTML page; it is not read")


def _parse(markup: str, name: str) -> HtmlElement:
    try:
        return document_fromstring(markup.encode("utf-8", "replace"), parser=_PARSER)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as error:
        raise ArticleParseError(
            f"{name}: the page cannot be read ({' '.join(str(error).split())}); tell the site"
        ) from error


def _body_text(tree: HtmlElement, meta: PageMetadata, url: str, *, is_huge: bool) -> str:
    _lighten(tree)
    drop_boxes(tree)
    text = without_furniture(_paragraphs(tree) if is_huge else _extract(tree, url)).strip()
    return meta.body if len(meta.body) > 2 * len(text) and "<" not in meta.body else text


def _lighten(tree: HtmlElement) -> None:
    """Take out what no reader sees before the tree is copied three times; JSON-LD stays: trafilatura may use it."""
    for element in [*tree.iter(*_UNSEEN)]:
        if element.get("type") != "application/ld+json":
            element.drop_tree()


def _extract(tree: HtmlElement, url: str) -> str:
    try:
        found = trafilatura.bare_extraction(
            tree, url=url or None, fast=True, include_comments=False, include_tables=True
        )
    except (Exception, RecursionError):
        # trafilatura fails on some damaged trees: paragraphs alone are better than nothing
        _LOG.debug("extraction failed, paragraphs are taken instead", exc_info=True)
        return _paragraphs(tree)
    return found.text or "" if isinstance(found, Document) else ""


def _paragraphs(tree: HtmlElement) -> str:
    lines = (collapse(p.text_content()) for p in islice(tree.iter("p"), _MAX_TAGS))
    return "\n".join(line for line in lines if line)


def _heading(tree: HtmlElement) -> str:
    for element in tree.iter("h1"):
        if line := collapse(element.text_content()):
            return line
    return ""


def _published(meta: PageMetadata, tree: HtmlElement, url: str) -> tuple[Span | None, str]:
    """The publication time: from metadata, a time element, or the address; the raw string is always kept."""
    if meta.published is not None:
        return meta.published, meta.published_raw
    for element in tree.iter("time"):
        raw = (element.get("datetime") or "").strip()
        span = read_span(raw) if raw else None
        if span is not None and is_sane(span):
            return span, raw
    match = _URL_DATE.search(urlsplit(url).path)
    span = read_span("-".join(match.groups())) if match else None
    if span is not None and match is not None:
        # an address names the day of the newsroom, anywhere on earth
        wide = Span(not_before=span.not_before - timedelta(hours=14), not_after=span.not_after + timedelta(hours=12))
        return wide, meta.published_raw or "-".join(match.groups())
    return None, meta.published_raw
