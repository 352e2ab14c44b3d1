"""PURE: what a page says of itself: JSON-LD, OpenGraph, meta and link elements."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from html import unescape
from itertools import islice
from typing import Any

from lxml import etree

from monitor.reading.dates import is_sane, read_span
from monitor.reading.markup import collapse, scrub
from storage.records import Span

_HEAD_END = re.compile(r"</head\s*>|<body[\s>]", re.IGNORECASE)
_MAX_HEAD = 300_000
_JSON_LD = re.compile(r"<script[^>]{1,300}application/ld\+json[^>]{0,300}>", re.IGNORECASE)
_MAX_BLOCKS = 20
_LAST_COMMA = re.compile(r",\s*([}\]])")
_ESCAPED = re.compile(r"&(?:amp|quot|apos|lt|gt|nbsp|#\d{2,5}|#x[0-9a-fA-F]{2,5});")
_STATED_DATE = re.compile(
    r"""<[a-z]{1,8}\b[^>]{0,300}?\bitemprop\s*=\s*["']?datePublished\b[^>]{0,300}>""", re.IGNORECASE
)
_DATE_VALUE = re.compile(r"""\b(?:content|datetime)\s*=\s*["']?([^"'>]{4,64})""", re.IGNORECASE)
_MAX_DEPTH = 8
# the only elements of a head that are read; the parser gets these alone, since scripts and styles cost most
_VALUE = r"""(?:[^>"']|"[^"]{0,3000}"|'[^']{0,3000}')"""
_WANTED = re.compile(
    rf"<(?:html|meta|link(?=[^>]{{0,600}}rel\s*=\s*[\"']?[^\"'>]{{0,40}}(?:canonical|next)))\b{_VALUE}{{0,400}}>"
    r"|<title\b[^>]{0,300}>[^<]{0,1000}</title\s*>",
    re.IGNORECASE,
)
_PARSER = etree.HTMLParser(collect_ids=False, encoding="utf-8", remove_comments=True, remove_pis=True)
_ARTICLE_TYPES = re.compile(r"(?:Article|Posting|Report|Review|NewsArticle|Statement)$")
_PUBLISHED_NAMES = (
    "article:published_time", "og:article:published_time", "og:published_time", "datepublished", "parsely-pub-date",
    "sailthru.date", "article.published", "dc.date.issued", "dcterms.created", "dcterms.issued", "dc.date",
    "dcterms.date", "publish-date", "publication_date", "publishdate", "pubdate", "date",
    "cxenseparse:recs:publishtime", "mediator_published_time",
)  # fmt: skip
_MODIFIED_NAMES = (
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "last-modified",
    "revised",
    "lastmod",
)


@dataclass(slots=True)
class PageMetadata:
    """What a page says of itself; texts may be empty.

    `is_free` None: nothing said. Dates are sane or None, with the raw string kept.
    """

    title: str = ""
    source: str = ""
    author: str = ""
    lang: str = ""
    canonical: str = ""
    shared_url: str = ""
    next_url: str = ""
    published: Span | None = None
    modified: Span | None = None
    published_raw: str = ""
    is_free: bool | None = None
    is_reserved: bool = False
    body: str = ""
    live: dict[str, Any] | None = None
    names: dict[str, str] = field(default_factory=dict)


def read_metadata(markup: str) -> PageMetadata:
    """The metadata of a page; never fails, whatever the page holds."""
    end = _HEAD_END.search(markup, 0, _MAX_HEAD)
    head = markup[: end.start() if end else _MAX_HEAD]
    elements = _elements("\n".join(_WANTED.findall(head)))
    found = PageMetadata(names=_names(elements))
    blocks = list(_blocks(markup))
    article = _pick(blocks)
    found.live = next((block for block in blocks if "LiveBlogPosting" in _types(block)), None)
    _from_json_ld(found, _joined(article, blocks))
    _from_elements(found, elements)
    if _ESCAPED.search(found.title):  # escaped twice
        found.title = collapse(unescape(found.title))
    _dates(found, article)
    if found.published is None:
        _date_in_body(found, markup)
    return found


def _joined(article: dict[str, Any], blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """The article with the people and the publisher that it names by their id in another block."""
    known = {one["@id"]: one for one in blocks if isinstance(one.get("@id"), str) and one.get("name")}

    def find(value: object) -> object:
        if isinstance(value, list):
            return [find(one) for one in value]
        is_named = isinstance(value, dict) and not value.get("name") and isinstance(value.get("@id"), str)
        return known.get(value["@id"], value) if is_named and isinstance(value, dict) else value

    return article | {name: find(article[name]) for name in ("author", "publisher") if name in article}


def _date_in_body(found: PageMetadata, markup: str) -> None:
    """The date that elements of the page are marked with; none if they have several: some are of other stories."""
    if "datePublished" not in markup:
        return
    tags = (match.group(0) for match in islice(_STATED_DATE.finditer(markup), _MAX_BLOCKS))
    stated = {value.group(1).strip() for tag in tags if (value := _DATE_VALUE.search(tag)) is not None}
    if len(stated) == 1:
        found.published, raw = _first_date([*stated])
        found.published_raw = found.published_raw or raw


def _elements(markup: str) -> etree._Element:
    try:
        root = etree.fromstring(markup.encode("utf-8", "replace"), _PARSER)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        root = None
    return root if root is not None else etree.Element("html")  # a head without any of them


def _names(elements: etree._Element) -> dict[str, str]:
    names: dict[str, str] = {}
    for element in elements.iter("meta"):
        key = element.get("property") or element.get("name") or element.get("itemprop") or element.get("http-equiv")
        value = element.get("content")
        if key and value and value.strip():
            names.setdefault(key.strip().lower(), collapse(value))
    return names


def _blocks(markup: str) -> Iterator[dict[str, Any]]:
    """Every object of every JSON-LD block, outer ones first."""
    at = 0
    for _ in range(_MAX_BLOCKS):
        match = _JSON_LD.search(markup, at)
        at = markup.find("</", match.end()) if match else -1
        while match and at >= 0 and markup[at : at + 8].lower() != "</script":
            at = markup.find("</", at + 2)
        if match is None or at < 0:
            return
        text = markup[match.end() : at].strip().removeprefix("<![CDATA[").removesuffix("]]>").strip().removesuffix(";")
        data = _json(text)
        if data is not None:
            yield from _objects(data, 0)


def _json(text: str) -> Any:
    """What a block holds, also with commas before closing brackets; None if nothing."""
    for form in (text, _LAST_COMMA.sub(r"\1", text)):
        with suppress(ValueError, RecursionError):
            return json.loads(form, strict=False)
    return None


def _objects(data: object, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(data, list):
        for one in data:
            yield from _objects(one, depth + 1)
    elif isinstance(data, dict):
        yield data
        for key in ("@graph", "mainEntity", "mainEntityOfPage"):
            if isinstance(data.get(key), dict | list):
                yield from _objects(data[key], depth + 1)


def _types(block: dict[str, Any]) -> list[str]:
    kind = block.get("@type")
    return [str(one) for one in kind] if isinstance(kind, list) else [str(kind)] if kind else []


def _pick(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """The block that describes the article: the first of an article's type with a headline or a date."""
    for block in blocks:
        is_article = any(_ARTICLE_TYPES.search(kind) for kind in _types(block))
        if is_article and (block.get("headline") or block.get("datePublished")):
            return block
    return {}


def _from_json_ld(found: PageMetadata, article: dict[str, Any]) -> None:
    found.title = _string(article.get("headline"))
    found.author = ", ".join(dict.fromkeys(_people(article.get("author"))))
    found.source = next(iter(_people(article.get("publisher"))), "")
    found.lang = _string(article.get("inLanguage"))
    found.body = scrub(unescape(article["articleBody"])).strip() if isinstance(article.get("articleBody"), str) else ""
    free = article.get("isAccessibleForFree")
    if isinstance(free, bool):
        found.is_free = free
    elif isinstance(free, str) and free.strip().lower() in {"true", "false"}:
        found.is_free = free.strip().lower() == "true"


def _from_elements(found: PageMetadata, elements: etree._Element) -> None:
    names = found.names
    page_title = next((collapse("".join(one.itertext())) for one in elements.iter("title")), "")
    found.source = names.get("og:site_name") or found.source or names.get("application-name", "")
    found.title = (
        found.title or names.get("og:title") or names.get("twitter:title") or _without_site(page_title, found.source)
    )
    author = names.get("author") or names.get("article:author") or names.get("byl", "")
    found.author = found.author or ("" if author.startswith("http") else author)
    declared = elements.get("lang") or elements.get("xml:lang") or ""
    found.lang = declared or found.lang or names.get("og:locale", "") or names.get("content-language", "")
    found.canonical = _link(elements, "canonical")
    found.shared_url = names.get("og:url", "")
    found.next_url = _link(elements, "next")
    found.is_reserved = names.get("tdm-reservation") == "1"


def _link(elements: etree._Element, rel: str) -> str:
    for element in elements.iter("link"):
        href: str | None = element.get("href")
        if href is not None and rel in (element.get("rel") or "").lower().split():
            return href.strip()
    return ""


def _dates(found: PageMetadata, article: dict[str, Any]) -> None:
    names = found.names
    raw = [_string(article.get("datePublished")), *(names.get(name, "") for name in _PUBLISHED_NAMES)]
    found.published, found.published_raw = _first_date(raw)
    raw = [_string(article.get("dateModified")), *(names.get(name, "") for name in _MODIFIED_NAMES)]
    found.modified, _ = _first_date(raw)
    if found.modified and found.published and found.modified.not_after < found.published.not_before:
        found.modified = None  # a page cannot have been changed before it was published: a slip of the site


def _first_date(texts: list[str]) -> tuple[Span | None, str]:
    """The first that reads as a sane date, with its string; else no date, with the first string that stood there."""
    for text in texts:
        span = read_span(text) if text else None
        if span is not None and is_sane(span):
            return span, text
    return None, next((text for text in texts if text), "")


def _people(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        name = one.get("name") if isinstance(one, dict) else one
        for text in name if isinstance(name, list) else [name]:
            if isinstance(text, str) and text.strip() and not text.startswith("http"):
                yield _string(text)


def _string(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return scrub(collapse(unescape(value))) if isinstance(value, str) else ""


def _without_site(title: str, site: str) -> str:
    """A page's title without the outlet's name at its end, as it stands in "Headline | Outlet"."""
    for mark in (" | ", " — ", " – ", " - ", " :: ", " • "):
        head, found, tail = title.rpartition(mark)
        if (
            found
            and head
            and (tail.lower() == site.lower() or (not site and len(tail.split()) <= 3 and len(head.split()) >= 4))
        ):
            return head.strip()
    return title
