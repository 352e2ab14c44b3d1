"""`storywatch subscriptions`: who is told of what. They stand in the file of settings; these commands write there."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.context import opened_database, settings, settings_file
from monitor.cli.output import console, print_json, print_table
from monitor.known_labels import find_unknown, known_metrics
from monitor.settings import to_subscriptions
from monitor.settings_model import SubscriptionSettings
from monitor.settings_writing import remove_subscription, set_subscription
from monitor.taking_up import load_folder
from storage.errors import NotFoundError
from storage.records import Subscription
from storage.searches import get_search

app = typer.Typer(no_args_is_help=True, help="Who is told of what; kept in the file of settings.")
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Name = Annotated[str, typer.Argument(help="The subscription's name.")]
Words = list[str] | None
TAKEN_UP = "A running `storywatch run` takes it up within half a minute; other processes when they start."


def _say(name: str) -> str:
    """What an option sets, in the words of the settings."""
    return str(SubscriptionSettings.model_fields[name].description)


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """All subscriptions: what each is told, where, and when."""
    found = to_subscriptions(settings())
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "stories", "kinds", "metrics", "channels", "when"),
        [
            [one.name, ", ".join(one.stories), _kinds(one), ", ".join(one.metrics), ", ".join(one.channels), _when(one)]
            for one in found
        ],
        empty="Nobody is told anything. 'storywatch subscriptions set NAME --channel CHANNEL' begins.",
    )  # fmt: skip


def _kinds(one: Subscription) -> str:
    """The kinds by name, unless they are those of a subscription that names none."""
    return "the usual" if one.kinds == Subscription(name="").kinds else ", ".join(one.kinds)


def _when(one: Subscription) -> str:
    parts = [one.digest or "at once", f"quiet {one.quiet_hours}" if one.quiet_hours else ""]
    return ", ".join(part for part in (*parts, f"held: {', '.join(one.hold)}" if one.hold else "") if part)


@app.command("show")
def show_command(name: Name, as_json: Json = False) -> None:
    """Every setting of one subscription."""
    found = next((one for one in to_subscriptions(settings()) if one.name == name), None)
    if found is None:
        raise NotFoundError(f"no subscription is called {name!r}; `storywatch subscriptions list` shows those that are")
    if as_json:
        print_json(found)
        return
    print_table(
        ("setting", "value"),
        [[field.name, _shown(getattr(found, field.name))] for field in dataclasses.fields(found)],
    )


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


@app.command("set")
def set_command(
    name: Name,
    story: Annotated[Words, typer.Option(help=_say("stories"))] = None,
    kind: Annotated[Words, typer.Option(help=_say("kinds"))] = None,
    metric: Annotated[Words, typer.Option(help=_say("metrics"))] = None,
    population: Annotated[Words, typer.Option(help=_say("populations"))] = None,
    language: Annotated[Words, typer.Option(help=_say("languages"))] = None,
    search: Annotated[Words, typer.Option(help=_say("searches"))] = None,
    channel: Annotated[Words, typer.Option(help=_say("channels"))] = None,
    min_change: Annotated[float | None, typer.Option(help=_say("min_change"))] = None,
    min_change_percent: Annotated[float | None, typer.Option(help=_say("min_change_percent"))] = None,
    min_origins: Annotated[int | None, typer.Option(help=_say("min_origins"))] = None,
    group_by: Annotated[Words, typer.Option(help=_say("group_by"))] = None,
    group_wait: Annotated[str | None, typer.Option(help=_say("group_wait"))] = None,
    group_interval: Annotated[str | None, typer.Option(help=_say("group_interval"))] = None,
    repeat_interval: Annotated[str | None, typer.Option(help=_say("repeat_interval"))] = None,
    digest: Annotated[str | None, typer.Option(help=_say("digest"))] = None,
    timezone: Annotated[str | None, typer.Option(help=_say("timezone"))] = None,
    quiet_hours: Annotated[str | None, typer.Option(help=_say("quiet_hours"))] = None,
    hold: Annotated[Words, typer.Option(help=_say("hold"))] = None,
    approver: Annotated[Words, typer.Option(help=_say("approvers"))] = None,
    lang: Annotated[str | None, typer.Option(help=_say("lang"))] = None,
    forget: Annotated[Words, typer.Option(help="return this setting to its default")] = None,
) -> None:
    """Add a subscription, or change what is given of one. What may be several is given several times or with commas."""
    lists = {
        "stories": story, "kinds": kind, "metrics": metric, "populations": population, "languages": language,
        "searches": search, "channels": channel, "group_by": group_by, "hold": hold, "approvers": approver,
    }  # fmt: skip
    single = {
        "min_change": min_change, "min_change_percent": min_change_percent, "min_origins": min_origins,
        "group_wait": group_wait, "group_interval": group_interval, "repeat_interval": repeat_interval,
        "digest": digest, "timezone": timezone, "quiet_hours": quiet_hours, "lang": lang,
    }  # fmt: skip
    values: dict[str, object] = {key: _split(given) for key, given in lists.items() if given is not None}
    values |= {key: given for key, given in single.items() if given is not None}
    forgotten = [key.replace("-", "_") for key in _split(forget or [])]
    for key in forgotten:
        if key not in SubscriptionSettings.model_fields or key == "name":
            raise typer.BadParameter(f"--forget {key}: no such setting; there are {', '.join((*lists, *single))}")
    _check_metrics(values.get("metrics", ()))
    _check_searches(_split(search or []))
    saved, is_new = set_subscription(_file(), name, values, forgotten, os.environ)
    console().print(Text(f"{'Added' if is_new else 'Changed'} {name} in {saved.file}. {TAKEN_UP}"), soft_wrap=True)


def _check_metrics(patterns: object) -> None:
    """Refuse a measure that neither we nor any seed have: nobody would ever be told of it."""
    assert isinstance(patterns, list | tuple)
    found, _ = load_folder(settings().seeds)
    for complaint in find_unknown("--metric", patterns, known_metrics(found)):
        raise typer.BadParameter(complaint)


def _check_searches(patterns: list[str]) -> None:
    """Refuse the name of a search that is not saved; a pattern may mean those that are saved later."""
    names = [pattern for pattern in patterns if not any(sign in pattern for sign in "*?[")]
    if names:
        with opened_database() as database, database.read() as session:
            for name in names:
                get_search(session, name)


def _split(given: list[str]) -> list[str]:
    """Words given several times, or with commas between them."""
    return [word.strip() for words in given for word in words.split(",") if word.strip()]


@app.command("remove")
def remove_command(name: Name) -> None:
    """Tell this subscription nothing any more; what it was told stays on record."""
    saved = remove_subscription(_file(), name, os.environ)
    console().print(Text(f"Removed {name} from {saved.file}. {TAKEN_UP}"), soft_wrap=True)


def _file() -> Path:
    """The file of settings that this call reads, or would read if it were there."""
    settings()  # a file that is wrong already is complained of as it is, before anything is changed
    return settings_file()
