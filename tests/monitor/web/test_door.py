"""Who may come in, and what is refused at the door."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Literal

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI, Request

from monitor.making import QuietServer, to_uvicorn
from monitor.settings_model import WebSettings
from monitor.web.access import CHECKED_AT_ONCE, LIFETIME, Access
from monitor.web.options import Role, Token, User, WebOptions
from monitor.web.security import HEADERS, host_name
from monitor.web.site import own_path
from monitor.web.tries import TRIES, WINDOW
from storage import sign_ins
from storage.database import Database
from tests.monitor.web import archive
from tests.monitor.web.conftest import Clock, MakeApp
from tests.monitor.web.forms import TOKEN, fields_of, send
from tests.monitor.web.serving import serve, serve_by

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
EDITOR = User(name="Aigerim", password_hash=FAST.hash("a long password"), role=Role.EDITOR)
READER = User(name="Bolat", password_hash=FAST.hash("another password"))
GUARDED = WebOptions(
    login_required=True,
    users=(EDITOR, READER),
    tokens=(
        Token(name="archive", secret="t0ken-of-a-program"),
        Token(name="desk", secret="t0ken-of-an-editor", role=Role.EDITOR),
    ),
    session_secret="kept between restarts",
)


@pytest.fixture
def guarded(make_app: MakeApp) -> Iterator[httpx.Client]:
    """A service that asks for a login."""
    with serve(make_app(GUARDED)) as base, httpx.Client(base_url=base) as opened:
        yield opened


def sign_in(client: httpx.Client, name: str, password: str, **more: str) -> httpx.Response:
    return send(client, "/login", "/login", name=name, password=password, **more)


def test_without_a_login_there_is_nothing_but_the_door(guarded: httpx.Client) -> None:
    for path in ("/", "/feeds", "/alerts", "/stories/kazakhstan-unrest-2022?kind=raised"):
        answer = guarded.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    for path in (
        "/api/v1/stories",
        "/metrics",
        "/stories/kazakhstan-unrest-2022/revisions.atom",
        "/stories/kazakhstan-unrest-2022/live",
    ):
        answer = guarded.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded.get("/healthz").status_code == 200
    assert guarded.get("/readyz").status_code == 200
    assert "Feeds</a>" not in guarded.get("/login").text


def test_signing_in_leads_back_to_where_one_wanted_to_go(guarded: httpx.Client) -> None:
    answer = sign_in(guarded, "Aigerim", "a long password", next="/feeds")
    assert (answer.status_code, answer.headers["location"]) == (303, "/feeds")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "Signed in as Aigerim" in guarded.get("/feeds").text
    assert send(guarded, "/feeds", "/logout").status_code == 303
    assert guarded.get("/feeds", headers={"Accept": "text/html"}).status_code == 303


@pytest.mark.parametrize("name", ["Aigerim", "Nobody"])
def test_a_wrong_password_and_a_wrong_name_read_alike(guarded: httpx.Client, name: str) -> None:
    answer = sign_in(guarded, name, "wrong")
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text


def test_guessing_is_slowed_down_and_forgiven_later(
    guarded: httpx.Client, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(TRIES):
        assert sign_in(guarded, "Aigerim", "wrong").status_code == 401
    answer = sign_in(guarded, "Aigerim", "a long password")
    lines = [record.getMessage() for record in caplog.records if record.name == "monitor.web.access"]
    assert lines == ["sign-in as 'Aigerim' from 127.0.0.1 failed"] * TRIES + [
        "sign-in as 'Aigerim' from 127.0.0.1 is not looked at: too many tries"
    ]
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= WINDOW.total_seconds()
    clock.now += WINDOW + timedelta(seconds=1)
    assert sign_in(guarded, "Aigerim", "a long password").status_code == 303


def test_tries_that_come_at_once_are_counted_like_others(guarded: httpx.Client) -> None:
    fields = fields_of(guarded, "/login") | {"name": "Aigerim", "password": "wrong"}
    with ThreadPoolExecutor(25) as many:
        answers = list(many.map(lambda _: guarded.post("/login", data=fields).status_code, range(25)))
    assert answers.count(401) == TRIES
    assert answers.count(429) == 25 - TRIES
    assert guarded.post("/login", data=fields | {"password": "a long password"}).status_code == 429


def test_passwords_are_checked_few_at_a_time(database: Database, clock: Clock) -> None:
    class Watched(PasswordHasher):
        """Checks as its parent does, and counts how many do at a time."""

        def __init__(self) -> None:
            super().__init__(time_cost=1, memory_cost=8, parallelism=1)
            self.lock, self.now, self.most = threading.Lock(), 0, 0

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                return super().verify(hash, password)
            finally:
                with self.lock:
                    self.now -= 1

    hasher = Watched()
    access = Access(GUARDED, database=database, clock=clock, hasher=hasher)

    async def guess_from_everywhere() -> list[object]:
        guesses = (access.sign_in({}, f"name {n}", "wrong", address=f"198.51.100.{n}") for n in range(40))
        return await asyncio.gather(*guesses, return_exceptions=True)

    answers = asyncio.run(guess_from_everywhere())
    assert {getattr(one, "status", None) for one in answers} == {401}
    assert 1 <= hasher.most <= CHECKED_AT_ONCE


def test_one_who_knows_a_password_gets_no_more_guesses_at_others(guarded: httpx.Client) -> None:
    for _ in range(TRIES):
        assert sign_in(guarded, "Bolat", "another password").status_code == 303
        assert sign_in(guarded, "Aigerim", "wrong").status_code == 401
        guarded.cookies.clear()
    assert sign_in(guarded, "Aigerim", "wrong").status_code == 429


def test_a_reader_may_look_and_not_touch(guarded: httpx.Client) -> None:
    sign_in(guarded, "Bolat", "another password")
    assert "Approve and send" not in guarded.get("/alerts").text
    answer = send(guarded, "/alerts", "/alerts/a1-0/approve")
    assert answer.status_code == 403
    assert "Your role may read" in answer.text


def test_a_program_comes_in_with_its_token_and_its_role(guarded: httpx.Client) -> None:
    reading = {"Authorization": "Bearer t0ken-of-a-program"}
    assert guarded.get("/api/v1/stories", headers=reading).status_code == 200
    assert guarded.post("/alerts/a1-0/approve", headers=reading).status_code == 403
    assert (
        guarded.post("/alerts/a1-0/approve", headers={"Authorization": "Bearer t0ken-of-an-editor"}).status_code == 303
    )
    for wrong in ("Bearer nothing", "Bearer", "Basic Zm9vOmJhcg=="):
        assert guarded.get("/api/v1/stories", headers={"Authorization": wrong}).status_code == 401


def test_a_changed_password_ends_old_sessions(make_app: MakeApp) -> None:
    with serve(make_app(GUARDED)) as base, httpx.Client(base_url=base) as client:
        sign_in(client, "Aigerim", "a long password")
        cookies = dict(client.cookies)
    changed = User(name="Aigerim", password_hash=FAST.hash("a new password"), role=Role.EDITOR)
    options = WebOptions(login_required=True, users=(changed,), session_secret=GUARDED.session_secret)
    with serve(make_app(options)) as base, httpx.Client(base_url=base, cookies=cookies) as client:
        assert client.get("/", headers={"Accept": "text/html"}).status_code == 303
    with serve(make_app(GUARDED)) as base, httpx.Client(base_url=base, cookies=cookies) as client:
        assert client.get("/", headers={"Accept": "text/html"}).status_code == 200


def test_signing_out_ends_a_copied_cookie_too(make_app: MakeApp) -> None:
    page = {"Accept": "text/html"}
    with serve(make_app(GUARDED)) as base:
        with httpx.Client(base_url=base) as client:
            sign_in(client, "Aigerim", "a long password")
            copied = dict(client.cookies)
            with httpx.Client(base_url=base, cookies=copied) as thief:
                assert thief.get("/feeds", headers=page).status_code == 200
            assert send(client, "/feeds", "/logout").status_code == 303
        with httpx.Client(base_url=base, cookies=copied) as thief:
            assert thief.get("/feeds", headers=page).status_code == 303
            assert thief.get("/api/v1/stories").status_code == 401
            assert thief.get("/stories/kazakhstan-unrest-2022/live").status_code == 401
        with httpx.Client(base_url=base) as client:
            assert sign_in(client, "Aigerim", "a long password").status_code == 303
            assert client.get("/feeds", headers=page).status_code == 200, "another session of the same person goes on"
    with serve(make_app(GUARDED)) as base, httpx.Client(base_url=base, cookies=copied) as thief:
        assert thief.get("/feeds", headers=page).status_code == 303, "also after a restart"


def test_a_session_ends_by_itself_however_much_it_is_used(guarded: httpx.Client, clock: Clock) -> None:
    sign_in(guarded, "Aigerim", "a long password")
    page = {"Accept": "text/html"}
    clock.now += LIFETIME - timedelta(seconds=1)
    assert guarded.get("/feeds", headers=page).status_code == 200
    clock.now += timedelta(seconds=1)
    assert guarded.get("/feeds", headers=page).status_code == 303


def test_ended_sessions_are_forgotten_when_no_cookie_can_be_left(database: Database) -> None:
    start = archive.NOW
    with database.write() as session:
        sign_ins.end_session(session, "one", until=start + LIFETIME, now=start)
        sign_ins.end_session(session, "two", until=start + LIFETIME, now=start + LIFETIME)
        assert sign_ins.is_ended(session, "one")
        sign_ins.end_session(session, "three", until=start + 2 * LIFETIME, now=start + LIFETIME + timedelta(seconds=1))
        assert not sign_ins.is_ended(session, "one")
        assert sign_ins.is_ended(session, "three")


def test_a_forged_session_is_no_session(guarded: httpx.Client) -> None:
    guarded.cookies.set("storywatch", "eyJ1c2VyIjoiQWlnZXJpbSJ9.Zm9v.YmFy")
    assert guarded.get("/", headers={"Accept": "text/html"}).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/feeds",
        "/alerts/a1-0/approve",
        "/silences",
        "/articles/1/matches/kazakhstan-unrest-2022",
        "/login",
        "/logout",
        "/preferences",
    ],
)
def test_a_form_from_elsewhere_is_refused(reader: httpx.Client, path: str) -> None:
    reader.get("/alerts")
    for fields in ({}, {"csrf": "guessed"}, {"csrf": ""}):
        answer = reader.post(path, data=fields)
        assert answer.status_code in (403, 422)
        assert "location" not in answer.headers


def test_even_a_right_token_is_refused_when_the_browser_says_that_another_site_sent_it(reader: httpx.Client) -> None:
    found = TOKEN.search(reader.get("/alerts").text)
    assert found
    answer = reader.post(
        "/alerts/a1-0/approve", data={"csrf": found.group(1)}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "", "[::1].evil.example"])
def test_a_foreign_host_is_not_answered(reader: httpx.Client, host: str) -> None:
    answer = reader.get("/", headers={"Host": host})
    assert answer.status_code == 400
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    russian = reader.get("/", headers={"Host": host, "Accept-Language": "ru"})
    assert "Служба не отвечает под этим именем" in russian.text


def test_our_own_names_are_answered(reader: httpx.Client) -> None:
    for host in ("localhost:8080", "LOCALHOST", "[::1]:8080", "127.0.0.1"):
        assert reader.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Example.org:443", "example.org"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("a", "a"),
        ("", ""),
        ("[::1].evil:80", "[::1].evil:80"),
        ("::1", "::1"),
    ],
)
def test_the_name_of_a_host(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "///evil.example",
        "/%zz\\evil",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "",
    ],
)
def test_nothing_leads_away_from_our_own_site(path: str) -> None:
    assert own_path(path) == "/"


def test_preferences_are_kept(client: httpx.Client) -> None:
    send(client, "/", "/preferences", lang="en", theme="dark")
    text = client.get("/", headers={"Accept-Language": "ru"}).text
    assert '<html lang="en" data-theme="dark"' in text
    assert "Saved." in text
    assert "Saved." not in client.get("/").text
    send(client, "/", "/preferences", lang="xx", theme="pink", back="//evil.example")
    assert 'data-theme="dark"' in client.get("/").text


@pytest.mark.parametrize(
    "path",
    [
        "/stories/kazakhstan-unrest-2022?kind=raised&metric=killed",
        "/search?q=%22toll+of%22&order=a%26b",
        "/nothing/%3Fhere",
    ],
)
def test_choosing_a_language_leads_back_to_the_page_one_was_on(client: httpx.Client, path: str) -> None:
    fields = fields_of(client, path)
    assert fields["back"] == path
    answer = client.post("/preferences", data=fields | {"lang": "ru", "theme": "dark"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert '<html lang="ru" data-theme="dark"' in client.get(path).text


def test_the_answer_to_a_form_leads_back_to_what_can_be_opened(client: httpx.Client) -> None:
    refused = send(client, "/feeds", "/feeds", url="ftp://a.example/")
    assert refused.status_code == 422
    assert 'name="back" value="/feeds"' in refused.text
    missing = send(client, "/alerts", "/alerts/none/approve")
    assert 'name="back" value="/"' in missing.text


@pytest.mark.parametrize(
    ("trusted", "taken_for"),
    [
        ((), "127.0.0.1"),
        (("10.9.8.7",), "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.9"),
        (("127.0.0.0/8",), "203.0.113.9"),
    ],
)
def test_only_a_proxy_that_is_named_is_believed_for_whom_it_asks(trusted: tuple[str, ...], taken_for: str) -> None:
    app = FastAPI()

    @app.get("/")
    def address(request: Request) -> str:
        return request.client.host if request.client else ""

    server = QuietServer(to_uvicorn(app, WebSettings(port=0, trusted_proxies=trusted)))
    with serve_by(server) as base:
        # What a visitor wrote before the proxy added its own is not believed either.
        answer = httpx.get(base, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    assert answer.json() == taken_for
