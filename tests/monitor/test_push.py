"""A hub pushes instead of being polled: a real hub on loopback, the real page, and a clock that the test turns."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from storage import feeds
from storage.records import PushState
from tests.monitor.test_cycle import HIGHER, TITLE, TOLL
from tests.support.hub import Hub
from tests.support.pushed import LEASE, PushedDesk, Stage
from tests.support.webserver import Reply, WebServer


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as made:
        yield made


@pytest.fixture
def desk(hub: Hub, tmp_path: Path) -> Iterator[PushedDesk]:
    with WebServer() as site:
        made = PushedDesk(site, hub, tmp_path)
        made.publish("old", "Riots in Harbour City", "Shops stayed shut in Harbour City.")
        yield made
        made.database.close()


def test_a_feed_that_names_a_hub_is_subscribed_with_a_secret_and_verified(desk: PushedDesk, hub: Hub) -> None:
    async def play(stage: Stage) -> None:
        await stage.poll()
        assert await stage.ask() == 1
        (asked,) = hub.asked
        assert asked.mode == "subscribe"
        assert asked.topic == desk.site.url("/feed")
        assert asked.callback.startswith(f"{stage.base}/websub/")
        assert asked.lease_seconds == "86400"
        assert len(asked.secret) >= 32
        assert asked.secret not in asked.callback
        assert stage.state is PushState.ASKED
        answer = await stage.outside(hub.verify)
        assert (answer.status_code, answer.text) == (200, "a challenge <b>&")
        assert answer.headers["content-type"].startswith("text/plain")
        held = stage.held
        assert held is not None
        assert held.state is PushState.ACTIVE
        assert held.lease_until == desk.now + LEASE
        assert await stage.ask() == 0

    desk.run(play)


@pytest.mark.parametrize(
    "lie",
    [{"topic": "https://elsewhere.example/feed"}, {"mode": "unsubscribe"}, {"mode": "publish"}, {"challenge": ""}],
    ids=lambda lie: next(iter(lie)),
)
def test_what_we_did_not_ask_for_is_not_confirmed(desk: PushedDesk, hub: Hub, lie: dict[str, str]) -> None:
    async def play(stage: Stage) -> None:
        await stage.poll()
        await stage.ask()
        answer = await stage.outside(lambda: hub.verify(**lie))
        assert answer.status_code == 404
        assert stage.held is not None
        assert stage.held.state is PushState.ASKED

    desk.run(play)


def test_a_hub_that_verifies_before_it_answers_is_confirmed(desk: PushedDesk, tmp_path: Path) -> None:
    with Hub(verifies_at_once=True) as eager:
        desk.hub = eager

        async def play(stage: Stage) -> None:
            await stage.poll()
            await stage.ask()
            assert [answer.status_code for answer in eager.verified] == [200]
            assert stage.held is not None
            assert stage.held.state is PushState.ACTIVE

        desk.run(play)


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signed_push_is_taken_in_like_a_poll(desk: PushedDesk, hub: Hub, method: str) -> None:
    async def play(stage: Stage) -> None:
        await stage.subscribe()
        polls = desk.site.asked("/feed")
        desk.publish("a", TITLE, TOLL)
        answer = await stage.outside(lambda: hub.push(desk.feed(), method=method))
        assert answer.status_code == 202
        await stage.read()
        assert desk.moves() == [("first", 44)]
        assert desk.site.asked("/feed") == polls

    desk.run(play)


def test_a_push_of_the_new_entry_alone_loses_nothing_and_a_push_twice_tells_nothing_twice(
    desk: PushedDesk, hub: Hub
) -> None:
    async def play(stage: Stage) -> None:
        await stage.subscribe()
        desk.publish("a", TITLE, TOLL)
        del desk.entries[0]
        for _ in range(2):
            await stage.outside(lambda: hub.push(desk.feed()))
            await stage.read()
        assert desk.moves() == [("first", 44)]
        assert desk.site.asked("/a") == 1

    desk.run(play)


@pytest.mark.parametrize(
    "wrong", [{"secret": "another"}, {"method": ""}, {"secret": ""}], ids=["secret", "unsigned", "empty"]
)
def test_a_push_that_the_hub_did_not_sign_is_ignored_and_not_told_so(
    desk: PushedDesk, hub: Hub, wrong: dict[str, str]
) -> None:
    async def play(stage: Stage) -> None:
        await stage.subscribe()
        desk.publish("a", TITLE, TOLL)
        answer = await stage.outside(lambda: hub.push(desk.feed(), **wrong))  # type: ignore[arg-type]  # names of parameters
        assert answer.status_code == 202
        with desk.database.read() as session:
            assert feeds.list_waiting_entries(session, desk.now + timedelta(days=1), limit=9) == waiting
        assert stage.held is not None
        assert stage.held.pushes == 0

    waiting: tuple[object, ...] = ()

    async def look(stage: Stage) -> None:
        nonlocal waiting
        await stage.poll()
        await stage.read()
        with desk.database.read() as session:
            waiting = feeds.list_waiting_entries(session, desk.now + timedelta(days=1), limit=9)

    desk.run(look)
    desk.run(play)


def test_a_pushed_body_that_is_no_feed_harms_nothing(desk: PushedDesk, hub: Hub) -> None:
    async def play(stage: Stage) -> None:
        await stage.subscribe()
        for body in (b"", b"<html><body>hello</body></html>", b"\x00\x01", b"{}"):
            assert (await stage.outside(lambda body=body: hub.push(body))).status_code == 202  # type: ignore[misc]  # bound now
        assert stage.held is not None
        assert stage.held.pushes == 0

    desk.run(play)


def test_a_body_larger_than_any_feed_is_refused(desk: PushedDesk, hub: Hub) -> None:
    async def play(stage: Stage) -> None:
        await stage.subscribe()
        answer = await stage.outside(lambda: hub.push(b"<rss>" + b"x" * (16 << 20)))
        assert answer.status_code == 413

    desk.run(play)


def test_a_lease_is_renewed_before_it_ends_and_survives_a_hub_that_is_away(desk: PushedDesk, hub: Hub) -> None:
    async def play(stage: Stage) -> None:
        await stage.subscribe()
        desk.now += LEASE * 0.79
        assert await stage.ask() == 0
        desk.now += LEASE * 0.02
        hub.reply = Reply(status=503, body=b"down for maintenance")
        assert await stage.ask() == 1
        assert stage.held is not None
        assert stage.held.state is PushState.ACTIVE
        assert "down for maintenance" in stage.held.last_error
        hub.reply = Reply(status=202)
        desk.now += timedelta(minutes=6)
        assert await stage.ask() == 1
        assert len({asked.callback for asked in hub.asked}) == 1
        await stage.outside(hub.verify)
        assert stage.held is not None
        assert stage.held.lease_until == desk.now + LEASE
        assert stage.held.last_error == ""

    desk.run(play)


def test_a_feed_whose_hub_pushes_is_polled_rarely_until_a_poll_finds_what_the_hub_missed(
    desk: PushedDesk, hub: Hub
) -> None:
    async def play(stage: Stage) -> None:
        def pause() -> timedelta:
            with desk.database.read() as session:
                due = feeds.get_feed(session, 1).due_at
            assert due is not None
            return due - desk.now

        await stage.subscribe()
        desk.now += timedelta(minutes=10)
        await stage.poll()
        assert pause() < timedelta(minutes=10)  # a promise alone changes nothing
        desk.publish("a", TITLE, TOLL)
        await stage.outside(lambda: hub.push(desk.feed()))
        desk.now += timedelta(minutes=10)
        await stage.poll()
        assert pause() >= timedelta(hours=6)
        desk.publish("b", "More riots in Harbour City", HIGHER)
        desk.now += timedelta(hours=7)
        await stage.poll()
        desk.now += timedelta(hours=7)
        await stage.poll()
        assert pause() < timedelta(minutes=10)

    desk.run(play)


def test_a_hub_that_refuses_is_left_alone_for_a_week_and_polling_goes_on(desk: PushedDesk, hub: Hub) -> None:
    async def play(stage: Stage) -> None:
        await stage.poll()
        await stage.ask()
        assert (await stage.outside(lambda: hub.deny("not for you"))).status_code == 200
        assert stage.held is not None
        assert stage.held.state is PushState.DENIED
        assert "not for you" in stage.held.last_error
        desk.now += timedelta(days=6)
        assert await stage.ask() == 0
        desk.now += timedelta(days=2)
        assert await stage.ask() == 1
        await stage.poll()
        assert desk.site.asked("/feed") >= 2

    desk.run(play)


def test_a_feed_that_names_no_hub_any_more_is_unsubscribed(desk: PushedDesk, hub: Hub) -> None:
    async def play(stage: Stage) -> None:
        await stage.subscribe()
        first = hub.asked[-1]
        desk.names_hub = False
        desk.now += timedelta(minutes=10)
        await stage.poll()
        await stage.ask()
        assert hub.asked[-1].mode == "unsubscribe"
        assert (await stage.outside(lambda: hub.push(desk.feed(), to=first))).status_code == 410
        assert (await stage.outside(hub.verify)).status_code == 200
        assert stage.held is None
        assert (await stage.outside(lambda: hub.push(desk.feed(), to=first))).status_code == 410

    desk.run(play)


def test_a_feed_that_is_removed_is_unsubscribed_even_if_its_hub_never_answers(desk: PushedDesk, hub: Hub) -> None:
    async def play(stage: Stage) -> None:
        await stage.subscribe()
        with desk.database.write() as session:
            feeds.remove_feed(session, 1)
        hub.reply = Reply(status=500)
        for _ in range(4):
            await stage.ask()
            desk.now += timedelta(days=1)
        assert [asked.mode for asked in hub.asked[1:]] == ["unsubscribe"] * 3
        assert stage.held is None

    desk.run(play)


def test_another_hub_gets_another_address_and_another_secret(desk: PushedDesk, hub: Hub) -> None:
    with Hub() as other:

        async def play(stage: Stage) -> None:
            await stage.subscribe()
            desk.hub = other
            desk.now += timedelta(minutes=10)
            await stage.poll()
            await stage.ask()
            assert other.asked[0].callback != hub.asked[0].callback
            assert other.asked[0].secret != hub.asked[0].secret
            assert (await stage.outside(lambda: hub.push(desk.feed()))).status_code == 410

        desk.run(play)


def test_a_page_that_moved_asks_its_hubs_anew(desk: PushedDesk, hub: Hub) -> None:
    async def subscribe(stage: Stage) -> None:
        await stage.subscribe()

    async def ask(stage: Stage) -> None:
        assert await stage.ask() == 1
        assert hub.asked[-1].callback.startswith("https://new.example/base/websub/")

    desk.run(subscribe)
    desk.run(ask, callback="https://new.example/base/")


def test_link_headers_name_a_hub_as_well(desk: PushedDesk, hub: Hub) -> None:
    desk.names_hub = False
    links = f'<{hub.url}>; rel="hub", </feed>; rel="self"'
    desk.site.add("/feed", lambda _request: Reply(body=desk.feed(), headers={"Link": links}))

    async def play(stage: Stage) -> None:
        await stage.poll()
        await stage.ask()
        assert hub.asked[-1].topic == desk.site.url("/feed")

    desk.run(play)


def test_the_page_is_not_served_under_the_callbacks_name(desk: PushedDesk) -> None:
    async def play(stage: Stage) -> None:
        def ask(path: str) -> httpx.Response:
            return httpx.get(f"{stage.base}{path}", headers={"Host": "public.example"})

        assert (await stage.outside(lambda: ask("/"))).status_code == 400
        assert (await stage.outside(lambda: ask("/websub/unknown"))).status_code == 400

    desk.run(play)
