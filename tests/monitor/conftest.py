"""What the tests of this room share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import Desk
from tests.support.webserver import WebServer


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk that watches a site of its own."""
    with WebServer() as site:
        made = Desk(site, tmp_path)
        yield made
        made.database.close()
