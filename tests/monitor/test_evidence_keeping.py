"""Evidence goes when its time is over, by story, and down to a size; what stays is proved as before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.evidence_keeping import EvidenceRules, choose_dropped, prune_evidence
from monitor.sources.answers import Exchange
from monitor.vault import Vault, find_problems
from storage import exhibits
from storage.database import Database
from storage.records import Exhibit

NOON = datetime(2022, 1, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def answered(name: str, body: bytes, *, status: int = 200) -> Exchange:
    return Exchange(
        url=f"https://x.example/{name}", request_headers=(("Host", "x.example"),), version="HTTP/1.1", status=status,
        reason="", headers=(), body=body,
    )  # fmt: skip


class Kept:
    """A register and its folder, filled by the vault itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "evidence"
        self.database = Database(f"sqlite:///{folder}/kept.db")
        self.database.upgrade()

    def keep(self, day: int, *pages: tuple[str, bytes]) -> None:
        """Keep answers in one file, `day` days after NOON."""
        vault = Vault(self.folder)
        with self.database.write() as session:
            for name, body in pages:
                assert vault.keep(session, [answered(name, body)], now=NOON + day * DAY)
        vault.close()

    def keep_same(self, day: int, name: str) -> None:
        """Keep that a page stood as it was."""
        vault = Vault(self.folder)
        with self.database.write() as session:
            exchanges = [answered(name, b"", status=304)]
            assert vault.keep_same(session, exchanges, now=NOON + day * DAY, is_same=lambda body: True)
        vault.close()

    def all(self) -> tuple[Exhibit, ...]:
        with self.database.read() as session:
            return exhibits.list_exhibits(session)

    def names(self) -> list[str]:
        """The pages that something is kept of, oldest first."""
        return [one.url.rpartition("/")[2] for one in reversed(self.all())]

    def prune(self, day: int, rules: EvidenceRules) -> int:
        return prune_evidence(self.database, self.folder, rules, NOON + day * DAY)

    def files(self) -> int:
        return len(list(self.folder.glob("*.warc.gz")))


TEN_DAYS = EvidenceRules(keep_for=10 * DAY)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.database.close()


def test_nothing_goes_unless_it_is_asked(kept: Kept) -> None:
    kept.keep(0, ("a", b"a"))
    assert kept.prune(10_000, EvidenceRules()) == 0
    assert kept.names() == ["a"]


def test_what_is_old_goes_with_its_file(kept: Kept) -> None:
    kept.keep(0, ("a", b"a"))
    kept.keep(20, ("b", b"b"))
    assert kept.prune(25, TEN_DAYS) == 1
    assert (kept.names(), kept.files()) == (["b"], 1)
    assert list(find_problems(Vault(kept.folder), kept.all())) == []


def test_what_stays_in_a_file_is_copied_byte_for_byte(kept: Kept) -> None:
    kept.keep(0, ("old", b"1"), ("young", b"2"), ("old", b"3"))
    kept.keep_same(20, "young")  # so that its body is still needed
    before = {one.exhibit_id: Vault(kept.folder).read(one) for one in kept.all()}
    assert kept.prune(25, TEN_DAYS) == 2
    assert kept.names() == ["young", "young"]
    assert {one.exhibit_id: Vault(kept.folder).read(one) for one in kept.all()}.items() <= before.items()
    assert list(find_problems(Vault(kept.folder), kept.all())) == []
    assert kept.prune(40, TEN_DAYS) == 2
    assert kept.files() == 0


def test_the_oldest_goes_when_it_is_too_much(kept: Kept) -> None:
    for day, name in enumerate("abcd"):
        kept.keep(5 * day, (name, name.encode()))
    most = sum(one.size for one in kept.all()) - 1
    assert kept.prune(30, EvidenceRules(most_bytes=most)) == 1
    assert kept.names() == ["b", "c", "d"]
    assert kept.prune(16, EvidenceRules(most_bytes=1)) == 2  # the last is of yesterday: its file may still be written
    assert kept.names() == ["d"]


def test_stories_have_times_of_their_own_and_the_longest_holds() -> None:
    def one(name: str, article: int | None) -> Exhibit:
        return Exhibit(
            exhibit_id=name, url=name, status=200, fetched_at=NOON, payload_hash=name, record_hash="", file=name,
            start=0, size=1, article_id=article,
        )  # fmt: skip

    found = [one("long", 1), one("short", 2), one("both", 3), one("ever", 4), one("none", None), one("plain", 5)]
    stories = {1: ("long",), 2: ("short",), 3: ("short", "long"), 4: ("ever", "short"), 5: ("other",)}
    by_story = {"long": 30 * DAY, "short": 5 * DAY, "ever": timedelta(0)}
    rules = EvidenceRules(keep_for=10 * DAY, by_story=by_story)
    assert choose_dropped(found, stories, rules, NOON + 7 * DAY) == {"short"}
    assert choose_dropped(found, stories, rules, NOON + 20 * DAY) == {"short", "none", "plain"}
    assert choose_dropped(found, stories, rules, NOON + 999 * DAY) == {"short", "none", "plain", "long", "both"}


def test_a_damaged_file_stays_as_it_is(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    kept.keep(0, ("old", b"1"), ("young", b"2"))
    kept.keep_same(20, "young")
    (path,) = (one for one in kept.folder.glob("*-0.warc.gz") if "20220110" in one.name)
    path.unlink()
    assert kept.prune(25, TEN_DAYS) == 0
    assert sorted(kept.names()) == ["old", "young", "young"]
    assert "evidence that could go stays" in caplog.text
