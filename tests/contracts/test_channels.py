"""One suite over every channel, against real servers on loopback that fail in every way: what each must do alike."""

import asyncio
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from alerts.channels.base import Channel, ChannelSpec, EmailSpec, Receipt, TlsMode
from alerts.channels.build import TYPES, build_channel
from alerts.channels.chat import WRITERS
from alerts.channels.email import write_mail
from storage.errors import DeliveryError, SettingsError
from storage.records import Evidence
from tests.support.alerting import NOON, notice, revise, write_message
from tests.support.receiver import Answer, Receiver, free_port, make_server_tls
from tests.support.smtp import CUT, HANG, MailServer

ID = "d1-0123456789abcdef0123456789abcdef"
SECRET, OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
WEBHOOKS = [one for one in TYPES if one not in ("email", "apprise")]
MESSAGE = write_message()


class Bench:
    """Servers, and channels that speak to them."""

    def __init__(self) -> None:
        self.hook = Receiver()
        self.mail = MailServer()

    def spec(self, kind: str, **fields: object) -> ChannelSpec:
        given: dict[str, object] = {"name": "it", "type": kind, "timeout": 10.0}
        if kind == "email":
            given["to"] = ("editor@example.org",)
        elif kind == "apprise":
            given["url"] = f"json://127.0.0.1:{self.hook.port}/hook"
        else:
            given |= {"url": self.hook.url, "secrets": (SECRET,)}
        return ChannelSpec(**(given | fields))  # type: ignore[arg-type]  # fields of a test, checked by the run itself

    def server(self, **fields: object) -> EmailSpec:
        given: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.mail.port,
            "sender": "Storywatch <watch@example.org>",
            "tls": TlsMode.NONE,
            "timeout": 10.0,
        }
        return EmailSpec(**(given | fields))  # type: ignore[arg-type]  # as above

    def send(self, kind: str, *, receiver: str = "", patience: float = 10.0, **fields: object) -> Receipt:
        spec = self.spec(kind, **({"timeout": patience} | fields))
        return send(spec, self.server(timeout=patience), receiver=receiver)


def send(
    spec: ChannelSpec,
    server: EmailSpec,
    *,
    receiver: str = "",
    now: datetime = NOON,
    tls: ssl.SSLContext | None = None,
) -> Receipt:
    async def go() -> Receipt:
        async with httpx.AsyncClient(verify=tls if tls is not None else True, trust_env=False) as client:
            channel = build_channel(spec, client=client, email=server, tls_context=tls)
            try:
                return await channel.send(MESSAGE, delivery_id=ID, now=now, receiver=receiver)
            finally:
                await channel.aclose()
                # A connection that broke off in its TLS handshake ends a few turns later; a service's loop goes on anyway.
                for _ in range(10):
                    await asyncio.sleep(0.001)

    return asyncio.run(go())


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    with ExitStack() as stack:
        stack.enter_context(bench.hook)
        stack.enter_context(bench.mail)
        yield bench


# --- what all channels do alike ---------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES)
def test_an_accepted_message_gives_a_receipt(bench: Bench, kind: str) -> None:
    assert bench.send(kind).response
    assert len(bench.hook.calls) + len(bench.mail.mails) == 1


@pytest.mark.parametrize("kind", TYPES)
def test_a_channel_knows_its_name_and_receivers(bench: Bench, kind: str) -> None:
    async def look() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            channel: Channel = build_channel(bench.spec(kind), client=client, email=bench.server())
            assert channel.name == "it"
            assert channel.receivers
            assert channel.concurrency >= 1
            assert channel.wants_html is (kind == "email")
            assert "hook" not in channel.address_hash

    asyncio.run(look())


@pytest.mark.parametrize("kind", TYPES)
def test_a_refused_connection_may_be_tried_again(bench: Bench, kind: str) -> None:
    port = free_port()
    url = f"json://127.0.0.1:{port}" if kind == "apprise" else f"http://127.0.0.1:{port}/hook"
    with pytest.raises(DeliveryError) as caught:
        send(bench.spec(kind, url=url), bench.server(port=port))
    assert not caught.value.permanent
    assert not caught.value.disable


@pytest.mark.parametrize("kind", TYPES)
def test_a_hanging_server_is_left_after_the_timeout(bench: Bench, kind: str) -> None:
    bench.hook.answers = [Answer(hangs=True)]
    bench.mail.refuse["DATA"] = [HANG]
    with pytest.raises(DeliveryError) as caught:
        bench.send(kind, patience=0.5)
    assert not caught.value.permanent
    assert "0.5 s" in str(caught.value)


@pytest.mark.parametrize("kind", TYPES)
def test_a_connection_that_breaks_may_be_tried_again(bench: Bench, kind: str) -> None:
    bench.hook.answers = [Answer(resets=True)]
    bench.mail.refuse["DATA"] = [CUT]
    with pytest.raises(DeliveryError) as caught:
        bench.send(kind)
    assert not caught.value.permanent


@pytest.mark.parametrize("kind", TYPES)
def test_a_server_error_may_be_tried_again(bench: Bench, kind: str) -> None:
    bench.hook.answers = [Answer(status=500, body=b"down for repair")]
    bench.mail.refuse["DATA"] = ["451 try later"]
    with pytest.raises(DeliveryError) as caught:
        bench.send(kind)
    assert not caught.value.permanent
    if kind != "apprise":
        assert "down for repair" in str(caught.value) or "451 try later" in str(caught.value)


@pytest.mark.parametrize("kind", TYPES)
def test_wrong_settings_name_the_channel(bench: Bench, kind: str) -> None:
    wrong = {"to": ("nobody",)} if kind == "email" else {"url": "nonsense"}
    with pytest.raises(SettingsError, match="'it'"):
        bench.send(kind, **wrong)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/x", "http://[::1/x", "ftp://a.example/x", "https:///x", ""])
def test_an_address_that_is_none_names_the_channel(bench: Bench, url: str) -> None:
    with pytest.raises(SettingsError, match="channel 'it': url must be"):
        bench.send("webhook", url=url)


def test_an_unknown_type_names_the_known_ones(bench: Bench) -> None:
    with pytest.raises(SettingsError, match=r"pigeon.*webhook.*apprise"):
        bench.send("pigeon", url="http://127.0.0.1/")


# --- webhooks ---------------------------------------------------------------------------------


def test_a_webhook_is_signed_as_the_standard_has_it(bench: Bench) -> None:
    now = datetime.now(UTC)
    send(bench.spec("webhook", secrets=(SECRET, OLD_SECRET)), bench.server(), now=now)
    call = bench.hook.calls[0]
    assert call.headers["webhook-id"] == ID
    assert call.headers["webhook-timestamp"] == str(int(now.timestamp()))
    # A receiver that still has the old secret and one that has the new one both verify.
    for secret in (SECRET, OLD_SECRET):
        assert Webhook(secret).verify(call.body, dict(call.headers)) == json.loads(MESSAGE.payload)


def test_a_webhook_without_a_secret_is_sent_unsigned(bench: Bench) -> None:
    bench.send("webhook", secrets=())
    assert "webhook-signature" not in bench.hook.calls[0].headers


def test_repeats_differ_in_nothing_but_time(bench: Bench) -> None:
    bench.send("webhook")
    send(bench.spec("webhook"), bench.server(), now=NOON + timedelta(hours=1))
    first, again = bench.hook.calls
    assert first.body == again.body
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != again.headers["webhook-timestamp"]


def test_headers_of_the_settings_go_along(bench: Bench) -> None:
    bench.send("webhook", headers=(("Authorization", "Bearer x"),))
    assert bench.hook.calls[0].headers["authorization"] == "Bearer x"


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ((("Content-Type", "text/plain"),), "Content-Type is ours"),
        ((("WEBHOOK-ID", "x"),), "WEBHOOK-ID is ours"),
        ((("webhook-signature", "v1,x"),), "webhook-signature is ours"),
        ((("traceparent", "x"),), "traceparent is ours"),
        ((("Host", "elsewhere"),), "Host is ours"),
        ((("X-Desk", "a"), ("x-desk", "b")), "x-desk and X-Desk are one header"),
        ((("X Desk", "a"),), "'X Desk' is no name"),
        ((("X-Desk", "a\r\nx: y"),), "one line of ASCII"),
        ((("X-Desk", "ключ"),), "one line of ASCII"),
    ],
)
def test_headers_of_the_settings_cannot_take_the_place_of_ours(
    bench: Bench, headers: tuple[tuple[str, str], ...], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        bench.send("webhook", headers=headers)
    assert not bench.hook.calls


def test_a_user_agent_of_the_settings_takes_the_place_of_ours(bench: Bench) -> None:
    bench.send("webhook", headers=(("User-Agent", "desk/1"),))
    assert bench.hook.calls[0].headers["user-agent"] == "desk/1"


def test_an_answer_of_304_says_what_may_be_wrong(bench: Bench) -> None:
    bench.hook.answers = [Answer(status=304)]
    with pytest.raises(DeliveryError, match=r"304.*does the address take POST"):
        bench.send("webhook")


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_410_disables_the_endpoint(bench: Bench, kind: str) -> None:
    bench.hook.answers = [Answer(status=410)]
    with pytest.raises(DeliveryError) as caught:
        bench.send(kind)
    assert caught.value.disable
    assert caught.value.permanent


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(bench: Bench, status: int) -> None:
    bench.hook.answers = [Answer(status=status, headers={"Location": bench.hook.url + "/elsewhere"})]
    with pytest.raises(DeliveryError, match="redirect"):
        bench.send("webhook")
    assert len(bench.hook.calls) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120.0), ("Mon, 10 Jan 2022 12:02:00 GMT", 120.0), ("Mon, 10 Jan 2022 11:00:00 GMT", 0.0), ("soon", None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_passed_on(bench: Bench, status: int, value: str, seconds: float | None) -> None:
    bench.hook.answers = [Answer(status=status, headers={"Retry-After": value})]
    with pytest.raises(DeliveryError) as caught:
        bench.send("webhook")
    assert caught.value.retry_after == seconds
    assert not caught.value.permanent


def test_an_answer_cut_off_mid_body_is_a_failure(bench: Bench) -> None:
    bench.hook.answers = [Answer(cuts=True)]
    with pytest.raises(DeliveryError) as caught:
        bench.send("webhook")
    assert not caught.value.permanent


def test_a_slow_receiver_has_the_channels_own_time(bench: Bench) -> None:
    bench.hook.answers = [Answer(after_seconds=0.3)]

    async def go() -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=0.05) as client:
            spec = ChannelSpec(name="slow", type="webhook", url=bench.hook.url, timeout=10)
            channel = build_channel(spec, client=client, email=EmailSpec())
            assert (await channel.send(MESSAGE, delivery_id="d1-slow", now=NOON)).response == "200 ok"

    asyncio.run(go())


def test_an_answer_that_drips_is_cut_by_the_whole_timeout(bench: Bench) -> None:
    bench.hook.answers = [Answer(drips=True)]
    with pytest.raises(DeliveryError, match="no whole answer"):
        bench.send("webhook", patience=0.5)


def test_an_endless_answer_is_read_to_a_limit(bench: Bench) -> None:
    bench.hook.answers = [Answer(body=b"x\x00y " * 1_000_000)]
    receipt = bench.send("webhook")
    assert receipt.response.startswith("200 x y x y")
    assert len(receipt.response) <= 510


def test_a_certificate_that_nobody_trusts_is_a_failure(bench: Bench, tmp_path: Path) -> None:
    server_tls, client_tls = make_server_tls(tmp_path)
    with Receiver(tls=server_tls) as secure:
        with pytest.raises(DeliveryError, match=r"(?i)certificate"):
            send(bench.spec("webhook", url=secure.url), bench.server())
        assert send(bench.spec("webhook", url=secure.url), bench.server(), tls=client_tls).response == "200 ok"


def test_errors_do_not_tell_the_secret_part_of_an_address(bench: Bench) -> None:
    bench.hook.answers = [Answer(status=500)]
    with pytest.raises(DeliveryError) as caught:
        bench.send("slack", url=bench.hook.url + "/T0/B0/very-secret?token=hush")
    assert "secret" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_what_an_endpoint_repeats_of_our_secrets_is_covered(bench: Bench) -> None:
    url = f"{bench.hook.url}/T0KEN-of-path/x?key=qu%2Fery-key"
    headers = (("Authorization", "Bearer to/ken-of-header"), ("X-Key", "another key"))
    said = b'no: /hook/T0KEN-of-path/x qu/ery-key qu%2Fery-key "to\\/ken-of-header" Bearer to/ken-of-header another key'
    # One that stands where the excerpt ends leaves no beginning of itself.
    for body in (said, b"x" * 495 + b" T0KEN-of-path", b"y" * 1_995 + b"T0KEN-of-path"):
        for status in (200, 500, 410):
            bench.hook.answers = [Answer(status=status, body=body)]
            try:
                told = bench.send("webhook", url=url, headers=headers).response
            except DeliveryError as error:
                told = str(error)
            for part in ("T0KE", "ery-key", "ken-of-header", "another"):
                assert part not in told
            assert "no: " in told or body is not said


@pytest.mark.parametrize("secret", ["whsec_%%%", "", "whsec_"])
def test_a_secret_that_is_none_is_refused_at_once(bench: Bench, secret: str) -> None:
    with pytest.raises(SettingsError, match="secret"):
        bench.send("webhook", secrets=(secret,))


def test_the_transport_decides_where_webhooks_may_go() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("private addresses are not allowed", request=request)

    async def go() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
            spec = ChannelSpec(name="it", type="webhook", url="http://127.0.0.1:1/")
            channel = build_channel(spec, client=client, email=EmailSpec())
            with pytest.raises(DeliveryError, match="private addresses"):
                await channel.send(MESSAGE, delivery_id=ID, now=NOON)

    asyncio.run(go())


# --- chat services ----------------------------------------------------------------------------

CHECKS: dict[str, Callable[[dict[str, object]], bool]] = {
    "slack": lambda body: body["text"] == MESSAGE.subject and "164 dead" in json.dumps(body["blocks"]),
    "discord": lambda body: body["allowed_mentions"] == {"parse": []} and "164 dead" in json.dumps(body["embeds"]),
    "teams": lambda body: body["type"] == "message" and "164 dead" in json.dumps(body["attachments"]),
    "mattermost": lambda body: "164 dead" in str(body["text"]),
}


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_a_chat_gets_change_sentence_and_links(bench: Bench, kind: str) -> None:
    bench.send(kind)
    text = bench.hook.calls[0].body.decode()
    assert CHECKS[kind](json.loads(text))
    assert "https://watch.example.org/act/silence/" in text
    assert "https://news.example.org/2022/01/10/toll?a=1" in text


# --- mail -------------------------------------------------------------------------------------


def test_many_changes_stay_within_what_discord_and_teams_take() -> None:
    long = Evidence(sentence="Слово за словом. " * 200, url="https://a.example/" + "x" * 200, source="Example Agency")
    many = [notice(revise(f"r{n}", metric=f"a measure {n}", evidence=(long, long)), past=()) for n in range(30)]
    message = write_message(*many)
    embeds = json.loads(WRITERS["discord"](message))["embeds"]
    texts = [text for embed in embeds for text in (embed["title"], embed["description"], embed["author"]["name"])]
    assert 1 < len(embeds) <= 10
    assert sum(map(len, texts)) <= 6_000
    assert len(WRITERS["teams"](message).encode()) <= 28_000


def test_a_mail_is_whole(bench: Bench) -> None:
    bench.send("email")
    mail = bench.mail.mails[0]
    assert mail["Subject"] == "Kazakhstan unrest: killed 164 → withdrawn (44)"
    assert mail["From"] == "Storywatch <watch@example.org>"
    assert mail["To"] == "editor@example.org"
    assert mail["Message-ID"] == f"<{ID}@example.org>"
    assert mail["In-Reply-To"] == mail["References"] == f"<{MESSAGE.thread_key}@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"].startswith("<https://watch.example.org/act/unsubscribe/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    picture = list(mail.walk())[-1]
    assert picture["Content-ID"] == "<chart@storywatch>"
    assert picture.get_content_disposition() == "inline"
    html = mail.get_body(("html",))
    assert html is not None
    assert "cid:chart@storywatch" in html.get_content()


def test_the_same_mail_is_the_same_bytes() -> None:
    one, two = (
        write_mail(MESSAGE, sender="watch@example.org", to=("e@example.org",), delivery_id=ID, now=NOON) for _ in "12"
    )
    assert bytes(one) == bytes(two)


def test_a_subject_cannot_smuggle_headers_in() -> None:
    from dataclasses import replace

    evil = replace(MESSAGE, subject="hello")
    mail = write_mail(evil, sender="watch@example.org", to=("e@example.org",), delivery_id=ID, now=NOON)
    assert mail["Subject"] == "hello"
    with pytest.raises(SettingsError):
        send(
            ChannelSpec(name="it", type="email", to=("e@example.org\r\nBcc: all@example.org",)),
            EmailSpec(port=1),
        )


@pytest.mark.parametrize(
    "written", ["a@example.org, b@example.org", "a@example.org;b@example.org", "a@b@c", "<a@b", "a@", "a@.b", "x", ""]
)
def test_an_address_of_mail_is_one(bench: Bench, written: str) -> None:
    with pytest.raises(SettingsError, match="is not one mail address"):
        bench.send("email", to=(written,))


@pytest.mark.parametrize(
    "written", ["a@localhost", "Ann Bo <a.b+c@example.org>", '"Bo, Ann" <a@example.org>', "o'neil@example.org"]
)
def test_an_address_of_mail_may_have_a_name(bench: Bench, written: str) -> None:
    assert bench.send("email", to=(written,))


def test_each_receiver_is_sent_to_alone(bench: Bench) -> None:
    bench.send("email", to=("a@example.org", "b@example.org"), receiver="b@example.org")
    assert bench.mail.recipients == [["b@example.org"]]
    bench.send("email", to=("a@example.org", "b@example.org"))
    assert bench.mail.recipients[1] == ["a@example.org", "b@example.org"]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "is_permanent"), [("451 later", False), ("421 closing", False), ("550 no", True), ("552 full", True)]
)
def test_a_mail_servers_code_says_whether_to_try_again(
    bench: Bench, command: str, answer: str, is_permanent: bool
) -> None:
    bench.mail.refuse[command] = [answer]
    with pytest.raises(DeliveryError, match=answer.split()[0]) as caught:
        bench.send("email")
    assert caught.value.permanent is is_permanent


def test_a_login_that_is_wanted_is_not_final(bench: Bench) -> None:
    bench.mail.refuse["MAIL"] = ["530 5.7.0 Authentication required"]
    with pytest.raises(DeliveryError, match="530") as caught:
        bench.send("email")
    assert not caught.value.permanent


def test_a_recipient_refused_among_others_is_told(bench: Bench) -> None:
    bench.mail.per_recipient = {"b@example.org": "550 who"}
    with pytest.raises(DeliveryError, match=r"b@example\.org: 550"):
        bench.send("email", to=("a@example.org", "b@example.org"))


def test_a_wrong_password_is_not_final(bench: Bench) -> None:
    with MailServer(login=("me", "right")) as guarded:
        good = bench.server(port=guarded.port, username="me", password="right")
        assert send(bench.spec("email"), good).response
        with pytest.raises(DeliveryError, match="login refused") as caught:
            send(bench.spec("email"), bench.server(port=guarded.port, username="me", password="wrong"))
        assert not caught.value.permanent


@pytest.mark.parametrize(
    ("mode", "is_implicit"), [(TlsMode.STARTTLS, False), (TlsMode.AUTO, False), (TlsMode.TLS, True)]
)
def test_mail_goes_over_tls(bench: Bench, tmp_path: Path, mode: TlsMode, is_implicit: bool) -> None:
    server_tls, client_tls = make_server_tls(tmp_path)
    with MailServer(tls=server_tls, is_implicit_tls=is_implicit, login=("me", "right")) as secure:
        server = bench.server(port=secure.port, tls=mode, username="me", password="right")
        send(bench.spec("email"), server, tls=client_tls)
        assert secure.was_tls == [True]
        with pytest.raises(DeliveryError, match=r"(?i)certificate"):
            send(bench.spec("email"), server)


def test_starttls_that_is_not_offered_is_a_failure(bench: Bench) -> None:
    with pytest.raises(DeliveryError, match=r"(?i)starttls"):
        send(bench.spec("email"), bench.server(tls=TlsMode.STARTTLS))


def test_something_that_is_no_mail_server(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(DeliveryError, match=r"0\.5 s|timed out"):
            send(bench.spec("email"), bench.server(port=port, timeout=0.5))
