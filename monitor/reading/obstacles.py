"""PURE: consent walls, robot checks, paywalls and blank pages told from articles (by obstacles.toml)."""

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

_MAX_FURNITURE = 160  # a line longer than this is prose, whatever it begins with


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((files("monitor.reading") / "obstacles.toml").read_text(encoding="utf-8"))


def find_obstacle(*, title: str, text: str, markup: str, url: str, is_free: bool | None) -> str | None:
    """What stood before the text, or None for an article.

    `markup` is the page, `is_free` what its metadata says of access (None: nothing). A long text is an article whatever
    the page says, since many sites mark as paid what they show in full.
    """
    tables = _tables()
    limits = tables["limits"]
    if len(text) > 2 * max(limits.values()):
        return None
    name, said = collapse(title).lower(), collapse(text).lower()
    if len(said) < limits["consent"]:
        if _has(tables["robot"]["titles"], name) or _has(tables["robot"]["phrases"], said):
            return ROBOT
        if _is_consent(tables["consent"], name, said, url):
            return CONSENT
    if len(said) < limits["paywall"]:
        is_marked = is_free is False or _has(tables["paywall"]["marks"], markup.lower())
        if _has(tables["paywall"]["phrases"], said) or (is_marked and len(said) < limits["paywall"] / 2):
            return PAYWALL
    return BLANK if len(said) < limits["blank"] else None


def _is_consent(table: dict[str, list[str]], title: str, said: str, url: str) -> bool:
    found = sum(phrase in said for phrase in table["phrases"])
    return _has(table["titles"], title) or found >= 2 or (found >= 1 and _has(table["addresses"], url.lower()))


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
