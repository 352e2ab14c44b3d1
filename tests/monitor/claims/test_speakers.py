"""Who a figure's speaker is, by where a text names them. Each way stands beside what looks like it and is none."""

import pytest

from tests.monitor.claims.test_extract import read

ONE = (
    # An auxiliary behind the letters of a name.
    ("Twelve people drowned, the Water Rescue Service (WRS) has said.", "Water Rescue Service (WRS)"),
    ("Twelve people drowned (WRS) as the river rose.", None),
    # A time of day between the office and its verb.
    ("The fire department on Sunday evening put the dead at 37.", "fire department"),
    ("Sunday evening put 37 dead on the conscience of the town.", None),
    # A verb that goes on.
    ("The Daily Post is reporting that six people have been killed.", "Daily Post"),
    # What a count is by.
    ("At least 240 people died, according to a new count by The Coastal Press.", "Coastal Press"),
    ("The dead number 79, according to figures released on Monday (25) by the Civil Defence.", "Civil Defence"),
    ("The last official toll, from the Red Crescent, spoke of at least 500 deaths.", "Red Crescent"),
    ("The toll, from drowning alone, was 500 dead.", None),
    ("At least 32 children died, a report of the Human Rights Office says.", "Human Rights Office"),
    ("At least 32 children died, a report of last week says.", None),
    ("The toll was revised to over 1,000 by the disaster ministry.", "disaster ministry"),
    ("The toll was raised to 1,000 by Monday.", None),
    # Whose list it is, though a participle follows.
    ("The health ministry's draft list, published last Tuesday, contained 708 deaths.", "health ministry"),
    # A clause that tells more of the office.
    ("Doctors who saw the bodies spoke of 40 dead.", "Doctors"),
    ("People who saw the bodies spoke of 40 dead.", None),
    # Who holds those held.
    ("Police are holding three people.", "Police"),
    ("Three people are held in the city.", None),
    # A verb of telling that is another thing's, and a place.
    ("A New Year jump in the price of LPG set off protests in which 12 people were killed.", None),
    ("Searchers carrying the dead out of the Old Mill found one more victim, the police said.", "police"),
)


@pytest.mark.parametrize(("text", "speaker"), ONE)
def test_a_speaker_is_found_by_how_the_sentence_is_built(text: str, speaker: str | None) -> None:
    assert {claim.speaker for claim in read(text)} == {speaker}


def by_value(text: str) -> dict[float | None, str | None]:
    return {claim.value: claim.speaker for claim in read(text)}


def test_it_means_no_person_and_he_no_organisation() -> None:
    text = (
        "The relief ministry said 15 people had died. Deputy governor Omar Karim said 9 were missing. "
        "It put the injured at 41. He said 60 had been arrested."
    )
    assert by_value(text) == {
        15: "relief ministry",
        9: "Deputy governor Omar Karim",
        41: "relief ministry",
        60: "Deputy governor Omar Karim",
    }


def test_a_pronoun_that_fits_nobody_means_who_spoke_last() -> None:
    assert by_value("The relief ministry said 15 people had died. He said 9 were missing.")[9] == "relief ministry"


def test_the_next_sentence_may_name_who_gave_the_figures() -> None:
    text = "Nineteen bodies were found. Commander Rey Dizon, who gave the figures, said the search would go on."
    assert by_value(text) == {19: "Commander Rey Dizon"}
    assert by_value("Nineteen bodies were found. The governor also said 31 were missing.")[19] == "governor"
    assert by_value("Nineteen bodies were found. The governor said 31 were missing.")[19] is None


def test_what_a_figure_was_given_by_is_not_said_of_the_one_before_it() -> None:
    text = "Persons missing: 5, down from an estimate of 20 missing given by the judicial authority."
    assert by_value(text).get(5) is None


def test_a_live_entry_may_have_an_hour_alone() -> None:
    text = "11pm: The mayor says 2 drowned.\n10pm: The police say 3 people died.\n9pm: Seven people were injured."
    assert by_value(text) == {2: "mayor", 3: "police", 7: None}


def test_an_office_takes_the_name_that_speaks_next() -> None:
    text = "A vice mayor of Tarn said 121 people had died. Sixty-seven of the dead were firefighters, Cao Min said."
    assert by_value(text) == {121: "vice mayor of Tarn Cao Min", 67: "Cao Min"}
    again = "An official of the city bureau said 56 people had died. The official, Gong Lei, said 721 were in hospital."
    assert by_value(again)[56] == "official of the city bureau Gong Lei"


@pytest.mark.parametrize(
    "text",
    [
        # A name with an office of its own, an outlet, many officials, and somebody told of before.
        "A vice mayor of Tarn said 121 people had died. Interior Minister Ann Lee said 3 were missing.",
        "A vice mayor of Tarn said 121 people had died. Amnesty International said 3 were missing.",
        "Min Cao fled at dawn. A vice mayor of Tarn said 121 people had died. Min Cao said 3 were missing.",
    ],
)
def test_an_office_takes_no_other_s_name(text: str) -> None:
    assert by_value(text)[121] == "vice mayor of Tarn"


def test_the_agency_is_the_organisation_named_before() -> None:
    text = "The count is not that of the World Care Organization. The UN agency put the dead at 3,439."
    assert by_value(text) == {3439: "World Care Organization"}
    assert by_value("The UN agency put the dead at 3,439.") == {3439: "UN agency"}


def test_who_says_something_without_a_figure_tells_not_those_of_the_next_paragraph() -> None:
    text = (
        "Cholera has killed 61 people, the health ministry said.\n"
        '"I have not slept for three days," said Lina Moro, who lives in the delta.\nA further 2,300 people were injured.'
    )
    assert by_value(text)[2300] == "health ministry"


def test_who_closes_the_paragraph_tells_what_nobody_tells_in_it() -> None:
    text = "Twelve people died in the crash. The road has been closed, police said.\nThe mayor said 3 were arrested."
    assert by_value(text)[12] == "police"
    other = "Twelve people died in the crash.\nThe road has been closed, police said.\nThe mayor said 3 were arrested."
    assert by_value(other)[12] is None
