"""What is wrong between settings, where each alone is well formed."""

from collections.abc import Iterator

from alerts.addresses import mail_address
from alerts.channels.webhook import find_wrong_header
from monitor.settings_model import SettingsFile, WebSettings
from monitor.toml_errors import Problem
from storage.naming import suggest

_NO_MAILBOX = '{written!r} is not one mail address; write each as a text of its own, like "desk@example.org"'


def find_contradictions(read: SettingsFile) -> Iterator[Problem]:
    """Yield what is wrong between settings."""
    yield from _find_wrong_channels(read)
    yield from _find_wrong_subscriptions(read)
    yield from _find_open_doors(read.web)
    if not mail_address(read.email.sender):
        yield Problem(("email", "sender"), _NO_MAILBOX.format(written=read.email.sender))
    if read.second_reader.url and not read.second_reader.model:
        yield Problem(("second_reader",), 'a second reader needs "model"; name one that its address offers')


def _find_wrong_channels(read: SettingsFile) -> Iterator[Problem]:
    names: set[str] = set()
    for index, channel in enumerate(read.channels):
        if channel.name in names:
            yield Problem(
                ("channels", index, "name"), f"{channel.name!r} is the name of another channel; change one of them"
            )
        names.add(channel.name)
        for written in channel.to:
            if not mail_address(written):
                yield Problem(("channels", index, "to"), _NO_MAILBOX.format(written=written))
        needed, value = ("to", channel.to) if channel.type == "email" else ("url", channel.url)
        if not value:
            yield Problem(("channels", index), f"a channel of type {channel.type!r} needs {needed!r}; add it")
        elif needed == "url" and channel.type != "apprise" and not channel.url.startswith(("http://", "https://")):
            yield Problem(("channels", index, "url"), "is not an address; it starts with https:// or http://")
        if channel.type == "webhook" and not channel.secret:
            yield Problem(
                ("channels", index),
                'a webhook needs "secret" to sign with; add one like "whsec_" and 32 bytes in base64',
            )

        if channel.headers and channel.type in ("email", "apprise"):
            said = f"a channel of type {channel.type!r} sends no headers; take them out"
            yield Problem(("channels", index, "headers"), said)
        elif wrong := find_wrong_header(channel.headers.items()):
            yield Problem(("channels", index, "headers"), wrong)


def _find_wrong_subscriptions(read: SettingsFile) -> Iterator[Problem]:
    names = {channel.name for channel in read.channels}
    named: set[str] = set()
    for index, subscription in enumerate(read.subscriptions):
        for key in ("channels", "approvers"):
            for channel_name in getattr(subscription, key):
                if channel_name not in names:
                    advice = suggest(channel_name, names) or "add it there"
                    said = f"{channel_name!r} is none of the [[channels]]; {advice}"
                    yield Problem(("subscriptions", index, key), said)
        if subscription.approvers and not read.web.base_url:
            said = "approve by a link to the page; set web.base_url to the address under which people reach it"
            yield Problem(("subscriptions", index, "approvers"), said)
        if not names:
            yield Problem(("subscriptions", index), "has no channel to go to; add one under [[channels]]")
        name = name_of(index + 1, subscription.name)
        if name in named:
            yield Problem(("subscriptions", index, "name"), f"{name!r} is taken; give this one another name")
        named.add(name)


def name_of(number: int, name: str) -> str:
    """The name of the subscription at a place in the file, counted from 1: its own, or one made from the place."""
    return name or f"subscription-{number}"


def _find_open_doors(web: WebSettings) -> Iterator[Problem]:
    for index, user in enumerate(web.users):
        if not user.password_hash:
            said = f'{user.name!r} could never log in; add "password_hash", an argon2 hash of the password'
            yield Problem(("web", "users", index), said)
    if web.login != "off" and not web.is_loopback() and not (web.password_hash or web.token or web.users or web.tokens):
        said = (
            f"{web.host} can be reached from other machines and nobody could log in; set web.password_hash, "
            'or host = "127.0.0.1", or login = "off" if something in front guards the page'
        )
        yield Problem(("web", "host"), said)
    if web.login == "required" and not (web.password_hash or web.users):
        yield Problem(("web", "login"), "is required, but nobody could log in; set web.password_hash or [[web.users]]")
