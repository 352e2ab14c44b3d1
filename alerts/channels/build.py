"""Channels from settings: the one place that knows all types."""

import ssl

import httpx

from alerts.channels.apprise import AppriseChannel
from alerts.channels.base import Channel, ChannelSpec, EmailSpec
from alerts.channels.chat import WRITERS
from alerts.channels.email import EmailChannel
from alerts.channels.webhook import WebhookChannel
from storage.errors import SettingsError

TYPES = ("webhook", "email", *WRITERS, "apprise")


def build_channel(
    spec: ChannelSpec, *, client: httpx.AsyncClient, email: EmailSpec, tls_context: ssl.SSLContext | None = None
) -> Channel:
    """Return the channel that a spec describes; SettingsError, naming channel and key, if it cannot work.

    `client` posts webhooks: build it with the transport that guards addresses. `email` is the mail server.
    """
    if spec.type == "email":
        return EmailChannel(spec, email, tls_context=tls_context)
    if spec.type == "webhook":
        return WebhookChannel(spec, client)
    if spec.type in WRITERS:
        return WebhookChannel(spec, client, write_body=WRITERS[spec.type])
    if spec.type == "apprise":
        return AppriseChannel(spec)
    raise SettingsError(f"channel {spec.name!r}: no type {spec.type!r}; known are {', '.join(TYPES)}")
