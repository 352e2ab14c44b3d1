"""What a mail is on the wire: what clients read to the letter is not encoded."""

from datetime import UTC, datetime
from email.policy import SMTP

from alerts.channels.email import write_mail
from storage.records import Message

NOW = datetime(2022, 1, 9, 12, tzinfo=UTC)
LINK = "<https://watch.example.org/act/unsubscribe/desk%7Ca%40example.org/f3bd0123456789abcdef0123456789ab>"
SENDER = "Watch <w@alerts.newsroom.broadcasting-corporation.example.org>"


def test_links_and_ids_stay_as_they_are_however_long() -> None:
    message = Message(
        message_id="m1",
        subject="Жертв " * 40,
        text="x",
        thread_key="0123456789abcdef0123456789abcdef",
        headers=(("List-Unsubscribe", LINK), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")),
    )
    mail = write_mail(message, sender=SENDER, to=("a@example.org",), delivery_id="d1", now=NOW)
    lines = mail.as_bytes(policy=SMTP).decode("ascii").splitlines()
    thread = "<0123456789abcdef0123456789abcdef@alerts.newsroom.broadcasting-corporation.example.org>"
    assert f"List-Unsubscribe: {LINK}" in lines
    assert f"In-Reply-To: {thread}" in lines
    assert f"References: {thread}" in lines
