"""The demo's verdict finds each way in which the play can go wrong."""

from dataclasses import replace

from monitor.demo.script import load_script
from monitor.demo.verdict import Change, Told, find_faults, read_told

SCRIPT = load_script()


def told_as_expected() -> list[Told]:
    return [
        Told(
            message_id=f"m{number}",
            alert_id=f"a{number}",
            revision_id=f"r{number}",
            change=change,
            pages=(f"http://127.0.0.1{SCRIPT.edited}",),
        )
        for number, change in enumerate(SCRIPT.expected_told)
    ]


def faults(
    told: list[Told],
    *,
    history: tuple[Change, ...] = SCRIPT.expected_history,
    mailed: list[str] | None = None,
    is_repeat_allowed: bool = False,
) -> tuple[str, ...]:
    return find_faults(
        told,
        mailed_ids=[one.message_id for one in told] if mailed is None else mailed,
        history=history,
        expected_history=SCRIPT.expected_history,
        expected_told=SCRIPT.expected_told,
        laggard=SCRIPT.laggard,
        edited=SCRIPT.edited,
        is_repeat_allowed=is_repeat_allowed,
    )


def test_a_play_that_went_as_it_must_has_no_faults() -> None:
    assert faults(told_as_expected()) == ()


def test_a_wrong_history_is_a_fault() -> None:
    assert any(
        "44 (first) → 164 (raised)," in fault
        for fault in faults(told_as_expected(), history=SCRIPT.expected_history[:2])
    )


def test_a_change_that_nobody_was_told_of_is_a_fault() -> None:
    assert "told 0 times" in faults(told_as_expected()[1:])[0]


def test_a_change_that_never_happened_is_a_fault() -> None:
    extra = replace(told_as_expected()[0], revision_id="rx", alert_id="ax", change=Change(kind="raised", metric="x"))
    assert "nothing of the kind" in faults([*told_as_expected(), extra])[0]


def test_an_alert_that_comes_twice_is_a_fault_unless_the_service_was_killed() -> None:
    twice = [*told_as_expected(), told_as_expected()[0]]
    assert "came twice" in faults(twice)[0]
    assert faults(twice, is_repeat_allowed=True) == ()


def test_a_repeat_under_another_id_is_a_fault_even_then() -> None:
    other = replace(told_as_expected()[0], message_id="other")
    assert "under 2 ids" in faults([*told_as_expected(), other], is_repeat_allowed=True)[0]


def test_two_alerts_for_one_change_are_a_fault() -> None:
    other = replace(told_as_expected()[0], alert_id="other")
    assert "has 2 alerts" in faults([*told_as_expected(), other], is_repeat_allowed=True)[0]


def test_a_mail_that_is_missing_is_a_fault() -> None:
    assert "by mail" in faults(told_as_expected(), mailed=["m0"])[0]


def test_an_alert_that_rests_on_the_laggard_is_a_fault() -> None:
    laggard = (f"http://127.0.0.1{SCRIPT.laggard}",)
    last = SCRIPT.expected_history[-1]
    told = [replace(one, pages=laggard) if one.change == last else one for one in told_as_expected()]
    assert "only repeats a withdrawn figure" in faults(told)[0]


def test_payloads_are_read_with_states_and_figures() -> None:
    payload = {
        "changes": [
            {
                "alert_id": "a",
                "revision_id": "r",
                "kind": "state_changed",
                "record": {"metric": "curfew", "population": None, "place": None},
                "before": {"value": None, "state": "declared"},
                "after": {"value": None, "state": "lifted"},
                "evidence": [{"url": "http://127.0.0.1/x"}],
            }
        ]
    }
    (told,) = read_told("m", payload)
    assert told.change == Change(kind="state_changed", metric="curfew", before="declared", after="lifted")
    assert told.pages == ("http://127.0.0.1/x",)
