"""PURE: lists of feeds as OPML (http://opml.org/spec2.opml), in and out."""

import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from alerts.addresses import is_web_address
from storage.errors import FeedParseError
from storage.records import Feed, FeedSpec

_LANGUAGE = re.compile(r"[a-z]{2,3}(?![a-z])")
# Some programs write a character beyond the first 65,536 as two references, which XML forbids.
_SURROGATES = re.compile(rb"&#x0*d[89ab][0-9a-f]{2};&#x0*d[c-f][0-9a-f]{2};|&#x0*d[89a-f][0-9a-f]{2};", re.IGNORECASE)
# What XML cannot hold, whatever a site calls itself.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_opml(body: bytes, *, file: str) -> tuple[FeedSpec, ...]:
    """The feeds of an OPML document, folders flattened, repeats left out. `file` names it in messages.

    Raises FeedParseError where it is no OPML or names no feed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    try:
        root = etree.fromstring(_SURROGATES.sub(_joined, body), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedParseError(f"{file}: cannot be read as OPML ({error}); export it again from your reader") from error
    if root is None or _name(root) != "opml":
        raise FeedParseError(f"{file}: this is no OPML document; export the list of feeds from your reader as OPML")
    found: dict[str, FeedSpec] = {}
    for outline in root.iter():
        attributes = _attributes(outline) if _name(outline) == "outline" else {}
        url = _web_address(attributes.get("xmlurl", ""))
        if url:
            name = attributes.get("title") or attributes.get("text", "")
            lang = _LANGUAGE.match(attributes.get("language", "").lower())
            spec = FeedSpec(url=url, source=name if name != url else "", lang=lang.group() if lang else None)
            found.setdefault(url, spec)
    if not found:
        raise FeedParseError(f"{file}: names no feed (no outline has an xmlUrl); export it again from your reader")
    return tuple(found.values())


def _name(element: etree._Element) -> str:
    """An element's name in lower case, whatever its namespace; empty for comments and the like."""
    return str(element.tag).rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _attributes(outline: etree._Element) -> dict[str, str]:
    """What an outline says, by names in lower case; nothing where it is spelt in a way that cannot be read."""
    try:
        return {str(key).lower(): _allowed(str(value)).strip() for key, value in outline.attrib.items()}
    except UnicodeDecodeError:
        return {}


def _joined(reference: re.Match[bytes]) -> bytes:
    """References to two halves of a character as the character; to one half alone, which is none, as nothing."""
    halves = [int(digits, 16) for digits in re.findall(rb"[0-9a-fA-F]{4}", reference.group())]
    if len(halves) < 2:
        return b""
    high, low = halves
    return b"&#%d;" % (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _web_address(url: str) -> str:
    """The address, of those that begin with feed: the one that is meant; empty for what is no address of the web."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() == "feed":
        url = f"http:{rest}" if rest.startswith("//") else rest
    return url if is_web_address(url) else ""


def write_opml(feeds: Iterable[Feed | FeedSpec], *, title: str = "Storywatch", now: datetime | None = None) -> str:
    """An OPML 2.0 document of the feeds, in the order given; `now` aware, if the document is to be dated."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = _allowed(title)
    if now is not None:
        etree.SubElement(head, "dateCreated").text = format_datetime(now)
    body = etree.SubElement(root, "body")
    for feed in feeds:
        name = feed.source or (feed.title if isinstance(feed, Feed) else "") or feed.url
        name, url = _allowed(name), _allowed(feed.url)
        outline = etree.SubElement(body, "outline", type="rss", text=name, title=name, xmlUrl=url)
        if feed.lang:
            outline.set("language", _allowed(feed.lang))
    text: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return text.decode("utf-8")


def _allowed(text: str) -> str:
    return _FORBIDDEN.sub("", text)
