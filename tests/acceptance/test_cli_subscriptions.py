"""Who is told of what, set from the command line: with every option, into the file that a person keeps."""

import json
from pathlib import Path

from monitor.settings_model import SubscriptionSettings
from tests.support.commandline import CommandLine

CHANNELS = """# our own words
[web]
base_url = "http://127.0.0.1:8080"

[[channels]]
name = "desk"
type = "email"
to = ["desk@example.org"]
"""
GIVEN = {
    "--story": "kaz*", "--kind": "raised,lowered", "--metric": "killed", "--population": "whole", "--language": "en",
    "--search": "toll*", "--channel": "desk", "--min-change": "5", "--min-change-percent": "2.5", "--min-origins": "2",
    "--group-by": "story", "--group-wait": "1m", "--group-interval": "10m", "--repeat-interval": "1d",
    "--digest": "daily 08:00", "--timezone": "Asia/Almaty", "--quiet-hours": "22:00-07:00", "--hold": "lowered",
    "--approver": "desk", "--lang": "ru",
}  # fmt: skip
KEPT = {
    "stories": ["kaz*"], "kinds": ["raised", "lowered"], "metrics": ["killed"], "populations": ["whole"], "languages": ["en"],
    "searches": ["toll*"], "channels": ["desk"], "min_change": 5.0, "min_change_percent": 2.5, "min_origins": 2,
    "group_by": ["story"], "group_wait": 60.0, "group_interval": 600.0, "repeat_interval": 86400.0, "digest": "daily 08:00",
    "timezone": "Asia/Almaty", "quiet_hours": "22:00-07:00", "hold": ["lowered"], "approvers": ["desk"], "lang": "ru",
}  # fmt: skip


def test_a_subscription_is_set_with_every_option_and_taken_out(tmp_path: Path) -> None:
    assert {"name", *KEPT} == set(SubscriptionSettings.model_fields)
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", CHANNELS)
    options = [word for option, value in GIVEN.items() for word in (option, value)]
    done = line.run("subscriptions", "set", "tolls", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Added tolls in ")
    shown = json.loads(line.run("subscriptions", "show", "tolls", "--json").stdout)
    assert {name: shown[name] for name in KEPT} == KEPT
    wrong = line.run("subscriptions", "set", "tolls", "--quiet-hours", "at night")
    assert wrong.returncode == 1
    assert "stays as it is" in wrong.stderr
    changed = line.run("subscriptions", "set", "tolls", "--forget", "quiet-hours", "--kind", "*")
    assert changed.stdout.startswith("Changed tolls in ")
    (only,) = json.loads(line.run("subscriptions", "list", "--json").stdout)
    assert (only["quiet_hours"], only["kinds"], only["digest"]) == ("", ["*"], "daily 08:00")
    assert line.run("subscriptions", "remove", "tolls").returncode == 0
    assert (tmp_path / "storywatch.toml").read_text(encoding="utf-8").rstrip() == CHANNELS.rstrip()


def test_a_subscription_needs_a_name_of_one_line(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write("storywatch.toml", CHANNELS)
    for name, said in (("", "needs a name"), ("two\nlines", "is no name"), (" desk ", "is no name")):
        refused = line.run("subscriptions", "set", name, "--channel", "desk")
        assert refused.returncode == 1
        assert said in refused.stderr
    unknown = line.run("subscriptions", "set", "desk", "--metric", "kiled")
    assert unknown.returncode == 2
    assert "did you mean 'killed'?" in unknown.stderr
    assert (tmp_path / "storywatch.toml").read_text(encoding="utf-8") == CHANNELS
