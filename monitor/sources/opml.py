"""PURE: lists of feeds as OPML (http://opml.org/spec2.opml), in and out."""

import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from storage.errors import FeedParseError
from storage.records import Feed, FeedSpec

# What XML cannot hold, whatever a site calls itself.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_opml(body: bytes, *, file: str) -> tuple[FeedSpec, ...]:
    """The feeds of an OPML document, folders flattened, repeats left out. `file` names it in messages.

    Raises FeedParseError where it is no OPML or names no feed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedParseError(f"{file}: cannot be read as OPML ({error}); export it again from your reader") from error
    if root is None or not isinstance(root.tag, str) or root.tag.lower() != "opml":
        raise FeedParseError(f"{file}: this is no OPML document; export the list of feeds from your reader as OPML")
    found: dict[str, FeedSpec] = {}
    for outline in root.iter("outline"):
        attributes = {str(key).lower(): str(value).strip() for key, value in outline.attrib.items()}
        url = _web_address(attributes.get("xmlurl", ""))
        if url:
            found.setdefault(
                url,
                FeedSpec(
                    url=url,
                    source=attributes.get("title") or attributes.get("text", ""),
                    lang=attributes.get("language", "").split("-")[0] or None,
                ),
            )
    if not found:
        raise FeedParseError(f"{file}: names no feed (no outline has an xmlUrl); export it again from your reader")
    return tuple(found.values())


def _web_address(url: str) -> str:
    """The address, of those that begin with feed: the one that is meant; empty for what is no address of the web."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() == "feed":
        url = f"http:{rest}" if rest.startswith("//") else rest
    return url if url.lower().startswith(("http://", "https://")) else ""


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
