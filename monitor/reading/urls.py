"""PURE: one address for one page: tracking taken off, phone and AMP twins made one. The tables are in tracking.toml."""

import contextlib
import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, unquote_plus, urljoin, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HEX = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SAFE = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")
# What addresses of single articles look like, and those of days and languages.
_SLUG = 3  # words
_NUMBER = 5  # digits
_WORDS = re.compile(r"[-_+ ]+")
_MIXED = re.compile(r"(?=.*\d)(?=.*[a-zA-Z])[0-9a-zA-Z]{8,}")
_DAY = re.compile(r"(?:19|20)\d{2}[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?[0-3]\d)?")
_LANGUAGE = re.compile(r"/[a-z]{2}(?:[-_][a-z]{2})?", re.IGNORECASE)
_AMP = "amp"  # stands in every address of an AMP cache
_SLASHES = re.compile(r"/{2,}")
_SESSION = re.compile(r";jsessionid=[^/;]*", re.IGNORECASE)
_DOTS = re.compile(r"(?:^|/)\.\.?(?:/|$)")
# Addresses as most are: a host, and a path in which nothing has to be put right.
_PLAIN = re.compile(
    r"(https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?)((?:/(?!\.)[A-Za-z0-9._~!$&'()*+,=:@-]+)*/?)"
)


class _Tables(NamedTuple):
    names: frozenset[str]
    prefixes: tuple[str, ...]
    dress: frozenset[str]
    dress_values: frozenset[str]
    hosts: frozenset[str]
    segments: frozenset[str]
    phones: frozenset[str]
    endings: tuple[str, ...]
    words: tuple[str, ...]
    senders: frozenset[str]
    sender_values: re.Pattern[str]
    second_levels: frozenset[str]
    caches: re.Pattern[str]


@cache
def _tables() -> _Tables:
    data = tomllib.loads((files("monitor.reading") / "tracking.toml").read_text(encoding="utf-8"))
    parameters = [str(name).lower() for name in data["parameters"]]
    return _Tables(
        names=frozenset(name for name in parameters if not name.endswith("*")),
        prefixes=tuple(name[:-1] for name in parameters if name.endswith("*")),
        dress=frozenset(data["dress"]),
        dress_values=frozenset(data["dress_values"]),
        hosts=frozenset(data["hosts"]),
        segments=frozenset(data["amp_segments"]),
        phones=frozenset(data["phone_segments"]),
        endings=tuple(data["amp_endings"]),
        words=tuple(data["amp_words"]),
        senders=frozenset(data["senders"]),
        sender_values=re.compile(rf"(?:{'|'.join(data['sender_values'])})(?![a-z])", re.IGNORECASE),
        second_levels=frozenset(data["second_levels"]),
        caches=re.compile("|".join(data["amp_caches"]), re.IGNORECASE),
    )


# One entry's address is asked about several times in a poll.
@lru_cache(maxsize=2_048)
def canonical_url(url: str) -> str:
    """The address under which a page is remembered; for comparing and keying, not for fetching.

    Scheme and host in lower case, https for http, default ports, fragments, tracking parameters and the marks of phone
    and AMP twins left out, parameters sorted, percent-escapes made even; of what an AMP cache holds, its own address.
    Idempotent. What is no http address is returned stripped, as it is.
    """
    text = _own_address(url.strip())
    if text[:1].isalnum() and text[0] not in "hH":  # the tag: of an entry
        return text
    plain = _PLAIN.fullmatch(text)
    if plain is not None and (origin := _origin(plain[1])):
        found = f"{origin}{_without_twins(plain[2] or '/')}"
    else:
        try:
            parts = urlsplit(text)
        except ValueError:
            return text
        if not (netloc := _netloc(parts)):
            return text
        found = urlunsplit(("https", netloc, _path(parts.path), _query(parts.query), ""))
    return found if _own_address(found) == found else canonical_url(found)


@lru_cache(maxsize=256)
def _origin(url: str) -> str:
    """Scheme, host and port of an address that holds nothing else, as its canonical form has them; "" if none."""
    netloc = _netloc(urlsplit(url))
    return f"https://{netloc}" if netloc else ""


def _netloc(parts: SplitResult) -> str:
    """Host and port of a web address, as its canonical form has them; "" where it is none."""
    try:
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in _DEFAULT_PORTS or not host:
        return ""
    name = _host(host)
    netloc = f"[{name}]" if ":" in name else name
    return netloc if port is None or port in _DEFAULT_PORTS.values() else f"{netloc}:{port}"


def _own_address(url: str) -> str:
    """The address whose AMP twin a cache keeps at this one; any other address as it is."""
    if _AMP not in url.lower():  # as nearly all
        return url
    while (match := _tables().caches.fullmatch(url)) is not None:
        kept = match[match.lastindex or 0]
        if "." not in kept.partition("/")[0]:
            break
        url = f"https://{kept}"
    return url


def parsable(url: str) -> str:
    """The address as it is, or empty where no part of it can be told from another (`http://[`)."""
    try:
        urlsplit(url)
    except ValueError:
        return ""
    return url


def same_site(first: str, second: str) -> bool:
    """Whether two addresses are of one outlet, by the last two labels of their hosts (three under names like co.uk)."""
    return bool(site := _site(first)) and site == _site(second)


def link_within(link: str, url: str) -> str:
    """Where a link on the page at `url` leads, made absolute; "" where that is another site, or no web address.

    `url` may be empty: then any site will do.
    """
    if not link:
        return ""
    try:
        absolute = urljoin(url, link.strip())
        scheme = urlsplit(absolute).scheme
    except ValueError:
        return ""
    return absolute if scheme in _DEFAULT_PORTS and (not url or same_site(absolute, url)) else ""


def believable_canonical(canonical: str, url: str) -> str:
    """The address that a page calls its own, made absolute, or "" where it lies.

    It lies when it names another site, a front page or a section's for a page within it, drops the part of the query
    that chose the page, or is no web address. Whether it lies in other ways only other pages can tell.
    """
    absolute = link_within(canonical, _own_address(url))
    if not absolute or not url:
        return absolute
    named, asked = canonical_url(absolute), canonical_url(url)
    if named == asked:
        return absolute
    return "" if _is_start_page(named, asked) else absolute


def is_start_page(found: str, asked: str) -> bool:
    """Whether the address at which a request ended is a front page, a section's or a language's start page, and the one
    that was asked is of a page further down on the same site.
    """
    found, asked = canonical_url(found), canonical_url(asked)
    if found == asked or not same_site(found, asked) or not _is_start_page(found, asked):
        return False
    target, page = urlsplit(found).path, urlsplit(asked).path
    return target.count("/") < page.count("/") or target == page or target == "/"


def _is_start_page(named: str, asked: str) -> bool:
    target, page = urlsplit(named), urlsplit(asked)
    if target.path == "/" and not target.query:
        return True
    if _chooses(target.query) or _is_of_an_article(target.path):
        return False
    is_above = page.path.startswith(f"{target.path}/") or (page.path == target.path and _chooses(page.query))
    return is_above or _is_of_an_article(page.path) or _LANGUAGE.fullmatch(target.path) is not None


def _chooses(query: str) -> bool:
    """Whether a query without tracking parameters chooses what is shown: it holds a number."""
    return any(char.isdigit() for part in query.split("&") for char in part.partition("=")[2])


def _is_of_an_article(path: str) -> bool:
    """Whether a path looks like that of one article: a long slug, a number, a mixed id; sections have a word or two."""
    name = unquote(path).rpartition("/")[2]
    words = _words(name)
    digits = sum(map(str.isdecimal, name))
    is_number = digits >= _NUMBER and not _DAY.fullmatch(name)
    return is_number or len(words) >= _SLUG or any(_MIXED.fullmatch(word) for word in words)


def _words(name: str) -> list[str]:
    """The words of the last segment of a path."""
    return [word for word in _WORDS.split(name.partition(".")[0]) if word]


def _site(url: str) -> str:
    host = _hostname(url)
    labels = host.split(".")
    if len(labels) < 3 or host.replace(".", "").isdigit():
        return host
    return ".".join(labels[-_width(labels) :])


def _width(labels: list[str]) -> int:
    """How many labels at the end of a host's name tell the site: two, or three as in example.co.uk."""
    return 3 if len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in _tables().second_levels else 2


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _host(host: str) -> str:
    with contextlib.suppress(UnicodeError):
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    labels, dress = host.split("."), _tables().hosts
    least = _width(labels)
    while len(labels) > least and (labels[0] in dress or labels[0] == "www"):
        labels = labels[1:]
    while len(labels) > least + 1 and labels[1] == "m":  # en.m.example.org
        del labels[1]
    return ".".join(labels)


def _path(path: str) -> str:
    text = _SLASHES.sub("/", _SESSION.sub("", _escapes(path))) or "/"
    if _DOTS.search(text):
        text = urlsplit(urljoin("https://host/", text)).path
    return _without_twins(text)


def _without_twins(path: str) -> str:
    """A path without slashes at its end and without the marks of a page's twins."""
    tables = _tables()
    segments = path.split("/")
    while True:
        while len(segments) > 2 and (segments[-1] == "" or segments[-1].lower() in tables.segments):
            segments.pop()
        if (name := _without_endings(segments[-1])) == segments[-1]:
            break
        segments[-1] = name
    while len(segments) > 2 and (
        segments[1].lower() in tables.segments or (segments[1].lower() in tables.phones and _is_below(segments[2:]))
    ):
        del segments[1]
    return "/".join(segments) or "/"


def _is_below(segments: list[str]) -> bool:
    """Whether what stands below a segment for phones is an article: /m/12345 may be its own section's."""
    return _is_of_an_article(segments[-1]) and (len(segments) > 1 or len(_words(segments[-1])) >= _SLUG)


def _without_endings(name: str) -> str:
    tables = _tables()
    if _AMP not in name.lower():
        return name
    while True:
        for ending in (*tables.endings, *tables.words):
            left = name[: -len(ending)]
            if (
                name.lower().endswith(ending)
                and left.strip(".")
                and (ending in tables.endings or _is_of_an_article(left))
            ):
                name = left + ending[ending.rfind(".htm") :] * (".htm" in ending)
                break
        else:
            return name


def _query(query: str) -> str:
    kept = [_escapes(part) for part in query.split("&") if part and not _is_tracking(part)]
    return "&".join(sorted(kept))


def _is_tracking(part: str) -> bool:
    tables = _tables()
    name, _, value = part.partition("=")
    key = unquote_plus(name).strip().lower()
    if key in tables.dress:
        return unquote_plus(value).strip().lower() in tables.dress_values
    if key in tables.senders:
        return tables.sender_values.match(unquote_plus(value).strip()) is not None
    return key in tables.names or key.startswith(tables.prefixes)


def _escapes(text: str) -> str:
    """Percent-escapes made even: unreserved characters plain, all others escaped in capitals."""
    escaped = _SAFE.sub(lambda m: "".join(f"%{byte:02X}" for byte in m.group(0).encode("utf-8", "replace")), text)
    escaped = re.sub(r"%(?![0-9a-fA-F]{2})", "%25", escaped)
    return _HEX.sub(_unescape, escaped)


def _unescape(match: re.Match[str]) -> str:
    char = chr(int(match.group(1), 16))
    return char if char in _UNRESERVED else match.group(0).upper()
