"""PURE: consent walls, robot checks, paywalls, "not found" and blank pages told from articles (by obstacles.toml)."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from monitor.reading.markup import collapse

BLANK = "blank"
CONSENT = "consent"
PAYWALL = "paywall"
ROBOT = "robot"
RESERVED = "reserved"
MISSING = "missing"
ASTRAY = "astray"

# The share of a text from which on it is what its phrases say, where several say so, and where one does.
_MUCH, _MOST = 0.35, 0.6
_DENSE = 0.25  # the share of its phrase in a sentence that offers a subscription and says nothing else
_BESIDE = 16  # characters that a wall's title has beside its name: the site's
_CLOSING = 3  # sentences
_INVITATION = 110  # characters
_QUOTED = re.compile('["“”„«»‹›]')
_OPENING = re.compile("[\"“„«‹‘'‚]")
_NAMED = re.compile(r"\s[|·–—-]\s")
_ENDS = re.compile(r"(?<=[.!?…。])\s+")
_NAMES = re.compile(r"""\s(?:class|id)\s*=\s*["']([^"'>]{1,300})""", re.IGNORECASE)
_MAX_FURNITURE = 160  # a line longer than this is prose, whatever it begins with


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((files("monitor.reading") / "obstacles.toml").read_text(encoding="utf-8"))


def find_obstacle(*, title: str, text: str, markup: str, url: str, is_free: bool | None) -> str | None:
    """What stood before the text, or None for an article.

    `markup` is the page, `is_free` what its metadata says of access (None: nothing). Words alone decide nothing: an
    article may speak of cookies or subscriptions. It counts how much of the text they are, and where they stand. A long
    text is an article whatever the page says, since many sites mark as paid what they show in full.
    """
    tables = _tables()
    limits = tables["limits"]
    if len(text) > 2 * max(limits.values()):
        return None
    head, sentences = _head(title), _sentences(text)
    size = sum(map(len, sentences))
    if _is_called(tables["missing"], head, sentences, size < limits["missing"]):
        return MISSING
    if size < limits["consent"]:
        if _is_called(tables["robot"], head, sentences, True):
            return ROBOT
        if _is_consent(tables["consent"], head, sentences, url):
            return CONSENT
    if size < limits["paywall"] and _is_paywall(tables["paywall"], sentences, size, markup, is_free):
        return PAYWALL
    return BLANK if size < limits["blank"] else None


def wall_of_address(url: str) -> str | None:
    """The wall that an address is of, by the names of its folders; None for any other."""
    folders = set(url.partition("?")[0].lower().split("/")[3:])
    if folders & set(_tables()["paywall"]["folders"]):
        return PAYWALL
    return CONSENT if _has(_tables()["consent"]["addresses"], url.lower()) else None


def _is_called(table: dict[str, list[str]], head: str, sentences: list[str], is_short: bool) -> bool:
    """Whether a page is titled as one that is no article, or says little else."""
    if head in table["titles"]:
        return True
    said = _said(table["phrases"], sentences)
    return is_short and bool(said) and _share(said, sentences) >= _MUCH


def _is_consent(table: dict[str, list[str]], head: str, sentences: list[str], url: str) -> bool:
    said = _said(table["phrases"], sentences)
    phrases = {phrase for _, phrase in said}
    is_titled = any(head.startswith(name) and len(head) <= len(name) + _BESIDE for name in table["titles"])
    if is_titled or _has(table["addresses"], url.lower()):
        return head in table["titles"] or bool(said)
    share = _share(said, sentences)
    return share >= _MOST or (len(phrases) > 1 and share >= _MUCH)


def _is_paywall(
    table: dict[str, list[str]], sentences: list[str], size: int, markup: str, is_free: bool | None
) -> bool:
    said = _said(table["phrases"], sentences)
    offers = [(sentence, phrase) for sentence, phrase in said if len(phrase) >= _DENSE * len(sentence)]
    if offers and _share(offers, sentences) >= _MUCH:
        return True
    # What invites to pay is an own short sentence at the very end of what is shown.
    closing = sentences[-_CLOSING:]
    if any(
        sentence in closing and len(sentence) <= _INVITATION and not _QUOTED.search(sentence) for sentence, _ in said
    ):
        return True
    if size >= _tables()["limits"]["paywall"] / 2:
        return False
    return is_free is False or (_is_cut(sentences) and _is_marked(table["marks"], markup))


def _is_cut(sentences: list[str]) -> bool:
    """Whether a text breaks off: with dots, or within a sentence."""
    return not sentences or sentences[-1].endswith(("…", "...")) or sentences[-1][-1].isalnum()


def _is_marked(marks: list[str], markup: str) -> bool:
    """Whether an element of the page, not only its style or script, is named as what hides the rest."""
    return any(_has(marks, names.lower()) for names in (found[1] for found in _NAMES.finditer(markup)))


def _said(phrases: list[str], sentences: list[str]) -> list[tuple[str, str]]:
    """The sentences that use a phrase themselves, with the longest; one in quotation marks is only spoken of."""
    found = []
    for sentence in sentences:
        used = [one for one in phrases if one in sentence and not _is_quoted(one, sentence)]
        if used:
            found.append((sentence, max(used, key=len)))
    return found


def _is_quoted(phrase: str, sentence: str) -> bool:
    at = sentence.index(phrase)
    return at > 0 and _OPENING.match(sentence[at - 1]) is not None


def _share(said: list[tuple[str, str]], sentences: list[str]) -> float:
    return sum(len(sentence) for sentence, _ in said) / max(sum(map(len, sentences)), 1)


def _head(title: str) -> str:
    """A title in lower case without the outlet's name behind a bar or dash, and without its last marks."""
    return _NAMED.split(collapse(title).lower())[0].strip(" .…!?")


def _sentences(text: str) -> list[str]:
    return [said for line in text.split("\n") for part in _ENDS.split(line) if (said := collapse(part).lower())]


def _has(phrases: list[str], text: str) -> bool:
    return any(phrase in text for phrase in phrases)


def without_furniture(text: str) -> str:
    """`text` without the lines that invite to read, watch or buy something else."""
    return "\n".join(line for line in text.split("\n") if not _is_furniture(line))


def _is_furniture(line: str) -> bool:
    said = line.strip(" \t-–—*•|►▶").lower()
    if len(said) > _MAX_FURNITURE:
        return False
    table = _tables()["furniture"]
    head, colon, _ = said.partition(":")
    return said in table["lines"] or (said.rstrip(":") if not colon else head.strip()) in table["starts"]
