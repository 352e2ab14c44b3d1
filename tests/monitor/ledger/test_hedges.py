"""A reporter hedges a figure once; the sentences that go on with it are hedged too."""

from dataclasses import replace

import pytest

from monitor.ledger.fold import fold_story
from storage.records import RecordKey, StampedClaim
from tests.support.ledger import STORY, parse_claim, show_figure

KILLED = RecordKey(story=STORY.slug, metric="killed")


def said(line: str, sentence: str, speaker: str) -> StampedClaim:
    stamped = parse_claim(line)
    claim = replace(stamped.claim, origin=speaker.casefold(), speaker=speaker)
    return replace(stamped, claim=claim, sentence=sentence)


@pytest.mark.parametrize(
    ("sentence", "steps"),
    [
        ("The government may fall over the blast that killed 200 people.", ["first 154"]),
        ("The mayor Ana Ruiz confirmed that 200 people died.", ["first 154", "raised 200"]),
    ],
)
def test_a_sentence_that_goes_on_takes_the_hedge(sentence: str, steps: list[str]) -> None:
    url = "url=post/2"
    claims = [
        parse_claim("1 wire 154 by=ministry"),
        said(f"2 post 200 status=unconfirmed {url}", "The governor fears that 200 people have died.", "governor"),
        said(f"2 post 200 {url}", sentence, "Ana Ruiz"),
    ]
    history = fold_story(claims, (), STORY)[KILLED]
    assert [f"{step.kind} {show_figure(step.figure)}" for step in history.steps] == steps
    assert history.high == 200
