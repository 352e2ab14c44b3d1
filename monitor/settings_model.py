"""Every setting with its default and its meaning: `docs/configuration.md` is held to this file by a test."""

import json
import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from alerts.channels.base import LONGEST_TIMEOUT, TlsMode
from alerts.channels.build import TYPES
from alerts.interest import GROUP_LABELS, WHOLE
from alerts.timing import parse_digest, parse_quiet_hours
from alerts.words import LANGUAGES
from monitor.page_address import read_page_address
from storage.errors import SettingsError
from storage.naming import suggest
from storage.records import RevisionKind, Subscription

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_CODE = re.compile(r"[a-z*?]{1,3}(-[A-Za-z0-9*?]+)*")
_ROLE = "reader sees all but whose mail addresses are told; editor also judges and approves"
_KINDS = tuple(dict.fromkeys(("*", "health", *(kind.value for kind in RevisionKind))))
# As claims and seeds name them.
_POPULATION = re.compile(rf"{WHOLE}|other:.+|[a-z]+=[^=;]+(;[a-z]+=[^=;]+)*")
_SHORTEST_HASH = 12
_MOST_SECONDS = 366 * 86400.0


def read_duration(value: object) -> object:
    """Return the seconds of a duration: "5m", "1h30m", "500ms", or a bare number of seconds."""
    if isinstance(value, bool):
        raise ValueError(f'{value!r} is no duration; write one like "30s", "5m" or "1h30m"')
    text = str(value).strip()
    if isinstance(value, int | float) or re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(text)
    elif _DURATION.match(text):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    else:
        raise ValueError(f'{value!r} is no duration; write one like "30s", "5m" or "1h30m"')
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ValueError(f"{value!r} is out of range; a duration is at least 0 and at most a year")
    return seconds


def _check_timeout(seconds: float) -> float:
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise ValueError(
            f"{seconds:g} s is out of range; write more than 0 and at most {LONGEST_TIMEOUT / 60:g}m: "
            "what takes longer is tried again by then"
        )
    return seconds


def _read_list(value: object) -> object:
    """Return the list that an environment variable (JSON, or words between commas) or a single text stands for."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith(("[", "{")):
        return _read_json(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def _read_json(value: object) -> object:
    """Return what a text of JSON stands for; anything but a text is returned as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error}); correct it, or put it into the file") from error


def _check_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("is not a text; put it in quotes")
    return value


def _check_network(network: str) -> str:
    try:
        return str(ip_network(network, strict=False))
    except ValueError as error:
        raise ValueError(f"{network!r} is no address or network of IP, as in 10.0.0.2 or 10.0.0.0/24") from error


def _check_kind(kind: str) -> str:
    if kind not in _KINDS:
        raise ValueError(f"{kind!r} is no kind of change; {suggest(kind, _KINDS)}")
    return kind


def _check_name(name: str) -> str:
    if name != name.strip() or not name.isprintable():
        raise ValueError(f"{name!r} is no name; write one line without spaces around it")
    return name


def _check_label(label: str) -> str:
    if label not in GROUP_LABELS:
        raise ValueError(f"{label!r} is nothing that alerts are grouped by; {suggest(label, GROUP_LABELS)}")
    return label


def _check_lang(lang: str) -> str:
    if lang not in LANGUAGES:
        raise ValueError(f"{lang!r} is no language that messages are written in; there are {', '.join(LANGUAGES)}")
    return lang


def _check_code(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise ValueError(f'{code!r} is no code of a language; write one like "en", or "*" for all')
    return code


def _check_population(pattern: str) -> str:
    known = _POPULATION.fullmatch(pattern)
    if known is None and not any(sign in pattern for sign in "*?["):
        raise ValueError(
            f"{pattern!r} is no population; write {WHOLE!r}, axes such as 'role=police' or 'age=child;role=civilian', "
            "or a pattern with `*`"
        )
    return pattern


def _check_type(name: str) -> str:
    if name not in TYPES:
        raise ValueError(f"{name!r} is no type of channel; {suggest(name, TYPES)}")
    return name


def _check_digest(text: str) -> str:
    try:
        parse_digest(text)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return text


def _check_hours(text: str) -> str:
    try:
        parse_quiet_hours(text)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return text


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f'{name!r} is no time zone; write one like "Europe/Berlin" or "UTC"') from error
    return name


def _check_database(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("is no address of a database; it starts with sqlite:/// or postgresql+psycopg://")
    return url


def _check_address(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("is not an address; it starts with https:// or http://")
    return value


def _check_hash(value: str) -> str:
    if value:
        try:
            is_whole = extract_parameters(value).hash_len >= _SHORTEST_HASH
        except InvalidHashError:
            is_whole = False
        if not is_whole:
            raise ValueError(
                "is no argon2 hash, or a part of one; a whole one starts with $argon2id$v=19$ and is in quotes (in a "
                "compose file each $ is written twice); docs/configuration.md says how to make it"
            )
    return value


Text = Annotated[str, BeforeValidator(_check_text)]
Hash = Annotated[Text, AfterValidator(_check_hash)]
Seconds = Annotated[float, BeforeValidator(read_duration)]
Patience = Annotated[Seconds, AfterValidator(_check_timeout)]
Words = Annotated[tuple[Text, ...], BeforeValidator(_read_list)]
Name = Annotated[Text, AfterValidator(_check_name)]
Labels = Annotated[tuple[Annotated[Text, AfterValidator(_check_label)], ...], BeforeValidator(_read_list)]
Codes = Annotated[tuple[Annotated[Text, AfterValidator(_check_code)], ...], BeforeValidator(_read_list)]
Kinds = Annotated[tuple[Annotated[Text, AfterValidator(_check_kind)], ...], BeforeValidator(_read_list)]
Networks = Annotated[tuple[Annotated[Text, AfterValidator(_check_network)], ...], BeforeValidator(_read_list)]
Address = Annotated[Text, AfterValidator(_check_address)]
# An empty list would fit nothing: a subscription that is never told of anything.
Some = Annotated[Words, Field(min_length=1)]
Populations = Annotated[
    tuple[Annotated[Text, AfterValidator(_check_population)], ...], BeforeValidator(_read_list), Field(min_length=1)
]
Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1, le=10_000)]
_DEFAULT = Subscription(name="default")


class Section(BaseModel):
    """Any table of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _secret(meaning: str) -> Any:
    """Return a field that is neither printed nor logged and that may come from a file."""
    return Field(default="", repr=False, description=meaning, json_schema_extra={"secret": True})


class NetworkSettings(Section):
    """`[network]`."""

    allow_private: bool = Field(False, description="let feeds, pages and webhooks be on private and loopback addresses")
    proxy: Address = Field("", description="address of an outgoing proxy; it then decides what may be reached")
    connections: Count = Field(64, description="connections open at once")


class PollingSettings(Section):
    """`[polling]`."""

    min_interval: Seconds = Field(300.0, description="shortest time between two polls of a feed")
    max_interval: Seconds = Field(24 * 3600.0, description="longest time between two polls of a feed that answers")
    host_pause: Seconds = Field(5.0, description="pause between two requests to one host")
    host_pauses: Annotated[dict[str, Seconds], BeforeValidator(_read_json)] = Field(
        {}, description='pauses of single hosts, like { "example.org" = "30s" }'
    )
    concurrency: Count = Field(16, description="feeds polled and pages read at once, beside half as many of slow hosts")
    readers: int = Field(
        1, ge=0, le=64, description="processes that read pages beside the service while many wait; 0: none"
    )
    reread: bool = Field(True, description="read matched articles again, to see silent edits")
    late_after: Seconds = Field(48 * 3600.0, description="news older than this fills history and is told to nobody")


class PushSettings(Section):
    """`[websub]`."""

    callback_url: Address = Field("", description="public address of our page, which hubs push to; empty: off")
    lease: Seconds = Field(10 * 86400.0, description="for how long hubs are asked to push; renewed before it ends")
    poll_interval: Seconds = Field(6 * 3600.0, description="a feed whose hub pushes is polled this often all the same")


class EvidenceSettings(Section):
    """`[evidence]`."""

    folder: Text = Field("data/evidence", description="folder of the WARC files")
    feeds: Words = Field(
        (), description="addresses of feeds whose answers and pages are kept; `*` stands for any letters"
    )
    stories: Words = Field((), description="slugs of stories whose pages are kept; `*` stands for any letters")
    keep_for: Seconds = Field(0.0, description="what was kept longer ago is dropped, once a day; 0: never")
    keep_stories: Annotated[dict[str, Seconds], BeforeValidator(_read_json)] = Field(
        {}, description='other times for single stories, like { "kazakhstan-unrest-2022" = "365d" }; 0: never'
    )
    most_megabytes: int = Field(0, ge=0, description="most that all evidence may take, the oldest goes first; 0: any")


class UserSettings(Section):
    """`[[web.users]]`."""

    name: Text = Field(min_length=1, description="name to log in with")
    password_hash: Hash = _secret("argon2 hash of the password")
    role: Literal["reader", "editor"] = Field("editor", description=_ROLE)


class TokenSettings(Section):
    """`[[web.tokens]]`."""

    name: Text = Field(min_length=1, description="name of the program, for the log")
    secret: Text = _secret("what the program sends as `Authorization: Bearer …`")
    role: Literal["reader", "editor"] = Field("reader", description=_ROLE)


class WebSettings(Section):
    """`[web]`."""

    host: Text = Field("127.0.0.1", description="address that the page listens on")
    port: Port = Field(8080, description="port that the page listens on")
    base_url: Annotated[Text, AfterValidator(read_page_address)] = Field(
        "", description="address of the page as people reach it, for links in alerts"
    )
    login: Literal["auto", "required", "off"] = Field(
        "auto",
        description="auto asks for a login on all addresses but loopback; off leaves the guard to something in front",
    )
    username: Text = Field("editor", description="name of the one editor whose password_hash stands here")
    password_hash: Hash = _secret("argon2 hash of that editor's password")
    token: Text = _secret("a token for programs, with an editor's rights")
    users: Annotated[tuple[UserSettings, ...], BeforeValidator(_read_json)] = Field((), description="more people")
    tokens: Annotated[tuple[TokenSettings, ...], BeforeValidator(_read_json)] = Field((), description="more programs")
    session_secret: Text = _secret(
        "signs cookies and links; empty: cookies end at a restart, links use a key kept in the database"
    )
    allowed_hosts: Words = Field((), description="names under which the page answers, besides loopback and base_url's")
    trusted_proxies: Networks = Field(
        (), description="addresses or networks of proxies in front, whose X-Forwarded-For and -Proto are believed"
    )
    secure_cookie: bool = Field(False, description="send cookies over HTTPS only")
    per_page: Count = Field(50, description="rows on a page")

    def is_loopback(self) -> bool:
        """Tell whether the page can be reached from this machine alone."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


class EmailSettings(Section):
    """`[email]`."""

    host: Text = Field("localhost", description="mail server that takes our mail")
    port: Port = Field(25, description="its port")
    sender: Text = Field("storywatch@localhost", description="address in From")
    username: Text = Field("", description="name to log in with, if the server wants one")
    password: Text = _secret("password to log in with")
    tls: TlsMode = Field(TlsMode.AUTO, description="auto (STARTTLS where offered), starttls, tls or none")
    verify: bool = Field(True, description="check the server's certificate")
    timeout: Patience = Field(30.0, description="longest time for one mail, at most 4m")


class ChannelSettings(Section):
    """`[[channels]]`."""

    name: Name = Field(min_length=1, description="name that subscriptions use")
    type: Annotated[Text, AfterValidator(_check_type)] = Field(description=", ".join(TYPES))
    url: Text = _secret("address to post to (apprise: its own kind of address)")
    secret: Text = _secret("signs webhooks (`whsec_…`)")
    old_secrets: Annotated[Words, Field(repr=False)] = Field(
        (), description="secrets being retired, which sign as well"
    )
    to: Words = Field((), description="mail addresses")
    headers: Annotated[dict[str, Text], Field(repr=False)] = Field({}, description="headers sent with every webhook")
    timeout: Patience = Field(15.0, description="longest time for one message, at most 4m")
    concurrency: Count = Field(4, description="messages on their way at once")


class SubscriptionSettings(Section):
    """`[[subscriptions]]`."""

    name: Name = Field("", description="name in lists and logs; made from the position if empty")
    stories: Some = Field(("*",), description="slugs of stories; `*` stands for any letters")
    kinds: Annotated[Kinds, Field(min_length=1)] = Field(_DEFAULT.kinds, description="kinds of change, or `*`")
    searches: Some = Field(("*",), description="saved searches whose finds are told; `*` stands for any letters")
    metrics: Some = Field(("*",), description="names of metrics, or `*`")
    populations: Populations = Field(("*",), description="populations such as `role=police`, or `*`")
    languages: Annotated[Codes, Field(min_length=1)] = Field(("*",), description="languages of the evidence, or `*`")
    channels: Words = Field((), description="names of channels; empty: all of them")
    min_change: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0, description="smallest change of a figure"
    )
    min_change_percent: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="smallest change of a figure in percent"
    )
    min_origins: Count = Field(1, description="least number of origins behind a change")
    group_by: Labels = Field(_DEFAULT.group_by, description="what alerts of one message share")
    group_wait: Seconds = Field(30.0, description="time to wait for more alerts of a group")
    group_interval: Seconds = Field(300.0, description="shortest time between two messages of a group")
    repeat_interval: Seconds = Field(0.0, description="time after which an open alert is told again; 0: never")
    digest: Annotated[Text, AfterValidator(_check_digest)] = Field(
        "", description='send together instead of at once: "hourly" or "daily 08:00"'
    )
    timezone: Annotated[Text, AfterValidator(_check_zone)] = Field("UTC", description="zone of digest and quiet_hours")
    quiet_hours: Annotated[Text, AfterValidator(_check_hours)] = Field(
        "", description='no messages in these hours, like "22:00-07:00"'
    )
    hold: Kinds = Field((), description="kinds of change that wait for a person's approval")
    approvers: Words = Field((), description="names of channels that are asked, by a link in the message, to approve")
    lang: Annotated[Text, AfterValidator(_check_lang)] = Field("en", description="language of the messages")


class SecondReaderSettings(Section):
    """`[second_reader]`."""

    url: Address = Field("", description="OpenAI-compatible address up to and with its version; empty: off")
    model: Text = Field("", description="name of the model there")
    api_key: Text = _secret("key that is sent as `Authorization: Bearer …`")
    timeout: Seconds = Field(30.0, description="longest time for one sentence")
    most_sentences: Count = Field(5, description="sentences asked about one version of an article")


class LogSettings(Section):
    """`[log]`."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    format: Literal["text", "json"] = Field("text", description="text for people, json for programs")


class TelemetrySettings(Section):
    """`[telemetry]`."""

    endpoint: Address = Field("", description="address that takes OTLP traces over HTTP; empty: none are written")
    headers: Annotated[dict[str, Text], Field(repr=False)] = Field({}, description="headers sent with them")


class SettingsFile(Section):
    """The whole file."""

    seeds: Text = Field("seeds/", description="folder of stories")
    database_url: Annotated[Text, AfterValidator(_check_database)] = Field(
        "sqlite:///data/storywatch.db", repr=False, description="sqlite:///… or postgresql+psycopg://…"
    )
    database_password: Text = _secret("password of the database, if the address holds none")
    user_agent_contact: Text = Field("", description="mail address or page in our User-Agent; sites ask for one")
    network: NetworkSettings = NetworkSettings()
    polling: PollingSettings = PollingSettings()
    websub: PushSettings = PushSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    web: WebSettings = WebSettings()
    email: EmailSettings = EmailSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    second_reader: SecondReaderSettings = SecondReaderSettings()
    channels: Annotated[tuple[ChannelSettings, ...], BeforeValidator(_read_json)] = ()
    subscriptions: Annotated[tuple[SubscriptionSettings, ...], BeforeValidator(_read_json)] = ()
