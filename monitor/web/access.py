"""Who is asking, and what they may do: password or bearer token, roles, form tokens, a limit on login attempts."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.requests import Request

from monitor.web.options import Role, User, WebOptions

LOCAL_NAME = "local"
TRIES = 5
WINDOW = timedelta(minutes=15)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class RefusedError(Exception):
    """A request is refused: an HTTP status and a key of the page's texts."""

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.values = values


class LoginNeededError(Exception):
    """Nobody is signed in, and the settings say that somebody must be."""


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
    """The door: holds the users and tokens of the settings and the failed attempts of late."""

    def __init__(self, options: WebOptions) -> None:
        self.options = options
        self._hasher = PasswordHasher()
        self._failures: dict[str, list[datetime]] = {}

    def find_caller(self, request: Request) -> Caller | None:
        """Who is asking, by bearer token, session, or as the local editor where no login is required; None: nobody."""
        header = request.headers.get("authorization", "")
        if header.lower().startswith("bearer "):
            return self._by_token(header[7:].strip())
        if not self.options.login_required:
            return Caller(name=LOCAL_NAME, role=Role.EDITOR)
        user = self._find_user(str(request.session.get("user", "")))
        # A changed password ends the sessions that the old one opened.
        if user is None or request.session.get("stamp") != stamp(user):
            return None
        return Caller(name=user.name, role=user.role)

    def _by_token(self, given: str) -> Caller | None:
        found = None
        for token in self.options.tokens:
            if token.secret and secrets.compare_digest(token.secret.encode(), given.encode()):
                found = Caller(name=token.name, role=token.role, is_program=True)
        return found

    @cached_property
    def _decoy(self) -> str:
        """Checked when there is no such user, so that the time taken does not tell which names exist."""
        return self._hasher.hash(secrets.token_urlsafe())

    def _find_user(self, name: str) -> User | None:
        return next((user for user in self.options.users if user.name == name), None)

    def sign_in(self, session: dict[str, Any], name: str, password: str, *, address: str, now: datetime) -> None:
        """Open a session. Raises RefusedError: 401 for a wrong name or password, 429 after too many of them."""
        keys = (f"address {address}", f"name {name}")
        self._check_rate(keys, now)
        user = self._find_user(name)
        try:
            self._hasher.verify(user.password_hash if user else self._decoy, password)
        except (VerificationError, InvalidHashError):
            user = None
        if user is None:
            for key in keys:
                self._failures.setdefault(key, []).append(now)
            raise RefusedError(401, "login.wrong")
        for key in keys:
            self._failures.pop(key, None)
        session.clear()
        session.update(user=user.name, stamp=stamp(user), csrf=secrets.token_urlsafe(24))

    def _check_rate(self, keys: tuple[str, ...], now: datetime) -> None:
        self._failures = {
            key: recent
            for key, tries in self._failures.items()
            if (recent := [moment for moment in tries if now - moment < WINDOW])
        }
        for key in keys:
            tries = self._failures.get(key, [])
            if len(tries) >= TRIES:
                wait = max(WINDOW - (now - tries[0]), timedelta(minutes=1))
                raise RefusedError(
                    429, "login.slow", minutes=-(-wait // timedelta(minutes=1)), seconds=int(wait.total_seconds())
                )


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
