"""PURE: the namespaces of feeds, and which declarations feedparser would read in another way than they are meant."""

from lxml import etree

ATOM = "http://www.w3.org/2005/Atom"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RSS10 = "http://purl.org/rss/1.0/"
# compared in lower case, as feedparser does
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
YANDEX = "http://news.yandex.ru"
MEDIA = "http://search.yahoo.com/mrss/"

# namespaces whose elements are a feed's own, with or without a prefix
PLAIN = frozenset({RSS10, ATOM.lower(), "http://my.netscape.com/rdf/simple/0.9/", "http://backend.userland.com/rss2"})

# namespaces whose elements may fill fields that we read
PREFIXES = {
    DC: "dc",
    DCTERMS: "dcterms",
    MEDIA: "media",
    MEDIA.rstrip("/"): "media",
    CONTENT: "content",
    YANDEX: "yandex",
}

# others that feedparser knows, with the prefix by which it calls them; none touches a title, link, id or date
_KNOWN = {
    DC: "dc",
    DCTERMS: "dcterms",
    CONTENT: "content",
    MEDIA: "media",
    RDF.lower(): "rdf",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    MEDIA.rstrip("/"): "media",
    "http://purl.org/rss/1.0/modules/slash/": "slash",
    "http://purl.org/rss/1.0/modules/syndication/": "sy",
    "http://purl.org/rss/1.0/modules/threading/": "thr",
    "http://wellformedweb.org/commentapi/": "wfw",
    "http://www.georss.org/georss": "georss",
    "http://www.w3.org/2003/01/geo/wgs84_pos#": "geo",
    "http://www.opengis.net/gml": "gml",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://www.w3.org/1999/xlink": "xlink",
    "http://www.w3.org/xml/1998/namespace": "xml",
    "http://webns.net/mvcb/": "admin",
    "http://web.resource.org/cc/": "cc",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://madskills.com/public/xml/rss/module/trackback/": "trackback",
    "http://purl.org/rss/1.0/modules/search/": "search",
    "http://purl.org/rss/1.0/modules/taxonomy/": "taxo",
    "http://prismstandard.org/namespaces/1.2/basic/": "prism",
    "http://xmlns.com/foaf/0.1/": "foaf",
    YANDEX: "yandex",
}
# prefixes that feedparser has handlers for, whatever they were declared for
_MEANT = frozenset(
    {*PREFIXES.values(), "itunes", "xhtml", "feedburner", "admin", "cc", "creativecommons", "georss", "gml", "psc"}
)
# families that feedparser matches by a part of the address
_ODD = ("backend.userland.com", "cyber.law.harvard.edu", "blogs.law.harvard.edu", "purl.org/atom/ns", "purl.org/echo",
        "purl.org/pie", "example.com/", "podlove.org", "rss091", "itunes.com/dtds")  # fmt: skip


def check_namespaces(root: etree._Element, mentions: int) -> str:
    """A reason not to read the document fast, or "". `mentions` is how often "xmlns" stands in its bytes."""
    declared = set(root.nsmap.items())
    if mentions > len(declared):
        # further declarations below the root, or a mention in some text
        for element in root.iterdescendants():
            declared.update(element.nsmap.items())
    if len({prefix for prefix, _ in declared}) < len(declared):
        return "prefix"  # one prefix for two namespaces: feedparser keeps one meaning
    return next((reason for prefix, uri in declared if (reason := _check(prefix, str(uri).lower()))), "")


def _check(prefix: str | None, uri: str) -> str:
    known = _KNOWN.get(uri)
    if uri in PLAIN:
        return "prefix" if prefix is not None and prefix.lower() in _MEANT else ""
    if known is None:
        if prefix is None or prefix.lower() in _MEANT or any(part in uri for part in _ODD):
            return "prefix"
        return ""
    if prefix is not None and prefix.lower() in _MEANT and prefix != known:
        return "prefix"
    return "prefix" if prefix is None and known != "xhtml" else ""
