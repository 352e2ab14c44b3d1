"""The address of our own page, as links in messages begin with it. Pure."""

from urllib.parse import urlsplit

import httpx


def read_page_address(written: str) -> str:
    """Return the address, its name as networks write it (`xn--…`) where a person wrote it in other letters; empty stays
    empty. ValueError for one that no link can begin with, in words for its writer."""
    if not written:
        return ""
    if any(sign.isspace() or not sign.isprintable() or sign in '<>"\\^`{|}' for sign in written):
        raise ValueError(f"{written!r} has signs that no address has; write one like https://watch.example.org")
    try:
        pieces, read = urlsplit(written), httpx.URL(written)
        is_whole = pieces.scheme in ("http", "https") and bool(read.host) and (pieces.port or 1) > 0
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"{written!r} is not an address ({error})") from error
    if not is_whole:
        raise ValueError(f"{written!r} is not an address; it starts with https:// or http:// and names a host")
    if "?" in written or "#" in written or "@" in pieces.netloc:
        raise ValueError(f"{written!r} has a query, a fragment or a login; links begin with it, so leave them out")
    if written.isascii():
        return written
    path = read.raw_path.decode() if pieces.path else ""
    return f"{pieces.scheme}://{read.netloc.decode()}{path}"
