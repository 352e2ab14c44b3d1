"""The alerts' page: all of what was told, page by page; and whose mail addresses it is, which editors alone see."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from monitor.web.options import Role, Token, WebOptions
from storage import claims, deliveries
from storage.database import Database
from storage.records import Delivery, DeliveryState, Figure, RecordKey, Revision, RevisionKind, Silence
from tests.monitor.web import archive
from tests.monitor.web.conftest import MakeApp
from tests.monitor.web.serving import serve

ADDRESS = "ann.lee@desk.example"
WHOSE = "ann.lee"


def add_many(database: Database, count: int) -> None:
    """So many more alerts and deliveries, the first the oldest."""
    with database.write() as session:
        one = deliveries.list_alerts(session, limit=1)[0]
        made = [archive.NOW + timedelta(minutes=number) for number in range(count)]
        deliveries.add_alerts(
            session,
            [
                replace(one, alert_id=f"many-{number}", subscription=f"sub-{number}", planned_at=at)
                for number, at in enumerate(made)
            ],
        )
        deliveries.add_deliveries(
            session,
            [
                Delivery(delivery_id=f"many-{number}", channel=f"chan-{number}", alert_ids=(f"many-{number}",), due_at=at, created_at=at)
                for number, at in enumerate(made)
            ],
        )  # fmt: skip


def walk(client: httpx.Client, path: str, section: str) -> Iterator[str]:
    """A list of the page, from page to page by its own links."""
    while path:
        text = client.get(path).text.split(f'<section class="section" aria-labelledby="{section}">')[1]
        text = text.split("</section>")[0]
        yield text
        found = re.search(r'<a href="([^"]+)" rel="next">', text)
        path = html.unescape(found.group(1)) if found else ""


@pytest.mark.parametrize(("section", "name"), [("all", "sub"), ("sent", "chan")])
def test_what_was_told_is_paged(client: httpx.Client, database: Database, section: str, name: str) -> None:
    add_many(database, 120)
    pages = list(walk(client, "/alerts", section))
    assert len(pages) >= 3
    seen = [found for text in pages for found in re.findall(rf">{name}-(\d+)<", text)]
    assert seen == [str(number) for number in reversed(range(120))]
    assert 'rel="prev"' not in pages[0]
    assert 'rel="prev"' in pages[-1]


def test_one_list_stays_where_it_is_while_the_other_is_turned(client: httpx.Client, database: Database) -> None:
    add_many(database, 120)
    text = client.get("/alerts?alerts=50&deliveries=50").text
    links = {html.unescape(one) for one in re.findall(r'<a href="(/alerts[^"]+)" rel=', text)}
    assert links == {
        "/alerts?deliveries=50#all",
        "/alerts?alerts=100&deliveries=50#all",
        "/alerts?alerts=50#sent",
        "/alerts?deliveries=100&alerts=50#sent",
    }
    assert len(set(re.findall(r'<nav class="pager" aria-label="([^"]+)"', text))) == 2
    assert client.get("/alerts?alerts=-1").status_code == 422


def keep_addresses(database: Database) -> None:
    """A receiver who took leave, one silenced by hand, a dead letter and a channel's trouble that name one."""
    until = archive.NOW + timedelta(hours=9)
    with database.write() as session:
        for name, matchers, comment in (
            ("s1-left", (("subscription", "desk"), ("receiver", ADDRESS)), ""),
            ("s1-hand", (("receiver!", f"~{WHOSE}@.*"),), f"asked for by {ADDRESS}"),
        ):
            deliveries.add_silence(
                session,
                Silence(silence_id=name, matchers=matchers, starts_at=archive.NOW, ends_at=until, comment=comment),
            )
        error = f"550 5.1.1 <{ADDRESS}>: Recipient address rejected; '\"{WHOSE}\"@desk.example' too"
        dead = Delivery(
            delivery_id="d1-bounced", channel="editors", alert_ids=(), receiver=ADDRESS, state=DeliveryState.DEAD,
            due_at=archive.NOW, created_at=archive.NOW, last_error=error,
        )  # fmt: skip
        deliveries.add_deliveries(session, [dead])
        key = RecordKey(story="", metric="delivery", unit="health", place="editors")
        failing = Revision(
            revision_id="failing", story="", key=key, kind=RevisionKind.HEALTH, after=Figure(state="failing"),
            recorded_at=archive.NOW, reason="delivery_failing", detail=f"n=9\nerror={error}",
        )  # fmt: skip
        claims.add_revisions(session, [failing])


def test_only_an_editor_sees_whose_mail_addresses_are_told(make_app: MakeApp, database: Database) -> None:
    keep_addresses(database)
    tokens = tuple(Token(name=role.value, secret=role.value, role=role) for role in Role)
    paths = ("/alerts", "/revisions/failing", "/api/v1/deliveries", "/api/v1/revisions/failing", "/about", "/metrics")
    with serve(make_app(WebOptions(login_required=True, tokens=tokens))) as base:
        seen = {
            role: {
                path: httpx.get(base + path, headers={"Authorization": f"Bearer {role.value}"}, timeout=60)
                for path in paths
            }
            for role in Role
        }
    for path, answer in seen[Role.READER].items():
        assert answer.status_code == 200, path
        assert WHOSE not in answer.text, path
    shown = html.unescape(seen[Role.READER]["/alerts"].text)
    assert "<code>receiver=…</code>" in shown
    assert "550 5.1.1 <…@desk.example>: Recipient address rejected" in shown
    assert f"<code>receiver={ADDRESS}</code>" in seen[Role.EDITOR]["/alerts"].text
    assert html.unescape(seen[Role.EDITOR]["/alerts"].text).count(ADDRESS) >= 3
    assert ADDRESS in seen[Role.EDITOR]["/revisions/failing"].text
