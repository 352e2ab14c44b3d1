"""Addresses that articles name: which of them may become a link in a message, and how they are written there; and
addresses of mail that settings name. Pure."""

import re
from urllib.parse import quote, urlsplit

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
# Chats cut longer addresses, or refuse the message for them.
_LONGEST_ADDRESS = 1_900
# What an address may hold so that no markup ends at it: RFC 3986 without brackets, quotes and backslashes.
_HOST_SIGNS = ".-_:@[]%~"
_ADDRESS_SIGNS = "!$&'*+,-./:;=?@_~%#"
# One mailbox (RFC 5322, without its comments, quoted names of boxes and routes): an address, or a name and <address>.
_WORD = r"[^\s@<>()\[\]\\,;:\".]+"
_BOX = rf"{_WORD}(?:\.{_WORD})*@{_WORD}(?:\.{_WORD})*"
_MAILBOX = re.compile(rf'({_BOX})|(?:"[^"\\]*"|[^"@<>()\[\]\\,;:]*)\s*<({_BOX})>')


def is_web_address(url: str) -> bool:
    """Whether a text is an http or https address with a host: nothing else may become a link (no `javascript:`)."""
    try:
        pieces = urlsplit(url.strip())
        return pieces.scheme.lower() in ("http", "https") and bool(pieces.hostname)
    except ValueError:
        return False


def web_address(url: str) -> str:
    """Return an address that may become a link, written so that no markup ends within it; empty where none should be.

    Only http and https are links: anything else that an article names as its address is shown to nobody.
    """
    url = _CONTROLS.sub("", url.strip())  # as browsers do
    if not is_web_address(url):
        return ""
    pieces = urlsplit(url)
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


def mail_address(text: str) -> str:
    """Return the address in a mailbox as people write it, `a@b.org` or `Ann Bo <a@b.org>`; empty for anything else, and
    for several in one text: a mail server would be told of the first alone."""
    found = _MAILBOX.fullmatch(text) if text.isprintable() else None
    return (found[1] or found[2]) if found else ""
