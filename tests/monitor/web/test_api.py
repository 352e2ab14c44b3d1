"""The JSON interface, the Atom feeds, and what machines ask."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from storage.database import Database
from storage.liveness import SCHEDULER, WORKER, Part
from tests.monitor.web.conftest import MakeApp
from tests.monitor.web.serving import serve
from tests.support.parts import note

API = "/api/v1"
STORY = f"{API}/stories/kazakhstan-unrest-2022"
ATOM = "{http://www.w3.org/2005/Atom}"
LISTS = ("stories", "revisions", "claims", "articles", "search", "feeds", "alerts", "deliveries")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_comes_in_pages_that_hold_everything_once(reader: httpx.Client, name: str) -> None:
    whole = reader.get(f"{API}/{name}?limit=500").json()
    assert whole["next"] is None
    collected: list[Any] = []
    path: str | None = f"{API}/{name}?limit=2"
    while path:
        page = reader.get(path).json()
        assert len(page["items"]) <= 2
        collected += page["items"]
        path = page["next"]
    assert collected == whole["items"]
    assert collected


def test_records_and_their_history(reader: httpx.Client) -> None:
    records = reader.get(f"{STORY}/records").json()["items"]
    killed = next(
        one
        for one in records
        if one["key"]["metric"] == "killed" and not one["key"]["place"] and not one["key"]["population"]
    )
    assert (killed["low"], killed["best"], killed["high"]) == (225, 225, 237)
    history = reader.get(f"{STORY}/history", params={"metric": "killed"}).json()
    assert [step["kind"] for step in history["steps"]] == ["first", "raised", "retracted", "raised"]
    assert history["refusals"]
    then = reader.get(
        f"{STORY}/history", params={"metric": "killed", "as_known_at": "2022-01-09T18:00:00+00:00"}
    ).json()
    assert then["best"] == 44


def test_revisions_are_filtered(reader: httpx.Client) -> None:
    found = reader.get(
        f"{API}/revisions",
        params={"kind": ["retracted", "raised"], "metric": "killed", "story": "kazakhstan-unrest-2022"},
    )
    assert {one["kind"] for one in found.json()["items"]} == {"retracted", "raised"}
    one = found.json()["items"][0]
    assert reader.get(f"{API}/revisions/{one['revision_id']}").json() == one


def test_an_article_with_its_matches_and_versions(reader: httpx.Client) -> None:
    found = reader.get(f"{API}/search", params={"q": "verified"}).json()["items"][0]
    start, end = found["title_spans"][0]
    assert found["title"][start:end] == "verified"
    article = reader.get(f"{API}/articles/{found['article_id']}").json()
    assert article["matches"][0]["hits"]
    versions = reader.get(f"{API}/articles/{found['article_id']}/versions").json()
    assert [one["number"] for one in versions] == [1, 2]
    claimed = reader.get(f"{API}/claims", params={"article_id": found["article_id"]}).json()["items"]
    assert all(versions[0]["text"][one["start"] : one["end"]] == one["quote"] for one in claimed)


def test_secrets_do_not_leave(reader: httpx.Client) -> None:
    for name in ("feeds", "deliveries"):
        item = reader.get(f"{API}/{name}").json()["items"][0]
        assert not {"etag", "last_modified", "last_response", "claimed_by", "body_hash", "receiver"} & item.keys()


@pytest.mark.parametrize(
    ("path", "status"),
    [("stories/none", 404), ("stories/none/records", 404), ("revisions/none", 404), ("articles/99", 404), ("articles/x", 422), ("none", 404),
     ("search?q=%22", 400), ("revisions?kind=none", 422), ("revisions?limit=0", 422), ("stories/kazakhstan-unrest-2022/history?metric=none", 404),
     ("stories/kazakhstan-unrest-2022/history?metric=killed&as_known_at=soon", 422), ("articles/99999999999999999999999", 422),
        ("stories/kazakhstan-unrest-2022/history?metric=killed&as_known_at=0001-01-01T00:00:00%2B14:00", 422)],
)  # fmt: skip
def test_what_cannot_be_answered_is_said_in_json(reader: httpx.Client, path: str, status: int) -> None:
    answer = reader.get(f"{API}/{path}")
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


def test_who_has_it_already_gets_nothing(reader: httpx.Client) -> None:
    for path in (f"{API}/stories", "/stories/kazakhstan-unrest-2022/revisions.atom"):
        answer = reader.get(path)
        tag = answer.headers["etag"]
        again = reader.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert reader.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert "etag" not in reader.get(f"{API}/stories/none").headers


def test_the_schema_describes_every_call_and_nothing_else(reader: httpx.Client) -> None:
    document = reader.get(f"{API}/openapi.json").json()
    assert document["paths"]
    for path, methods in document["paths"].items():
        assert path.startswith(API)
        assert list(methods) == ["get"], "the interface reads and changes nothing"
        assert methods["get"]["description"]
    guide = reader.get("/api").text
    assert all(path in guide for path in document["paths"])


def test_a_story_can_be_followed_as_atom(reader: httpx.Client) -> None:
    answer = reader.get("/stories/kazakhstan-unrest-2022/revisions.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)
    entries = feed.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids) > 5
    titles = [entry.findtext(f"{ATOM}title") or "" for entry in entries]
    assert any("Withdrawn: Killed 164" in title for title in titles)
    assert any(" → " in title for title in titles)
    assert not any("→ to" in title or "→to" in title for title in titles)
    assert all(entry.find(f"{ATOM}updated") is not None for entry in entries)
    assert reader.get("/stories/none/revisions.atom").status_code == 404


def test_entries_are_the_same_under_every_name_of_ours(reader: httpx.Client) -> None:
    port = reader.base_url.port
    read = [
        ET.fromstring(reader.get("/stories/kazakhstan-unrest-2022/revisions.atom", headers={"Host": host}).content)
        for host in (f"127.0.0.1:{port}", f"localhost:{port}")
    ]
    ids = [[one.text for one in feed.iter(f"{ATOM}id")] for feed in read]
    assert ids[0] == ids[1]
    assert all(str(one).startswith("urn:storywatch:") for one in ids[0])


def test_a_search_can_be_followed_as_atom(reader: httpx.Client) -> None:
    feed = ET.fromstring(reader.get("/search.atom", params={"q": "source:ridge*"}).content)
    titles = [entry.findtext(f"{ATOM}title") or "" for entry in feed.findall(f"{ATOM}entry")]
    assert titles
    assert all("Killed" in title or "Missing" in title for title in titles)


def test_alive_and_ready(make_app: MakeApp, database: Database) -> None:
    ticking: dict[str, bool] = {"now": True}
    tick: Callable[[], bool] = lambda: ticking["now"]  # noqa: E731 - a name would say no more
    with serve(make_app(is_ticking=tick)) as base, httpx.Client(base_url=base) as client:
        assert client.get("/healthz").json() == {"status": "alive"}
        assert client.get("/readyz").json()["checks"] == {"database": "ok", "scheduler": "ok"}
        ticking["now"] = False
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
        ticking["now"] = True
        with database.write() as session:
            session.connection().exec_driver_sql("ALTER TABLE stories RENAME TO stories_elsewhere")
        answer = client.get("/")
        assert answer.status_code == 503
        assert "The database cannot be used right now" in answer.text
        assert client.get("/healthz").status_code == 200
        assert "storywatch_database_up 0.0" in client.get("/metrics").text


def test_metrics_tell_which_parts_live_and_whether_one_leads(make_app: MakeApp, database: Database) -> None:
    with serve(make_app()) as base, httpx.Client(base_url=base) as client:

        def shown() -> set[str]:
            return set(client.get("/metrics").text.splitlines())

        assert {'storywatch_parts{role="worker"} 0.0', "storywatch_leading 0.0"} <= shown()
        note(database, Part(role=SCHEDULER, place="a:1"), leads=True)
        note(database, Part(role=WORKER, place="a:2"))
        note(database, Part(role=WORKER, place="b:2"), silent=timedelta(minutes=4))
        lines = shown()
        for line in ('parts{role="worker"} 1.0', 'parts{role="page"} 0.0', "leading 1.0"):
            assert f"storywatch_{line}" in lines
        silent = [line for line in lines if line.startswith("storywatch_part_silent_seconds{") and "b:2" in line]
        assert 240 <= float(silent[0].split()[-1]) < 300


def test_metrics_for_prometheus(reader: httpx.Client) -> None:
    reader.get("/stories/kazakhstan-unrest-2022")
    answer = reader.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        "storywatch_database_up 1.0",
        "storywatch_stories 2.0",
        'storywatch_feeds{state="gone"} 1.0',
        'storywatch_deliveries{state="dead"} 1.0',
        "storywatch_feeds_failing 1.0",
        'route="/stories/{slug}"',
    ):
        assert line in answer.text
    assert "kazakhstan" not in answer.text, "no series a story: their number must not grow with what strangers ask"


def test_a_head_of_json_has_no_body(reader: httpx.Client) -> None:
    answer = reader.request("HEAD", f"{API}/stories")
    assert answer.status_code in (200, 405)
    assert json.dumps(answer.text) == '""'
