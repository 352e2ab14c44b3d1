"""Subscriptions are changed in the file of settings as a person would, or not at all."""

import asyncio
from pathlib import Path

import pytest

from monitor.settings import Settings, load_settings, to_subscriptions
from monitor.settings_writing import remove_subscription, set_subscription
from monitor.taking_up import SubscriptionKeeper
from storage.errors import NotFoundError, SettingsError

FILE = """# ours
[email]
host = "mail.example"  # the old one

[[channels]]
name = "desk"
type = "email"
to = ["desk@example.org"]

# all of it
[[subscriptions]]
stories = ["*"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "storywatch.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def load(file: Path) -> Settings:
    return load_settings(file, {}, file.parent)


def test_a_subscription_is_added_and_all_else_left_alone(file: Path) -> None:
    values = {"kinds": ["raised"], "channels": ["desk"], "min_change": 5.0, "group_wait": "1m", "digest": "daily 08:00"}
    settings, is_new = set_subscription(file, "tolls", values, (), {})
    assert is_new
    text = file.read_text(encoding="utf-8")
    assert text.startswith(FILE)
    assert text.removeprefix(FILE) == (
        '\n[[subscriptions]]\nname = "tolls"\nkinds = ["raised"]\nchannels = ["desk"]\nmin_change = 5\n'
        'group_wait = "1m"\ndigest = "daily 08:00"\n'
    )
    added = to_subscriptions(settings)[1]
    assert (added.name, added.kinds, added.group_wait) == ("tolls", ("raised",), 60.0)
    assert to_subscriptions(load(file))[1] == added


def test_one_is_changed_by_its_name_even_if_that_is_made_from_its_place(file: Path) -> None:
    set_subscription(file, "subscription-1", {"metrics": ["killed"]}, (), {})
    _, is_new = set_subscription(file, "subscription-1", {"lang": "ru"}, ("metrics",), {})
    assert not is_new
    (only,) = to_subscriptions(load(file))
    assert (only.metrics, only.lang) == (("*",), "ru")
    assert "# all of it" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "words"),
    [({"kinds": ["rised"]}, "did you mean 'raised'"), ({"channels": ["desks"]}, "none of the"), ({"digest": "daily 25:00"}, "digest")],
)  # fmt: skip
def test_what_would_be_wrong_is_not_written(file: Path, values: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match="stays as it is") as caught:
        set_subscription(file, "tolls", values, (), {})
    assert words in str(caught.value)
    assert file.read_text(encoding="utf-8") == FILE


def test_a_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "storywatch.toml"
    channels = '[{"name": "desk", "type": "email", "to": ["a@example.org"]}]'
    set_subscription(file, "tolls", {}, (), {"STORYWATCH_CHANNELS": channels})
    assert file.read_text(encoding="utf-8") == '[[subscriptions]]\nname = "tolls"\n'


def test_one_is_taken_out(file: Path) -> None:
    set_subscription(file, "tolls", {}, (), {})
    remove_subscription(file, "tolls", {})
    assert [one.name for one in to_subscriptions(load(file))] == ["subscription-1"]
    with pytest.raises(NotFoundError, match="tolls"):
        remove_subscription(file, "tolls", {})


def test_where_the_environment_holds_them_the_file_is_left_alone(file: Path) -> None:
    with pytest.raises(SettingsError, match="STORYWATCH_SUBSCRIPTIONS"):
        set_subscription(file, "tolls", {}, (), {"STORYWATCH_SUBSCRIPTIONS": "[]"})


def test_a_running_service_takes_up_what_is_changed(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    keeper = SubscriptionKeeper(load(file), lambda: load(file))

    def told() -> list[str]:
        return [one.name for one in to_subscriptions(asyncio.run(keeper.take_up()))]

    assert told() == ["subscription-1"]
    set_subscription(file, "tolls", {"channels": ["desk"]}, (), {})
    assert told() == ["subscription-1", "tolls"]
    good = file.read_text(encoding="utf-8")
    file.write_text(good + "kinds = [", encoding="utf-8")
    assert told() == told() == ["subscription-1", "tolls"]
    assert sum("stay as they were" in line for line in caplog.messages) == 1
    new_channel = '\n[[channels]]\nname = "late"\ntype = "email"\nto = ["late@example.org"]\n'
    file.write_text(good.replace('channels = ["desk"]', 'channels = ["late"]') + new_channel, encoding="utf-8")
    assert told() == ["subscription-1", "tolls"]
    assert "need a restart: late" in caplog.messages[-1]


def test_a_file_that_is_gone_or_half_written_is_not_one_that_asks_for_nothing(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    environment = {"STORYWATCH_SEEDS": "seeds"}
    keeper = SubscriptionKeeper(load(file), lambda: load_settings(None, environment, file.parent))

    def told() -> list[str]:
        return [one.name for one in to_subscriptions(asyncio.run(keeper.take_up()))]

    set_subscription(file, "tolls", {"channels": ["desk"]}, (), {})
    whole = file.read_text(encoding="utf-8")
    assert told() == ["subscription-1", "tolls"]
    file.write_text("", encoding="utf-8")
    assert told() == ["subscription-1", "tolls"]
    assert "names no channel any more" in caplog.messages[-1]
    file.unlink()
    assert told() == ["subscription-1", "tolls"]
    assert "is gone now" in caplog.messages[-1]
    file.write_text(whole, encoding="utf-8")
    assert told() == ["subscription-1", "tolls"]
