"""PURE: the subscriber's side of WebSub (https://www.w3.org/TR/websub/): what to ask a hub, what to believe of it.

A hub is asked by a form, verifies that the asking was meant (it fetches a challenge from our callback), and then posts
what is new, signed with the secret that it was given. Every step is a PushSubscription that becomes another.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.sources.answers import Fetched
from storage.records import ParsedFeed, PushState, PushSubscription

CALLBACK_PATH = "/websub/"
# What a hub may sign with (WebSub §8); a hub chooses, and old ones know SHA-1 alone.
_METHODS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_SHORTEST_LEASE = timedelta(minutes=5)
_LONGEST_LEASE = timedelta(days=90)
_RENEW_AT = 0.8  # of a lease: time enough for a hub that is away for a while
_VERIFY_WITHIN = timedelta(hours=1)  # hubs verify at once; one that did not is asked again
_FIRST_RETRY = timedelta(minutes=5)
_LONGEST_RETRY = timedelta(days=1)
_DENIED_FOR = timedelta(days=7)
_LEAVING_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A hub that pushes a feed, and the address under which it knows the feed."""

    hub: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do with a hub's question: the challenge to echo (None: answer 404), and what the subscription becomes.

    `subscription` None: it is to be forgotten.
    """

    challenge: str | None
    subscription: PushSubscription | None


def find_offer(fetched: Fetched, parsed: ParsedFeed) -> Offer | None:
    """The hub and topic that an answer names: Link headers before the document (WebSub §4); None where it names none.

    A feed that names a hub and not itself is known to it by the address at which it was found.
    """
    links = dict(reversed(fetched.links))  # the first of a kind counts
    hub = links.get("hub") or parsed.hub_url
    topic = links.get("self") or parsed.self_url or fetched.final_url
    if not hub.startswith(("http://", "https://")) or not topic.startswith(("http://", "https://")):
        return None
    return Offer(hub=hub, topic=topic)


def is_in_force(subscription: PushSubscription, now: datetime) -> bool:
    """Whether the hub has promised to push at this moment."""
    return (
        subscription.state is PushState.ACTIVE
        and subscription.lease_until is not None
        and subscription.lease_until > now
    )


def is_relied_on(subscription: PushSubscription | None, now: datetime) -> bool:
    """Whether a feed need only be polled now and then: its hub has pushed, and nothing was missed since."""
    if subscription is None or not is_in_force(subscription, now) or subscription.last_push_at is None:
        return False
    return subscription.missed_at is None or subscription.missed_at < subscription.last_push_at


def callback_of(subscription: PushSubscription, callback_url: str) -> str:
    """The address that the hub calls, below the public address of our page."""
    return f"{callback_url.rstrip('/')}{CALLBACK_PATH}{subscription.token}"


def request_form(subscription: PushSubscription, callback: str, lease: timedelta) -> dict[str, str]:
    """The form to post to the hub: to subscribe or renew, or to end it when the subscription is `leaving`."""
    form = {"hub.callback": callback, "hub.topic": subscription.topic_url}
    if subscription.state is PushState.LEAVING:
        return {**form, "hub.mode": "unsubscribe"}
    seconds = str(int(lease.total_seconds()))
    return {**form, "hub.mode": "subscribe", "hub.lease_seconds": seconds, "hub.secret": subscription.secret}


def after_asking(
    subscription: PushSubscription, error: str, *, callback_url: str, now: datetime
) -> PushSubscription | None:
    """What a subscription becomes when its hub was asked; `error` empty where the hub took it. None: to be forgotten.

    A lease that still runs is kept, whatever the hub answers to being asked for a longer one.
    """
    is_leaving = subscription.state is PushState.LEAVING
    failures = subscription.failures + bool(error)
    if is_leaving and failures >= _LEAVING_TRIES:
        return None  # its lease ends by itself, and what it pushes until then is refused
    retry = min(_FIRST_RETRY * 2 ** min(max(failures - 1, 0), 12), _LONGEST_RETRY)
    in_force = is_in_force(subscription, now)
    state = subscription.state
    if not is_leaving and not in_force:
        state = PushState.WANTED if error else PushState.ASKED
    return replace(
        subscription,
        state=state,
        callback_url=callback_url,
        asked_at=now,
        act_at=now + (retry if error else _VERIFY_WITHIN),
        failures=failures,
        last_error=error,
    )


def judge_question(subscription: PushSubscription, query: Mapping[str, str], *, now: datetime) -> Verdict:
    """Answer a hub that verifies our intent, or says that it refuses (WebSub §5.2, §5.3)."""
    refusal = Verdict(challenge=None, subscription=subscription)
    if query.get("hub.topic") != subscription.topic_url:
        return refusal
    mode, challenge = query.get("hub.mode"), query.get("hub.challenge", "")
    is_leaving = subscription.state is PushState.LEAVING
    if mode == "denied" and is_leaving:
        return Verdict(challenge="", subscription=None)
    if mode == "denied":
        reason = " ".join(query.get("hub.reason", "").split())[:200]
        denied = replace(
            subscription,
            state=PushState.DENIED,
            act_at=now + _DENIED_FOR,
            lease_until=None,
            last_error=f"the hub refuses: {reason}" if reason else "the hub refuses and gives no reason",
        )
        return Verdict(challenge="", subscription=denied)
    if not challenge:
        return refusal
    if mode == "unsubscribe" and is_leaving:
        return Verdict(challenge=challenge, subscription=None)
    if mode != "subscribe" or is_leaving or subscription.asked_at is None:
        return refusal
    lease = read_lease(query.get("hub.lease_seconds", ""))
    active = replace(
        subscription,
        state=PushState.ACTIVE,
        lease_until=now + lease,
        act_at=now + lease * _RENEW_AT,
        failures=0,
        last_error="",
    )
    return Verdict(challenge=challenge, subscription=active)


def read_lease(seconds: str) -> timedelta:
    """How long a hub promises to push, within bounds that make sense; one that does not say is asked again in a day."""
    if not (seconds.isascii() and seconds.isdigit()):
        return _LONGEST_RETRY
    return min(max(timedelta(seconds=float(seconds[:9])), _SHORTEST_LEASE), _LONGEST_LEASE)


def is_signed(secret: str, body: bytes, header: str) -> bool:
    """Whether an X-Hub-Signature header (`method=hex`) shows that the body comes from who knows the secret."""
    method, _, given = header.strip().partition("=")
    digest = _METHODS.get(method.strip().lower())
    if digest is None:
        return False
    expected = hmac.new(secret.encode(), body, digest).hexdigest()
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode())
