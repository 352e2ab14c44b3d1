"""From a changed page to the alert received, while a thousand feeds are polled: how long beyond the poll that saw it?

python -m bench.telling [--size full] [--feeds 1000] [--rounds 10]

The real service runs as a process of its own with a webhook and `group_wait = 0`. Small outlets bring new articles with
higher tolls and change pages in place; time runs from the answer that showed the change (the feed's, or the page's when
it is read again) to the webhook's arrival, by the clock. Pages are made due to be read again, since nobody waits a
quarter of an hour here; all other feeds answer 304 and are counted by their server.
"""

import argparse
import json
import random
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from statistics import median

from bench.feedserver import FeedServer
from bench.figures import Figure, bounded, chosen, leave, options
from storage import articles, feeds
from storage.database import Database
from storage.records import FeedSpec
from tests.support.commandline import CommandLine
from tests.support.desk import page
from tests.support.receiver import Answer, Call, Receiver, free_port
from tests.support.webserver import Reply, Request, WebServer

CITIES = ("Aldermere", "Brackwater", "Coldharbour", "Dunmoor", "Eastwick")
CITIES += ("Farrowgate", "Glenport", "Hollinsea", "Ironbridge", "Jarrowby")
SECRET = "whsec_" + b64encode(b"known to this benchmark alone").decode()
FILLER = (
    "\nShops stayed shut on Sunday and buses did not run. Residents said that the streets had been quiet since dawn,"
    " and that soldiers stood at the crossings near the port. Schools are to open again later this week."
)
PATIENCE = 120.0


@dataclass(slots=True)
class Outlet:
    """One outlet with a feed and a page; `shown` is when a figure was first shown, `told` when its alert came."""

    city: str
    site: WebServer
    toll: int = 20
    links: list[tuple[str, datetime]] = field(default_factory=list)
    shown: dict[int, float] = field(default_factory=dict)
    told: dict[int, float] = field(default_factory=dict)
    edited: set[int] = field(default_factory=set)

    @property
    def slug(self) -> str:
        return self.city.lower()

    def open(self) -> None:
        self.site.add(f"/feed/{self.slug}", self._feed)
        self.publish()

    def publish(self) -> None:
        """A new article with a higher toll."""
        self.toll += 3
        path = f"/{self.slug}/{len(self.links)}"
        self.links.append((self.site.url(path), datetime.now(UTC)))
        self.site.add(path, Reply(body=self._page()))

    def edit(self) -> str:
        """A higher toll on the newest page, whose feed says nothing; returns its address.

        It names the old figure too: an edit that takes a figure out waits for a second fetch.
        """
        before, self.toll = self.toll, self.toll + 3
        self.edited.add(self.toll)
        toll, body = self.toll, self._page(f", up from {before}")

        def answer(_: Request) -> Reply:
            self.shown.setdefault(toll, time.monotonic())
            return Reply(body=body)

        link = self.links[-1][0]
        self.site.add(link.removeprefix(self.site.url("")), answer)
        return link

    def _page(self, more: str = "") -> bytes:
        toll = f"The Health Ministry said that the unrest in {self.city} has killed {self.toll} people{more}."
        text = toll + FILLER
        return page(f"Riots in {self.city}", text, self.links[-1][1])

    def _feed(self, _: Request) -> Reply:
        if self.toll not in self.edited:
            self.shown.setdefault(self.toll, time.monotonic())
        items = "".join(
            f"<item><title>Riots in {self.city}</title><link>{link}</link><guid>{link}</guid>"
            f"<pubDate>{format_datetime(at)}</pubDate></item>"
            for link, at in reversed(self.links)
        )
        body = f"<rss version='2.0'><channel><title>{self.city} News</title>{items}</channel></rss>".encode()
        return Reply(body=body, content_type="application/rss+xml")

    def seed(self) -> str:
        return (
            f'slug = "{self.slug}"\ntitle = "Unrest in {self.city}"\nlanguages = ["en"]\n'
            f'[[entities]]\nname = "{self.city}"\nkind = "place"\ncentral = true\n'
            '[[topics]]\nname = "unrest"\nterms = ["unrest", "riots"]\n'
            f'[[places]]\nname = "{self.city}"\nwhole = true\n[[origins]]\nname = "Health Ministry"\n'
            f'[[feeds]]\nurl = "{self.site.url(f"/feed/{self.slug}")}"\nsource = "{self.city} News"\n'
        )


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--feeds", type=int)
    parser.add_argument("--rounds", type=int)
    arguments = parser.parse_args()
    count = arguments.feeds or chosen(arguments, 12, 300, 1_000)
    rounds = arguments.rounds or chosen(arguments, 1, 2, 10)
    cities = CITIES[: chosen(arguments, 2, 10, 10)]
    pace = chosen(arguments, 1, 10, 20)
    with (
        FeedServer(feeds=count - len(cities), entries=3) as others,
        WebServer() as site,
        Receiver() as receiver,
        tempfile.TemporaryDirectory() as folder,
    ):
        outlets = [Outlet(city, site) for city in cities]
        receiver.answers = lambda call: _note(call, outlets)
        for outlet in outlets:
            outlet.open()
        line = _prepare(Path(folder), receiver, outlets, [others.feed_url(n) for n in range(count - len(cities))], pace)
        with line.service() as service:
            database = Database(f"sqlite:///{folder}/data/storywatch.db")
            _wait(lambda: sum(others.counts_so_far().values()) >= count - len(cities), "a first poll of all feeds")
            _wait(lambda: _stored(database) >= len(outlets), "a first article of each story")
            others.counts()
            began = time.monotonic()
            for number in range(rounds):
                _round(outlets, database, random.Random(number), pace)
                print(f"  round {number + 1} of {rounds}", flush=True)
            asked, taken = others.counts(), time.monotonic() - began
            database.close()
            assert service.exit_code is None
    _leave(arguments, outlets, count, sum(asked.values()) / taken)


def _prepare(folder: Path, receiver: Receiver, outlets: list[Outlet], urls: list[str], pace: int) -> CommandLine:
    line = CommandLine(folder)
    for outlet in outlets:
        line.write(f"seeds/{outlet.slug}.toml", outlet.seed())
    line.write(
        "storywatch.toml",
        "[network]\nallow_private = true\n"
        f'[polling]\nmin_interval = "{pace}s"\nmax_interval = "{pace}s"\nhost_pause = 0\n'
        f"[web]\nport = {free_port()}\n"
        f'[[channels]]\nname = "desk"\ntype = "webhook"\nurl = "{receiver.url}"\nsecret = "{SECRET}"\n'
        '[[subscriptions]]\nchannels = ["desk"]\ngroup_wait = 0\ngroup_interval = 0\n',
    )
    database = Database(f"sqlite:///{folder}/data/storywatch.db")
    database.upgrade()
    with database.write() as session:
        for url in urls:
            feeds.add_feed(session, FeedSpec(url=url), due_at=datetime.now(UTC))
    database.close()
    return line


def _round(outlets: list[Outlet], database: Database, chance: random.Random, pace: int) -> None:
    """Each outlet brings a new article at some moment, and changes it in place at another."""
    _spread(outlets, chance, pace, Outlet.publish)
    _wait(lambda: all(outlet.toll in outlet.told for outlet in outlets), "an alert for each new article")

    def change(outlet: Outlet) -> None:
        link = outlet.edit()
        with database.write() as session:
            article = articles.get_article(session, link)
            articles.update_article(session, replace(article, reread_at=datetime.now(UTC)))

    _spread(outlets, chance, 5, change)
    _wait(lambda: all(outlet.toll in outlet.told for outlet in outlets), "an alert for each changed page")


def _spread(outlets: list[Outlet], chance: random.Random, seconds: float, act: Callable[[Outlet], None]) -> None:
    began = time.monotonic()
    for moment, outlet in sorted((chance.uniform(0, seconds), number) for number, outlet in enumerate(outlets)):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        act(outlets[outlet])


def _note(call: Call, outlets: list[Outlet]) -> Answer:
    now = time.monotonic()
    by_slug = {outlet.slug: outlet for outlet in outlets}
    for change in json.loads(call.body)["changes"]:
        outlet = by_slug.get(change["story"]["slug"])
        if outlet is not None and change["after"]:
            outlet.told.setdefault(int(change["after"]["value"] or 0), now)
    return Answer()


def _stored(database: Database) -> int:
    with database.read() as session:
        return articles.count_articles(session)


def _wait(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > until:
            raise SystemExit(f"waited {PATIENCE:.0f} s in vain for {what}")
        time.sleep(0.02)


def _leave(arguments: argparse.Namespace, outlets: list[Outlet], count: int, polls: float) -> None:
    found: list[Figure] = []
    print(f"{count} feeds, {polls:.1f} polls a second meanwhile")
    for is_edit, name in ((False, "new article"), (True, "page changed in place")):
        taken = sorted(
            at - outlet.shown[toll]
            for outlet in outlets
            for toll, at in outlet.told.items()
            if toll in outlet.shown and (toll in outlet.edited) == is_edit
        )
        if not taken:
            raise SystemExit(f"no alert of a {name}: no figure")
        p95 = taken[min(len(taken) - 1, int(len(taken) * 0.95))]
        print(f"  {name}: {len(taken)} alerts, median {median(taken):.2f} s, p95 {p95:.2f} s, worst {taken[-1]:.2f} s")
        found.append(bounded(f"{name} to alert, {count} feeds, p95", p95, "s", at_most=2.0))
    leave(arguments, found)


if __name__ == "__main__":
    main()
