"""Scope, voices, dates and states as records, with a story and without."""

import json
from datetime import UTC, datetime

import pytest

from monitor.claims.explain import explain_text
from monitor.claims.extract import Extractor
from monitor.cli.extract import extract_lines, published_span, render_reading
from monitor.cli.json_lines import LineError
from storage.records import (
    Claim,
    ClaimKind,
    ClaimStatus,
    Metric,
    MetricKind,
    OriginSpec,
    Place,
    Qualifier,
    Story,
)

STORY = Story(
    slug="vela-flood",
    title="Flood on the Vela",
    timezone="Asia/Almaty",
    period_start=datetime(2026, 11, 1, tzinfo=UTC),
    places=(
        Place(name="Velia", aliases=("the Velia valley",), whole=True),
        Place(name="Port Ness", parent="velia"),
    ),
    origins=(OriginSpec(name="Ministry of Health", aliases=("health ministry", "Omar Said")),),
    metrics=(
        Metric(name="bridges_lost", kind=MetricKind.CUMULATIVE, unit="bridges", nouns=(("en", ("stranded herders",)),)),
    ),
)


def read(
    text: str, *, title: str = "", story: Story | None = None, convention: str | None = None, lang: str = "en"
) -> list[Claim]:
    extractor = Extractor(story, convention=convention)
    return list(extractor.extract(title=title, text=text, published=published_span("2026-11-20"), lang=lang))


def test_a_known_place_scopes_a_figure_and_the_whole_does_not() -> None:
    part, whole = read("In Port Ness 14 people died. In Velia 40 people died.", story=STORY)
    assert (part.place, part.value) == ("port-ness", 14)
    assert (whole.place, whole.value) == (None, 40)


def test_a_region_without_a_name_is_never_the_whole() -> None:
    (claim,) = read("Nine people died in the region.", story=STORY)
    assert claim.place == "unresolved"


def test_a_region_resolves_to_the_story_s_only_one() -> None:
    story = Story(
        slug="s", title="S", places=(Place(name="Velia", whole=True), Place(name="Osh region", parent="velia"))
    )
    (claim,) = read("Nine people died in the region.", story=story)
    assert claim.place == "osh-region"


def test_what_happened_elsewhere_is_not_the_whole() -> None:
    claim = read("The storm killed 40 people in Velia. It killed nine people elsewhere.", story=STORY)[-1]
    assert claim.place == "unresolved"


def test_a_speaker_becomes_the_story_s_origin() -> None:
    (claim,) = read("Omar Said told reporters that 21 people had died.", story=STORY)
    assert (claim.speaker, claim.origin) == ("Omar Said", "Ministry of Health")


def test_an_outlet_that_quotes_is_the_way_and_not_the_origin() -> None:
    (claim,) = read("Reuters said 21 people had died, citing the health ministry.", story=STORY)
    assert (claim.origin, claim.via) == ("Ministry of Health", "Reuters")


def test_a_story_s_own_metric_is_read_by_its_nouns() -> None:
    (claim,) = read("Pilots counted 60 stranded herders.", story=STORY)
    assert (claim.metric, claim.value) == ("bridges_lost", 60)


def test_as_of_is_a_day_in_the_story_s_time_zone() -> None:
    (claim,) = read("As of 18 November, 33 people had died.", story=STORY)
    assert claim.as_of is not None
    assert claim.as_of.not_before == datetime(2026, 11, 17, 19, tzinfo=UTC)


def test_a_state_has_its_day_and_voice() -> None:
    (claim,) = read("The curfew was lifted on Wednesday, the mayor said.")
    assert (claim.metric, claim.state, claim.kind, claim.speaker) == ("curfew", "lifted", ClaimKind.STATE, "mayor")
    assert claim.as_of is not None
    assert claim.as_of.not_before == datetime(2026, 11, 18, tzinfo=UTC)


def test_a_single_person_without_a_number_is_implicit_and_a_part() -> None:
    (claim,) = read("A clerk was shot dead outside the bank.")
    assert (claim.value, claim.implicit, claim.population) == (1, True, "other:clerk")


def test_where_there_are_no_articles_the_noun_alone_tells_of_one() -> None:
    (claim,) = read("На перекрёстке погиб мужчина.", lang="ru")
    assert (claim.value, claim.implicit, claim.population) == (1, True, "sex=male")
    assert read("Мужчина рассказал, что автобус не погиб бы.", lang="ru") == []


@pytest.mark.parametrize(("convention", "low"), [("storywatch", 24), ("acled", 12), ("emdat", 20)])
def test_vague_words_follow_the_chosen_convention(convention: str, low: float) -> None:
    (claim,) = read("Dozens were killed.", convention=convention)
    assert (claim.low, claim.qualifier) == (low, Qualifier.VAGUE)


def test_a_change_names_what_it_replaces() -> None:
    new = next(claim for claim in read("The toll rose from 41 to 44.") if claim.value == 44)
    assert new.replaces == 41


def test_a_headline_takes_the_scope_of_the_body() -> None:
    head, body = read("Twelve officers were killed in the riot.", title="12 killed in riot")
    assert (
        head.population == body.population == "role=police;role=security_forces" or head.population == body.population
    )


def test_a_language_without_a_pack_is_not_guessed() -> None:
    assert Extractor().extract(title="", text="12 Menschen", published=None, lang="xx") == ()


def test_a_language_that_nobody_named_is_detected() -> None:
    english = "Twelve people were killed in a fire at an apartment block, the police said on Monday evening."
    finnish = (
        "Poliisin mukaan 12 ihmistä kuoli kerrostalon tulipalossa, ja useita ihmisiä on vielä kateissa kaupungissa."
    )
    assert Extractor().extract(title="", text=finnish, published=None, lang=None) == ()
    assert [claim.value for claim in Extractor().extract(title="", text=english, published=None, lang=None)] == [12]


def test_a_headline_s_figure_is_told_by_who_tells_it_in_the_text() -> None:
    text = "Twelve people were killed, police said. The governor said nine were missing."
    claims = Extractor().extract(title="Blast kills 12, nine missing", text=text, published=None, lang="en")
    told = {(claim.field, claim.metric): claim.speaker for claim in claims}
    assert told["title", "killed"] == told["text", "killed"] == "police"
    assert told["title", "missing"] == told["text", "missing"] == "governor"


@pytest.mark.parametrize(
    ("lang", "text", "speaker"),
    [
        ("fr", "50 personnes sont mortes, a précisé à l'AFP le préfet Jean Dupont.", "préfet Jean Dupont"),
        ("es", "El gobernador, Juan Pérez, ha confirmado la muerte de 50 personas.", "gobernador Juan Pérez"),
        ("de", "Am Mittag hatte das Polizeipräsidium Koblenz noch 50 Tote gemeldet.", "Polizeipräsidium Koblenz"),
        ("it", "L'ultimo dato della prefettura è di 38 morti.", "prefettura"),
        ("ru", "По словам мэра города Петра Иванова, погибли 23 человека.", "мэр города Петр Иванов"),
    ],
)
def test_speakers_stand_where_a_language_puts_them(lang: str, text: str, speaker: str) -> None:
    claims = Extractor().extract(title="", text=text, published=None, lang=lang)
    assert [claim.speaker for claim in claims] == [speaker]


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("PORT NESS - The island's acting chief of staff said 12 people had died.", "island's acting chief of staff"),
        ("3.45pm: The Herald said 12 people had died.", "Herald"),
        ("Police had earlier in the evening said 12 people had died.", "Police"),
        ("At least 12 people have died in the storm, an AFP tally showed.", "AFP"),
        ("The Vela Post's latest count of those who were killed is 12.", "Vela Post"),
        ("According to the latest bulletin, 12 people have died in the storm.", None),
        ("In its last bulletin the health agency put deaths at 12.", "health agency"),
        ("The island's capital has 12 deaths attributed to CSF.", None),
    ],
)
def test_a_speaker_s_name_is_no_longer_than_it_is(text: str, speaker: str | None) -> None:
    assert [claim.speaker for claim in read(text)] == [speaker]


def test_an_agency_is_the_one_that_was_named() -> None:
    text = "The dam held, a spokesman told AFP. By the agency's count, 12 people have died in the floods."
    assert [claim.speaker for claim in read(text)] == ["AFP"]


def test_what_a_text_with_one_source_tells_is_theirs() -> None:
    filler = "The river fell. Schools stayed shut. Buses ran again."
    one = f"The coroner said 12 people had died. {filler} In all, 30 people are in hospital."
    assert [claim.speaker for claim in read(one)] == ["coroner", "coroner"]
    two = (
        f"The coroner said 12 people had died. The mayor said she was sad. {filler} In all, 30 people are in hospital."
    )
    assert [claim.speaker for claim in read(two)] == ["coroner", None]


def test_a_list_is_told_by_who_opens_it() -> None:
    text = "The ministry gave these figures.\nDeaths: 12\nMissing: 4\nDetained: 7\nHospitalised: 30"
    assert {claim.speaker for claim in read(text)} == {"ministry"}


def test_an_older_entry_of_a_live_blog_is_of_its_hour() -> None:
    text = "2:40pm: At least 30 people are dead.\n10h20 - The governor puts the dead at 20.\n9:15am: Nine are dead."
    assert [(claim.value, claim.status) for claim in read(text)] == [
        (30, ClaimStatus.CURRENT),
        (20, ClaimStatus.PREVIOUS),
        (9, ClaimStatus.PREVIOUS),
    ]


@pytest.mark.parametrize(
    ("text", "value", "status"),
    [
        # 20 November 2026 is a Friday.
        ("Deaths: 40. The count of deaths was 38 on Wednesday.", 38, ClaimStatus.PREVIOUS),
        ("The storm killed 40 people. In August the rights office spoke of 38.", 38, ClaimStatus.PREVIOUS),
        (
            "Nobody recalls a deadlier fire since 309 people died in Luo, Ruritania, in 2000.",
            309,
            ClaimStatus.OTHER_EVENT,
        ),
        ("One fire was worse. On Dec 17, 1961, at least 503 people died.", 503, ClaimStatus.OTHER_EVENT),
        ("There were 13,015 confirmed and suspected cases and 408 deaths.", 408, ClaimStatus.CURRENT),
        ("Nine people were killed. It did not mean that 44 had died.", 44, ClaimStatus.DENIED),
    ],
)
def test_how_a_figure_stands(text: str, value: int, status: ClaimStatus) -> None:
    assert [claim.status for claim in read(text) if claim.value == value] == [status]


def test_what_the_headline_counts_is_the_event_however_long_ago() -> None:
    text = "As many as 140 people were killed on the island last year, the report says."
    assert [claim.status for claim in read(text, title="Report: 140 killed in crackdown")] == [ClaimStatus.CURRENT] * 2
    assert [claim.status for claim in read(text, title="Nine killed in storm")][1:] == [ClaimStatus.OTHER_EVENT]


def test_figures_that_add_up_to_the_toll_are_its_parts() -> None:
    text = "The fire cost 241 lives. That night 234 people were killed, and seven died later in hospital."
    assert [(claim.value, claim.population) for claim in read(text)] == [
        (241, None),
        (234, "other:part"),
        (7, "other:part"),
    ]


def test_lines_in_lines_out() -> None:
    line = json.dumps({"id": "a", "title": "Blast kills 3", "text": "", "published": "2026-11-20"})
    (answer,) = extract_lines([line], Extractor())
    claim = json.loads(answer)["claims"][0]
    assert (claim["metric"], claim["low"], claim["field"], claim["quote"]) == ("killed", 3, "title", "kills 3")


def test_a_line_that_is_no_document_is_named() -> None:
    with pytest.raises(LineError, match="line 2"):
        list(extract_lines(['{"id": 1, "text": ""}', "{"], Extractor()))


def test_explain_says_why_a_number_is_no_figure() -> None:
    (reading,) = explain_text("The 45-year-old driver killed 3 people.", "en")
    assert [figure.reason for figure in reading.figures] == ["age", None]
    assert "rule en.object" in render_reading(reading)


@pytest.mark.parametrize(
    ("published", "days"),
    [("2026", 365), ("2026-02", 28), ("2026-02-03", 1), ("2026-02-03T10:00", 0), ("", None), ("soon", None)],
)
def test_a_publication_is_as_wide_as_it_is_known(published: str, days: int | None) -> None:
    span = published_span(published)
    assert (span is None) == (days is None)
    if span is not None:
        assert round((span.not_after - span.not_before).total_seconds() / 86400) == days
