"""SHELL: `storywatch doctor`: look at everything the service needs, and say in words what is wrong."""

import asyncio
import smtplib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from alerts.channels.base import ChannelSpec
from alerts.channels.build import build_channel
from alerts.watch_health import find_missing_parts
from monitor.claims import __path__ as room_path
from monitor.claims.compiled import form_at_work
from monitor.invocation import as_typed
from monitor.known_labels import find_unmeant
from monitor.making import make_poster
from monitor.settings import Settings, to_channels, to_email, to_subscriptions
from monitor.sources.addresses import is_public_address
from monitor.taking_up import load_folder
from storage import feeds
from storage.backlog import count_due
from storage.covering import cover_secrets
from storage.database import Database
from storage.errors import StorywatchError
from storage.keeping import find_damage
from storage.liveness import RUN, SCHEDULER, WORKER, Heard
from storage.parts import list_parts
from storage.records import Feed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOOKED_THROUGH = 500_000_000  # bytes
_SHOWN_FEEDS = 3  # so many of those that fail are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: well or not, and what to do if not."""

    what: str
    is_well: bool
    words: str


async def examine(settings: Settings, *, now: datetime) -> tuple[Finding, ...]:
    """Return what was found, in the order of what depends on what. Sends nothing to anyone."""
    findings = [
        Finding(what="settings", is_well=True, words=str(settings.file or "defaults; no storywatch.toml here")),
        Finding(what="reader of claims", is_well=True, words=form_at_work(room_path)),
        *await asyncio.to_thread(lambda: list(_database(settings, now))),
        *_seeds(settings),
        *_contact(settings),
    ]
    if any(spec.type == "email" for spec in to_channels(settings)):
        findings.append(await asyncio.to_thread(_mail, settings))
    findings += await _channels(settings)
    return tuple(findings)


def _database(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        database = Database(settings.database_url)
    except StorywatchError as error:
        yield Finding(what="database", is_well=False, words=str(error))
        return
    try:
        if database.path is not None and not database.path.exists():
            yield Finding(what="database", is_well=True, words=f"{database.path}: made at the first start")
            return
        database.check()
        found = _pages(database)
        yield found
        if not found.is_well:
            return
        with database.read() as session:
            held, heard = feeds.list_feeds(session), list_parts(session)
            due = {one.queue: one.count for one in count_due(session, now)}
        yield _feeds(held)
        yield from _parts(heard, due)
    except StorywatchError as error:
        yield Finding(what="database", is_well=False, words=str(error))
    finally:
        database.close()


def _pages(database: Database) -> Finding:
    """A database that answers; whether its file is whole, where that is seen in about a second."""
    words = f"{database.label} answers, schema {database.schema_version()}"
    if database.path is None or database.path.stat().st_size > _LOOKED_THROUGH:
        advice = f"{words}; what is stored was not looked through, as 'storywatch verify' does"
        return Finding(what="database", is_well=True, words=advice)
    damage = find_damage(database)
    if damage is not None:
        what = " ".join(damage.split())
        advice = (
            f"{database.label}: the file is damaged ({what}): restore a backup, 'storywatch restore FILE --overwrite'"
        )
        return Finding(what="database", is_well=False, words=advice)
    return Finding(what="database", is_well=True, words=f"{words}, its file is whole")


def _parts(heard: Sequence[Heard], due: Mapping[str, int]) -> Iterator[Finding]:
    """Whether those that share the work are all there; nothing where none of them runs."""
    live = Counter(one.part.role for one in heard if one.is_live)
    if live[RUN] or not live[SCHEDULER] + live[WORKER]:
        return
    missing = find_missing_parts(heard, due)
    advice = {
        "scheduler": "none leads, so that nothing is handed out: start 'storywatch scheduler'",
        "workers": f"none takes what is due ({missing.get('workers')}): start 'storywatch worker'",
    }
    words = f"{live[SCHEDULER]} schedulers and {live[WORKER]} workers live"
    yield Finding(what="parts", is_well=not missing, words="; ".join([words, *(advice[what] for what in missing)]))


def _feeds(held: Sequence[Feed]) -> Finding:
    """One line for all feeds: with the network gone, each of a hundred would say the same."""
    failing = sorted(
        (feed for feed in held if feed.failures), key=lambda feed: (feed.failing_since or _EPOCH, feed.feed_id)
    )
    words = f"{len(held)} polled, {len(failing)} failing"
    if not failing:
        return Finding(what="feeds", is_well=True, words=words)
    said = [cover_secrets(feed.last_error or feed.url) for feed in failing]
    if len(failing) > 1 and len(failing) == len(held) and all(feed.last_status is None for feed in failing):
        words += f"; look at this machine's network, and at proxy under [network]: none can be reached, as {said[0]}"
        return Finding(what="feeds", is_well=False, words=words)
    more = len(failing) - _SHOWN_FEEDS
    others = [f"{more} more in '{as_typed('storywatch feeds list')}'"] if more > 0 else []
    return Finding(what="feeds", is_well=False, words=f"{words}: {' | '.join([*said[:_SHOWN_FEEDS], *others])}")


def _seeds(settings: Settings) -> Iterator[Finding]:
    found, complaints = load_folder(settings.seeds)
    for complaint in complaints:
        yield Finding(what="seed", is_well=False, words=complaint)
    yield Finding(what="seeds", is_well=bool(found), words=f"{len(found)} stories in {settings.seeds}")
    for subscription in to_subscriptions(settings):
        for complaint in find_unmeant(subscription, found):
            yield Finding(what="subscription", is_well=False, words=complaint)


def _contact(settings: Settings) -> Iterator[Finding]:
    if not settings.user_agent_contact:
        advice = "user_agent_contact is empty: sites cannot reach you and may refuse; set a mail address or a page"
        yield Finding(what="contact", is_well=False, words=advice)


def _mail(settings: Settings) -> Finding:
    email = settings.email
    place = f"{email.host}:{email.port}"
    opened: Callable[..., smtplib.SMTP] = smtplib.SMTP_SSL if email.tls.value == "tls" else smtplib.SMTP
    try:
        with opened(email.host, email.port, timeout=10) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        words = f"{place}: the mail server does not answer ({error}); look at [email] host and port"
        return Finding(what="mail", is_well=False, words=words)
    return Finding(what="mail", is_well=True, words=f"{place} answers")


async def _channels(settings: Settings) -> list[Finding]:
    """Whether each channel can work, and its host be connected to; nothing is sent (`storywatch alerts test` does)."""
    email = to_email(settings)
    findings = []
    async with make_poster(settings) as client:
        for spec in to_channels(settings):
            try:
                build_channel(spec, client=client, email=email)
            except StorywatchError as error:
                findings.append(Finding(what="channel", is_well=False, words=str(error)))
                continue
            if urlsplit(spec.url).scheme in ("http", "https"):
                findings.append(await _reach(spec, settings))
    return findings


async def _reach(spec: ChannelSpec, settings: Settings) -> Finding:
    parts = urlsplit(spec.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection(host, port)
        address = str(writer.get_extra_info("peername")[0])
        writer.close()
        await writer.wait_closed()
    except OSError as error:
        words = f"{spec.name}: {host}:{port} cannot be reached ({error or 'no answer in 10 s'})"
        return Finding(what="channel", is_well=False, words=words)
    # Behind a proxy, the proxy's policy decides what may be reached.
    if settings.network.allow_private or settings.network.proxy or is_public_address(address):
        return Finding(what="channel", is_well=True, words=f"{spec.name}: {host} can be reached")
    words = f"{spec.name}: {host} is {address}, not of the public internet; network.allow_private = true allows it"
    return Finding(what="channel", is_well=False, words=words)
