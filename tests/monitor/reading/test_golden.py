"""Feeds and pages of our own with what must be read of each, as `storywatch feeds parse` and `articles parse` would find it.

The files are in tests/data/feeds and tests/data/pages; the JSON beside each is written anew only with STORYWATCH_WRITE_GOLDEN=1.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from monitor.reading.articles import read_article
from monitor.reading.feeds import parse_feed
from storage.codec import encode
from storage.errors import StorywatchError

FEEDS = Path("tests/data/feeds")
PAGES = Path("tests/data/pages")


def documents(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.endswith(".expected.json"))


def hold(path: Path, found: Any) -> None:
    """Hold what was read against the file beside the document."""
    expected = path.with_name(f"{path.name}.expected.json")
    if os.environ.get("STORYWATCH_WRITE_GOLDEN"):
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(expected.read_text(encoding="utf-8")), f"{expected}: STORYWATCH_WRITE_GOLDEN=1 writes it"


@pytest.mark.parametrize("path", documents(FEEDS), ids=lambda path: path.name)
def test_a_feed_is_read_as_it_should_be(path: Path) -> None:
    try:
        found = encode(parse_feed(path.read_bytes(), url=f"https://site.example/{path.name}"))
    except StorywatchError as error:
        found = {"error": str(error)}
    hold(path, found)


@pytest.mark.parametrize("path", documents(PAGES), ids=lambda path: path.name)
def test_a_page_is_read_as_it_should_be(path: Path) -> None:
    hold(path, encode(read_article(path.read_bytes(), url=f"https://courier.example/2031/03/04/{path.stem}")))
