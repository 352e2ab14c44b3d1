"""`storywatch alerts`: what was told to whom, what waits for a person, what could not be delivered."""

import asyncio
import getpass
from typing import Annotated

import httpx
import typer

from alerts.accounts import Account, account_for
from alerts.channels.base import ChannelSpec
from alerts.channels.build import build_channel
from alerts.desk import add_silence, approve_alert, drop_alert, drop_delivery, replay_delivery
from alerts.dispatch import send_test
from alerts.matchers import read_matcher, write_matcher
from alerts.plan import find_corrections_beside
from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console, print_json, print_table, show_figure, show_time
from monitor.cli.stories import describe_key
from monitor.known_labels import known_labels
from monitor.making import make_poster
from monitor.settings import Settings, to_channels, to_email, to_subscriptions
from monitor.settings_model import read_duration
from storage import claims, deliveries, outbox, stories
from storage.errors import OvertakenError, StorywatchError
from storage.keys import stable_hash
from storage.naming import suggest
from storage.records import AlertState, DeliveryState, Subscription
from storage.shortened import short_id, whole_id

app = typer.Typer(no_args_is_help=True, help="What was told to whom, what waits, what could not be delivered.")
dead_app = typer.Typer(no_args_is_help=True, help="Deliveries that were given up.")
silence_app = typer.Typer(no_args_is_help=True, help="Alerts that are not to be sent for a while.")
app.add_typer(dead_app, name="dead")
app.add_typer(silence_app, name="silence")
Anyway = Annotated[bool, typer.Option("--anyway", help="Even where newer things of the same were told since.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


@app.command("list")
def list_command(
    state: Annotated[AlertState | None, typer.Option(help="Only those in this state (held: waiting for you).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10000)] = 30,
    as_json: Json = False,
) -> None:
    """Alerts, the newest first."""
    with opened_database() as database, database.read() as session:
        found = deliveries.list_alerts(session, states=(state,) if state else (), newest_first=True, limit=limit)
        behind = claims.find_revisions(session, [alert.revision_id for alert in found])
    if as_json:
        print_json([{"alert": alert, "revision": behind.get(alert.revision_id)} for alert in found])
        return
    rows = []
    for alert in found:
        one = behind[alert.revision_id]
        change = f"{show_figure(one.before) if one.before else '–'} → {show_figure(one.after)}"
        what = f"{f'{alert.story}: ' if alert.story else ''}{describe_key(one.key)} {one.kind.value}"
        rows.append(
            [short_id(alert.alert_id), show_time(alert.planned_at), alert.state.value, alert.subscription, what, change]
        )
    print_table(("alert", "planned", "state", "for", "what", "change"), rows, empty="No alert was planned yet.")


@app.command("deliveries")
def deliveries_command(
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10000)] = 30,
    as_json: Json = False,
) -> None:
    """Messages on their way, delivered or given up, with what the receiver answered."""
    with opened_database() as database, database.read() as session:
        found = deliveries.list_deliveries(session, states=(state,) if state else (), newest_first=True, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("delivery", "channel", "state", "tries", "due", "answer"),
        [
            [
                short_id(one.delivery_id),
                " ".join(filter(None, (one.channel, one.receiver, "(asks)" if one.is_question else ""))),
                one.state.value,
                str(one.attempts),
                show_time(one.delivered_at or one.due_at),
                one.last_error or one.last_response,
            ]
            for one in found
        ],
        empty=f"No delivery is {state.value}." if state else "Nothing was sent yet.",
    )


@app.command("approve")
def approve_command(alert_id: str) -> None:
    """Let a held alert go. A decision is made once: exit code 1 where somebody decided otherwise before."""
    current, now = settings(), clock()()
    with opened_database(current) as database, database.write() as session:
        alert = approve_alert(
            session,
            whole_id(session, "alert", alert_id),
            now=now,
            who=getpass.getuser(),
            subscriptions=to_subscriptions(current),
        )
    if alert.state is not AlertState.PENDING or alert.decided_at != now:
        console().print(f"{alert.decided_by} approved it before; it is {alert.state.value}.")
    elif alert.due_at > now:
        console().print(f"It goes out on {show_time(alert.due_at)} UTC, with its digest or after quiet hours.")
    else:
        console().print("It goes out with the next tick.")


@app.command("drop")
def drop_command(alert_id: str) -> None:
    """Throw away an alert that waits, held or not. What was approved or handed over cannot be dropped: exit code 1."""
    with opened_database() as database, database.write() as session:
        dropped = drop_alert(session, whole_id(session, "alert", alert_id), now=clock()(), who=getpass.getuser())
    console().print(f"{dropped.alert_id} is dropped, by {dropped.decided_by or 'somebody'}.")


@app.command("replay")
def replay_command(delivery_id: str, anyway: Anyway = False) -> None:
    """Send a delivery that was given up again, under its old id."""
    with opened_database() as database, database.write() as session:
        again = replay_delivery(session, whole_id(session, "delivery", delivery_id), now=clock()(), anyway=anyway)
    if again.state is DeliveryState.SUPERSEDED:
        console().print("A newer message about the same waits, and mentions it now.")
    else:
        console().print("It is tried again with the next tick.")


@app.command("test")
def send_test_command(channel: Annotated[str | None, typer.Argument(help="A channel; all by default.")] = None) -> None:
    """Send a test message, marked as one, on a channel: a line for each address, and 1 where one of them failed."""
    current = settings()
    names = [spec.name for spec in to_channels(current)]
    if channel is not None and channel not in names:
        raise StorywatchError(f"no channel is called {channel!r}; {suggest(channel, names) or 'none is set up'}")
    chosen = [spec for spec in to_channels(current) if channel in (None, spec.name)]

    async def send() -> list[list[str]]:
        async with make_poster(current) as client:
            return [row for spec in chosen for row in await _test_channel(current, spec, client)]

    rows = asyncio.run(send())
    print_table(("channel", "outcome", "answer"), rows, empty="No channel is set up: see docs/configuration.md.")
    if any(row[1] == "failed" for row in rows):
        raise typer.Exit(1)


async def _test_channel(current: Settings, spec: ChannelSpec, client: httpx.AsyncClient) -> list[list[str]]:
    """A row for each address of a channel; whatever is wrong with it stands in its row and stops no other."""
    now = clock()()
    try:
        channel = build_channel(spec, client=client, email=to_email(current))
    except StorywatchError as error:
        return [[spec.name, "failed", str(error)]]
    rows = []
    for receiver in channel.receivers:
        place = f"{spec.name} {receiver}".strip()
        identity = stable_hash("t1", spec.name, receiver, now.isoformat())
        try:
            receipt = await send_test(
                channel, subscription=Subscription(name="test"), message_id=identity, now=now, receiver=receiver
            )
            rows.append([place, "delivered", receipt.response])
        except StorywatchError as error:
            rows.append([place, "failed", str(error)])
        except Exception as error:
            # A bug in a channel, or in a library behind it, is a line of the table too: the others are still tested.
            rows.append([place, "failed", f"{type(error).__name__}: {error}"])
    await channel.aclose()
    return rows


@app.command("why")
def why_command(revision_id: str, as_json: Json = False) -> None:
    """What became of a revision for each subscription and address: told, waiting, given up, or not told and why."""
    current = settings()
    subscriptions = {one.name: one for one in to_subscriptions(current)}
    accounts: list[Account] = []
    with opened_database(current) as database, database.read() as session:
        revision = claims.get_revision(session, whole_id(session, "revision", revision_id))
        behind = [revision.revision_id]
        planned = {one.subscription: one for one in deliveries.list_alerts(session, revision_ids=behind)}
        told = outbox.list_told_or_waiting(session, [revision.corrects] if revision.corrects else [])
        beside = find_corrections_beside(revision, claims.list_revisions(session, key=revision.key))
        corrections = {
            one.subscription: one
            for one in deliveries.list_alerts(session, revision_ids=[correction.revision_id for correction in beside])
        }
        story = stories.find_story(session, revision.story)
        silences = {one.silence_id: one for one in deliveries.list_silences(session)}
        # Those that the settings name no more may have been told all the same.
        for name in dict.fromkeys((*subscriptions, *planned)):
            alert = planned.get(name)
            carrying, last = outbox.list_carrying(session, alert) if alert is not None else ((), None)
            accounts += account_for(
                revision,
                subscriptions.get(name) or Subscription(name=name),
                alert=alert,
                last=last,
                carrying=carrying,
                silences=silences,
                story_state=story.state if story else None,
                told=told,
                correction=corrections.get(name),
            )
    if as_json:
        print_json(accounts)
        return
    print_table(
        ("subscription", "address", "told", "what became of it"),
        [[one.subscription, f"{one.channel} {one.receiver}".strip(), one.told.value, one.words] for one in accounts],
        empty="There is no subscription: see docs/configuration.md.",
    )


@dead_app.command("list")
def dead_list_command(as_json: Json = False) -> None:
    """Deliveries that were given up, with the last error."""
    deliveries_command(state=DeliveryState.DEAD, limit=1000, as_json=as_json)


@dead_app.command("replay")
def dead_replay_command(
    delivery_id: Annotated[str, typer.Argument(help="A delivery, or 'all'.")], anyway: Anyway = False
) -> None:
    """Send dead deliveries again; of all, those whose receivers were told newer things of the same since stay dead."""
    if delivery_id != "all":
        replay_command(delivery_id, anyway)
        return
    now, left = clock()(), 0
    with opened_database() as database, database.write() as session:
        dead = deliveries.list_deliveries(session, states=(DeliveryState.DEAD,), limit=100_000)
        for one in dead:
            try:
                replay_delivery(session, one.delivery_id, now=now, anyway=anyway)
            except OvertakenError:
                left += 1
    console().print(f"{len(dead) - left} are tried again with the next tick.")
    if left:
        console().print(
            f"{left} stay dead: their receivers were told newer things of the same since (--anyway sends them)."
        )


@dead_app.command("drop")
def dead_drop_command(delivery_id: str) -> None:
    """Throw a dead delivery away."""
    with opened_database() as database, database.write() as session:
        drop_delivery(session, whole_id(session, "delivery", delivery_id), who=getpass.getuser())
    console().print("Dropped.")


@silence_app.command("add")
def silence_add_command(
    matcher: Annotated[
        list[str],
        typer.Argument(help="label=value, !=, =~ or !~, e.g. story=earthquakes kind=~raised|lowered (all must fit)."),
    ],
    duration: Annotated[str, typer.Option("--for", help="How long: 2h, 1d, …")] = "2h",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Send nothing that fits all matchers for a while."""
    current = settings()
    pairs = [read_matcher(one) for one in matcher]
    try:
        seconds = float(str(read_duration(duration)))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with opened_database(current) as database, database.write() as session:
        silence = add_silence(
            session,
            pairs,
            now=clock()(),
            seconds=seconds,
            who=getpass.getuser(),
            comment=comment,
            known=known_labels(session, to_subscriptions(current)),
        )
    console().print(f"{silence.silence_id} until {show_time(silence.ends_at)} UTC")


@silence_app.command("list")
def silence_list_command(as_json: Json = False) -> None:
    """Silences that are not over."""
    with opened_database() as database, database.read() as session:
        found = deliveries.list_silences(session, at=clock()())
    if as_json:
        print_json(found)
        return
    print_table(
        ("silence", "what", "until", "who", "why"),
        [
            [
                short_id(one.silence_id),
                " ".join(write_matcher(matcher) for matcher in one.matchers),
                show_time(one.ends_at),
                one.who,
                one.comment,
            ]
            for one in found
        ],
        empty="Nothing is silenced.",
    )


@silence_app.command("end")
def silence_end_command(silence_id: str) -> None:
    """End a silence now."""
    with opened_database() as database, database.write() as session:
        deliveries.end_silence(session, whole_id(session, "silence", silence_id), now=clock()())
    console().print("Ended.")
