"""Settings: the file, the environment, secrets from files; what is wrong is told with its place."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher
from pydantic import BaseModel

from alerts.channels.base import ChannelSpec, TlsMode
from monitor.settings import load_settings, to_channels, to_email, to_subscriptions, to_web
from monitor.settings_model import (
    ChannelSettings,
    SettingsFile,
    SubscriptionSettings,
    TokenSettings,
    UserSettings,
    read_duration,
)
from monitor.settings_sources import setting_paths, variable_of
from storage.errors import SettingsError
from storage.records import Subscription

ROOT = Path(__file__).parents[2]
# Always with one salt: the parts of a hash name tests, and workers must collect the same.
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("a password", salt=b"salted for tests")
FILE = """\
seeds = "stories/"
database_url = "postgresql+psycopg://watch@db/watch"
user_agent_contact = "desk@example.org"

[network]
allow_private = true
proxy = "http://proxy.example:3128"

[polling]
min_interval = "10m"
host_pause = "1h30m"
host_pauses = { "slow.example" = "30s" }

[web]
port = 8081

[email]
host = "mail.example"
port = 587
tls = "starttls"
password_file = "mail.secret"

[log]
level = "debug"

[[channels]]
name = "desk"
type = "webhook"
url = "https://hook.example/x"
secret_file = "hook.secret"
headers = { X-Team = "desk" }

[[channels]]
name = "editors"
type = "email"
to = ["editor@example.org"]

[[subscriptions]]
name = "falls"
kinds = ["lowered", "retracted"]
channels = ["editors"]
hold = ["retracted"]
group_wait = "2m"
quiet_hours = "22:00-07:00"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "storywatch.toml").write_text(FILE, "utf-8")
    (tmp_path / "mail.secret").write_text("pass word\n", "utf-8")
    (tmp_path / "hook.secret").write_text("whsec_abc\n", "utf-8")
    return tmp_path


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(None, {}, tmp_path)
    assert settings.file is None
    assert settings.seeds == tmp_path / "seeds"
    assert settings.database_url == "sqlite:///data/storywatch.db"
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 8080)
    assert settings.polling.min_interval == 300
    assert to_channels(settings) == ()
    assert to_subscriptions(settings) == ()
    assert not to_web(settings).login_required


def test_the_file_of_the_working_directory_is_read(folder: Path) -> None:
    settings = load_settings(None, {}, folder)
    assert settings.file == folder / "storywatch.toml"
    assert settings.polling.host_pause == 5400
    assert settings.polling.host_pauses == {"slow.example": 30}
    email = to_email(settings)
    assert (email.host, email.port, email.tls, email.password) == ("mail.example", 587, TlsMode.STARTTLS, "pass word")
    assert to_channels(settings) == (
        ChannelSpec(
            name="desk",
            type="webhook",
            url="https://hook.example/x",
            secrets=("whsec_abc",),
            headers=(("X-Team", "desk"),),
        ),
        ChannelSpec(name="editors", type="email", to=("editor@example.org",)),
    )
    assert to_subscriptions(settings) == (
        Subscription(
            name="falls",
            kinds=("lowered", "retracted"),
            channels=("editors",),
            hold=("retracted",),
            group_wait=120,
            quiet_hours="22:00-07:00",
        ),
    )


def test_the_environment_wins(folder: Path) -> None:
    (folder / "db.secret").write_text("p@ss/word\n", "utf-8")
    environ = {
        "STORYWATCH_WEB__PORT": "9090",
        "STORYWATCH_NETWORK__ALLOW_PRIVATE": "false",
        "STORYWATCH_POLLING__HOST_PAUSES": '{"a.example": "9s"}',
        "STORYWATCH_WEB__ALLOWED_HOSTS": "watch.example, www.watch.example",
        "STORYWATCH_EMAIL__PASSWORD": "other",
        "STORYWATCH_DATABASE_PASSWORD_FILE": "db.secret",
        "STORYWATCH_CHANNELS": '[{"name": "c", "type": "slack", "url": "https://hooks.example/c"}]',
        "STORYWATCH_SUBSCRIPTIONS": "[]",
        "HOME": "/root",
    }
    settings = load_settings(None, environ, folder)
    assert settings.web.port == 9090
    assert not settings.network.allow_private
    assert settings.polling.host_pauses == {"a.example": 9}
    assert to_web(settings).allowed_hosts[-2:] == ("watch.example", "www.watch.example")
    assert settings.email.password == "other"
    assert settings.database_url == "postgresql+psycopg://watch:p%40ss%2Fword@db/watch"
    assert [channel.name for channel in settings.channels] == ["c"]


def test_channels_without_subscriptions_get_one(folder: Path) -> None:
    settings = load_settings(None, {"STORYWATCH_SUBSCRIPTIONS": "[]"}, folder)
    assert to_subscriptions(settings) == (Subscription(name="default", channels=("desk", "editors")),)


def test_a_file_may_be_named(folder: Path) -> None:
    (folder / "storywatch.toml").rename(folder / "other.toml")
    assert load_settings(folder / "other.toml", {}, folder).file == folder / "other.toml"
    assert load_settings(None, {"STORYWATCH_CONFIG": "other.toml"}, folder).log.level == "debug"
    with pytest.raises(SettingsError, match=r"no such file of settings; correct --config"):
        load_settings(folder / "none.toml", {}, folder)
    with pytest.raises(SettingsError, match=r"correct STORYWATCH_CONFIG"):
        load_settings(None, {"STORYWATCH_CONFIG": "none.toml"}, folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("port = 8081", 'port = "x"', "web.port: 'x' is not a whole number"),
        ("port = 8081", "port = 70000", "web.port: "),
        ("host_pause = ", "host_pauze = ", "polling.host_pauze: there is no such key; did you mean 'host_pause'?"),
        ("[network]", "[netwerk]", "netwerk: there is no such key; did you mean 'network'?"),
        ('"10m"', '"ten minutes"', "'ten minutes' is no duration"),
        ('"10m"', "[]", "[] is no duration"),
        ('"10m"', "-1", "out of range"),
        ('"10m"', '"9999d"', "out of range"),
        ('tls = "starttls"', 'tls = "startls"', "did you mean 'starttls'?"),
        ('["lowered", "retracted"]', '["lowred"]', "'lowred' is no kind of change; did you mean 'lowered'?"),
        ('channels = ["editors"]', 'channels = ["editor"]', "did you mean 'editors'?"),
        ('type = "webhook"', 'type = "webhok"', "did you mean 'webhook'?"),
        ('url = "https://hook.example/x"', 'url = "hook.example"', "channels[1].url: is not an address"),
        ('secret_file = "hook.secret"', 'secret_file = "none"', "channels[1].secret_file: none cannot be read"),
        ('secret_file = "hook.secret"', "secret = 3", "channels[1].secret: is not a text"),
        ('quiet_hours = "22:00-07:00"', 'quiet_hours = "night"', "subscriptions[1].quiet_hours: "),
        ('quiet_hours = "22:00-07:00"', 'timezone = "Mars"', "'Mars' is no time zone"),
        ('quiet_hours = "22:00-07:00"', 'group_by = ["stori"]', "did you mean 'story'?"),
        (
            'quiet_hours = "22:00-07:00"',
            'lang = "xx"',
            "'xx' is no language that messages are written in; there are en, ru",
        ),
        ('quiet_hours = "22:00-07:00"', 'languages = ["English"]', "'English' is no code of a language"),
        ('name = "falls"', 'name = "a\\nb"', "'a\\nb' is no name; write one line"),
        ('name = "falls"', 'name = " desk"', "' desk' is no name"),
        ('quiet_hours = "22:00-07:00"', "min_change_percent = -1", "subscriptions[1].min_change_percent: "),
        ('quiet_hours = "22:00-07:00"', "min_change = inf", "subscriptions[1].min_change: "),
        ('name = "desk"', 'name = "a\\tb"', "is no name; write one line"),
        ("X-Team", "Content-Type", "channels[1].headers: Content-Type is ours to send"),
        ('type = "email"', 'headers = { X-Desk = "a" }\ntype = "email"', "a channel of type 'email' sends no headers"),
        ('to = ["editor@example.org"]', 'to = ["a@example.org, b@example.org"]', "is not one mail address; write each"),
        ('to = ["editor@example.org"]', 'to = ["a@example.org b@example.org"]', "channels[2].to: "),
        ('to = ["editor@example.org"]', 'to = ["editor@"]', "'editor@' is not one mail address"),
        ("port = 587", 'sender = "Desk"', "email.sender: 'Desk' is not one mail address"),
        ("port = 587", 'timeout = "5m"', "email.timeout: 300 s is out of range; write more than 0 and at most 4m"),
        ('type = "email"', 'timeout = 0\ntype = "email"', "channels[2].timeout: 0 s is out of range"),
        ('kinds = ["lowered", "retracted"]', "kinds = []", "subscriptions[1].kinds: is empty; fill it in, or take"),
        ('quiet_hours = "22:00-07:00"', "metrics = []", "subscriptions[1].metrics: is empty"),
        ('quiet_hours = "22:00-07:00"', "stories = []", "subscriptions[1].stories: is empty"),
        ('quiet_hours = "22:00-07:00"', "populations = []", "subscriptions[1].populations: is empty"),
        ('quiet_hours = "22:00-07:00"', "languages = []", "subscriptions[1].languages: is empty"),
        ('quiet_hours = "22:00-07:00"', 'populations = ["police"]', "'police' is no population; write 'whole', axes"),
        ("port = 8081", 'base_url = "https://"', "web.base_url: 'https://' is not an address"),
        ("port = 8081", 'base_url = "watch.example"', "web.base_url: 'watch.example' is not an address"),
        ("port = 8081", 'base_url = "https://watch. example"', "has signs that no address has"),
        ("port = 8081", 'base_url = "https://watch.example/?a=b"', "has a query, a fragment or a login"),
        ("port = 8081", 'base_url = "https://a@watch.example"', "has a query, a fragment or a login"),
        ("port = 8081", 'base_url = "https://watch.example:x"', "web.base_url: 'https://watch.example:x' is not"),
        ('quiet_hours = "22:00-07:00"', 'digest = "sometimes"', "subscriptions[1].digest: "),
        ('"postgresql+psycopg://watch@db/watch"', '"mysql://x"', "database_url: is no address of a database"),
        ("port = 8081", 'host = "0.0.0.0"', "web.host: 0.0.0.0 can be reached from other machines"),
        ("port = 8081", 'login = "required"', "nobody could log in"),
        ("port = 8081", "port = ", "is not TOML"),
        ("port = 8081", 'trusted_proxies = ["proxy.example"]', "'proxy.example' is no address or network"),
        ("port = 8081", 'password_hash = "letmein"', "web.password_hash: is no argon2 hash"),
        ("port = 8081", 'password_hash = "$2b$12$abcdefghijklmnopqrstuv"', "web.password_hash: is no argon2 hash"),
        ("port = 8081", f'password_hash = "{HASH[:-30]}"', "web.password_hash: is no argon2 hash, or a part of one"),
        (
            "port = 8081",
            'users = [{ name = "ann", password_hash = "=v=19=m=65536" }]',
            "web.users[1].password_hash: is no argon2",
        ),
        ("port = 8081", 'users = [{ name = "ann" }]', "'ann' could never log in"),
        ('proxy = "http://proxy.example:3128"', 'proxy = "proxy.example"', "network.proxy: is not an address"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(folder: Path, old: str, new: str, said: str) -> None:
    wrong = FILE.replace(old, new, 1)
    assert wrong != FILE
    (folder / "storywatch.toml").write_text(wrong, "utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {}, folder)
    line = 1 + wrong[: wrong.index(new)].count("\n")
    assert str(caught.value).startswith(f"{folder}/storywatch.toml:{line}: "), str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STORYWATCH_WEB__PORT", "x", "STORYWATCH_WEB__PORT (environment): 'x' is not a whole number"),
        ("STORYWATCH_WEB_PORT", "1", "did you mean 'STORYWATCH_WEB__PORT'?"),
        ("STORYWATCH_CHANNELS", "[{", "STORYWATCH_CHANNELS (environment): is not JSON"),
        ("STORYWATCH_CHANNELS", '[{"name": "c", "type": "slack"}]', "STORYWATCH_CHANNELS (environment): [1]: a channel of"),
        ("STORYWATCH_EMAIL__PASSWORD_FILE", "none", "STORYWATCH_EMAIL__PASSWORD_FILE (environment): none cannot be read"),
        ("STORYWATCH_WEB__HOST", "0.0.0.0", "STORYWATCH_WEB__HOST (environment): 0.0.0.0 can be reached"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_environment_names_the_variable(folder: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {"STORYWATCH_SUBSCRIPTIONS": "[]", name: value}, folder)
    assert said in str(caught.value)


def test_a_value_and_its_file_are_one_too_many(folder: Path) -> None:
    (folder / "storywatch.toml").write_text(FILE.replace("password_file", 'password = "x"\npassword_file'), "utf-8")
    with pytest.raises(SettingsError, match=r"email\.password_file: stands beside password"):
        load_settings(None, {}, folder)


def test_secrets_are_never_shown(folder: Path) -> None:
    environ = {"STORYWATCH_DATABASE_PASSWORD": "hush", "STORYWATCH_WEB__TOKEN": "hush"}
    settings = load_settings(None, environ, folder)
    assert "hush" in settings.database_url
    for secret in ("hush", "pass word", "whsec_abc"):
        assert secret not in repr(settings)


def test_a_login_guards_the_page() -> None:
    environ = {
        "STORYWATCH_WEB__HOST": "0.0.0.0",
        "STORYWATCH_WEB__PASSWORD_HASH": HASH,
        "STORYWATCH_WEB__TOKEN": "t",
        "STORYWATCH_WEB__BASE_URL": "https://watch.example",
        "STORYWATCH_WEB__USERS": '[{"name": "ann", "password_hash": "' + HASH + '", "role": "reader"}]',
    }
    web = to_web(load_settings(None, environ, Path("/nowhere")))
    assert web.login_required
    assert web.secure_cookie
    assert "watch.example" in web.allowed_hosts
    assert [(user.name, user.role) for user in web.users] == [("ann", "reader"), ("editor", "editor")]
    assert [(token.name, token.secret) for token in web.tokens] == [("token", "t")]
    behind = load_settings(None, {"STORYWATCH_WEB__HOST": "0.0.0.0", "STORYWATCH_WEB__LOGIN": "off"}, Path("/nowhere"))
    assert not to_web(behind).login_required


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172800), ("500ms", 0.5), (90, 90), ("90", 90), ("1.5h", 5400)],
)
def test_durations(text: object, seconds: float) -> None:
    assert read_duration(text) == seconds


def test_the_example_is_valid() -> None:
    load_settings(ROOT / "storywatch.example.toml", {}, ROOT)


def documented() -> dict[str, tuple[str, str]]:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (.*?) \| (?:`(\w+)`)?.*? \|", text, flags=re.M)
    return {key: (default.strip("`"), variable) for key, default, variable in rows}


def test_every_setting_is_documented_with_its_default_and_variable() -> None:
    rows = documented()
    paths = {".".join(path): path for path in setting_paths()}
    for name, path in paths.items():
        assert rows[name][1] == variable_of(path), name
    tables: dict[str, type[BaseModel]] = {
        "channels": ChannelSettings,
        "subscriptions": SubscriptionSettings,
        "web.users": UserSettings,
        "web.tokens": TokenSettings,
    }
    inner = {f"{table}[].{name}" for table, model in tables.items() for name in model.model_fields}
    assert set(rows) == set(paths) | inner


def test_documented_defaults_are_the_defaults() -> None:
    defaults = SettingsFile()
    for name, (default, variable) in documented().items():
        if not variable or default in ("none", "empty"):
            continue
        value: object = defaults
        for part in name.split("."):
            value = getattr(value, part)
        told = tomllib.loads(f"value = {default}")["value"]
        assert value == (read_duration(told) if isinstance(value, float) else told), name


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://watch.example", "https://watch.example"),
        ("http://[::1]:8080/under/", "http://[::1]:8080/under/"),
        ("https://дозор.example", "https://xn--d1agubk.example"),
        ("https://дозор.example:81/путь", "https://xn--d1agubk.example:81/%D0%BF%D1%83%D1%82%D1%8C"),
    ],
)
def test_the_address_of_the_page_is_written_as_networks_do(tmp_path: Path, written: str, read: str) -> None:
    web = to_web(load_settings(None, {"STORYWATCH_WEB__BASE_URL": written}, tmp_path))
    assert web.base_url == read
    # The page answers under its own name as browsers send it.
    assert (urlsplit(read).hostname or "") in web.allowed_hosts


@pytest.mark.parametrize(
    "pattern", ["whole", "*", "role=*", "age=child;role=civilian", "other:fans", "nationality=kenyan"]
)
def test_populations_are_taken_as_records_name_them(folder: Path, pattern: str) -> None:
    path = folder / "storywatch.toml"
    path.write_text(FILE + f'populations = ["{pattern}"]\n', "utf-8")
    assert to_subscriptions(load_settings(None, {}, folder))[0].populations == (pattern,)
