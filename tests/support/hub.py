"""A real WebSub hub on loopback: takes subscriptions, verifies them at the subscriber's callback, and pushes signed bodies.

    with Hub() as hub:
        # … a subscriber asks hub.url
        hub.verify()
        hub.push(b"<rss>…</rss>")

With `verifies_at_once` it verifies before it answers, as some hubs do.
"""

import hashlib
import hmac
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

import httpx

from tests.support.webserver import Reply, Request, WebServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to the hub, as its form said."""

    mode: str
    topic: str
    callback: str
    lease_seconds: str
    secret: str


class Hub:
    """The hub; `asked` lists what it was asked for, the newest last."""

    def __init__(self, *, verifies_at_once: bool = False) -> None:
        self.asked: list[Asked] = []
        self.reply = Reply(status=202)
        self.verified: list[httpx.Response] = []
        self._verifies_at_once = verifies_at_once
        self._server = WebServer()

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._server.add("/hub", self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        """Where subscribers ask."""
        return self._server.url("/hub")

    def _take(self, request: Request) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append(
            Asked(
                mode=form.get("hub.mode", ""),
                topic=form.get("hub.topic", ""),
                callback=form.get("hub.callback", ""),
                lease_seconds=form.get("hub.lease_seconds", ""),
                secret=form.get("hub.secret", ""),
            )
        )
        if self._verifies_at_once:
            self.verify()
        return self.reply

    def verify(self, **changed: str) -> httpx.Response:
        """Ask the newest subscriber whether it meant it; `changed` replaces what a lying hub would ask."""
        asked = self.asked[-1]
        query = {
            "hub.mode": asked.mode,
            "hub.topic": asked.topic,
            "hub.challenge": "a challenge <b>&",
            "hub.lease_seconds": asked.lease_seconds or "86400",
            **{f"hub.{name}": value for name, value in changed.items()},
        }
        answer = httpx.get(asked.callback, params=query, timeout=30)
        self.verified.append(answer)
        return answer

    def deny(self, reason: str) -> httpx.Response:
        """Tell the newest subscriber that it is refused."""
        asked = self.asked[-1]
        query = {"hub.mode": "denied", "hub.topic": asked.topic, "hub.reason": reason}
        return httpx.get(asked.callback, params=query, timeout=30)

    def push(
        self, body: bytes, *, secret: str | None = None, method: str = "sha256", to: Asked | None = None
    ) -> httpx.Response:
        """Push a body, signed with the subscriber's secret or another; method "" sends no signature."""
        asked = to or self.asked[-1]
        headers = {"Content-Type": "application/rss+xml"}
        if method:
            key = (asked.secret if secret is None else secret).encode()
            headers["X-Hub-Signature"] = f"{method}={hmac.new(key, body, getattr(hashlib, method)).hexdigest()}"
        return httpx.post(asked.callback, content=body, headers=headers, timeout=30)
