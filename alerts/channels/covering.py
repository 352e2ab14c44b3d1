"""What an endpoint says may repeat what we sent it: tokens of our own must not reach a log by that way. Pure."""

import html
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, quote, unquote, urlsplit

COVERED = "…"
# Shorter ones are words of everyday ("api", "v1", "hook") in a path, and next to nothing anywhere.
_SHORTEST_STEP, _SHORTEST = 6, 4


def find_secrets(url: str, headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return what a request to `url` with `headers` gives away, longest first, in each way that it may be written:
    names and passwords, steps of the path, values of the query, values of the headers and the words in them."""
    found = {form for secret in _secrets(url, headers) for form in _forms(secret)}
    return tuple(sorted(found, key=lambda one: (-len(one), one)))


def cover(text: str, secrets: Iterable[str]) -> str:
    """Return a text with each of `secrets` covered."""
    for secret in secrets:
        text = text.replace(secret, COVERED)
    return text


def _secrets(url: str, headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    pieces = urlsplit(url)
    if pieces.path.count("/") > 1:
        yield from _long(pieces.path)
    yield from _long(*pieces.path.split("/"), least=_SHORTEST_STEP)
    yield from _long(pieces.query, pieces.fragment, *(value for _, value in parse_qsl(pieces.query)))
    # A query may be one token, without a name.
    yield from _long(*(part for part in pieces.query.split("&") if "=" not in part))
    user, _, password = pieces.netloc.rpartition("@")[0].partition(":")
    yield from _long(user, password)
    if user:
        yield b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    for _, value in headers:
        yield from _long(value, *value.split())


def _long(*texts: str, least: int = _SHORTEST) -> Iterator[str]:
    return (text for text in texts if len(text) >= least)


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as addresses, JSON and HTML write it."""
    plain = {secret, unquote(secret), quote(secret, safe=""), quote(secret)}
    return plain | {one.replace("/", "\\/") for one in plain} | {html.escape(one) for one in plain}
