"""What an older lexicon read gives way to what this one reads; who was told otherwise is told, and judgements survive."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from monitor.claims.lexicon import LEXICON_VERSION
from monitor.intake import take_article
from monitor.judging import note_judgement
from monitor.reprocessing import Reprocessed, rematch_article, reprocess_story
from monitor.watch import Watch
from monitor.web.pages.records import read_history
from storage import articles, claims, judgements, stories
from storage.keys import key_text
from storage.records import History, JudgementKind, MatchState, NewArticle, RecordKey, RevisionKind, Span, StampedClaim
from tests.support.commandline import CommandLine
from tests.support.desk import EVERYTHING, STORY, Desk
from tests.support.outlet import FILLER

TOLL = "The unrest in Harbour City has left 44 people dead, the Health Ministry said on Sunday." + FILLER
HIGHER = TOLL.replace("44", "164")


def reprocess(desk: Desk) -> Reprocessed:
    with desk.database.read() as session:
        watch = Watch(stories.list_stories(session), desk.subscriptions)
    return reprocess_story(desk.database, watch, "unrest", clock=lambda: desk.now, on_progress=lambda at, total: None)


def stored(desk: Desk) -> tuple[StampedClaim, ...]:
    with desk.database.read() as session:
        return claims.list_claims(session, "unrest", metric="killed")


def as_known(desk: Desk, at: datetime) -> tuple[History, list[tuple[float | None, str]]]:
    """The record of the dead as it was known at a moment, and the claims behind it: value and lexicon."""
    with desk.database.read() as session:
        past = read_history(session, RecordKey(story="unrest", metric="killed"), at)
        found = claims.list_claims(session, "unrest", metric="killed", known_at=at)
    return past, [(one.claim.value, one.claim.lexicon_version) for one in found]


def misread(desk: Desk, value: float) -> None:
    """Take the article in as an older lexicon would have, that read another number; people are told of it."""
    watch = Watch([STORY], [EVERYTHING])
    published = Span(not_before=desk.now, not_after=desk.now)
    reading = watch.read(title="Riots in Harbour City", text=TOLL, published=published, lang="en")
    (claim,) = (one for one in reading.claims["unrest"] if one.metric == "killed")
    old = replace(claim, value=value, low=value, high=value, rule="old.rule", lexicon_version="old")
    new = NewArticle(
        url="https://harbour.example/a", title="Riots in Harbour City", text=TOLL, text_hash="t", fetched_at=desk.now,
        source="Harbour News", lang="en", published=published,
    )  # fmt: skip
    with desk.database.write() as session:
        take_article(session, watch, new, replace(reading, claims={"unrest": (old,)}))


def test_nothing_changes_where_the_lexicon_reads_the_same(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TOLL)
    desk.go_on()
    desk.edit("a", "Riots in Harbour City", HIGHER)
    desk.go_on(60)
    before, log, alerts = stored(desk), desk.revisions(), desk.alerts()
    assert any(claim.ended_at for claim in before)
    done = reprocess(desk)
    assert (done.articles, done.begun, done.gone, done.revisions) == (1, 0, 0, ())
    assert (stored(desk), desk.revisions(), desk.alerts()) == (before, log, alerts)
    with desk.database.read() as session:
        (run,) = stories.list_extraction_runs(session, "unrest")
    assert (run.lexicon_version, run.articles, run.finished_at) == (LEXICON_VERSION, 1, desk.now)


def test_a_page_that_went_back_to_its_first_text_reads_the_same_again(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TOLL)
    desk.go_on()
    for text in (HIGHER, TOLL, HIGHER, TOLL):
        desk.edit("a", "Riots in Harbour City", text)
        desk.go_on(60)
    before, moves = stored(desk), held_moves(desk)
    assert [figure for _, figure in moves] == [44, 164, 44, 164, 44]
    done = reprocess(desk)
    assert (done.begun, done.gone, done.revisions) == (0, 0, ())
    assert (stored(desk), held_moves(desk)) == (before, moves)


def test_a_claim_of_an_older_lexicon_is_superseded_and_those_told_get_a_correction(desk: Desk) -> None:
    misread(desk, 4400)
    told = {alert.alert_id for alert in desk.alerts()}
    before = desk.now
    desk.now += timedelta(hours=1)
    done = reprocess(desk)
    (claim,) = stored(desk)
    assert (claim.claim.value, claim.claim.lexicon_version) == (44, LEXICON_VERSION)
    assert [(past.best, known) for past, known in (as_known(desk, at) for at in (before, desk.now))] == [
        (4400, [(4400, "old")]),
        (44, [(44, LEXICON_VERSION)]),
    ]
    assert (done.begun, done.gone) == (1, 1)
    (correction,) = [one for one in done.revisions if one.kind is RevisionKind.CORRECTION]
    assert correction.before is not None
    assert correction.before.value == 4400
    fresh = [alert for alert in desk.alerts() if alert.alert_id not in told]
    assert correction.revision_id in {alert.revision_id for alert in fresh}
    again = reprocess(desk)
    assert (again.begun, again.gone, again.revisions) == (0, 0, ())


def reject_as_before(desk: Desk, claim: StampedClaim) -> None:
    """Judge a claim as versions did that bound a judgement to address and quote."""
    with desk.database.write() as session:
        payload = json.dumps({"url": claim.url, "quote": claim.claim.quote})
        judgements.add_judgement(
            session, story="unrest", kind=JudgementKind.REJECT, target=claim.claim_id, payload=payload, who="me",
            why="", made_at=desk.now,
        )  # fmt: skip
    desk.now += timedelta(hours=1)


def standing_figures(desk: Desk) -> list[float | None]:
    with desk.database.read() as session:
        return [one.best for one in claims.list_histories(session, "unrest", metric="killed") if one.steps]


def test_a_judgement_of_an_earlier_version_outlives_the_lexicon(desk: Desk) -> None:
    misread(desk, 44)
    reject_as_before(desk, *stored(desk))
    done = reprocess(desk)
    assert (done.begun, done.gone) == (1, 1)
    assert [one.claim.value for one in stored(desk)] == [44]
    assert standing_figures(desk) == []


def test_a_judgement_of_an_earlier_version_is_on_what_was_read_then(desk: Desk) -> None:
    misread(desk, 4400)
    reject_as_before(desk, *stored(desk))
    reprocess(desk)
    assert standing_figures(desk) == [44]


def test_a_judgement_of_an_earlier_version_is_on_one_of_two_figures_written_alike(desk: Desk) -> None:
    first = "The governor said that 44 people were killed in the unrest of Harbour City."
    second = "By the count of the Health Ministry 44 people were killed in the unrest."
    desk.publish("a", "Riots in Harbour City", f"{first}\n{second}{FILLER}")
    desk.go_on()
    one, other = stored(desk)
    assert (one.url, one.claim.quote) == (other.url, other.claim.quote)
    reject_as_before(desk, one)
    reprocess(desk)
    assert standing_figures(desk) == [44]


def test_a_claim_that_was_read_otherwise_is_shown_with_what_was_read_before(desk: Desk, tmp_path: Path) -> None:
    misread(desk, 4400)
    (old,) = stored(desk)
    reprocess(desk)
    line = CommandLine(tmp_path, STORYWATCH_DATABASE_URL=f"sqlite:///{tmp_path}/desk.db")
    shown = json.loads(line.run("claims", "show", old.claim_id[:12]).stdout)
    assert [(one["claim"]["claim"]["value"], one["run_id"]) for one in shown["superseded"]] == [(4400, 1)]
    (present,) = stored(desk)
    assert json.loads(line.run("claims", "show", present.claim_id).stdout)["claim_id"] == present.claim_id
    assert line.run("claims", "show", "c1-none").returncode == 1


def test_judgements_that_are_noted_outlive_the_lexicon_one_claim_each(desk: Desk) -> None:
    misread(desk, 44)
    (claim,) = stored(desk)
    second_night = "unrest/killed/people///second night"
    split = {"into": second_night, "claims": [claim.claim_id]}
    with desk.database.write() as session:
        for kind, target, payload in (
            (JudgementKind.RESCOPE, claim.claim_id, {"place": "port"}),
            (JudgementKind.SPLIT, "unrest/killed/people//port", split),
        ):
            note_judgement(session, STORY, kind, target, payload, who="me", why="seen", now=desk.now)
    done = reprocess(desk)
    assert (done.begun, done.gone) == (1, 1)
    with desk.database.read() as session:
        found = claims.list_histories(session, "unrest", metric="killed")
    assert [(key_text(one.key), one.best) for one in found if one.steps] == [(second_night, 44)]


def test_what_a_person_rejected_stays_out_and_what_no_longer_matches_leaves(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TOLL)
    desk.publish("b", "Clashes in Harbour City", HIGHER)
    desk.go_on()
    with desk.database.write() as session:
        (number,) = articles.find_articles(session, [desk.site.url("/b")]).values()
        articles.set_match_state(session, number, "unrest", MatchState.REJECTED)
    reprocess(desk)
    assert {one.claim.value for one in stored(desk)} == {44}
    with desk.database.write() as session:
        narrowed = replace(STORY, topics=(replace(STORY.topics[0], terms=("floods",)),))
        stories.add_story(session, narrowed, now=desk.now)
    done = reprocess(desk)
    assert stored(desk) == ()
    assert done.gone
    with desk.database.read() as session:
        assert articles.list_articles(session, story="unrest") == ()


def test_the_command_shows_what_moved(desk: Desk, tmp_path: Path) -> None:
    misread(desk, 4400)
    line = CommandLine(tmp_path, STORYWATCH_DATABASE_URL=f"sqlite:///{tmp_path}/desk.db")
    done = line.run("reprocess", "--story", "unrest")
    assert done.returncode == 0, done.stderr
    assert "correction" in done.stdout
    assert "4,400" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    wrong = line.run("reprocess", "--story", "absent")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (1, 1)
    assert "no story is called 'absent'" in wrong.stderr


def decide(desk: Desk, article_id: int, *states: MatchState) -> None:
    """Judge the match of an article, as the page and the command do."""
    with desk.database.write() as session:
        watch = Watch(stories.list_stories(session), desk.subscriptions)
        for state in states:
            articles.set_match_state(session, article_id, "unrest", state)
            rematch_article(session, watch, article_id, now=desk.now)


def edited_once(desk: Desk) -> int:
    """One article that was edited in place; returns its number."""
    desk.publish("a", "Riots in Harbour City", TOLL)
    desk.go_on()
    desk.edit("a", "Riots in Harbour City", HIGHER)
    desk.go_on(60)
    assert any(claim.ended_at for claim in stored(desk))
    return desk.articles()[0].article_id


def test_a_judged_match_keeps_what_older_versions_said(desk: Desk) -> None:
    number = edited_once(desk)
    before = (stored(desk), desk.revisions(), desk.alerts())
    decide(desk, number, MatchState.ACCEPTED)
    assert (stored(desk), desk.revisions(), desk.alerts()) == before


def test_an_article_that_was_rejected_by_mistake_comes_back_with_its_whole_history(desk: Desk) -> None:
    number = edited_once(desk)
    before, moves = stored(desk), held_moves(desk)
    then = desk.now
    desk.go_on(5)
    decide(desk, number, MatchState.REJECTED)
    assert (stored(desk), held_moves(desk)) == ((), [])
    past, _ = as_known(desk, then)
    assert [(step.kind, step.figure and step.figure.value) for step in past.steps] == moves
    desk.go_on(5)
    decide(desk, number, MatchState.ACCEPTED)
    assert set(stored(desk)) == {replace(claim, recorded_at=desk.now) for claim in before}
    assert held_moves(desk) == moves


def held_moves(desk: Desk) -> list[tuple[RevisionKind, float | None]]:
    with desk.database.read() as session:
        found = claims.list_histories(session, "unrest", metric="killed")
    return [(step.kind, step.figure.value if step.figure else None) for history in found for step in history.steps]


def test_a_copy_that_is_accepted_again_is_still_one_voice_with_its_original(desk: Desk) -> None:
    desk.publish("a", "Riots in Harbour City", TOLL)
    desk.publish("b", "Riots in Harbour City", TOLL)
    desk.go_on()
    (group,) = {claim.wire_group for claim in stored(desk)}
    assert group is not None
    copy = max(article.article_id for article in desk.articles())
    decide(desk, copy, MatchState.REJECTED, MatchState.ACCEPTED)
    assert [claim.wire_group for claim in stored(desk)] == [group, group]


def test_a_judgement_on_a_match_that_is_taken_back_leaves_the_article_as_it_was(desk: Desk, tmp_path: Path) -> None:
    number = edited_once(desk)
    before = stored(desk)
    line = CommandLine(tmp_path, STORYWATCH_DATABASE_URL=f"sqlite:///{tmp_path}/desk.db")
    assert line.run("judge", "match", str(number), "--story", "unrest", "--reject").returncode == 0
    assert stored(desk) == ()
    assert line.run("judge", "revoke", "1").returncode == 0
    back = {claim.claim_id: replace(claim, recorded_at=desk.now) for claim in stored(desk)}
    assert back == {claim.claim_id: replace(claim, recorded_at=desk.now) for claim in before}
    with desk.database.read() as session:
        (match,) = articles.list_matches(session, number)
    assert match.state is MatchState.AUTOMATIC
