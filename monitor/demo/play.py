"""SHELL: the choreography. Turns the clock, waits for the service, prints what arrives, and judges the outcome."""

import json
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from monitor.demo.receivers import HookReceiver, MailReceiver, ReceivedHook, free_port
from monitor.demo.script import Moment, Script, load_script, seed_text
from monitor.demo.service import DemoError, DemoService
from monitor.demo.site import DemoSite
from monitor.demo.verdict import Change, Told, find_faults, read_change, read_told
from monitor.invocation import as_typed

# Known to both ends of this machine alone, and gone with the demo: 24 bytes in base64, as Standard Webhooks wants it.
HOOK_SECRET = "whsec_c3Rvcnl3YXRjaC1kZW1vLXNlY3JldC0yMDIy"  # noqa: S105 not a secret of anyone's
# A poll comes due after five minutes and up to a tenth more.
STEP = timedelta(minutes=6)
# How long the play lingers after a page appeared, and after one was edited: a page is read again within an hour, and
# once more to be sure.
AFTER_PAGE = timedelta(minutes=12)
AFTER_EDIT = timedelta(minutes=84)
# Real seconds that the service has for what is due at one turn of the clock; it may just have been killed.
PATIENCE = 45.0

TONES = {"retracted": "red", "lowered": "red", "edited": "magenta", "raised": "yellow", "correction": "red"}


def run_demo(
    console: Console,
    *,
    folder: Path | None = None,
    kill_seed: int | None = None,
    kills: int = 20,
    database_url: str = "",
    workers: int = 0,
) -> int:
    """Play January 2022 and return the exit code: 0 if everything came out as it must, else 1.

    `folder` keeps the settings, the database and the log (default: a new temporary one). With `kill_seed` the service
    is killed by kill -9 at `kills` moments drawn from that seed, and started again. `database_url` names an empty
    database other than a file in the folder; with `workers` a scheduler and so many workers share it.
    """
    folder = folder or Path(tempfile.mkdtemp(prefix="storywatch-demo-"))
    script = load_script()
    try:
        with ExitStack() as stack:
            site = stack.enter_context(DemoSite(script))
            mail = stack.enter_context(MailReceiver())
            hook = stack.enter_context(HookReceiver(HOOK_SECRET))
            web_port = free_port()
            url = database_url or f"sqlite:///{folder.as_posix()}/storywatch.db"
            _write_settings(folder, site=site, mail=mail, hook=hook, web_port=web_port, database_url=url)
            service = DemoService(folder, database_url=url, workers=workers)
            play = _Play(console, script, site, service, hook, mail, kill_seed=kill_seed, kills=kills)
            faults = play.run()
    except DemoError as error:
        console.print(Text(f"The demo stopped: {error}", style="red"))
        return 1
    _say_where_to_look(console, folder, web_port)
    for fault in faults:
        console.print(Text(f"✗ {fault}", style="red"))
    return 1 if faults else 0


def plan_beats(script: Script) -> tuple[datetime, ...]:
    """The times at which the clock stops: six minutes apart while something is going on, with leaps between."""
    wanted = {script.starts_at}
    for moment in script.moments:
        linger = AFTER_EDIT if moment.is_edit else AFTER_PAGE
        wanted |= {moment.at + STEP * number for number in range(linger // STEP + 1)}
    beats: list[datetime] = []
    for at in sorted(wanted):
        if not beats or at - beats[-1] >= STEP:
            beats.append(at)
    return tuple(beats)


class _Play:
    """One performance; holds what has arrived so far."""

    def __init__(
        self,
        console: Console,
        script: Script,
        site: DemoSite,
        service: DemoService,
        hook: HookReceiver,
        mail: MailReceiver,
        *,
        kill_seed: int | None,
        kills: int,
    ) -> None:
        self.console, self.script, self.site, self.service = console, script, site, service
        self.hook, self.mail = hook, mail
        self.told: list[Told] = []
        self.kills = _draw_kills(len(plan_beats(script)), kill_seed, kills)

    def run(self) -> tuple[str, ...]:
        """Play to the end and return what went wrong."""
        with self.service:
            moments = list(self.script.moments)
            for number, at in enumerate(plan_beats(self.script)):
                while moments and moments[0].at <= at:
                    self._announce(moments.pop(0))
                self._turn(at, kill_after=self.kills.get(number))
                self._take_arrived()
            return self._judge()

    def _turn(self, at: datetime, *, kill_after: float | None) -> None:
        """Set the time for site and service, and wait until the service has nothing left to do at it."""
        self.site.play_until(at)
        self.service.turn_clock(at)
        if not self.service.is_running:
            self.service.start()
        if kill_after is not None:
            time.sleep(kill_after)
            self.service.kill()
            self.service.start()
        deadline = time.monotonic() + PATIENCE
        while not self.service.is_idle(at):
            self.service.check_alive()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"at {at:%d %b %H:%M} the service did not get done; its log:\n{self.service.log_tail()}"
                )
            time.sleep(0.05)

    def _announce(self, moment: Moment) -> None:
        outlet = self.script.outlet(moment.article.outlet)
        line = Text.assemble((f"{outlet.name}: ", "bold"), moment.version.title)
        if moment.is_edit:
            line.append(" (edited in place, without a word)", style="italic")
        self._print(f"{moment.at:%d %b %H:%M}  ", line)

    def _take_arrived(self) -> None:
        """Print and keep what the webhook received; a repeat is kept and not printed again."""
        for call in self.hook.take_arrived():
            known = {one.message_id for one in self.told}
            if call.message_id not in known:
                self._show(call)
            self.told += read_told(call.message_id, call.payload)

    def _show(self, call: ReceivedHook) -> None:
        for change in call.payload["changes"]:
            tone = TONES.get(change["kind"], "green")
            words = Text.assemble((f"{change['kind'].replace('_', ' ')}: ", tone), (change["summary"], "bold"))
            self._print("              ⚑ ", words)
            for proof in change["evidence"][:1]:
                if sentence := " ".join(proof["sentence"].split()):
                    self._print("                ", Text(f"“{sentence}” – {proof['source']}", style="dim"))

    def _print(self, lead: str, words: Text) -> None:
        """Print words after a lead, further lines indented as far."""
        room = max(self.console.width - len(lead), 24)
        for number, line in enumerate(words.wrap(self.console, room)):
            line.rstrip()
            self.console.print(Text(lead if number == 0 else " " * len(lead), style="dim") + line)

    def _judge(self) -> tuple[str, ...]:
        history = self.service.call("claims", "history", *self.script.headline)
        self.console.print()
        self.console.print(Text(f"$ storywatch claims history {' '.join(self.script.headline)}", style="bold"))
        self.console.print(Text(history.rstrip()))
        lines = json.loads(self.service.call("claims", "history", *self.script.headline, "--json"))
        unsigned = sum(not call.is_signed for call in self.hook.calls)
        faults = find_faults(
            self.told,
            mailed_ids=[mail.message_id for mail in self.mail.mails],
            history=_read_history(lines),
            expected_history=self.script.expected_history,
            expected_told=self.script.expected_told,
            laggard=self.script.laggard,
            edited=self.script.edited,
            is_repeat_allowed=bool(self.service.kills),
        )
        if unsigned:
            faults = (*faults, f"{unsigned} webhook calls were not signed with the secret")
        return faults


def _read_history(found: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """The steps of the records that `claims history --json` prints."""
    return tuple(
        read_change({"kind": step["kind"], "record": one["key"], "before": step["before"], "after": step["figure"]})
        for one in found
        for step in one["steps"]
    )


def _draw_kills(beats: int, seed: int | None, kills: int) -> Mapping[int, float]:
    """At which beats the service dies, and how many seconds into them."""
    if seed is None:
        return {}
    chance = random.Random(seed)  # noqa: S311 a rehearsal of accidents, not a secret
    return {beat: chance.uniform(0, 0.4) for beat in chance.sample(range(1, beats), min(kills, beats - 1))}


def _write_settings(
    folder: Path, *, site: DemoSite, mail: MailReceiver, hook: HookReceiver, web_port: int, database_url: str
) -> None:
    seeds = folder / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    (seeds / "kazakhstan-january-2022.toml").write_text(seed_text(site.url), encoding="utf-8")
    text = Path(__file__).with_name("settings.toml").read_text(encoding="utf-8")
    filled = {
        "FOLDER": folder.as_posix(),
        "DATABASE_URL": database_url,
        "WEB_PORT": str(web_port),
        "MAIL_PORT": str(mail.port),
        "HOOK_URL": hook.url,
        "HOOK_SECRET": HOOK_SECRET,
    }
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    (folder / "storywatch.toml").write_text(text, encoding="utf-8")


def _lines_to_look_at(folder: Path, web_port: int) -> Iterator[str]:
    call = f"storywatch --config {folder}/storywatch.toml"
    yield f"{call} claims list"
    yield f"{call} search 'toll before:2022-01-12'"
    yield f"{call} run   # then open http://127.0.0.1:{web_port}"


def _say_where_to_look(console: Console, folder: Path, web_port: int) -> None:
    console.print()
    console.print(Text("Where to look:", style="bold"))
    for line in _lines_to_look_at(folder, web_port):
        console.print(Text(f"  {as_typed(line)}"), soft_wrap=True)
