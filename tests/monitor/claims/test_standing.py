"""How a figure stands by how its text is built. Each way stands beside what looks like it and is none."""

import pytest

from storage.records import ClaimStatus
from tests.monitor.claims.test_extract import read

CURRENT, PREVIOUS, DENIED, UNCONFIRMED = (
    ClaimStatus.CURRENT,
    ClaimStatus.PREVIOUS,
    ClaimStatus.DENIED,
    ClaimStatus.UNCONFIRMED,
)
TEXTS = (
    # A level of an hour gone by, below the level of now; what happened then is no level.
    ("The toll has reached 108 dead. On the day of the raid the count was 35.", {108: CURRENT, 35: PREVIOUS}),
    ("On the day of the raid 35 people died. Nine were injured.", {35: CURRENT, 9: CURRENT}),
    # A figure of earlier the same day, and what happened earlier in the week.
    ("Police said 49 had died. Earlier this evening they said 40 were dead.", {49: CURRENT, 40: PREVIOUS}),
    ("Forty people died in the crash earlier this week.", {40: CURRENT}),
    ("The minister said 38 people were dead; the night's last count was 26 dead.", {38: CURRENT, 26: PREVIOUS}),
    # The bounds of several counts.
    ("Estimates of those killed range from 61, by the ministry, to more than 100.", {61: CURRENT}),
    ("The number of those killed rose from 61 to 100.", {61: PREVIOUS, 100: CURRENT}),
    # A denial in the passive, and the count of who denies.
    ("The figure of 120 dead given by the army was disputed by doctors, who counted 46.", {120: DENIED, 46: CURRENT}),
    ("Doctors disputed the army's figure of 120 dead.", {120: DENIED}),
    # Who will not be named, before the figure.
    ("An official, speaking on condition of anonymity, said 71 people had died.", {71: UNCONFIRMED}),
    # What is feared takes no level of now away.
    (
        "The toll could exceed 500, the coordinator warned. The official figure is 212.",
        {500: UNCONFIRMED, 212: CURRENT},
    ),
    # What cannot be checked is the number told last, read or not.
    ("The paper counts 210 dead. A list with 266 entries went round. It could not be verified.", {210: CURRENT}),
    ("The paper counts 210 dead. It could not be verified.", {210: UNCONFIRMED}),
)


@pytest.mark.parametrize(("text", "statuses"), TEXTS)
def test_a_figure_stands_as_its_text_is_built(text: str, statuses: dict[float, ClaimStatus]) -> None:
    assert {claim.value: claim.status for claim in read(text)} == statuses
