"""Who is told, who is not, and why; when; together with what. The flush as a property: no alert is lost, none told twice."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.accounts import account_for, explain_not_told
from alerts.asking import ask_approvers, is_question_due
from alerts.plan import Flushed, find_corrections_beside, flush, plan_alerts
from storage.records import (
    Alert,
    AlertState,
    Evidence,
    Figure,
    Qualifier,
    Revision,
    RevisionKind,
    SentGroup,
    Silence,
    StoryState,
    Subscription,
)
from tests.support.alerting import ALL_KINDS, NOON, STORY, WITHDRAWN, after, revise, subscribe

K = RevisionKind


def plan(revision: Revision, subscription: Subscription, **fields: Any) -> tuple[Alert, ...]:
    return plan_alerts([revision], [subscription], now=NOON, **fields)


def a_range(low: float, high: float, new_low: float, new_high: float, value: float | None = None) -> Revision:
    """A revision from "between 100 and 200" to another such range."""
    before, after_ = (
        Figure(value=value, low=one, high=other, qualifier=Qualifier.RANGE)
        for one, other in ((low, high), (new_low, new_high))
    )
    return replace(revise("x"), before=before, after=after_)


@pytest.mark.parametrize(
    ("revision", "fields", "words"),
    [
        (revise("x", is_silent=True), {}, "for the record only"),
        (revise("x", K.BACKFILLED), {"kinds": ALL_KINDS}, "fills in history"),
        (revise("x", K.CORRECTION, corrects="y"), {}, "never told"),
        (revise("x", K.FIRST), {}, "does not ask for kind first"),
        (revise("x"), {"stories": ("turkey*",)}, "does not cover the story kz"),
        (revise("x"), {"metrics": ("injured",)}, "metric killed"),
        (revise("x", population="role=police"), {"populations": ("whole",)}, "population role=police"),
        (revise("x", before=44, after_=46), {"min_change": 3}, "change of 2 is smaller than the 3"),
        (revise("x", before=100, after_=104), {"min_change_percent": 5}, "4 % is smaller than the 5 %"),
        (a_range(100, 200, 104, 201), {"min_change": 5}, "change of 4 is smaller than the 5"),
        (a_range(100, 200, 104, 201), {"min_change_percent": 5}, "4 % is smaller than the 5 %"),
        (revise("x"), {"min_origins": 2}, "origins behind it: 1, asked for: 2"),
        (revise("x", evidence=(Evidence(lang="ru"),)), {"languages": ("en",)}, "sentences are in ru"),
    ],
)
def test_each_filter_refuses_and_says_why(revision: Revision, fields: dict[str, Any], words: str) -> None:
    subscription = subscribe(**fields)
    assert plan(revision, subscription) == ()
    assert words in explain_not_told(revision, subscription)


@pytest.mark.parametrize(
    ("revision", "fields"),
    [
        (revise("x", before=7.0, after_=7.1, metric="magnitude"), {}),
        (a_range(100, 200, 100, 300), {"min_change": 50, "min_change_percent": 40}),
        (a_range(100, 200, 60, 200), {"min_change": 40}),
        (a_range(100, 200, 101, 201, value=150), {"min_change": 1}),
        (revise("x", K.RETRACTED, 164, None), {"min_change": 500, "min_origins": 3}),
        (revise("x", K.CONTESTED, 164, 165), {"min_change": 500, "min_origins": 3}),
        (revise("x", population="role=police"), {"populations": ("role=*",)}),
        (revise("x"), {"stories": ("k?",), "metrics": ("kill*",)}),
        (revise("x", K.EDITED, None, None), {"metrics": ("injured",), "populations": ("whole",)}),
        (revise("x", K.HEALTH, story=""), {"stories": ("kz",)}),
        (revise("x", evidence=(Evidence(lang=None),)), {"languages": ("en",)}),
    ],
)
def test_what_must_pass_passes(revision: Revision, fields: dict[str, Any]) -> None:
    (alert,) = plan(revision, subscribe(**fields))
    assert alert.state is AlertState.PENDING


@pytest.mark.parametrize("state", [StoryState.DRAFT, StoryState.CLOSED])
def test_drafts_and_closed_stories_tell_nothing(state: StoryState) -> None:
    assert plan(revise("x"), subscribe(), stories=[replace(STORY, state=state)]) == ()
    assert state.value in explain_not_told(revise("x"), subscribe(), story_state=state)


def test_a_correction_goes_to_those_who_were_told_whatever_they_filter() -> None:
    sorry = revise("x", K.CORRECTION, corrects="y")
    both = [subscribe("told", kinds=("raised",), min_change=1000), subscribe("not")]
    planned = plan_alerts([sorry], both, now=NOON, told={"y": ["told"]})
    assert [alert.subscription for alert in planned] == ["told"]


def test_what_a_correction_told_says_so() -> None:
    proofs = (Evidence(claim_id="c1"),)
    sorry = revise("sorry", K.CORRECTION, corrects="y", evidence=proofs)
    news, other = revise("news", evidence=proofs), revise("other", evidence=(Evidence(claim_id="c2"),))
    (planned,) = plan_alerts([sorry, news], [subscribe()], now=NOON, told={"y": ["desk"]})
    assert find_corrections_beside(news, [sorry, news, other]) == (sorry,)
    assert find_corrections_beside(other, [sorry, news, other]) == ()
    (account,) = account_for(news, subscribe(), alert=None, correction=planned)
    assert (
        account.words
        == f"it was told as a correction instead ({planned.alert_id}): what was said before is taken "
        + ("back with it")
    )


def test_what_was_learned_while_its_story_told_nothing_is_not_put_down_to_the_subscription() -> None:
    assert "its story was a draft or closed" in explain_not_told(
        revise("x"), subscribe(), story_state=StoryState.ACTIVE
    )


@pytest.mark.parametrize("state", list(AlertState))
def test_every_state_says_why_nothing_was_told(state: AlertState) -> None:
    (alert,) = plan(revise("x"), subscribe())
    words = explain_not_told(revise("x"), subscribe(), alert=replace(alert, state=state, reason="silenced:s1-3"))
    assert words
    assert "{" not in words


# --- flush ------------------------------------------------------------------------------------


def run(revisions: list[Revision], subscription: Subscription, now: datetime, **fields: Any) -> Flushed:
    """Plan each revision at its own time and flush at `now`."""
    alerts = [alert for one in revisions for alert in plan_alerts([one], [subscription], now=one.recorded_at)]
    by_id = {one.revision_id: one for one in revisions}
    return flush(fields.pop("pending", alerts), by_id, [subscription], now=now, **fields)


def states(flushed: Flushed) -> dict[str, AlertState]:
    return {alert.revision_id: alert.state for alert in flushed.alerts}


def test_a_new_group_waits_for_company() -> None:
    waits = subscribe(group_wait=30, group_by=("story",))
    both = [revise("a"), revise("b", metric="injured", when=after(20))]
    early = run(both, waits, after(29))
    assert (early.deliveries, early.next_due_at) == ((), after(30))
    due = run(both, waits, after(30))
    assert len(due.deliveries) == 1
    assert len(due.deliveries[0].alert_ids) == 2


def test_a_group_that_was_just_sent_waits_for_its_interval() -> None:
    waits = subscribe(group_wait=30, group_interval=300)
    sent = [SentGroup(subscription="desk", group_key="story=kz|metric=killed", sent_at=NOON)]
    assert run([revise("a", when=after(10))], waits, after(299), sent=sent).next_due_at == after(300)
    assert len(run([revise("a", when=after(10))], waits, after(300), sent=sent).deliveries) == 1
    # Long after, it is a new group.
    assert run([revise("a", when=after(400))], waits, after(420), sent=sent).next_due_at == after(430)


def test_groups_part_by_their_labels() -> None:
    both = [revise("a"), revise("b", metric="injured")]
    assert len(run(both, subscribe(), NOON).deliveries) == 2
    assert len(run(both, subscribe(group_by=("story",)), NOON).deliveries) == 1


def test_a_newer_revision_of_a_record_supersedes_one_that_waits() -> None:
    waits = subscribe(group_wait=30)
    flushed = run([revise("a", before=26, after_=44), revise("b", K.RETRACTED, when=after(5))], waits, after(60))
    assert states(flushed) == {"a": AlertState.SUPERSEDED, "b": AlertState.RELEASED}
    by_id = {alert.revision_id: alert for alert in flushed.alerts}
    assert by_id["a"].superseded_by == by_id["b"].alert_id
    assert flushed.deliveries[0].alert_ids == (by_id["b"].alert_id,)
    assert flushed.deliveries[0].supersedes == (by_id["a"].alert_id,)


def test_events_of_articles_and_corrections_supersede_nothing() -> None:
    waits = subscribe(kinds=ALL_KINDS)
    edits = [revise(f"e{n}", K.EDITED, None, None, metric="", article_id=1) for n in range(3)]
    flushed = run(edits, waits, NOON)
    assert set(states(flushed).values()) == {AlertState.RELEASED}


def test_a_refinement_is_inhibited_beside_the_change_and_told_alone() -> None:
    refined = revise("r", K.REFINED, 164, 167, when=after(5))
    waits = subscribe(group_wait=30, kinds=ALL_KINDS)
    both = run([revise("a"), refined], waits, after(60))
    assert states(both) == {"a": AlertState.RELEASED, "r": AlertState.SILENCED}
    assert {alert.reason for alert in both.alerts if alert.revision_id == "r"} == {"inhibited"}
    assert states(run([refined], waits, after(60))) == {"r": AlertState.RELEASED}


def test_a_refinement_does_not_speak_for_the_change_that_waits_in_another_group() -> None:
    waits = subscribe(group_wait=30, group_interval=300, group_by=("kind",), kinds=ALL_KINDS)
    sent = [SentGroup(subscription="desk", group_key="kind=raised", sent_at=NOON)]
    both = [revise("a", when=after(1)), revise("r", K.REFINED, 164, 167, when=after(5))]
    flushed = run(both, waits, after(60), sent=sent)
    assert states(flushed) == {"a": AlertState.RELEASED, "r": AlertState.SILENCED}
    by_id = {alert.revision_id: alert.alert_id for alert in flushed.alerts}
    assert [(one.alert_ids, one.supersedes) for one in flushed.deliveries] == [((by_id["a"],), (by_id["r"],))]


def test_a_silence_mutes_what_matches_while_it_lasts() -> None:
    silence = Silence(
        silence_id="s1", matchers=(("story", "k*"), ("metric", "killed")), starts_at=NOON, ends_at=after(60)
    )
    both = [revise("a"), revise("b", metric="injured")]
    flushed = run(both, subscribe(), after(59), silences=[silence])
    assert states(flushed) == {"a": AlertState.SILENCED, "b": AlertState.RELEASED}
    assert set(states(run(both, subscribe(), after(60), silences=[silence])).values()) == {AlertState.RELEASED}


def test_held_alerts_wait_and_are_overtaken_by_what_goes_out() -> None:
    holding = subscribe(hold=("raised",))
    held = [revise("a", before=26, after_=44)]
    assert run(held, holding, after(1e6)).alerts == ()
    flushed = run([*held, revise("b", K.RETRACTED, when=after(5))], holding, after(1e6))
    assert states(flushed) == {"a": AlertState.SUPERSEDED, "b": AlertState.RELEASED}


@pytest.mark.parametrize(
    ("fields", "planned", "now", "asked"),
    [
        ({}, NOON, NOON, 1),
        ({"approvers": ()}, NOON, NOON, 0),
        ({"group_wait": 30}, NOON, after(29), 0),
        ({"group_wait": 30}, NOON, after(30), 1),
        ({"digest": "daily 08:00"}, NOON, NOON, 1),
        ({"quiet_hours": "11:00-13:00"}, NOON, NOON, 0),
        ({"quiet_hours": "11:00-13:00"}, NOON, after(3600), 1),
    ],
)
def test_approvers_are_asked_when_their_group_is_due(
    fields: dict[str, Any], planned: datetime, now: datetime, asked: int
) -> None:
    asker = subscribe(**{"hold": ("retracted",), "approvers": ("boss",), **fields})
    held = plan_alerts([WITHDRAWN], [asker], now=planned)
    behind = {WITHDRAWN.revision_id: WITHDRAWN}
    found = ask_approvers(held, behind, [asker], now=now)
    assert [delivery.channel for delivery in found.deliveries] == ["boss"] * asked
    assert ask_approvers(found.alerts, behind, [asker], now=after(9e9)).deliveries == ()
    assert (found.next_due_at is None) == bool(asked or not asker.approvers)


def test_nobody_is_asked_about_what_is_silenced() -> None:
    asker = subscribe(hold=("*",), approvers=("boss",))
    held = plan_alerts([WITHDRAWN], [asker], now=NOON)
    silence = Silence(silence_id="hush", matchers=(("story", "k*"),), starts_at=NOON, ends_at=after(60))
    found = ask_approvers(held, {WITHDRAWN.revision_id: WITHDRAWN}, [asker], now=NOON, silences=[silence])
    assert found.deliveries == ()
    assert [(one.state, one.reason) for one in found.alerts] == [(AlertState.SILENCED, "silenced:hush")]


def test_a_question_is_due_after_its_wait_and_outside_quiet_hours() -> None:
    asker = subscribe(
        hold=("*",), approvers=("boss",), group_wait=30.0, quiet_hours="12:00-12:01", digest="daily 08:00"
    )
    held = plan_alerts([WITHDRAWN], [asker], now=NOON)
    assert [is_question_due(held, [asker], after(seconds)) for seconds in (0, 29, 59, 60)] == [
        False,
        False,
        False,
        True,
    ]
    assert not is_question_due(held, [subscribe(hold=("*",))], after(600))


def test_a_daily_digest_goes_out_at_its_local_time_in_one_message() -> None:
    daily = subscribe(digest="daily 08:00", timezone="Asia/Almaty")
    both = [revise("a"), revise("b", metric="injured", story="other")]
    early = run(both, daily, after(3600))
    assert early.next_due_at == datetime(2022, 1, 11, 2, 0, tzinfo=UTC)
    assert len(run(both, daily, early.next_due_at).deliveries) == 1


def test_quiet_hours_end_before_anything_goes_out() -> None:
    quiet = subscribe(quiet_hours="22:00-07:00", timezone="UTC")
    night = datetime(2022, 1, 10, 23, 0, tzinfo=UTC)
    morning = datetime(2022, 1, 11, 7, 0, tzinfo=UTC)
    assert run([revise("a", when=night)], quiet, night).next_due_at == morning
    # Due in the evening, looked at late.
    evening = datetime(2022, 1, 10, 21, 59, 59, tzinfo=UTC)
    assert run([revise("a", when=evening)], quiet, night).next_due_at == morning
    assert len(run([revise("a", when=night)], quiet, morning).deliveries) == 1


def test_a_contested_figure_is_repeated_while_it_stands() -> None:
    reminding = subscribe(repeat_interval=3600)
    contested = revise("c", K.CONTESTED)
    first = run([contested], reminding, NOON)
    (alert,) = first.alerts
    standing = {alert.alert_id: contested}
    assert run([], reminding, after(3599), sent=first.sent, standing=standing).next_due_at == after(3600)
    again = run([], reminding, after(3600), sent=first.sent, standing=standing)
    assert [one.repeat for one in again.deliveries] == [1]
    assert again.deliveries[0].delivery_id != first.deliveries[0].delivery_id
    assert again.deliveries[0].lane == first.deliveries[0].lane
    assert run([], reminding, after(1e6), sent=first.sent, standing={}).deliveries == ()
    # Whoever silenced it, or unsubscribed, is not reminded; the others are, once the silence is over.
    quiet = Silence(silence_id="hush", matchers=(("metric", "killed"),), starts_at=NOON, ends_at=after(1e5))
    assert run([], reminding, after(3600), sent=first.sent, standing=standing, silences=[quiet]).deliveries == ()
    assert run([], reminding, after(1e5), sent=first.sent, standing=standing, silences=[quiet]).deliveries


def test_reminders_go_on_after_other_news_of_the_group() -> None:
    reminding = subscribe(repeat_interval=3600, group_by=("story",))
    contested = revise("c", K.CONTESTED)
    first = run([contested], reminding, NOON)
    standing = {first.alerts[0].alert_id: contested}
    again = run([], reminding, after(3600), sent=first.sent, standing=standing)
    news = run([revise("n", metric="injured", when=after(3700))], reminding, after(3700), sent=again.sent)
    assert len(news.deliveries) == 1
    once_more = run([], reminding, after(7300), sent=news.sent, standing=standing)
    assert len(once_more.deliveries) == 1
    # One of the same id would be taken for the first reminder, which was sent.
    assert once_more.deliveries[0].delivery_id != again.deliveries[0].delivery_id


def test_what_has_no_subscription_or_channel_left_is_dropped_with_its_reason() -> None:
    (alert,) = plan(revise("x"), subscribe())
    # A program of newer settings may know the subscription: one is given an hour to start.
    assert flush([alert], {"x": revise("x")}, [], now=after(3599)).alerts == ()
    for subscriptions, reason in (([], "subscription_gone"), ([subscribe(channels=())], "no_channel")):
        flushed = flush([alert], {"x": revise("x")}, subscriptions, now=after(3600))
        assert [(one.state, one.reason) for one in flushed.alerts] == [(AlertState.DROPPED, reason)]


def test_each_address_of_a_channel_gets_a_delivery_of_its_own() -> None:
    flushed = run([revise("a")], subscribe(), NOON, receivers={"hook": ("x@example.org", "y@example.org")})
    assert [one.receiver for one in flushed.deliveries] == ["x@example.org", "y@example.org"]
    assert len({one.delivery_id for one in flushed.deliveries}) == 2


@st.composite
def scenarios(draw: st.DrawFn) -> tuple[list[Revision], Subscription, list[Silence], list[float]]:
    count = draw(st.integers(1, 12))
    kinds = st.sampled_from([kind for kind in K if kind is not K.CORRECTION])
    when = 0.0
    revisions = []
    for index in range(count):
        when += draw(st.integers(0, 40))
        kind = draw(kinds)
        metric = draw(st.sampled_from(["killed", "injured"]))
        revisions.append(revise(f"r{index}", kind, 1, 50, metric=metric, when=after(when), article_id=index % 3))
    for index in range(draw(st.integers(0, 3))):
        when += draw(st.integers(0, 40))
        target = draw(st.sampled_from(revisions)).revision_id
        revisions.append(revise(f"c{index}", K.CORRECTION, 1, 50, when=after(when), corrects=target))
    subscription = subscribe(
        kinds=ALL_KINDS,
        group_wait=draw(st.sampled_from([0, 10, 60])),
        group_interval=draw(st.sampled_from([0, 50])),
        group_by=draw(st.sampled_from([("story",), ("story", "metric"), ("kind",), ("record",), ()])),
        hold=draw(st.sampled_from([(), ("raised",), ("*",)])),
        digest=draw(st.sampled_from(["", "hourly"])),
        quiet_hours=draw(st.sampled_from(["", "12:00-12:02"])),
    )
    silence = Silence(
        silence_id="s1",
        matchers=(("kind", draw(st.sampled_from(["raised", "first", "nothing"]))),),
        starts_at=after(draw(st.integers(0, 200))),
        ends_at=after(draw(st.integers(200, 400))),
    )
    ticks = sorted(draw(st.lists(st.floats(0, when + 100), max_size=6)))
    return revisions, subscription, [silence], ticks


@settings(max_examples=150, deadline=None)
@given(scenarios())
def test_no_alert_is_lost_and_none_told_twice(
    scenario: tuple[list[Revision], Subscription, list[Silence], list[float]],
) -> None:
    revisions, subscription, silences, ticks = scenario
    by_id = {one.revision_id: one for one in revisions}
    alerts: dict[str, Alert] = {}
    sent: dict[tuple[str, str], SentGroup] = {}
    told: Counter[str] = Counter()
    mentioned: Counter[str] = Counter()
    end = max(one.recorded_at for one in revisions)
    for now in [*(after(tick) for tick in ticks), end + timedelta(hours=5)]:
        for revision in revisions:
            if revision.recorded_at <= now:
                heard = {
                    one.revision_id: [one.subscription]
                    for one in alerts.values()
                    if one.state is not AlertState.DROPPED
                }
                for alert in plan_alerts([revision], [subscription], now=revision.recorded_at, told=heard):
                    alerts.setdefault(alert.alert_id, alert)
        waiting = [one for one in alerts.values() if one.state in (AlertState.PENDING, AlertState.HELD)]
        flushed = flush(waiting, by_id, [subscription], now=now, silences=silences, sent=list(sent.values()))
        before = {one.alert_id: one for one in waiting}
        assert all(one.alert_id in before for one in flushed.alerts)
        alerts |= {one.alert_id: one for one in flushed.alerts}
        sent |= {(one.subscription, one.group_key): one for one in flushed.sent}
        for delivery in flushed.deliveries:
            told.update(delivery.alert_ids)
            mentioned.update(delivery.supersedes)
    for alert in alerts.values():
        assert told[alert.alert_id] == (alert.state is AlertState.RELEASED)
        assert mentioned[alert.alert_id] <= 1
        # Only what a person must approve still waits in the end.
        assert alert.state is not AlertState.PENDING
        if alert.state is AlertState.SUPERSEDED:
            by = alerts[alert.superseded_by or ""]
            is_cancelled = by_id[by.revision_id].corrects == alert.revision_id
            assert mentioned[alert.alert_id] == 1 or is_cancelled
