"""Addresses as they may be shown: a password in them, and the values of parameters named like secrets, are covered.

Whoever watches a feed with a login may write `https://user:password@host/` or `…?token=…`: the address is kept as it
is, for it is asked for so, and shown to nobody. Who is told by mail is for editors to see alone.
"""

import re

COVER = "…"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"'`]+", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/?#\s]*@")
_NAMES = (
    r"(?:[\w.-]*[_.-])?(?:access_?|auth_?|bearer_?)?token|(?:[\w.-]*[_.-])?(?:password|passwd|passphrase|pwd|secret)|"
    r"(?:[\w.-]*[_.-])?api[_.-]?key|client_?secret|credentials?"
)
# Words that name a secret in a feed's address, and as often something else in an article's.
_FEED_NAMES = r"(?:[\w.-]*[_.-])?(?:key|auth|pass|sig|signature|session|sid|jwt|code)|[\w.-]*key"
_VALUE = r"(?<=[?&;])({})=[^&;#\s]+"
_MAIL = re.compile(r"""(?:"[^"]*"|[^\s<>"'`,;:|()\[\]=/@]+)@([\w-]+(?:\.[\w-]+)*)""")
_ARTICLE = re.compile(_VALUE.format(_NAMES), re.IGNORECASE)
_FEED = re.compile(_VALUE.format(f"{_NAMES}|{_FEED_NAMES}"), re.IGNORECASE)


def cover_secrets(text: str) -> str:
    """A feed's address, or a text that names addresses (an error, a line of a log), without what may be secret."""
    return _covered(text, _FEED) if "://" in text else text


def cover_login(text: str) -> str:
    """An article's address, or a text that names some: covers less, so that what readers are to open stays whole."""
    return _covered(text, _ARTICLE) if "://" in text else text


def cover_people(text: str) -> str:
    """A text that may name mail addresses (an error of a mail server, a silence) without whose they are."""
    return _MAIL.sub(rf"{COVER}@\1", text) if "@" in text else text


def _covered(text: str, secrets: re.Pattern[str]) -> str:
    def cover(found: re.Match[str]) -> str:
        return secrets.sub(rf"\1={COVER}", _LOGIN.sub(f"{COVER}@", found.group()))

    return _ADDRESS.sub(cover, text)
