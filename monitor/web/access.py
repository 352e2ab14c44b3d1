"""Who is asking, and what they may do: password or bearer token, roles, sessions that end, form tokens."""

import asyncio
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request

from monitor.clock import Clock
from monitor.web.options import Role, User, WebOptions
from monitor.web.refusals import RefusedError
from monitor.web.tries import Tries
from storage import sign_ins
from storage.database import Database

log = logging.getLogger(__name__)
LOCAL_NAME = "local"
SESSION_COOKIE = "storywatch"
# A session ends so long after its sign-in, used or not; no cookie outlives it.
LIFETIME = timedelta(days=14)
# Each check of a password costs tens of megabytes and of milliseconds, by design: so many at a time.
CHECKED_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is asking. `is_program`: came with a bearer token, which no browser adds by itself:
    no form token is asked for."""

    name: str
    role: Role
    is_program: bool = False

    @property
    def may_edit(self) -> bool:
        """Whether this caller may judge, approve, replay, silence and add."""
        return self.role is Role.EDITOR


class Access:
    """The door: holds the users and tokens of the settings, and counts who tried to sign in of late."""

    def __init__(
        self, options: WebOptions, *, database: Database, clock: Clock, hasher: PasswordHasher | None = None
    ) -> None:
        """The database remembers which sessions were ended. `hasher` checks passwords against the users' hashes."""
        self.options = options
        self._database = database
        self._clock = clock
        self._hasher = hasher or PasswordHasher()
        self._tries = Tries()
        self._checking = asyncio.Semaphore(CHECKED_AT_ONCE)
        self._decoy: str | None = None

    def find_caller(self, request: Request, *, again: bool = False) -> Caller | None:
        """Who is asking, by bearer token, session, or as the local editor where no login is required; None: nobody.

        Asks the database once a request, or `again` for one that lasts. Raises DatabaseError.
        """
        header = request.headers.get("authorization", "")
        if header.lower().startswith("bearer "):
            return self._by_token(header[7:].strip())
        if not self.options.login_required:
            return Caller(name=LOCAL_NAME, role=Role.EDITOR)
        if again or not hasattr(request.state, "caller"):
            request.state.caller = self._by_session(request.session)
        found: Caller | None = request.state.caller
        return found

    def _by_token(self, given: str) -> Caller | None:
        found = None
        for token in self.options.tokens:
            if token.secret and secrets.compare_digest(token.secret.encode(), given.encode()):
                found = Caller(name=token.name, role=token.role, is_program=True)
        return found

    def _by_session(self, session: dict[str, Any]) -> Caller | None:
        user = self._find_user(str(session.get("user", "")))
        session_id = str(session.get("id", ""))
        # A changed password ends the sessions that the old one opened.
        if user is None or session.get("stamp") != stamp(user) or not session_id:
            return None
        if self._clock() >= ends_at(session):
            return None
        with self._database.read() as opened:
            if sign_ins.is_ended(opened, session_id):
                return None
        return Caller(name=user.name, role=user.role)

    def _find_user(self, name: str) -> User | None:
        return next((user for user in self.options.users if user.name == name), None)

    async def sign_in(self, session: dict[str, Any], name: str, password: str, *, address: str) -> None:
        """Open a session. Raises RefusedError: 401 for a wrong name or password, 429 after too many of them."""
        now = self._clock()
        by_address, by_name = f"address {address}", f"name {name}"
        # Counted before the password is looked at: tries that come at once are as many as tries that come one by one.
        try:
            self._tries.take((by_address, by_name), now)
        except RefusedError:
            log.warning("sign-in as %r from %s is not looked at: too many tries", name, address)
            raise
        user = self._find_user(name)
        async with self._checking:
            is_right = await run_in_threadpool(self._is_right, user, password)
        if not is_right or user is None:
            log.warning("sign-in as %r from %s failed", name, address)
            raise RefusedError(401, "login.wrong")
        self._tries.give_back(by_address, now)
        self._tries.forget(by_name)
        session.clear()
        session.update(
            user=user.name,
            stamp=stamp(user),
            id=secrets.token_urlsafe(18),
            until=int((now + LIFETIME).timestamp()),
            csrf=secrets.token_urlsafe(24),
        )

    def _is_right(self, user: User | None, password: str) -> bool:
        try:
            return self._hasher.verify(user.password_hash if user else self._make_decoy(), password)
        except (VerificationError, InvalidHashError):
            return False

    def _make_decoy(self) -> str:
        """Checked when there is no such user, as costly as a user's: the time taken does not tell which names exist."""
        if self._decoy is None:
            known = self.options.users[:1]
            like = PasswordHasher.from_parameters(extract_parameters(known[0].password_hash)) if known else self._hasher
            self._decoy = like.hash(secrets.token_urlsafe())
        return self._decoy

    def sign_out(self, session: dict[str, Any]) -> None:
        """End a session for whoever holds its cookie. Raises DatabaseError: then it goes on."""
        if session_id := str(session.get("id", "")):
            with self._database.write() as opened:
                sign_ins.end_session(opened, session_id, until=ends_at(session), now=self._clock())
        session.clear()


def ends_at(session: dict[str, Any]) -> datetime:
    """When a session ends by itself."""
    until = session.get("until")
    return datetime.fromtimestamp(until if isinstance(until, int) else 0, UTC)


def stamp(user: User) -> str:
    """What a session remembers of a password: enough to see that it changed, too little to guess it."""
    return user.password_hash[-8:]


def form_token(request: Request) -> str:
    """The session's form token, made on first use."""
    token = request.session.get("csrf")
    if not token:
        token = request.session["csrf"] = secrets.token_urlsafe(24)
    return str(token)


def check_form(request: Request, given: object) -> None:
    """Hold a form against its session's token and the browser's word on where it came from. Raises RefusedError 403."""
    expected = str(request.session.get("csrf", ""))
    is_ours = request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    if (
        not is_ours
        or not expected
        or not secrets.compare_digest(expected.encode(), str(given).encode("utf-8", "replace"))
    ):
        raise RefusedError(403, "error.csrf")
