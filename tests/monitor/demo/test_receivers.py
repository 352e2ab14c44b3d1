"""The demo's two receivers take what real senders send, and see a wrong signature."""

import json
import smtplib
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from monitor.demo.receivers import HookReceiver, MailReceiver

SECRET = "whsec_dGVzdC1zZWNyZXQtdGVzdC1zZWNyZXQ="
OTHER = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldA=="


@pytest.mark.parametrize(("secret", "is_signed"), [(SECRET, True), (OTHER, False)])
def test_a_call_is_kept_with_the_verdict_on_its_signature(secret: str, is_signed: bool) -> None:
    at = datetime(2022, 1, 9, 12, tzinfo=UTC)
    body = json.dumps({"changes": []})
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body),
    }
    with HookReceiver(SECRET) as receiver:
        assert httpx.post(receiver.url, content=body, headers=headers).status_code == 204
        (call,) = receiver.take_arrived()
    assert (call.message_id, call.payload, call.is_signed) == ("msg_1", {"changes": []}, is_signed)
    assert not list(receiver.take_arrived())


def test_a_mail_is_kept_with_its_id() -> None:
    with MailReceiver() as receiver, smtplib.SMTP("127.0.0.1", receiver.port) as client:
        text = "Message-ID: <d1@storywatch>\r\nSubject: 44 → 164\r\n\r\nbody\r\n"
        client.sendmail("from@example.org", ["to@example.org"], text.encode(), mail_options=["SMTPUTF8"])
    (mail,) = receiver.mails
    assert mail.message_id == "d1@storywatch"
    assert mail.recipients == ("to@example.org",)
