"""The demo's site answers like a real one: validators, missing pages, and nothing before its time."""

from collections.abc import Iterator

import httpx
import pytest

from monitor.demo.script import load_script
from monitor.demo.site import DemoSite

SCRIPT = load_script()
MOMENT = SCRIPT.moments[0]


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite(SCRIPT) as running:
        yield running


def test_pages_appear_when_their_time_has_come(site: DemoSite) -> None:
    with httpx.Client(base_url=site.url) as client:
        assert client.get(MOMENT.article.path).status_code == 404
        site.play_until(MOMENT.at)
        answer = client.get(MOMENT.article.path)
        assert answer.status_code == 200
        assert MOMENT.version.title in answer.text
        assert client.get(MOMENT.article.path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
