"""Odd feeds by construction, for comparing our readers with feedparser: Hypothesis strategies."""

from hypothesis import strategies as st

NAMESPACES = (
    "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:dcterms='http://purl.org/dc/terms/' "
    "xmlns:media='http://search.yahoo.com/mrss/' xmlns:content='http://purl.org/rss/1.0/modules/content/' "
    "xmlns:foo='urn:foo' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'"
)
ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"

texts = st.sampled_from(
    ["Plain", "A &amp; B", "AT&amp;amp;T", "<![CDATA[<b>Bold</b> x]]>", "<![CDATA[It&#8217;s]]>", " spaced \n out ", "Ünï “q”",
     "caf\u00c3\u00a9", "\u0091q\u0092", "", "x &lt; y > z", "<b>in</b>", "&lt;script&gt;a&lt;/script&gt;t", "Q&amp;A; now",
     "&#13;cr", "тест — 5", "&lt;i&gt;it&lt;/i&gt;", "a]]&gt;b", "&amp;nbsp;x", "&#160;nb&#160;", "<![CDATA[ ]]>",
     "a<!-- c -->b", "a<?pi x?>b", "12 killed"]
)  # fmt: skip
links = st.sampled_from(
    ["http://a.org/1", "http://a.org/2", "/rel/2", "http://a.org/?a=1&amp;b=2", "http://a.org/?a=1&amp;amp;b=2", " http://a.org/s ",
     "", "http:///x/y", "http://[bad/", "mailto:x@y", "http://a.org/ü", "a b", "//h/p", "?q", "http://a.org/&amp;copy;x"]
)  # fmt: skip
dates = st.sampled_from(
    ["Mon, 10 Jan 2022 10:00:00 GMT", "Mon, 10 Jan 2022 10:00:00 +0600", "10 Jan 2022 10:00:00 -0530", "2022-01-10T10:00:00Z",
     "2022-01-10T10:00:00.123+06:00", "2022-01-10T10:00:00-03:30", "2022-01-10", "Jan 10, 2022", "junk", "",
     "2022-02-30T00:00:00Z", "Mon, 10 Jan 22 10:00 EST", "2022-01-10 10:00:00", "Tue, 31 Dec 9999 23:59:59 -0100",
     "0001-01-01T00:00:00+05:00", "MON, 10 JAN 2022 10:00:00 UTC"]
)  # fmt: skip
rels = st.sampled_from(["self", "alternate", "hub", "edit", "enclosure"])
types = st.sampled_from(["", " type='text'", " type='html'", " type='xhtml'", " type='HTML'"])


def _element(tag: str, values: st.SearchStrategy[str], attributes: str = "") -> st.SearchStrategy[str]:
    return values.map(lambda value: f"<{tag}{attributes}>{value}</{tag}>")


_permalinks = st.sampled_from(["", " isPermaLink='false'", " isPermaLink='true'", " ispermalink='False'"])
_guid = st.tuples(_permalinks, links).map(lambda pair: f"<guid{pair[0]}>{pair[1]}</guid>")
_atom_link = st.tuples(links, rels).map(
    lambda pair: f"<atom:link href='{pair[0]}' rel='{pair[1]}' xmlns:atom='{ATOM_NAMESPACE}'/>"
)
_media = texts.map(
    lambda text: f"<media:group><media:title>{text}</media:title><media:description>d</media:description></media:group>"
)
_usual = [
    _element("title", texts),
    _element("link", links),
    _guid,
    _element("pubDate", dates),
    _element("description", texts),
]
_unusual = [
    _element("dc:date", dates), _element("dc:creator", texts), _element("content:encoded", texts), _media, _atom_link,
    _element("media:title", texts), _element("source", texts, " url='http://s/'"), _element("category", texts),
    _element("foo:title", texts), texts.map(lambda text: f"<image><url>x</url><title>{text}</title></image>"),
    texts.map(lambda text: f"<foo:bar><title>{text}</title></foo:bar>"), _element("dcterms:modified", dates),
    _element("id", links), _element("date", dates), _element("published", dates), _element("itunes:title", texts),
    _element("dc:title", texts), _element("title", texts), _element("updated", dates), _element("comments", links),
]  # fmt: skip
_typed = st.sampled_from(["title", "summary", "content"]).flatmap(
    lambda tag: st.tuples(types, texts).map(lambda pair: f"<{tag}{pair[0]}>{pair[1]}</{tag}>")
)
_atom_usual = [
    st.tuples(types, texts).map(lambda pair: f"<title{pair[0]}>{pair[1]}</title>"), links.map(lambda link: f"<link href='{link}'/>"),
    _element("id", links), _element("updated", dates), _element("published", dates),
]  # fmt: skip
_atom_unusual = [
    _typed, st.tuples(rels, links).map(lambda pair: f"<link rel='{pair[0]}' href='{pair[1]}'/>"), _element("link", links),
    texts.map(lambda t: f"<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>{t}</p></div></content>"),
    st.just("<author><name>N</name><uri>u</uri></author>"), _media, _element("media:title", texts), _element("dc:date", dates),
    texts.map(lambda t: f"<source><title>{t}</title><id>x</id><updated>2022-01-10</updated></source>"),
]  # fmt: skip


def _parts(usual: list[st.SearchStrategy[str]], unusual: list[st.SearchStrategy[str]]) -> st.SearchStrategy[list[str]]:
    return st.tuples(
        st.tuples(*usual), st.lists(st.one_of(*unusual), max_size=3), st.booleans(), st.randoms(use_true_random=False)
    ).map(lambda drawn: _mixed([*drawn[0], *drawn[1]], drawn[2], drawn[3]))


def _mixed(parts: list[str], is_shuffled: bool, rng: object) -> list[str]:
    if is_shuffled:
        rng.shuffle(parts)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
        return parts[:-1]
    return parts


rss_items = _parts(_usual, _unusual).map(lambda parts: f"<item>{''.join(parts)}</item>")
atom_entries = _parts(_atom_usual, _atom_unusual).map(lambda parts: f"<entry>{''.join(parts)}</entry>")
_heads = _parts(
    [_element("title", texts), _element("link", links), st.just("<ttl>5</ttl>")],
    [_atom_link, texts.map(lambda text: f"<image><title>{text}</title><link>x</link></image>"), _element("guid", links),
     _element("title", texts), texts.map(lambda text: f"<textInput><title>{text}</title><name>q</name></textInput>")],
).map("".join)  # fmt: skip

rss_feeds = st.tuples(_heads, st.lists(rss_items, max_size=3)).map(
    lambda pair: f"<rss version='2.0' {NAMESPACES}><channel>{pair[0]}{''.join(pair[1])}</channel></rss>"
)
atom_feeds = st.tuples(_parts(_atom_usual, _atom_unusual), st.lists(atom_entries, max_size=2)).map(
    lambda pair: f"<feed xmlns='{ATOM_NAMESPACE}' {NAMESPACES}>{''.join(pair[0])}{''.join(pair[1])}</feed>"
)
rdf_feeds = st.tuples(_heads, st.lists(rss_items, max_size=2)).map(
    lambda pair: (
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' "
        f"{NAMESPACES}><channel rdf:about='x'>{pair[0]}</channel>{''.join(pair[1])}</rdf:RDF>"
    )
)
feeds = st.one_of(rss_feeds, rss_feeds, atom_feeds, rdf_feeds).map(str.encode)
bases = st.sampled_from(["", "http://base.org/dir/feed"])


@st.composite
def damaged_feeds(draw: st.DrawFn) -> bytes:
    """A feed with bytes changed, cut out or doubled."""
    body = bytearray(draw(feeds))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body) - 1))
        kind = draw(st.integers(0, 2))
        if kind == 0:
            body[at] = draw(st.integers(0, 255))
        elif kind == 1:
            del body[at : at + draw(st.integers(1, 30))]
        else:
            body[at:at] = body[: draw(st.integers(1, 40))]
        if not body:
            break
    return bytes(body)
