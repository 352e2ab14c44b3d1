"""SHELL: hubs (WebSub): asked to push, answered when they verify it, and what they push taken in like a poll."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from urllib.parse import urlsplit

import httpx
from sqlmodel import Session

from monitor.polling import take_push
from monitor.sources.answers import Fetched
from monitor.sources.bodies import BodyDecoder
from monitor.sources.http import MAX_BYTES
from monitor.sources.websub import after_asking, callback_of, is_signed, judge_question, request_form
from monitor.tools import PushTerms, Tools
from storage import feeds, pushes
from storage.errors import ArticleParseError, FeedParseError, FetchError, StorywatchError
from storage.records import FeedState, PushState, PushSubscription

_LOG = logging.getLogger(__name__)

_SECONDS = 30.0
_LONGEST_ANSWER = 2000  # bytes of what a hub says against us
_AT_ONCE = 8


class Received(Enum):
    """What became of a push: taken in; not believed or not readable, so not to be sent again; or of nobody."""

    TAKEN = "taken"
    IGNORED = "ignored"
    UNKNOWN = "unknown"


class PushDesk:
    """Keeps the subscriptions of all feeds that name a hub. Works in the loop of the page that hubs call."""

    def __init__(self, tools: Tools, client: httpx.AsyncClient, terms: PushTerms) -> None:
        """`client` posts to hubs, guarded like everything that others name."""
        self._tools = tools
        self._client = client
        self.terms = terms
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def look(self) -> int:
        """Ask the hubs that are due: to begin, to renew, to end; returns how many were asked. Raises DatabaseError."""
        now = self._tools.clock()

        def find(session: Session) -> tuple[PushSubscription, ...]:
            pushes.leave_unpolled(session, now)
            pushes.move_callbacks(session, self.terms.callback_url, now)
            return pushes.list_due_pushes(session, now)

        due = await self._tools.write(find)
        await asyncio.gather(*(self._ask(one.feed_id, now) for one in due))
        return len(due)

    async def _ask(self, feed_id: int, now: datetime) -> None:
        async with self._gate:
            # Stored before the hub is asked: it may verify before it answers.
            asked = await self._tools.write(lambda session: self._note_asking(session, feed_id, "", now))
            if asked is None:
                return
            error = await self._post(asked)
            if error:
                _LOG.warning("%s", error)
                await self._tools.write(lambda session: self._note_asking(session, feed_id, error, now))

    def _note_asking(self, session: Session, feed_id: int, error: str, now: datetime) -> PushSubscription | None:
        held = pushes.find_push(session, feed_id)
        if held is None:
            return None
        after = after_asking(held, error, callback_url=self.terms.callback_url, now=now)
        if after is None:
            pushes.delete_push(session, feed_id)
        else:
            pushes.record_push(session, after)
        return after

    async def _post(self, subscription: PushSubscription) -> str:
        """Ask the hub; returns what is wrong, in words, or nothing."""
        hub = subscription.hub_url
        form = request_form(subscription, callback_of(subscription, self.terms.callback_url), self.terms.lease)
        try:
            async with (
                self._tools.fetcher.pacer.turn(urlsplit(hub).hostname or hub),
                asyncio.timeout(_SECONDS),
                self._client.stream("POST", hub, data=form, follow_redirects=True) as answer,
            ):
                if answer.is_success:
                    return ""
                said = await _beginning(answer)
                return f"{hub}: the hub does not take the request (HTTP {answer.status_code}{said}); it is asked again"
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, StorywatchError) as error:
            return (
                f"{hub}: the hub cannot be asked ({error or type(error).__name__}); it is asked again, polling goes on"
            )

    async def answer(self, token: str, query: Mapping[str, str]) -> str | None:
        """A hub asks whether we meant it: the challenge to echo, or None where we did not. Raises DatabaseError."""
        now = self._tools.clock()

        def judge(session: Session) -> str | None:
            held = pushes.find_push_by_token(session, token)
            if held is None:
                return None
            verdict = judge_question(held, query, now=now)
            if verdict.subscription is None:
                pushes.delete_push(session, held.feed_id)
            elif verdict.subscription != held:
                pushes.record_push(session, verdict.subscription)
                if verdict.subscription.state is not held.state:
                    _LOG.info("%s: %s", held.topic_url, _CHANGES[verdict.subscription.state])
            return verdict.challenge

        return await self._tools.write(judge)

    async def receive(self, token: str, headers: Mapping[str, str], body: bytes) -> Received:
        """Take in what a hub posts; `headers` by lowercase names, `body` as it came. Raises DatabaseError.

        What is not signed with the secret that this hub was given is not believed, and the hub is not told so.
        """
        with self._tools.database.read() as session:
            held = pushes.find_push_by_token(session, token)
            feed = feeds.find_feed(session, held.feed_id) if held is not None else None
        if held is None or feed is None or held.state is PushState.LEAVING or feed.state is not FeedState.ACTIVE:
            return Received.UNKNOWN
        if not is_signed(held.secret, body, headers.get("x-hub-signature", "")):
            _LOG.warning("%s: a push that its hub did not sign is ignored", held.topic_url)
            return Received.IGNORED
        try:
            decoder = BodyDecoder(headers.get("content-encoding", ""), url=held.topic_url, max_bytes=MAX_BYTES)
            decoder.add(body)
            pushed = Fetched(
                url=held.topic_url, final_url=held.topic_url, status=200, headers=headers, body=decoder.finish()
            )
            waiting = await take_push(self._tools, feed, pushed)
        except (FetchError, FeedParseError, ArticleParseError) as error:
            _LOG.warning("pushed: %s", error)
            return Received.IGNORED
        _LOG.debug("%s: pushed, %d entries to read", held.topic_url, waiting)
        return Received.TAKEN


_CHANGES = {
    PushState.ACTIVE: "its hub pushes from now on",
    PushState.DENIED: "its hub refuses to push; polling goes on",
}


async def _beginning(answer: httpx.Response) -> str:
    """What a hub says of its refusal, in one short line."""
    said = b""
    async for chunk in answer.aiter_bytes(_LONGEST_ANSWER):
        said += chunk
        if len(said) >= _LONGEST_ANSWER:
            break
    words = " ".join(said[:_LONGEST_ANSWER].decode("utf-8", "replace").split())[:200]
    return f": {words}" if words else ""
