"""What researchers ask of a filled archive, and what they take along, through the command line."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from monitor.cli.main import app
from monitor.web.pages.records import read_history
from storage import articles, claims, judgements, stories
from storage.database import Database
from storage.errors import NotFoundError
from storage.export import ExportError
from storage.records import Claim, Entity, EntityKind, JudgementKind, Qualifier, RecordKey
from storage.search_parts import drop_parts
from tests.monitor.web import archive

STORY = archive.KAZAKHSTAN.slug


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    database = Database(f"sqlite:///{tmp_path}/data/storywatch.db")
    database.upgrade()
    archive.fill(database)
    database.close()
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.mark.usefixtures("folder")
class TestResearch:
    def test_who_reported_a_figure_first_and_who_followed(self) -> None:
        first = run_json("research", "first", "killed", "--story", STORY)
        assert [(one["claim"]["value"], one["source"]) for one in first] == [
            (44, "Capital Post"),
            (164, "Steppe Wire"),
            (225, "Steppe Wire"),
            (237, "Rights Watchers"),
        ]
        table = run("research", "first", "killed", "164", "--story", STORY)
        assert table.index("Steppe Wire") < table.index("Capital Post") < table.index("Almaty Courier")
        assert "1.6 h" in table
        assert "Nobody" in run("research", "first", "killed", "7", "--story", STORY)

    def test_names_are_folded_as_a_reader_writes_them(self) -> None:
        for place in ("almaty", "Almaty", "Алматы"):
            assert "103" in run("research", "first", "Killed", "--story", STORY, "--place", place)
            assert "103" in run("claims", "history", "killed", "--story", STORY, "--place", place)
        assert "lifted" in run("claims", "history", "state of emergency", "--story", STORY)
        assert "225" in run("research", "first", "killed", "--story", STORY, "--place", "Kazakhstan")

    def test_dozens_are_told_as_a_range(self, folder: Path) -> None:
        database = Database(f"sqlite:///{folder}/data/storywatch.db")
        with database.write() as session:
            known = claims.list_claims(session, STORY, metric="killed")[0]
            dozens = Claim(metric="killed", value=24, low=24, high=99, qualifier=Qualifier.VAGUE)
            claims.add_claims(session, [replace(known, claim_id="c-dozens", claim=dozens)])
        database.close()
        table = run("research", "first", "killed", "--story", STORY)
        assert "24–99" in table
        assert "24 " not in table
        assert "≥ 44" in table
        assert "Nobody" in run("research", "first", "killed", "24", "--story", STORY)

    def test_how_long_each_outlet_took_to_correct(self) -> None:
        found = run_json("research", "corrections", "--story", STORY)
        assert {one["source"]: one["delay_seconds"] for one in found} == {
            "Steppe Wire": 0,
            "Capital Post": (15 * 60 + 50) * 60,
            "Almaty Courier": None,
        }
        assert "not yet" in run("research", "corrections", "killed", "--story", STORY)

    def test_which_articles_still_carry_a_withdrawn_figure(self) -> None:
        (record,) = run_json("research", "carriers", "--story", STORY)
        assert {one["source"] for one in record["claims"]} == {"Steppe Wire", "Almaty Courier"}
        earlier = run("research", "carriers", "--story", STORY, "--as-known-at", "2022-01-10T06:00")
        assert "Capital Post" in earlier
        assert "3 articles" in earlier
        assert "The Health Ministry says that 164 people lost their lives" in " ".join(earlier.split())

    def test_all_positions_of_an_origin(self) -> None:
        found = run_json("research", "positions", "health ministry", "--story", STORY)
        assert {one["position"]["origin"] for one in found} == {"Health Ministry"}
        assert "103" in run("research", "positions", "Health Ministry", "--story", STORY)

    def test_what_is_not_there_is_answered_with_what_is(self) -> None:
        for command in (["research", "first"], ["claims", "history"]):
            with pytest.raises(NotFoundError, match=r"did you mean 'killed'\? records: .* killed --place almaty, "):
                run(*command, "kiled", "--story", STORY)
            with pytest.raises(NotFoundError, match="no record 'killed' of that scope; records: "):
                run(*command, "killed", "--story", STORY, "--place", "Nowhere")
        with pytest.raises(NotFoundError, match="Health Ministry"):
            run("research", "positions", "nobody", "--story", STORY)


def test_a_record_as_it_was_known_hears_what_people_had_ruled_then(folder: Path) -> None:
    killed = f"{STORY}/killed/people///"

    def best(*options: str) -> list[float]:
        return [one["best"] for one in run_json("claims", "history", killed, "--story", STORY, *options)]

    made, revoked = datetime(2022, 2, 1, tzinfo=UTC), datetime(2022, 2, 3, tzinfo=UTC)
    (before,) = best()
    database = Database(f"sqlite:///{folder}/data/storywatch.db")
    with database.write() as session:
        pin = judgements.add_judgement(
            session,
            story=STORY,
            kind=JudgementKind.PIN,
            target=killed,
            why="Checked by phone",
            payload='{"value": 227}',
            who="me",
            made_at=made,
        )
        judgements.revoke_judgement(session, pin.judgement_id, revoked_at=revoked)
    with database.read() as session:
        key = RecordKey(story=STORY, metric="killed")
        pasts = [read_history(session, key, made + timedelta(days=day)).best for day in (-1, 1, 3)]
    database.close()
    assert pasts == [before, 227, before]
    assert best("--as-known-at", "2022-01-31") == [before]
    assert best("--as-known-at", "2022-02-02") == [227]
    assert best("--as-known-at", "2022-02-04") == [before]
    assert best("--as-published-at", "2022-02-04") == [before]
    assert best("--as-known-at", "2022-02-02", "--as-published-at", "2022-01-31") == [before]
    shown = run("claims", "history", killed, "--story", STORY, "--as-known-at", "2022-02-02")
    assert "  — me\n" in shown
    assert "Checked by phone" in shown


def test_a_page_that_is_gone_carries_no_dead_figure(folder: Path) -> None:
    laggards = run_json("claims", "laggards", "--story", STORY)
    carriers = run_json("research", "carriers", "--story", STORY)[0]["claims"]
    gone = {laggards[0]["url"], carriers[0]["url"]}
    database = Database(f"sqlite:///{folder}/data/storywatch.db")
    with database.write() as session:
        for url in gone:
            removed = replace(articles.get_article(session, url), removed_at=datetime(2022, 2, 1, tzinfo=UTC))
            articles.update_article(session, removed)
    database.close()
    assert run_json("claims", "laggards", "--story", STORY) == [one for one in laggards if one["url"] not in gone]
    left = [one for record in run_json("research", "carriers", "--story", STORY) for one in record["claims"]]
    assert left == [one for one in carriers if one["url"] not in gone]
    (then,) = run_json("research", "carriers", "--story", STORY, "--as-known-at", "2022-01-31")
    assert {one["url"] for one in then["claims"]} >= {one["url"] for one in carriers}


@pytest.mark.usefixtures("folder")
def test_a_search_that_finds_nothing_asks_what_was_meant() -> None:
    assert "Did you mean: prosecutors" in run("search", "prosecuters")
    assert "Did you mean" not in run("search", "zzzzzzz")
    assert "Did you mean" not in run("search", "prosecutors")


@pytest.mark.usefixtures("folder")
class TestWordsLeftOut:
    def test_they_may_stand_anywhere_without_more_ado(self) -> None:
        every = search_urls("Almaty", "--limit", "100")
        dead = search_urls("Almaty", "dead", "--limit", "100")
        assert 0 < len(dead) < len(every)
        for words in (
            ("Almaty", "-dead"),
            ("-dead", "Almaty"),
            ("--limit", "100", "-dead", "Almaty"),
            ("--", "-dead Almaty"),
        ):
            assert search_urls(*words) == [url for url in every if url not in dead], words

    def test_an_option_that_is_none_is_still_refused(self) -> None:
        result = CliRunner().invoke(app, ["search", "Almaty", "--lmit", "5"])
        assert result.exit_code == 2
        assert "No such option: --lmit" in result.output
        assert "Usage: " in run("search", "-h")

    def test_a_saved_search_has_them_as_they_were_written(self) -> None:
        assert "Saved x: killed -drill" in run("searches", "save", "x", "killed", "-drill", "--quiet")
        assert run_json("searches", "list")[0]["search"]["query"] == "killed -drill"


@pytest.mark.usefixtures("folder")
class TestSearchForPrograms:
    def test_facets_are_the_last_line_of_json(self) -> None:
        *hits, last = [json.loads(line) for line in run("search", "killed>100", "--facets", "--json").splitlines()]
        facets = last["facets"]
        assert facets["total"] == len(hits) > 0
        assert not facets["is_capped"]
        assert facets["sources"] == Counter(hit["source"] for hit in hits)
        assert facets["stories"][STORY] == sum(STORY in hit["stories"] for hit in hits)
        assert sum(facets["languages"].values()) == sum(facets["months"].values()) == len(hits)
        shown = run("search", "killed>100", "--facets")
        assert f"stories: {STORY} {facets['stories'][STORY]}" in shown
        assert "total" not in shown

    @pytest.mark.parametrize("options", [("--csv", "--facets"), ("--csv", "--json")])
    def test_csv_is_refused_what_it_cannot_hold(self, options: tuple[str, ...]) -> None:
        result = CliRunner().invoke(app, ["search", "killed>100", *options])
        assert result.exit_code == 2
        assert "--csv holds nothing but hits" in " ".join(result.output.replace("│", " ").split())
        assert run("search", "killed>100", "--csv").startswith("url,title,")


@pytest.mark.usefixtures("folder")
class TestUnknownNames:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("killd>100",), "no stored article has metric:killd; did you mean metric:killed?"),
            (("metric:kiled", "Almaty"), "no stored article has metric:kiled; did you mean metric:killed?"),
            (("source:nope",), "no stored article has source:nope"),
            (("Almaty", "--lang", "xx"), "no stored article has lang:xx"),
        ],
    )
    def test_they_are_told_on_standard_error_where_nothing_is_found(self, words: tuple[str, ...], said: str) -> None:
        for more in ((), ("--json",)):
            result = CliRunner().invoke(app, ["search", *words, *more])
            assert (result.exit_code, result.stderr) == (0, f"storywatch: {said}\n")
        assert result.stdout == ""

    def test_nothing_is_told_where_something_is_found_or_all_names_are_known(self) -> None:
        for words in (("Almaty OR source:nope",), ("killed>100",), ("killed>100000",)):
            assert CliRunner().invoke(app, ["search", *words]).stderr == "", words

    def test_a_search_is_saved_with_a_hint(self) -> None:
        result = CliRunner().invoke(app, ["searches", "save", "x", "killd>100"])
        assert result.exit_code == 0
        assert result.stderr == "storywatch: no stored article has metric:killd; did you mean metric:killed?\n"

    def test_an_unknown_story_is_refused_as_elsewhere(self) -> None:
        with pytest.raises(NotFoundError, match=f"no story is called 'nope'; stories: .*{STORY}"):
            run("search", "Almaty", "--story", "nope")
        assert search_urls("Almaty", "--story", STORY)

    def test_a_subscription_is_set_to_saved_searches_only(self) -> None:
        run("searches", "save", "tolls", "killed>100")
        given = "subscriptions", "set", "finds", "--channel", "desk", "--kind", "found"
        Path("storywatch.toml").write_text(
            '[[channels]]\nname = "desk"\ntype = "slack"\nurl = "https://example.org/x"\n'
        )
        with pytest.raises(NotFoundError, match="no search is saved as 'nosuch'; `storywatch searches list`"):
            run(*given, "--search", "tolls,nosuch")
        assert "nosuch" not in Path("storywatch.toml").read_text()
        assert "Added finds" in run(*given, "--search", "tolls", "--search", "later*")


def search_urls(*words: str) -> list[str]:
    return [json.loads(line)["url"] for line in run("search", "--json", *words).splitlines()]


def test_the_index_is_made_anew_where_it_is_lost(folder: Path) -> None:
    database = Database(f"sqlite:///{folder}/data/storywatch.db")
    with database.write() as session:
        session.execute(text("DELETE FROM search_documents"))
        drop_parts(session)
    database.close()
    assert "Nothing stored" in run("search", "prosecutors")
    lost = CliRunner().invoke(app, ["verify"])
    assert "storywatch db reindex" in lost.output.replace("\n", " ")
    assert "13 articles indexed anew" in run("db", "reindex").replace("\n", " ")
    assert "225 dead" in run("search", "prosecutors")


class _Outside(HTMLParser):
    """Collects what a page would fetch or run, and the links that a reader may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        held = dict(attributes)
        if tag in ("script", "link", "img", "iframe", "object") or any(name.startswith("on") for name in held):
            self.fetched.append(tag)
        self.fetched += [str(held["src"])] if "src" in held else []
        self.links += [str(held["href"])] if tag == "a" else []
        self.ids |= {str(held["id"])} if "id" in held else set()


class TestExport:
    def test_a_report_needs_nothing_but_itself(self, folder: Path) -> None:
        run("export", "report", STORY, "-o", "report.html")
        report = (folder / "report.html").read_text(encoding="utf-8")
        page = _Outside()
        page.feed(report)
        assert page.fetched == []
        assert "url(" not in report
        assert all(link.startswith("https://") or link.removeprefix("#") in page.ids for link in page.links)
        assert "<svg" in report
        assert "Capital Post edited" in report
        when = report.partition('id="r-e1-quiet-edit"')[2].partition("</p>")[0]
        assert "Seen <time" in when
        database = Database(f"sqlite:///{folder}/data/storywatch.db")
        with database.read() as session:
            for revision in claims.list_revisions(session, STORY):
                assert f'id="r-{revision.revision_id}"' in report
                for proof in revision.evidence:
                    assert proof.quote in report
                    assert escape(proof.title) in report
        database.close()

    @pytest.mark.usefixtures("folder")
    def test_a_report_speaks_the_language_asked_for(self) -> None:
        assert '<html lang="ru">' in run("export", "report", "--story", STORY, "--lang", "ru")

    @pytest.mark.usefixtures("folder")
    def test_figures_as_claim_reviews_say_how_they_stand(self) -> None:
        document = json.loads(run("export", "records", STORY, "--format", "jsonld"))
        assert document["@context"] == "https://schema.org"
        assert len({one["@id"] for one in document["@graph"]}) == len(document["@graph"])
        killed = {
            one["claimReviewed"]: one for one in document["@graph"] if one["claimReviewed"].startswith("Killed: ")
        }
        assert {words: one["reviewRating"]["alternateName"] for words, one in killed.items()} == {
            "Killed: at least 44": "Superseded by a later figure",
            "Killed: 164": "Taken back",
            "Killed: 225": "Reported now",
        }
        claim = killed["Killed: 164"]["itemReviewed"]
        assert claim["author"] == [{"@type": "Thing", "name": "Health Ministry"}]
        assert "url" not in killed["Killed: 164"]
        assert claim["firstAppearance"]["publisher"]["name"] == "Steppe Wire"
        assert [one["publisher"]["name"] for one in claim["appearance"]] == [
            "Steppe Wire",
            "Capital Post",
            "Almaty Courier",
        ]

    def test_a_claim_review_calls_people_what_the_seed_does(self, folder: Path) -> None:
        (folder / "storywatch.toml").write_text('[web]\nbase_url = "https://watch.example/"\n')
        listed = (
            Entity(name="Serik Shalabayev", kind=EntityKind.PERSON),
            Entity(name="Health Ministry", kind=EntityKind.ORGANISATION, aliases=("Ministry of Health",)),
            Entity(name="Kazakhstan", kind=EntityKind.PLACE, aliases=("Prosecutor General's Office",)),
        )
        database = Database(f"sqlite:///{folder}/data/storywatch.db")
        with database.write() as session:
            stories.add_story(session, replace(archive.KAZAKHSTAN, entities=listed), now=archive.NOW)
        database.close()
        document = json.loads(run("export", "records", STORY, "--format", "jsonld"))
        killed = {one["claimReviewed"]: one for one in document["@graph"]}
        assert killed["Killed: 164"]["itemReviewed"]["author"][0]["@type"] == "Organization"
        assert killed["Killed: 225"]["itemReviewed"]["author"][0]["@type"] == "Thing"
        speaker = killed["Killed: 225"]["itemReviewed"]["appearance"][0]["mentions"]
        assert speaker == {"@type": "Person", "name": "Serik Shalabayev"}
        assert killed["Killed: 164"]["url"] == f"https://watch.example/stories/{STORY}/record?metric=killed"

    @pytest.mark.usefixtures("folder")
    def test_tables_are_narrowed_to_a_story_either_way(self) -> None:
        by_name = run("export", "revisions", STORY)
        assert by_name == run("export", "revisions", "--story", STORY)
        assert len(by_name.splitlines()) == 18

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("report",), "say which story"),
            (("report", STORY, "--format", "jsonl"), "a report is HTML"),
            (("evidence", STORY, "--format", "jsonld"), "a format of records"),
            (("report", STORY, "--lang", "xx"), "no catalogue"),
        ],
    )
    def test_what_cannot_be_exported_is_said(self, arguments: tuple[str, ...], words: str) -> None:
        result = CliRunner().invoke(app, ["export", *arguments])
        assert result.exit_code == 2
        assert words in " ".join(result.output.replace("│", " ").split())

    @pytest.mark.usefixtures("folder")
    def test_a_place_that_cannot_be_written_is_said(self) -> None:
        with pytest.raises(ExportError, match="choose a place"):
            run("export", "report", STORY, "-o", "nowhere/report.html")


@pytest.mark.usefixtures("folder")
class TestSavedSearches:
    def test_a_search_is_saved_run_listed_and_removed(self, folder: Path) -> None:
        assert "No subscription is told" in run("searches", "save", "tolls", "killed>100", "verified")
        (folder / "storywatch.toml").write_text(
            '[[channels]]\nname = "desk"\ntype = "slack"\nurl = "https://example.org/x"\n'
            '[[subscriptions]]\nname = "finds"\nkinds = ["found"]\nsearches = ["toll*"]\n'
        )
        assert "told to: finds" in run("searches", "save", "tolls", "killed>100")
        assert "Nobody is told" in run("searches", "save", "quiet", "--quiet", "Almaty")
        listed = run_json("searches", "list")
        assert [(one["search"]["name"], one["told"]) for one in listed] == [("quiet", []), ("tolls", ["finds"])]
        assert "killed>100" in run("searches", "list")
        found = [json.loads(line)["url"] for line in run("searches", "run", "tolls", "--json").splitlines()]
        assert found
        assert found == [json.loads(line)["url"] for line in run("search", "killed>100", "--json").splitlines()]
        run("searches", "remove", "tolls")
        assert "tolls" not in run("searches", "list")

    def test_what_is_not_saved_cannot_be_run(self) -> None:
        with pytest.raises(NotFoundError, match="searches list"):
            run("searches", "run", "nothing")
