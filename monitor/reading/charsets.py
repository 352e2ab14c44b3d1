"""PURE: the bytes of a page as text, whatever it says of its encoding."""

import codecs
import re

from charset_normalizer import from_bytes

_META = re.compile(rb"""<meta[^>]+?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_HEADER = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD = 8192
_SAMPLE = 10_000
# What news is written in when it is not UTF-8; others (of old Macs and terminals) only win by accident.
_GUESSES = [
    "cp1251", "koi8_r", "koi8_u", "cp1252", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "cp874", "iso8859_2", "iso8859_5", "iso8859_7", "iso8859_9", "shift_jis", "euc_jp", "iso2022_jp", "euc_kr", "cp949",
    "gb18030", "big5", "utf_16_le", "utf_16_be",
]  # fmt: skip
# What pages name and browsers read instead (https://encoding.spec.whatwg.org/#names-and-labels).
_READ_AS = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "ks_c_5601-1987": "cp949"}


def decode_page(body: bytes, content_type: str | None = None) -> str:
    """The page as text; never fails.

    Order: byte order mark; UTF-8 where the bytes are valid UTF-8, since chance makes no such text; the HTTP header; the
    page's own meta element; a statistical guess; Windows-1252.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    header = _HEADER.search(content_type or "")
    meta = _META.search(body[:_HEAD])
    for label in (header.group(1) if header else "", meta.group(1).decode("ascii") if meta else ""):
        text = _decode(body, label)
        if text is not None:
            return text
    return _guess(body)


def _decode(body: bytes, label: str) -> str | None:
    """The body in the encoding that `label` names, if it can be; UTF-8 with a few broken bytes counts as UTF-8."""
    try:
        name = codecs.lookup(label).name if label else ""
    except LookupError:
        return None
    if not name:
        return None
    if name == "utf-8":
        text = body.decode("utf-8", "replace")
        return text if text.count("\ufffd") * 200 <= len(text) else None
    try:
        return body.decode(_READ_AS.get(name, name))
    except (UnicodeDecodeError, LookupError):
        return None


def _guess(body: bytes) -> str:
    best = from_bytes(body[:_SAMPLE], cp_isolation=_GUESSES).best()
    if best is not None:
        text = _decode(body, best.encoding)
        if text is not None:
            return text
    return body.decode("cp1252", "replace")
