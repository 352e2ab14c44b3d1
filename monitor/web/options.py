"""How the page is guarded and what it may say of its settings: what `create_app` needs to know of the configuration."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """reader: sees everything. editor: also judges, approves, replays, silences and adds feeds."""

    READER = "reader"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may log in. `password_hash` is an argon2 hash in its usual `$argon2id$…` form."""

    name: str
    password_hash: str
    role: Role = Role.READER


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A program that may call with `Authorization: Bearer …`."""

    name: str
    secret: str
    role: Role = Role.READER


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """Guards of the page. Without `login_required` every caller is an editor: for loopback alone.

    `session_secret` signs cookies; empty: made afresh at start, which ends sessions at a restart. `allowed_hosts`
    are the Host headers that are answered (without port), against DNS rebinding; `callback_host` is answered for what
    hubs push alone. `secure_cookie` for HTTPS. `allow_private`: feeds of this machine or its network may be added.
    `per_page` rows a page; `shown` (name, value) pairs are settings fit to be shown on the about page.
    """

    login_required: bool = False
    users: tuple[User, ...] = ()
    tokens: tuple[Token, ...] = ()
    session_secret: str = ""
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]", "::1")
    secure_cookie: bool = False
    base_url: str = ""
    callback_host: str = ""
    per_page: int = 50
    allow_private: bool = False
    shown: tuple[tuple[str, str], ...] = ()
