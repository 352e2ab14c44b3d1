"""The settings of the service: one TOML file, an environment variable for every key, secrets from files, defaults.

The environment wins over the file. `STORYWATCH_WEB__PORT` is `port` of `[web]`. `STORYWATCH_EMAIL__PASSWORD_FILE` names
a file whose content is `password` of `[email]`, and so does `password_file` in the TOML file. Lists are words between
commas or JSON, arrays of tables are JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import ValidationError

from alerts.channels.base import ChannelSpec, EmailSpec
from monitor.settings_checks import find_contradictions, name_of
from monitor.settings_model import (
    ChannelSettings,
    EmailSettings,
    EvidenceSettings,
    LogSettings,
    NetworkSettings,
    PollingSettings,
    PushSettings,
    SecondReaderSettings,
    SettingsFile,
    SubscriptionSettings,
    TelemetrySettings,
    WebSettings,
)
from monitor.settings_sources import Origins, find_file, is_secret, merge_environment, read_file, read_secret_files
from monitor.toml_errors import problem_of
from monitor.web.options import Role, Token, User, WebOptions
from storage.errors import SettingsError
from storage.records import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service was told. `file` None: there was none, all is default or from the environment.

    `seeds` and `evidence_folder` are full paths; `database_url` holds the password, if one was given apart. Durations
    are seconds.
    """

    file: Path | None
    seeds: Path
    database_url: str = field(repr=False)
    user_agent_contact: str
    network: NetworkSettings
    polling: PollingSettings
    websub: PushSettings
    evidence: EvidenceSettings
    evidence_folder: Path
    web: WebSettings
    email: EmailSettings
    log: LogSettings
    telemetry: TelemetrySettings
    second_reader: SecondReaderSettings
    channels: tuple[ChannelSettings, ...]
    subscriptions: tuple[SubscriptionSettings, ...]


def load_settings(config: Path | None, environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings: defaults, then the file, then the environment.

    The file is `config`, else what STORYWATCH_CONFIG names, else `storywatch.toml` in `cwd` if there is one. Relative
    folders count from `cwd`. Raises SettingsError with a line for each thing that is wrong, naming file, line and key
    or the environment variable.
    """
    file = find_file(config, environ, cwd)
    text, raw = read_file(file) if file is not None else ("", {})
    return read_settings(file, text, raw, environ, cwd)


def read_settings(file: Path | None, text: str, raw: dict[str, Any], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings that a file's text, and its values, would make; errors as those of load_settings."""
    origins = Origins(file=file, text=text, variables=MappingProxyType(merge_environment(raw, environ)))
    read_secret_files(raw, (), origins, cwd)
    try:
        read = SettingsFile.model_validate(raw)
    except ValidationError as error:
        problems = [problem_of(found, SettingsFile, is_secret=is_secret) for found in error.errors()]
        raise SettingsError("\n".join(sorted({origins.complain(problem) for problem in problems}))) from None
    problems = list(find_contradictions(read))
    if problems:
        raise SettingsError("\n".join(origins.complain(problem) for problem in problems))
    return Settings(
        file=file,
        seeds=(cwd / read.seeds).resolve(),
        database_url=_with_password(read.database_url, read.database_password),
        user_agent_contact=read.user_agent_contact,
        network=read.network,
        polling=read.polling,
        websub=read.websub,
        evidence=read.evidence,
        evidence_folder=(cwd / read.evidence.folder).resolve(),
        web=read.web,
        email=read.email,
        log=read.log,
        telemetry=read.telemetry,
        second_reader=read.second_reader,
        channels=read.channels,
        subscriptions=read.subscriptions,
    )


def _with_password(url: str, password: str) -> str:
    """Return the address of a database with a password put in, if it names a user and no password yet."""
    pieces = urlsplit(url)
    if not password or pieces.password is not None or not pieces.netloc:
        return url
    user, _, host = pieces.netloc.rpartition("@")
    return urlunsplit(pieces._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def to_email(settings: Settings) -> EmailSpec:
    """Return the mail server as the channels want it."""
    return EmailSpec(**settings.email.model_dump())


def to_channels(settings: Settings) -> tuple[ChannelSpec, ...]:
    """Return the channels as `alerts.channels.build.build_channel` wants them."""
    return tuple(
        ChannelSpec(
            name=channel.name,
            type=channel.type,
            url=channel.url,
            secrets=tuple(secret for secret in (channel.secret, *channel.old_secrets) if secret),
            to=channel.to,
            headers=tuple(sorted(channel.headers.items())),
            timeout=channel.timeout,
            concurrency=channel.concurrency,
        )
        for channel in settings.channels
    )


def to_subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """Return the subscriptions; with channels and no subscription there is one to all of them."""
    everyone = tuple(channel.name for channel in settings.channels)
    if settings.channels and not settings.subscriptions:
        return (Subscription(name="default", channels=everyone),)
    found = []
    for number, subscription in enumerate(settings.subscriptions, start=1):
        values = subscription.model_dump()
        values["name"] = name_of(number, subscription.name)
        values["channels"] = subscription.channels or everyone
        found.append(Subscription(**values))
    return tuple(found)


def to_web(settings: Settings, *, shown: tuple[tuple[str, str], ...] = ()) -> WebOptions:
    """Return how the page is guarded; `shown` are settings fit for the about page."""
    web = settings.web
    users = [User(name=user.name, password_hash=user.password_hash, role=Role(user.role)) for user in web.users]
    tokens = [Token(name=token.name, secret=token.secret, role=Role(token.role)) for token in web.tokens]
    if web.password_hash:
        users.append(User(name=web.username, password_hash=web.password_hash, role=Role.EDITOR))
    if web.token:
        tokens.append(Token(name="token", secret=web.token, role=Role.EDITOR))
    own_name = urlsplit(web.base_url).hostname
    loopback = WebOptions().allowed_hosts
    is_guarded = web.login == "required" or (web.login == "auto" and (not web.is_loopback() or bool(users)))
    return WebOptions(
        login_required=is_guarded,
        users=tuple(users),
        tokens=tuple(tokens),
        session_secret=web.session_secret,
        callback_host=urlsplit(settings.websub.callback_url).hostname or "",
        allowed_hosts=tuple(dict.fromkeys((*loopback, *web.allowed_hosts, *((own_name,) if own_name else ())))),
        secure_cookie=web.secure_cookie or web.base_url.startswith("https://"),
        base_url=web.base_url,
        per_page=web.per_page,
        allow_private=settings.network.allow_private,
        shown=shown,
    )
