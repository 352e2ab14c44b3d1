"""What a hub is asked and what of it is believed, without any network."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.answers import Fetched
from monitor.sources.websub import (
    Offer,
    after_asking,
    find_offer,
    is_relied_on,
    is_signed,
    judge_question,
    read_lease,
    request_form,
)
from storage.records import ParsedFeed, PushState, PushSubscription

NOW = datetime(2022, 1, 9, 8, 0, tzinfo=UTC)
ASKED = PushSubscription(
    feed_id=1, hub_url="https://hub.example/", topic_url="https://a.example/feed", token="t", secret="s",
    state=PushState.ASKED, asked_at=NOW,
)  # fmt: skip
ACTIVE = replace(ASKED, state=PushState.ACTIVE, lease_until=NOW + timedelta(days=1))
ANSWER = Fetched(url="https://a.example/feed?x=1", final_url="https://a.example/feed?x=1", status=200)


@pytest.mark.parametrize(
    ("links", "hub", "self_url", "offer"),
    [
        ((), "https://h/", "https://a.example/feed", Offer(hub="https://h/", topic="https://a.example/feed")),
        ((), "https://h/", "", Offer(hub="https://h/", topic="https://a.example/feed?x=1")),
        ((("hub", "https://first/"), ("hub", "https://second/")), "https://h/", "", Offer(hub="https://first/", topic="https://a.example/feed?x=1")),
        ((("self", "https://a.example/f"), ("hub", "https://h/")), "", "", Offer(hub="https://h/", topic="https://a.example/f")),
        ((), "", "https://a.example/feed", None),
        ((), "javascript:alert(1)", "", None),
        ((), "https://h/", "feed.xml", None),
    ],
)  # fmt: skip
def test_a_hub_is_found_in_headers_before_the_document(
    links: tuple[tuple[str, str], ...], hub: str, self_url: str, offer: Offer | None
) -> None:
    assert find_offer(replace(ANSWER, links=links), ParsedFeed(hub_url=hub, self_url=self_url)) == offer


def test_the_form_asks_for_a_lease_and_names_the_secret_only_to_subscribe() -> None:
    form = request_form(ASKED, "https://us/websub/t", timedelta(days=10))
    assert form == {
        "hub.callback": "https://us/websub/t", "hub.topic": "https://a.example/feed", "hub.mode": "subscribe",
        "hub.lease_seconds": "864000", "hub.secret": "s",
    }  # fmt: skip
    leaving = request_form(replace(ASKED, state=PushState.LEAVING), "https://us/websub/t", timedelta(days=10))
    assert leaving["hub.mode"] == "unsubscribe"
    assert "hub.secret" not in leaving


@pytest.mark.parametrize(
    ("said", "lease"),
    [
        ("86400", timedelta(days=1)),
        ("1", timedelta(minutes=5)),
        ("999999999999", timedelta(days=90)),
        ("", timedelta(days=1)),
        ("-5", timedelta(days=1)),
        ("soon", timedelta(days=1)),
    ],
)
def test_leases_stay_within_what_makes_sense(said: str, lease: timedelta) -> None:
    assert read_lease(said) == lease


def test_pauses_grow_while_a_hub_cannot_be_asked() -> None:
    one = ASKED
    pauses = []
    for _ in range(12):
        after = after_asking(one, "away", callback_url="https://us", now=NOW)
        assert after is not None
        assert after.act_at is not None
        assert after.state is PushState.WANTED
        pauses.append(after.act_at - NOW)
        one = after
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(minutes=5), timedelta(days=1))


def test_a_hub_is_relied_on_only_while_it_keeps_its_word() -> None:
    pushed = replace(ACTIVE, last_push_at=NOW - timedelta(hours=1))
    assert is_relied_on(pushed, NOW)
    assert not is_relied_on(None, NOW)
    assert not is_relied_on(ACTIVE, NOW)
    assert not is_relied_on(pushed, NOW + timedelta(days=2))
    assert not is_relied_on(replace(pushed, missed_at=NOW), NOW)
    assert is_relied_on(replace(pushed, missed_at=NOW - timedelta(hours=2)), NOW)


def test_nobody_is_confirmed_who_was_never_asked() -> None:
    query = {"hub.mode": "subscribe", "hub.topic": ASKED.topic_url, "hub.challenge": "c", "hub.lease_seconds": "60"}
    assert judge_question(replace(ASKED, asked_at=None), query, now=NOW).challenge is None
    assert judge_question(replace(ASKED, state=PushState.LEAVING), query, now=NOW).challenge is None
    assert judge_question(ASKED, query, now=NOW).challenge == "c"


@given(body=st.binary(max_size=200), secret=st.text(max_size=20), header=st.text(max_size=120))
def test_no_header_but_the_right_one_is_a_signature(body: bytes, secret: str, header: str) -> None:
    right = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert is_signed(secret, body, f"sha256={right}")
    assert is_signed(secret, body, f"SHA256 = {right.upper()}")
    assert not is_signed(secret, body + b"x", f"sha256={right}")
    assert not is_signed(secret, body, f"md5={hashlib.md5(body).hexdigest()}")
    if right not in header.lower():
        assert not is_signed(secret, body, header)
