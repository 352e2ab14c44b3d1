"""Evidence: what a real server sent, kept as it came, read back by another library, and every change of it seen."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from warcio.archiveiterator import ArchiveIterator

from monitor.tools import Tools
from monitor.vault import Vault, find_problems
from storage import exhibits
from storage.records import Exhibit
from tests.monitor.test_cycle import FILLER, HIGHER, TITLE, TOLL
from tests.support.desk import Desk
from tests.support.webserver import Reply, WebServer


class WatchfulDesk(Desk):
    """A desk that keeps evidence of what it is told to."""

    feeds: tuple[str, ...] = ()
    stories: tuple[str, ...] = ("unrest",)
    folder: Path

    def tools(self, *arguments: object) -> Tools:
        made = super().tools(*arguments)  # type: ignore[arg-type]  # as the desk calls it
        made.vault = Vault(self.folder, feeds=self.feeds, stories=self.stories)
        return made

    def all_kept(self) -> list[Exhibit]:
        """All kept answers, oldest first."""
        with self.database.read() as session:
            return list(reversed(exhibits.list_exhibits(session)))

    def kept(self) -> list[Exhibit]:
        """Those with a body of their own."""
        return [one for one in self.all_kept() if one.status != 304]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WatchfulDesk]:
    with WebServer() as site:
        made = WatchfulDesk(site, tmp_path)
        made.folder = tmp_path / "evidence"
        yield made
        made.database.close()


def records(desk: WatchfulDesk) -> list[tuple[str, str, bytes]]:
    """(kind, address, raw payload) of every record in the folder, as any WARC reader sees them."""
    found = []
    for path in sorted(desk.folder.glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests="raise"):
                found.append(
                    (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"), record.raw_stream.read())
                )
    return found


def request_lines(desk: WatchfulDesk) -> list[str]:
    """The first lines of all requests in the folder."""
    found = []
    for path in sorted(desk.folder.glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file):
                if record.rec_type == "request":
                    head = record.http_headers
                    found.append(f"{head.protocol} {head.statusline}")
    return found


def test_each_version_of_a_chosen_storys_page_is_kept_as_it_came(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on(10)
    desk.edit("a", TITLE, HIGHER)
    desk.go_on(60)
    first, second = desk.kept()
    assert [one.status for one in (first, second)] == [200, 200]
    assert first.article_id == second.article_id is not None
    bodies = [payload for kind, _, payload in records(desk) if kind == "response"]
    assert b"left 44 people dead" in bodies[0]
    assert b"left 164 people dead" in bodies[1]
    assert [one.payload_hash for one in (first, second)] == [hashlib.sha256(body).hexdigest() for body in bodies]
    assert list(find_problems(Vault(desk.folder), desk.kept())) == []


def test_pages_of_other_stories_and_entries_that_match_nothing_are_not_kept(desk: WatchfulDesk) -> None:
    desk.stories = ("earthquakes",)
    desk.publish("a", TITLE, TOLL)
    desk.publish("b", "Football in Harbour City", "Rovers won." + FILLER)
    desk.go_on(60)
    assert desk.kept() == []
    assert not desk.folder.exists()


def test_a_chosen_feed_is_kept_with_the_pages_of_its_entries(desk: WatchfulDesk) -> None:
    desk.stories, desk.feeds = (), ("*/feed",)
    desk.publish("a", TITLE, TOLL)
    desk.go_on(5)
    desk.edit("a", TITLE, HIGHER)
    desk.go_on(60)
    assert sorted(one.url.rpartition("/")[2] for one in desk.kept()) == ["a", "a", "feed"]
    assert [one.feed_id for one in desk.kept() if one.url.endswith("/feed")] == [1]


def test_the_body_stays_compressed_and_every_hop_and_header_is_there(desk: WatchfulDesk) -> None:
    desk.publish("b", TITLE, TOLL, listed=False)
    page = desk.site.routes["/b"]
    assert isinstance(page, Reply)
    desk.publish("a", TITLE, TOLL)
    desk.site.add("/a", Reply(status=301, headers={"Location": "/b", "X-Odd-Case": "kept"}))
    desk.site.add("/b", Reply(body=page.body, gzipped=True, headers={"Set-Cookie": "a=1", "X-Odd": "b"}))
    desk.go_on()
    (exhibit,) = desk.kept()
    assert exhibit.url == desk.site.url("/b")
    kinds = [(kind, (url or "").rpartition("/")[2]) for kind, url, _ in records(desk)]
    assert kinds == [("warcinfo", ""), ("response", "a"), ("request", "a"), ("response", "b"), ("request", "b")]
    (*_, raw, _) = (payload for _, _, payload in records(desk))
    assert gzip.decompress(raw) == page.body
    answer = Vault(desk.folder).open_answer(exhibit)
    assert answer.text == page.body
    assert answer.is_proved
    assert [name for name, _ in answer.headers][:3] == ["Content-Type", "Set-Cookie", "X-Odd"]


def test_an_address_in_other_letters_is_kept_as_it_went_over_the_wire(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL, listed=False)
    asked = "/%D0%B1%D0%B5%D1%81%D0%BF%D0%BE%D1%80%D1%8F%D0%B4%D0%BA%D0%B8?q=%C3%A4"
    desk.site.add(asked.partition("?")[0], desk.site.routes["/a"])
    desk.publish("беспорядки?q=ä", TITLE, TOLL)
    desk.go_on()
    assert desk.moves() == [("first", 44)]
    (exhibit,) = desk.kept()
    assert exhibit.url == desk.site.url(asked)
    assert [(kind, url) for kind, url, _ in records(desk)][1:] == [("response", exhibit.url), ("request", exhibit.url)]
    assert request_lines(desk) == [f"GET {asked} HTTP/1.1"]
    assert list(find_problems(Vault(desk.folder), desk.kept())) == []


def test_a_query_without_a_path_is_kept_as_it_was_asked_for(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL, listed=False)
    desk.site.add("/", desk.site.routes["/a"])
    desk.entries.append(f"<item><title>{TITLE}</title><link>{desk.site.url('?story=1/2')}</link><guid>1</guid></item>")
    desk.go_on()
    (exhibit,) = desk.kept()
    assert exhibit.url == desk.site.url("/?story=1/2")
    assert request_lines(desk) == ["GET /?story=1/2 HTTP/1.1"]


def test_a_head_in_no_known_letters_is_kept(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    page = desk.site.routes["/a"]
    assert isinstance(page, Reply)
    head = b"HTTP/1.1 200 Tr\xe8s bien\r\nContent-Type: text/html\r\nX-Odd: \xff\xe9\r\nContent-Length: %d\r\n\r\n"
    desk.site.add("/a", Reply(raw=head % len(page.body) + page.body))
    desk.go_on()
    (exhibit,) = desk.kept()
    vault = Vault(desk.folder)
    assert vault.open_answer(exhibit).text == page.body
    assert b"HTTP/1.1 200 Tr\xe8s bien" in gzip.decompress(vault.read(exhibit))
    assert b"X-Odd: \xff\xe9\r\n" in gzip.decompress(vault.read(exhibit))
    assert list(find_problems(vault, desk.kept())) == []


def test_a_chunked_body_is_kept_whole_and_readable(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    page = desk.site.routes["/a"]
    assert isinstance(page, Reply)
    half = len(page.body) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (page.body[:half], page.body[half:], b""))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    desk.site.add("/a", Reply(raw=head + chunks))
    desk.go_on()
    (exhibit,) = desk.kept()
    answer = Vault(desk.folder).open_answer(exhibit)
    assert answer.text == answer.body == page.body
    assert ("X-Archive-Orig-Transfer-Encoding", "chunked") in answer.headers


def test_a_page_that_stood_as_it_was_leaves_a_revisit_record(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    page = desk.site.routes["/a"]
    assert isinstance(page, Reply)
    desk.site.add("/a", Reply(body=page.body, headers={"ETag": '"1"'}))
    desk.go_on()
    desk.site.add("/a", Reply(status=304, headers={"ETag": '"1"'}))
    desk.now += timedelta(minutes=20)
    desk.go_on()
    desk.site.add("/a", Reply(body=page.body))
    desk.now += timedelta(minutes=20)
    desk.go_on()
    first, *others = desk.all_kept()
    assert [one.status for one in others] == [304, 304]
    assert {one.payload_hash for one in desk.all_kept()} == {first.payload_hash}
    kinds = [kind for kind, _, _ in records(desk) if kind not in ("warcinfo", "request")]
    assert kinds == ["response", "revisit", "revisit"]
    answers = [Vault(desk.folder).open_answer(one) for one in others]
    assert [(one.status[:3], one.body, one.repeats) for one in answers] == [
        ("304", b"", first.payload_hash), ("200", b"", first.payload_hash),
    ]  # fmt: skip
    assert list(find_problems(Vault(desk.folder), desk.all_kept())) == []


def test_a_revisit_of_a_body_that_was_not_kept_is_not_claimed(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    page = desk.site.routes["/a"]
    assert isinstance(page, Reply)
    desk.go_on()
    other = page.body.replace(b"<main>", b"<main data-nonce='7'>")  # the same words: no version, and nothing is kept
    desk.site.add("/a", Reply(body=other, headers={"ETag": '"2"'}))
    desk.now += timedelta(minutes=20)
    desk.go_on()
    desk.site.add("/a", Reply(status=304))
    desk.now += timedelta(minutes=20)
    desk.go_on()
    assert [one.status for one in desk.all_kept()] == [200]


def test_a_removed_page_leaves_the_answer_that_said_so(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on(5)
    desk.site.add("/a", Reply(status=410, body=b"gone for good"))
    desk.go_on(60)
    assert [one.status for one in desk.kept()] == [200, 410]


def test_the_pages_of_an_article_on_several_are_all_kept(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.publish("a2", TITLE, "The port stayed shut, officials said." + FILLER, listed=False)
    first = desk.site.routes["/a"]
    assert isinstance(first, Reply)
    desk.site.add("/a", Reply(body=first.body.replace(b"<head>", b"<head><link rel='next' href='/a2'>")))
    desk.go_on()
    assert sorted(one.url.rpartition("/")[2] for one in desk.kept()) == ["a", "a2"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-200],
        lambda data: data[:-300] + bytes([data[-300] ^ 1]) + data[-299:],
        lambda data: b"",
    ],
    ids=["cut", "changed", "emptied"],
)
def test_every_change_of_a_file_is_seen(desk: WatchfulDesk, harm: Callable[[bytes], bytes]) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    (path,) = desk.folder.glob("*.warc.gz")
    path.write_bytes(harm(path.read_bytes()))
    (problem,) = find_problems(Vault(desk.folder), desk.kept())
    assert "not as it was written" in problem.words
    path.unlink()
    (problem,) = find_problems(Vault(desk.folder), desk.kept())
    assert "put the file back" in problem.words


def members(blob: bytes) -> Iterator[bytes]:
    """What each member of a compressed file holds."""
    while blob:
        unpack = zlib.decompressobj(wbits=31)
        yield unpack.decompress(blob)
        blob = unpack.unused_data


def test_records_that_were_made_to_fit_the_register_are_seen_by_their_own_digests(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    (exhibit,) = desk.kept()
    vault = Vault(desk.folder)
    forged = b"".join(
        gzip.compress(member.replace(b"left 44 people", b"left 99 people")) for member in members(vault.read(exhibit))
    )
    (path,) = desk.folder.glob("*.warc.gz")
    path.write_bytes(path.read_bytes()[: exhibit.start] + forged)
    with desk.database.write() as session:
        session.execute(
            text("UPDATE exhibits SET record_hash = :hash, size = :size"),
            {"hash": hashlib.sha256(forged).hexdigest(), "size": len(forged)},
        )
    (problem,) = find_problems(vault, desk.kept())
    assert "the body is another" in problem.words


def test_a_disk_that_takes_nothing_harms_nothing_but_the_evidence(
    desk: WatchfulDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.folder.write_text("a file where a folder should be")
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    assert desk.moves() == [("first", 44)]
    assert desk.kept() == []
    assert "cannot be kept" in caplog.text


def test_a_process_that_died_while_writing_spoils_nothing_that_is_written_later(desk: WatchfulDesk) -> None:
    desk.publish("a", TITLE, TOLL)
    desk.go_on()
    (path,) = desk.folder.glob("*.warc.gz")
    path.write_bytes(path.read_bytes() + b"\x1f\x8b\x08\x00torn")
    desk.edit("a", TITLE, HIGHER)
    desk.now += timedelta(minutes=20)
    desk.go_on(30)
    assert len(desk.kept()) == 2
    assert len(list(desk.folder.glob("*.warc.gz"))) == 2
    assert list(find_problems(Vault(desk.folder), desk.kept())) == []
