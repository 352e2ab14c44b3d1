"""PURE: the fast path: well-formed RSS, RDF and Atom from libxml2's tree, field for field as feedparser reads them.

Whatever could make feedparser read something else (document types, xml:base, nested feeds, stray prefixes, inline
markup, …) is refused by NotOrdinary, and feedparser judges the document. Single titles that look like markup, and
dates in words, are put to feedparser one by one (and remembered).
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple
from urllib.parse import urljoin
from xml.sax.saxutils import escape

from lxml import etree

from monitor.reading.feeds_judged import judge_date, judge_title, read_ttl
from monitor.reading.feeds_namespaces import ATOM, PLAIN, PREFIXES, RDF, RSS10, check_namespaces
from monitor.reading.limits import MOST_ENTRIES
from monitor.reading.markup import collapse, plain_text
from storage.records import Entry, ParsedFeed

_DECLARATION = re.compile(rb"^<\?xml[^>]*?>")
_ENCODING = re.compile(rb"""\sencoding=['"]([A-Za-z0-9._-]{2,40})['"]""")
_BASE = re.compile(rb"base\s*=")  # feedparser takes "base" for xml:base, in any letter case
_ODD_BASE = re.compile(rb"BASE\s*=|Base\s*=")
# What urljoin keeps as it is.
_SETTLED = re.compile(
    r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._~/%+,@=&-]*(?:\?[A-Za-z0-9._~/%+,@=&-]+)?|"
    r"(?:tag|urn):[A-Za-z0-9][A-Za-z0-9._~/%+,@=:-]*"
)
_MARKUP = re.compile(r"</\w+>|&#?\w+;")  # feedparser takes no RSS title for markup without one of these
_REFERENCE = re.compile(r"&([A-Za-z0-9_]+);")
_EXTRA_SLASHES = re.compile(r"^[A-Za-z][A-Za-z0-9+-.]*:///")
_CP1252 = {n: bytes([n]).decode("cp1252") for n in range(0x80, 0xA0) if n not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}}
_C1 = re.compile(r"[\x80-\x9f]")

_PUBLISHED = frozenset({"published", "issued", "pubdate"})
_UPDATED = frozenset({"updated", "modified", "lastbuilddate"})
_IMAGE_PARTS = frozenset({"title", "link", "description", "url", "href", "width", "height"})
_INPUT_PARTS = frozenset({"title", "link", "description", "name"})
_PERSON_PARTS = frozenset({"name", "uri", "url", "homepage", "email"})
_XHTML = frozenset(
    ("div", "p", "a", "img", "br", "hr", "span", "b", "i", "em", "strong", "u", "s", "small", "sub", "sup", "ul", "ol",
     "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code", "table", "thead", "tbody",
     "tr", "td", "th", "caption", "figure", "figcaption")
)  # fmt: skip
# What, nested where we do not look, would change an entry's or the feed's own fields.
_SENSITIVE = frozenset(
    ("title", "link", "guid", "id", "item", "entry", "feed", "channel", "rss", "image", "textinput", "source",
     "description", "summary", "content", "body", "fullitem", "newlocation", "where", "date", *_PUBLISHED, *_UPDATED)
)  # fmt: skip
_HTML_TYPES = frozenset({"text/html", "html", "application/xhtml+xml", "xhtml"})

_RFC822 = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun), )?(\d{1,2}) (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) (\d{4}) "
    r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d) (?:gmt|z|ut|([+-])(\d\d)(\d\d))"
)
_W3C = re.compile(r"(\d{4})-(\d\d)-(\d\d)t([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?(?:z|([+-])(\d\d):(\d\d))")
_MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
           "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}  # fmt: skip


class NotOrdinary(Exception):
    """The document needs the judge; the text says why, for counting."""


class _Name(NamedTuple):
    """An element's name: feedparser's prefix for its namespace ("" for those of feeds, "?" for others), local name."""

    prefix: str
    local: str


class _Document:
    """One feed as a tree, with what its elements are called."""

    def __init__(self, root: etree._Element, base: str) -> None:
        self.root = root
        self.base = base
        self.takers: dict[str, Taker] = {}
        self._names: dict[str, _Name] = {}

    def taker(self, element: etree._Element) -> "Taker":
        """What takes an element with this tag into the fields of its entry; kept in `takers`."""
        found = self.takers[element.tag] = _TAKERS.get(self.name(element), _Fields.take_other)
        return found

    def name(self, element: etree._Element) -> _Name:
        tag = element.tag
        known = self._names.get(tag)
        if known is None:
            uri, _, local = tag.rpartition("}")
            uri = uri[1:].lower()
            prefix = "" if not uri or uri in PLAIN else PREFIXES.get(uri, "?")
            known = self._names[tag] = _Name(prefix, local.lower())
            if not prefix and "_" in local:
                raise NotOrdinary("name")
        return known

    def children(self, element: etree._Element) -> Iterator[tuple[_Name, etree._Element]]:
        for child in element:
            yield self.name(child), child


def read_fast(body: bytes, *, url: str) -> ParsedFeed:
    """The feed. Raises NotOrdinary for all that is better judged by feedparser."""
    root = _parse(body)
    check = check_namespaces(root, body.count(b"xmlns"))
    if check:
        raise NotOrdinary(check)
    document = _Document(root, url)
    if root.tag == "rss":
        return _read_rss(document)
    if root.tag == f"{{{ATOM}}}feed":
        return _read_atom(document)
    if root.tag == f"{{{RDF}}}RDF":
        return _read_rdf(document)
    raise NotOrdinary("root")


def _parse(body: bytes) -> etree._Element:
    data = body.removeprefix(codecs.BOM_UTF8)
    if not data.startswith(b"<") or b"<!DOCTYPE" in data or _BASE.search(data) or _ODD_BASE.search(data):
        raise NotOrdinary("prolog")
    declaration = _DECLARATION.match(data)
    if declaration is not None:
        if b"\n" in declaration.group(0):
            raise NotOrdinary("prolog")
        named = _ENCODING.search(declaration.group(0))
        encoding = named.group(1).decode("ascii") if named else "utf-8"
        data = _recode(data[declaration.end() :], encoding, has_mark=len(data) < len(body))
    else:
        data = _recode(data, "utf-8", has_mark=False)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
        encoding="utf-8",
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotOrdinary("not well-formed") from error


def _recode(data: bytes, encoding: str, *, has_mark: bool) -> bytes:
    try:
        name = codecs.lookup(encoding).name
        if name not in {"utf-8", "ascii"} and (has_mark or not (name.startswith(("iso8859", "cp125", "koi8")))):
            raise NotOrdinary("encoding")
        text = data.decode(name)
    except (LookupError, UnicodeDecodeError) as error:
        raise NotOrdinary("encoding") from error
    if text.startswith("\ufeff"):
        raise NotOrdinary("encoding")
    return data if name in {"utf-8", "ascii"} else text.encode()


def _read_rss(document: _Document) -> ParsedFeed:
    children = list(document.root)
    if len(children) != 1 or document.name(children[0]) != ("", "channel"):
        raise NotOrdinary("layout")
    channel = children[0]
    items = (child for name, child in document.children(channel) if name == ("", "item"))
    entries = [_entry(document, item, is_atom=False) for item in islice(items, MOST_ENTRIES)]
    version = {"0.91": "rss091u", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}.get(
        document.root.get("version", ""), "rss20" if document.root.get("version", "").startswith("2.") else "rss"
    )
    return _feed(document, channel, entries, version, entry_name="item")


def _read_rdf(document: _Document) -> ParsedFeed:
    namespaces = {str(uri).lower() for uri in document.root.nsmap.values()}
    channels: list[etree._Element] = []
    entries: list[Entry] = []
    for name, child in document.children(document.root):
        if name == ("", "channel"):
            channels.append(child)
        elif name == ("", "item"):
            if len(entries) < MOST_ENTRIES:
                entries.append(_entry(document, child, is_atom=False))
        elif name in {("", "image"), ("", "textinput")}:
            _check_parts(document, child, _IMAGE_PARTS if name.local == "image" else _INPUT_PARTS)
        else:
            raise NotOrdinary("layout")
    if len(channels) != 1 or ATOM.lower() in namespaces or RSS10 not in namespaces:
        raise NotOrdinary("layout")
    return _feed(document, channels[0], entries, "rss10", entry_name="")


def _read_atom(document: _Document) -> ParsedFeed:
    if RSS10 in {str(uri).lower() for uri in document.root.nsmap.values()}:
        raise NotOrdinary("namespaces")
    items = (child for name, child in document.children(document.root) if name == ("", "entry"))
    entries = [_entry(document, item, is_atom=True) for item in islice(items, MOST_ENTRIES)]
    return _feed(document, document.root, entries, "atom10", entry_name="entry")


def _feed(
    document: _Document, head: etree._Element, entries: list[Entry], version: str, *, entry_name: str
) -> ParsedFeed:
    is_atom = version == "atom10"
    fields = _Fields(document, is_atom)
    for name, child in document.children(head):
        if name == ("", entry_name):
            continue
        if name in {("", "image"), ("", "textinput")}:
            _check_parts(document, child, _IMAGE_PARTS if name.local == "image" else _INPUT_PARTS)
        elif name.prefix == "" and name.local in {"item", "entry", "source"}:
            raise NotOrdinary("layout")
        elif name == ("", "language") or name == ("dc", "language"):
            fields.lang = _leaf(child)
        elif name == ("", "ttl"):
            fields.ttl = _leaf(child)
        elif not (name.prefix == "" and name.local in {"description", "subtitle", "tagline", "info"}):
            document.taker(child)(fields, child)
        elif len(child):
            raise NotOrdinary("inline markup")
    for key in head.attrib:
        if str(key).rpartition("}")[2].lower() in {"lastmod", "href"}:
            raise NotOrdinary("attributes")
    return ParsedFeed(
        title=fields.finish_title(),
        link=fields.link or "",
        self_url=fields.rels.get("self", ""),
        hub_url=fields.rels.get("hub", ""),
        lang=fields.lang or head.get("{http://www.w3.org/XML/1998/namespace}lang") or None,
        ttl_seconds=read_ttl(fields.ttl),
        entries=tuple(entries),
        format=version,
        path="fast",
    )


def _entry(document: _Document, item: etree._Element, *, is_atom: bool) -> Entry:
    fields = _Fields(document, is_atom)
    for key, value in item.attrib.items():
        local = str(key).rpartition("}")[2].lower()
        if key == f"{{{RDF}}}about":
            fields.entry_id = str(value)
        elif local in {"lastmod", "href", "about"}:
            raise NotOrdinary("attributes")
    takers = document.takers
    for child in item:
        (takers.get(child.tag) or document.taker(child))(fields, child)
    return Entry(
        entry_id=fields.entry_id,
        link=fields.link or "",
        title=fields.finish_title(),
        summary=fields.finish_summary(),
        published_at=fields.published_at,
        updated_at=fields.updated_at,
        published_raw=fields.published_raw or fields.updated_raw,
        author=fields.author,
        content_html=fields.content,
    )


class _Fields:
    """The fields of one entry, or of the feed's head, as its children are taken in order."""

    __slots__ = (
        "_base", "_document", "_has_media_title", "_has_source", "_is_atom", "_titles", "author", "content", "entry_id",
        "lang", "link", "published_at", "published_raw", "rels", "summary", "ttl", "updated_at", "updated_raw",
    )  # fmt: skip

    def __init__(self, document: _Document, is_atom: bool) -> None:
        self._document, self._base, self._is_atom = document, document.base, is_atom
        self._titles: list[tuple[str, str]] = []
        self._has_source = self._has_media_title = False
        self.link: str | None = None
        self.entry_id = self.author = self.content = self.summary = self.lang = self.ttl = ""
        self.published_at: datetime | None = None
        self.updated_at: datetime | None = None
        self.published_raw = self.updated_raw = ""
        self.rels: dict[str, str] = {}

    def take_published(self, element: etree._Element) -> None:
        self.published_raw = _leaf(element)
        self.published_at = _read_date(self.published_raw)

    def take_updated(self, element: etree._Element) -> None:
        self.updated_raw = _leaf(element)
        self.updated_at = _read_date(self.updated_raw)

    def take_summary(self, element: etree._Element) -> None:
        self.summary = self.summary or self._html(element)

    def take_content(self, element: etree._Element) -> None:
        self.content = self._html(element)

    def take_full_text(self, element: etree._Element) -> None:
        self.content = self.content or self._html(element)

    def take_contributor(self, element: etree._Element) -> None:
        self._check_only(element, _PERSON_PARTS)

    def take_source(self, element: etree._Element) -> None:
        self._has_source = True
        self._check_source(element)

    def take_media_title(self, element: etree._Element) -> None:
        self._has_media_title = True
        if len(element):
            raise NotOrdinary("inline markup")

    def take_other(self, element: etree._Element) -> None:
        """What we have no field for: it must hold nothing that feedparser would take for the entry's own."""
        if len(element):
            self._check_inside(element)

    def refuse(self, element: etree._Element) -> None:
        raise NotOrdinary("layout")

    def take_title(self, element: etree._Element) -> None:
        kind = "rss"
        if self._is_atom:
            kind = "text"
            for key, value in element.attrib.items():
                if key == "type":
                    kind = str(value).lower()
                elif not str(key).startswith("{http://www.w3.org/XML/"):
                    raise NotOrdinary("attributes")
            if kind not in {"text", "html"}:
                raise NotOrdinary("title type")
        elif element.attrib:
            raise NotOrdinary("attributes")
        self._titles.append((_leaf(element), kind))

    def finish_title(self) -> str:
        if self._has_media_title and (self._has_source or not any(text for text, _ in self._titles)):
            raise NotOrdinary("two titles")
        if not self._titles:
            return ""
        if len(self._titles) > 1:
            raise NotOrdinary("two titles")
        text, kind = self._titles[0]
        if kind == "rss" and _MARKUP.search(text):
            return judge_title(text, kind, self._base)
        if kind == "html" and ("<" in text or "&" in text or "\r" in text):
            return judge_title(text, kind, self._base)
        return _repair(text)

    def take_link(self, element: etree._Element) -> None:
        given = element.items()
        if not given:  # as all in RSS
            self._take_link_text(element)
            return
        attributes: dict[str, str] = {}
        for key, value in given:
            name = str(key).lower()
            if "}" in name and not name.startswith("{http://www.w3.org/xml/"):
                raise NotOrdinary("attributes")
            attributes[name] = str(value)
        rel, kind = attributes.get("rel", "alternate").lower(), attributes.get("type", "text/html").lower()
        href = attributes.get("url", attributes.get("uri", attributes.get("href")))
        if href is None or href == "":
            if "url" in attributes or "uri" in attributes or "href" in attributes:
                raise NotOrdinary("attributes")
            self._take_link_text(element)
            return
        if len(element):
            raise NotOrdinary("inline markup")
        target = self._join(href)
        self.rels.setdefault(rel, target)
        if rel == "alternate" and kind in _HTML_TYPES:
            self.link = target

    def _take_link_text(self, element: etree._Element) -> None:
        text = _leaf(element)
        link = _repair(self._join(text)) if text else ""
        if "&amp;" in link:
            raise NotOrdinary("address")
        self.link = _REFERENCE.sub(r"&\1", link) if "&" in link else link

    def take_id(self, element: etree._Element) -> None:
        text = _leaf(element)
        is_link = True
        for key, value in element.attrib.items():
            if str(key).lower() == "ispermalink":
                is_link = value == "true"
        self.entry_id = _repair(self._join(text) if is_link and text else text)
        if is_link and self.link is None:
            self.link = self.entry_id

    def _join(self, address: str) -> str:
        if _SETTLED.fullmatch(address):
            return address
        if _EXTRA_SLASHES.match(address):
            raise NotOrdinary("address")
        if not self._base:
            return address
        try:
            return urljoin(self._base, address)
        except ValueError:
            return ""

    def take_author(self, element: etree._Element) -> None:
        text = element.text or ""
        if len(element):
            self._check_only(element, _PERSON_PARTS)
            names = [_leaf(child) for name, child in self._document.children(element) if name.local == "name"]
            text = names[0] if names else text
        author = collapse(text)
        self.author = f"{self.author}, {author}" if self.author and author else author or self.author

    def _html(self, element: etree._Element) -> str:
        """The element's content as HTML; an Atom text is escaped, XHTML is written out."""
        kind = "text" if self._is_atom else "html"
        for key, value in element.items():
            if key == "type":
                kind = str(value or kind).lower()
            elif key in {"mode", "src"} and value:
                raise NotOrdinary("attributes")
        if kind == "xhtml":
            for child in element.iterdescendants():
                if str(child.tag).rpartition("}")[2] not in _XHTML:
                    raise NotOrdinary("inline markup")
            return "".join(etree.tostring(child, encoding="unicode") for child in element)
        if len(element) or (self._is_atom and kind not in {"text", "html", "text/plain", "text/html"}):
            raise NotOrdinary("inline markup")
        text = (element.text or "").strip()
        return escape(text) if self._is_atom and kind in {"text", "text/plain"} else text

    def finish_summary(self) -> str:
        return plain_text(self.summary or self.content)

    def _check_source(self, element: etree._Element) -> None:
        for child in element.iterdescendants():
            name = self._document.name(child)
            if name.prefix == "" and name.local in {
                "source",
                "item",
                "entry",
                "feed",
                "channel",
                "rss",
                "image",
                "textinput",
            }:
                raise NotOrdinary("layout")

    def _check_only(self, element: etree._Element, allowed: frozenset[str]) -> None:
        for name, child in self._document.children(element):
            if name.local not in allowed or len(child):
                self._check_inside(element)
                return

    def _check_inside(self, element: etree._Element) -> None:
        """Refuse an element whose descendants feedparser would take for the entry's own fields."""
        for child in element.iterdescendants():
            name = self._document.name(child)
            if name.prefix == "media":
                self._has_media_title = self._has_media_title or name.local == "title"
            elif name.prefix in {"dcterms", "content"} or (name.prefix != "?" and name.local in _SENSITIVE):
                raise NotOrdinary("layout")


Taker = Callable[[_Fields, etree._Element], None]
_TAKERS: dict[tuple[str, str], Taker] = {
    **{("", local): _Fields.refuse for local in _SENSITIVE},
    ("", "title"): _Fields.take_title,
    ("", "link"): _Fields.take_link,
    ("", "guid"): _Fields.take_id,
    ("", "id"): _Fields.take_id,
    **{("", local): _Fields.take_published for local in _PUBLISHED},
    **{("", local): _Fields.take_updated for local in _UPDATED},
    ("", "description"): _Fields.take_summary,
    ("", "summary"): _Fields.take_summary,
    ("", "content"): _Fields.take_content,
    ("", "author"): _Fields.take_author,
    ("", "managingeditor"): _Fields.take_author,
    ("", "contributor"): _Fields.take_contributor,
    ("", "source"): _Fields.take_source,
    ("dc", "date"): _Fields.take_updated,
    ("dc", "creator"): _Fields.take_author,
    ("dc", "author"): _Fields.take_author,
    ("dc", "description"): _Fields.take_summary,
    ("dc", "title"): _Fields.refuse,
    ("dcterms", "issued"): _Fields.take_published,
    ("dcterms", "modified"): _Fields.take_updated,
    ("media", "title"): _Fields.take_media_title,
    ("media", "description"): _Fields.take_summary,
    ("content", "encoded"): _Fields.take_content,
    ("yandex", "full-text"): _Fields.take_full_text,
}


def _check_parts(document: _Document, element: etree._Element, allowed: Iterable[str]) -> None:
    for name, child in document.children(element):
        if name.prefix or name.local not in allowed or len(child):
            raise NotOrdinary("layout")


def _leaf(element: etree._Element) -> str:
    if len(element):
        raise NotOrdinary("inline markup")
    return (element.text or "").strip()


def _repair(text: str) -> str:
    """What feedparser does to text: UTF-8 that was taken for Latin-1 is read again, Windows characters are mapped."""
    if text.isascii():
        return text
    with suppress(UnicodeError):
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(_CP1252) if _C1.search(text) else text


def _read_date(text: str) -> datetime | None:
    """A date as feedparser reads it, in UTC."""
    if not text:
        return None
    lowered = text.lower()
    match = _RFC822.fullmatch(lowered)
    if match is not None:
        day, name, year, *rest = match.groups()
        month = _MONTHS[name]
    else:
        match = _W3C.fullmatch(lowered)
        if match is None:
            return judge_date(text)
        year, number, day, *rest = match.groups()
        month = int(number)
    hour, minute, second, sign, zone_hour, zone_minute = rest
    if sign == "-" and zone_minute != "00":
        return judge_date(text)  # feedparser adds these minutes
    try:
        moment = datetime(int(year), month, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if sign is None:
            return moment
        offset = timedelta(hours=int(zone_hour), minutes=int(zone_minute))
        return moment + offset if sign == "-" else moment - offset
    except (ValueError, OverflowError):
        return judge_date(text)
