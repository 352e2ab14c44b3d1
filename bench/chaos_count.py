"""What came of a fault: every article, text, claim, change and message accounted for against the site's own truth."""

import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import psycopg

from alerts.plan import find_corrections_beside
from bench.chaos_world import Kills, Truth
from storage.codec import from_json
from storage.records import Revision
from tests.support.receiver import Receiver

# What was published or edited is late when it is stored so many seconds after (polls come every second).
LATE = 30.0
# A server that has been given time to settle answers within so many seconds.
PATIENCE = 60.0
# Numbers are given before a commit: one below the highest seen may come later.
_BEHIND = 200
_WAITS = "state NOT IN ('delivered', 'superseded')"
_PENDS = "state = 'pending'"


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    """Rows of a query. Raises psycopg.Error while the server is away or has no connection left."""
    with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5) as connection:
        return list(connection.execute(query.encode()))


def ask_again(url: str, query: str) -> list[tuple[object, ...]]:
    """As `ask`, for as long as it takes the server to answer: what cannot be asked is not nothing."""
    began = time.monotonic()
    while True:
        try:
            return ask(url, query)
        except psycopg.Error:
            if time.monotonic() - began > PATIENCE:
                raise
            time.sleep(0.5)


class Witness:
    """Looks into the database twice a second and notes, by a clock of its own, when each text stands in it."""

    def __init__(self, url: str) -> None:
        self.seen: dict[tuple[str, int], float] = {}
        self._url = url
        self._newest = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            self.look()

    def look(self) -> None:
        """Note the texts that are new."""
        try:
            rows = self._ask()
        except psycopg.Error:
            return  # at the next look
        now = time.monotonic()
        for number, link, text in rows:
            self._newest = max(self._newest, int(str(number)))
            self.seen.setdefault((str(link), int(str(text or 0))), now)

    def _ask(self) -> list[tuple[object, ...]]:
        return ask(
            self._url,
            "SELECT v.version_id, a.url, substring(v.text from 'text number ([0-9]+)') FROM article_versions v "
            f"JOIN articles a USING (article_id) WHERE v.version_id > {self._newest - _BEHIND}",
        )


def missing(witness: Witness, truth: Truth) -> int:
    """How many articles are not held in their last text."""
    return sum((link, count) not in witness.seen for link, count in truth.versions.items())


def unsettled(url: str) -> int:
    """How many messages wait or are on their way."""
    asked = (f"SELECT 1 FROM deliveries WHERE {_WAITS}", f"SELECT 1 FROM alerts WHERE {_PENDS}")
    return sum(len(ask_again(url, one)) for one in asked)


def find_missed(url: str, received: Mapping[str, int]) -> list[str]:
    """All that somebody should have been told and was not, each in words that say which it is."""
    waiting = ask_again(url, f"SELECT delivery_id, state, row_to_json(d) FROM deliveries d WHERE {_WAITS}")
    pending = ask_again(url, f"SELECT alert_id, row_to_json(a) FROM alerts a WHERE {_PENDS}")
    delivered = ask_again(url, "SELECT delivery_id, row_to_json(d) FROM deliveries d WHERE state = 'delivered'")
    return [
        *(f"message {name} is {state}: {payload}" for name, state, payload in waiting),
        *(f"alert {name} is pending: {payload}" for name, payload in pending),
        *(f"message {name} never arrived: {payload}" for name, payload in delivered if name not in received),
        *(f"change without an alert: {one}" for one in find_unplanned(url)),
    ]


def find_unplanned(url: str) -> list[Revision]:
    """Changes without the alert that is due for them. What a correction of the same commit tells needs none: whoever
    is told of the mistake is told in the same message what holds instead."""
    payloads = "SELECT payload FROM revisions r WHERE kind {} AND NOT is_silent AND {} EXISTS (SELECT 1 FROM alerts a "
    payloads += "WHERE a.revision_id = r.revision_id)"
    alone, told = (
        [from_json(Revision, str(payload)) for (payload,) in ask_again(url, payloads.format(*which))]
        for which in (("IN ('first', 'raised', 'edited')", "NOT"), ("= 'correction'", ""))
    )
    return [one for one in alone if not find_corrections_beside(one, told)]


@dataclass(frozen=True)
class Count:
    """What came of one fault that lasted `seconds`, `settled` seconds after the last was published; `missed` is what
    nobody was told, in words."""

    fault: str
    complaints: int
    articles: int
    versions: int
    lost: int
    doubled: int
    late: int
    unread: int
    messages: int
    missed: tuple[str, ...]
    repeated: int
    seconds: int = 0
    settled: int = 0
    kills: Kills | None = None

    @property
    def untold(self) -> int:
        """How much of what was due to be told was not."""
        return len(self.missed)

    @property
    def is_bad(self) -> bool:
        """Whether anything was lost, doubled, unread or untold; late and repeated are told and allowed."""
        return bool(self.lost or self.doubled or self.unread or self.untold)

    def row(self, words: str) -> str:
        """The line of the table."""
        figures = (
            f"{self.seconds} s", self.complaints, self.articles, self.versions, self.lost, self.doubled, self.late,
            f"{self.settled} s", self.unread, self.messages, self.untold, self.repeated,
        )  # fmt: skip
        return f"| {words} | {' | '.join(map(str, figures))} |\n"


def count(name: str, url: str, truth: Truth, witness: Witness, hook: Receiver, *, logs: str) -> Count:
    """Account for every article, text, claim, change and message."""
    witness.look()
    addresses = Counter(str(row[0]) for row in ask_again(url, "SELECT url FROM articles"))
    texts = Counter(ask_again(url, "SELECT article_id, text_hash FROM article_versions"))
    stated = "SELECT a.url, c.value FROM claims c JOIN articles a USING (article_id) WHERE c.value > 0"
    claimed = {(str(link), float(str(value))) for link, value in ask_again(url, stated)}
    received = Counter(hook.ids())
    at = {link: witness.seen.get((link, versions)) for link, versions in truth.versions.items()}
    return Count(
        fault=name,
        complaints=len(re.findall(r"^\d\d:\d\d:\d\d (?:warning|error|critical): ", logs, re.MULTILINE)),
        articles=len(truth.versions),
        versions=sum(truth.versions.values()),
        lost=missing(witness, truth),
        doubled=sum(one - 1 for one in addresses.values()) + sum(one - 1 for one in texts.values()),
        late=sum(seen is not None and seen - truth.changed[link] > LATE for link, seen in at.items()),
        unread=sum(
            link in addresses and (link, float(figure)) not in claimed for link, figure in truth.figures.items()
        ),
        messages=len(received),
        missed=tuple(find_missed(url, received)),
        repeated=sum(one - 1 for one in received.values()),
    )
