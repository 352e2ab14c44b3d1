"""Addresses that articles name: which of them may become a link in a message, and how they are written there. Pure."""

import re
from urllib.parse import quote, urlsplit

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
# Chats cut longer addresses, or refuse the message for them.
_LONGEST_ADDRESS = 1_900
# What an address may hold so that no markup ends at it: RFC 3986 without brackets, quotes and backslashes.
_HOST_SIGNS = ".-_:@[]%~"
_ADDRESS_SIGNS = "!$&'*+,-./:;=?@_~%#"


def web_address(url: str) -> str:
    """Return an address that may become a link, written so that no markup ends within it; empty where none should be.

    Only http and https are links: anything else that an article names as its address is shown to nobody.
    """
    url = _CONTROLS.sub("", url.strip())  # as browsers do
    try:
        pieces = urlsplit(url)
        is_web = pieces.scheme.lower() in ("http", "https") and bool(pieces.hostname)
    except ValueError:
        return ""
    if not is_web:
        return ""
    if any(not sign.isalnum() and sign not in _HOST_SIGNS for sign in pieces.netloc):
        return ""
    rest = url[len(f"{pieces.scheme}://{pieces.netloc}") :]
    path = quote(rest, safe=_ADDRESS_SIGNS, errors="replace")
    address = f"{pieces.scheme.lower()}://{pieces.netloc}{path}"
    return address if len(address) <= _LONGEST_ADDRESS else ""


def host_of(url: str) -> str:
    """Return the host of an address that may become a link; empty for any other."""
    address = web_address(url)
    return urlsplit(address).hostname or "" if address else ""
