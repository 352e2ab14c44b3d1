"""What no browser of a person asks: NULs, bodies without end, HEAD, a database that is away. On both databases."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from monitor.web.app import MOST_BYTES, create_app
from storage.database import Database
from tests.monitor.web import archive
from tests.monitor.web.conftest import LINKS, Clock, refold_story, rematch_article
from tests.monitor.web.forms import send
from tests.monitor.web.serving import serve
from tests.support.databases import database, migrated_postgres, postgres

__all__ = ["database", "migrated_postgres", "postgres"]
SLUG = archive.KAZAKHSTAN.slug
KNOWN = {"slug": SLUG, "article_id": "1", "revision_id": "e1-quiet-edit", "token": "t", "action": "silence"}


@pytest.fixture
def app(database: Database) -> FastAPI:
    """The application on a filled database of each kind."""
    archive.fill(database)
    return create_app(
        database=database,
        clock=Clock(),
        refold=refold_story,
        rematch=rematch_article,
        subscriptions=archive.SUBSCRIPTIONS,
        links=LINKS,
    )


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    """A browser of sorts on it."""
    with serve(app) as base, httpx.Client(base_url=base, timeout=60) as opened:
        yield opened


def readable(app: FastAPI) -> list[str]:
    """The address of everything that can be read, with what is stored in the place of its gaps."""
    paths = []
    for route in app.routes:
        for inner in getattr(getattr(route, "original_router", None), "routes", [route]):
            if isinstance(inner, APIRoute) and "GET" in (inner.methods or ()) and "/act/" not in inner.path:
                paths.append(inner.path)
    return paths


def test_a_nul_is_refused_everywhere(client: httpx.Client, app: FastAPI) -> None:
    nul = "%00"
    asked = [
        *(f"{path}?{name}={nul}x" for path in ("/", "/search", "/feeds", f"/stories/{SLUG}", "/search.atom")
          for name in ("q", "kind", "metric", "start", "x")),
        *(f"/api/v1/{path}?{name}=a{nul}" for path in ("search", "revisions", "claims", "articles", "feeds", "alerts", "deliveries")
          for name in ("q", "story", "metric", "source", "channel", "subscription")),
        f"/stories/{SLUG}/record?metric=a{nul}&place={nul}",
        f"/api/v1/stories/{SLUG}/history?metric={nul}",
    ]  # fmt: skip
    for path in asked:
        assert client.get(path).status_code in (400, 404), path
    lost = [
        f"/stories/a{nul}", f"/stories/{nul}/record?metric=killed", f"/stories/{nul}/live", f"/stories/{nul}/revisions.atom", f"/revisions/{nul}",
        f"/articles/{nul}", f"/api/v1/stories/{nul}", f"/api/v1/revisions/{nul}", f"/act/approve/a{nul}/b", f"/websub/{nul}", f"/static/{nul}.css",
        f"/nothing{nul}", f"/api/v1/stories/{nul}/records",
    ]  # fmt: skip
    for path in lost:
        assert client.get(path).status_code == 404, path


def test_a_nul_in_a_form_is_refused_and_stores_nothing(client: httpx.Client) -> None:
    forms: tuple[tuple[str, str, dict[str, object]], ...] = (
        ("/feeds", "/feeds", {"url": "https://a.example/\0", "source": "x"}),
        ("/feeds", "/feeds", {"url": "https://a.example/", "source": "x\0"}),
        ("/alerts", "/silences", {"story": SLUG, "comment": "night\0"}),
        ("/revisions/e1-quiet-edit", "/revisions/e1-quiet-edit/judgements", {"kind": "annotate", "why": "a\0b"}),
        ("/alerts", "/silences", {"story": SLUG, "comment": "night", "more\0": "x"}),
    )
    for page, action, fields in forms:
        assert send(client, page, action, **fields).status_code == 400, (action, fields)
    assert "a.example" not in client.get("/feeds").text
    assert "night" not in client.get("/alerts").text.replace("Night shift", "")


def test_head_is_answered_like_get_without_its_body(client: httpx.Client, app: FastAPI) -> None:
    paths = [path.format(**KNOWN) for path in readable(app) if path not in ("/metrics", "/stories/{slug}/live")]
    assert "/api/v1/search" in paths
    assert f"/stories/{SLUG}/records" in paths
    for path in [*paths, "/static/storywatch.css", "/nothing", f"/stories/{SLUG}/record?metric=killed"]:
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code, path
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"], path
        assert head.headers.get("content-length") == got.headers.get("content-length"), path
    assert client.head("/metrics").status_code == 200
    stream = client.head(f"/stories/{SLUG}/live", timeout=10)
    assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert client.head("/logout").status_code == 405


def test_an_error_never_names_the_database(client: httpx.Client, database: Database) -> None:
    with database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE stories RENAME TO stories_elsewhere")
    for path in ("/", "/api/v1/stories", f"/stories/{SLUG}", "/readyz"):
        answer = client.get(path)
        assert answer.status_code in (200, 503), path
        shown = answer.text
        for secret in (
            database.label,
            str(database.engine.url.database),
            "stories_elsewhere",
            "SELECT",
            "psycopg",
            "sqlite",
        ):
            assert secret not in shown, path


def test_a_body_larger_than_any_form_is_not_read(client: httpx.Client) -> None:
    large = b"name=" + b"x" * MOST_BYTES
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = client.post("/login", content=large, headers=form)
    assert (refused.status_code, "more than any form" in refused.text) == (413, True)

    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    answer = client.post("/login", content=endless(), headers=form)
    assert answer.status_code in (400, 413)


def test_what_a_path_escapes_is_text(client: httpx.Client) -> None:
    for name in (
        "../../etc/passwd",
        "a/b",
        "%",
        "ы",
        "\u2028",
        "\x1b[31m",
        "\ud7ff",
        "'; DROP TABLE stories; --",
        "a" * 3000,
    ):
        for path in (f"/stories/{quote(name, safe='')}", f"/api/v1/revisions/{quote(name, safe='')}"):
            assert client.get(path).status_code == 404, path


def test_a_head_of_a_page_that_fails_inside_is_answered_like_its_get(app: FastAPI) -> None:
    @app.get("/failing")
    def fail() -> None:
        raise ArithmeticError("a page that fails")

    with serve(app) as base:  # a connection on which a page failed is closed
        got, head = httpx.get(f"{base}/failing"), httpx.head(f"{base}/failing")
    assert (got.status_code, head.status_code, head.content) == (500, 500, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
