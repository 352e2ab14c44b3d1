"""The ledger's part of the gate: invented stories with known timelines, from text through the store."""

from tests.quality.floors import TIMELINES, load
from tests.quality.timelines import Change, Tally, files, measure, read_story, score


def test_no_share_of_the_timelines_falls_below_its_floor() -> None:
    tally = measure()
    measured, floors = tally.measures(), load()["claims"][TIMELINES]
    shown = "  ".join(f"{name} {share:.3f}" for name, share in measured.items())
    print(f"\ntimelines: {len(files())} stories\n  {shown}")  # noqa: T201 -- `make accuracy` shows it
    fallen = {name: (measured.get(name), floor) for name, floor in floors.items() if measured.get(name, 0.0) < floor}
    assert not fallen, f"(measured, floor) {fallen}; python -m tests.quality.timelines lists the errors"
    assert set(floors) == set(measured)


def test_there_are_stories_enough_to_measure_by() -> None:
    wanted = [change for path in files().values() for change in read_story(path)[2]]
    assert len(files()) >= 5
    assert len(wanted) >= 40
    assert sum(change.is_down() for change in wanted) >= 10


def test_a_change_that_nothing_tells_is_missed() -> None:
    wanted: list[Change] = read_story(files()["mine"])[2]
    tally = Tally()
    score("mine", wanted, (), tally)
    assert tally.measures() == {"changes": 0.0, "downward": 0.0}
    assert len(tally.slips) == len(wanted)
