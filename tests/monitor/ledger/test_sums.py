"""Words that may count the dead and the injured together, in the languages that have them."""

from dataclasses import replace

import pytest

from monitor.ledger.sums import speaks_of_victims
from tests.support.ledger import parse_claim


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The number of victims rose to 144.", True),
        ("L'incendio ha fatto 144 vittime, di cui 44 morti e 100 feriti.", True),
        ("Число жертв достигло 144, из них 44 погибших и 100 раненых.", True),
        ("Le nombre de victimes est monté à 144.", True),
        ("The death toll rose to 144.", False),
        ("Il bilancio è salito a 144 morti.", False),
        ("Число погибших достигло 144.", False),
    ],
)
def test_victims_may_be_more_than_the_dead(sentence: str, expected: bool) -> None:
    stamped = replace(parse_claim("1 ap 144"), sentence=sentence)
    assert speaks_of_victims(stamped) is expected
