"""The about page shows how the service was told to run, and no secret."""

from pathlib import Path

import httpx

from monitor.settings import load_settings, to_web
from monitor.web.shown import shown_settings
from tests.monitor.web.conftest import MakeApp
from tests.monitor.web.serving import serve

TOLD = """
database_url = "postgresql+psycopg://watcher:hush-1@db.example/watch"
[network]
proxy = "http://proxy-user:hush-2@proxy.example:3128"
[evidence]
feeds = ["https://paid.example/rss?token=hush-9"]
[second_reader]
url = "https://model.example/v1?api_key=hush-10"
model = "any"
[email]
password = "hush-3"
[web]
password_hash = "$argon2id$v=19$m=65536,t=3,p=4$MIIRqgvgQbgj220jfp0MPA$hush4YfwJSVjtjSU0zzV/P3S9nnQ/USre2wvJMjfCIjrTQ"
token = "hush-5-hush-5-hush-5-hush-5-hush-5"
session_secret = "hush-6-hush-6-hush-6-hush-6-hush-6"
[[channels]]
name = "desk"
type = "webhook"
url = "https://hooks.example/hush-7"
secret = "whsec_aHVzaC04aHVzaC04aHVzaC04aHVzaC04"
"""


def test_no_secret_is_shown_and_everything_else_is(make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "storywatch.toml").write_text(TOLD, encoding="utf-8")
    settings = load_settings(None, {}, tmp_path)
    shown = dict(shown_settings(settings))
    assert shown["network.proxy"] == "http://…@proxy.example:3128"
    assert shown["channels"] == "desk"
    assert shown["web.port"] == "8080"
    assert (shown["polling.min_interval"], shown["polling.max_interval"]) == ("5m", "1d")
    options = to_web(settings, shown=shown_settings(settings))
    with serve(make_app(options)) as base, httpx.Client(base_url=base) as client:
        text = client.get("/about", headers={"Authorization": f"Bearer {settings.web.token}"}).text
    assert "polling.min_interval" in text
    assert "hush" not in text
    assert "aHVzaC04" not in text
