"""PURE: sitemaps with the news extension, and their index files (https://www.sitemaps.org/protocol.html)."""

from lxml import etree

from monitor.reading.dates import read_span
from monitor.reading.limits import MOST_ENTRIES
from monitor.reading.markup import collapse
from storage.records import Entry, ParsedFeed

INDEX_FORMAT = "sitemapindex"
SITEMAP_FORMAT = "sitemap"


def read_sitemap(root: etree._Element) -> ParsedFeed | None:
    """Entries of a parsed sitemap or index document; None where the root is neither.

    An index gives one entry a sitemap, its link the sitemap's address and `updated_at` its lastmod.
    """
    name = _local(root)
    if name not in {"urlset", "sitemapindex"}:
        return None
    wanted = "url" if name == "urlset" else "sitemap"
    entries: list[Entry] = []
    langs = set()
    for child in root:
        if _local(child) != wanted:
            continue
        if len(entries) >= MOST_ENTRIES:
            break
        fields = _fields(child)
        if fields.get("loc"):
            entries.append(_entry(fields))
            langs.add(fields.get("language", ""))
    return ParsedFeed(
        entries=tuple(entries),
        lang=langs.pop() or None if len(langs) == 1 else None,
        format=SITEMAP_FORMAT if name == "urlset" else INDEX_FORMAT,
        path="fast",
    )


def _entry(fields: dict[str, str]) -> Entry:
    published, updated = read_span(fields.get("publication_date", "")), read_span(fields.get("lastmod", ""))
    return Entry(
        entry_id=fields["loc"],
        link=fields["loc"],
        title=fields.get("title", ""),
        published_at=published.not_before if published else None,
        updated_at=updated.not_before if updated else None,
        published_raw=fields.get("publication_date") or fields.get("lastmod", ""),
        author="",
    )


def _fields(element: etree._Element) -> dict[str, str]:
    """Text of the leaves below, by local name, the first of each; those of images and videos left out."""
    fields: dict[str, str] = {}
    for child in element:
        name = _local(child)
        if name in {"loc", "lastmod"}:
            fields.setdefault(name, collapse(child.text or ""))
        elif name == "news":
            for leaf in child.iter():
                if _local(leaf) in {"title", "publication_date", "language"}:
                    fields.setdefault(_local(leaf), collapse(leaf.text or ""))
    return fields


def _local(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""
