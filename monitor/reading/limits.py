"""PURE: how much of one document is read: a body of 15 MB may hold millions of elements, and they fill the memory."""

# A sitemap may name 50,000 pages (https://www.sitemaps.org/protocol.html); no feed lists as many.
MOST_ENTRIES = 50_000
# An element of libxml2 with its text takes 250 bytes; feedparser takes 2.5 kB for one that it has to put right.
MOST_FEED_TAGS = 700_000
MOST_JUDGED_TAGS = 80_000
MOST_PAGE_TAGS = 150_000
# An empty object of JSON takes 64 bytes and one with a field 230, a string 50 and more.
MOST_JSON_OBJECTS = 200_000
MOST_JSON_STRINGS = 1_000_000


def count_tags(body: bytes) -> int:
    """How many elements XML can hold at most, counted by their ends too."""
    return body.count(b"<")


def is_too_much_json(body: bytes) -> bool:
    """Whether so many objects, lists or strings may be in it that it cannot be read within reason."""
    return body.count(b"{") + body.count(b"[") > MOST_JSON_OBJECTS or body.count(b'"') > 2 * MOST_JSON_STRINGS


def cut_page(markup: str) -> str:
    """A page up to its 150,000th tag: real ones have a hundredth of that."""
    if markup.count("<") <= MOST_PAGE_TAGS:
        return markup
    at = -1
    for _ in range(MOST_PAGE_TAGS):
        at = markup.find("<", at + 1)
    return markup[:at]
