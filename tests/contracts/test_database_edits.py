"""Which edits changed a record, on both databases."""

from dataclasses import replace

from sqlmodel import Session

from storage import claims
from storage.database import Database
from storage.record_edits import list_record_edits
from storage.records import Claim, RevisionKind, StampedClaim
from tests.support.stored import HOUR, KILLED, NOON, claim, revision, store_article, store_story


def said(name: str, value: float, article_id: int, **of: str) -> StampedClaim:
    """A claim that stood in the article from its first version on, or since another time."""
    made = claim(name, value, article_id=article_id)
    return replace(made, claim=replace(made.claim, **of))  # type: ignore[arg-type]  # fields of Claim


def store_edits(session: Session) -> None:
    store_story(session)
    first, second = (store_article(session, number).article_id for number in (1, 2))
    edited = NOON + HOUR
    claims.add_claims(
        session,
        [
            replace(said("old", 164, first), ended_at=edited),
            replace(said("new", 225, first), recorded_at=edited),
            replace(said("part", 103, first, place="almaty"), ended_at=edited),
            said("kept", 26, first),
            replace(said("other-page", 300, second), recorded_at=edited),
            replace(said("later", 44, second), ended_at=edited + HOUR),
        ],
    )
    state = replace(claim("state", article_id=first), claim=Claim(metric="killed", state="over"), recorded_at=edited)
    claims.add_claims(session, [state])
    log = [
        revision("e1", kind=RevisionKind.EDITED, article_id=first, recorded_at=edited),
        revision("e2", kind=RevisionKind.EDITED, article_id=second, recorded_at=edited + HOUR),
        revision("raised", article_id=second, recorded_at=edited),
        revision("cosmetic", kind=RevisionKind.EDITED, article_id=first, recorded_at=edited + 2 * HOUR),
    ]
    claims.add_revisions(session, log)


def test_edits_belong_to_the_records_whose_claims_they_changed(database: Database) -> None:
    with database.write() as session:
        store_edits(session)
        found = list_record_edits(session, "unrest", metrics=["killed"])
        told = [(one.revision.revision_id, one.key, one.value) for one in found]
        # What was brought counts; what went alone shows what went.
        assert told == [("e1", replace(KILLED, place="almaty"), 103), ("e1", KILLED, 225), ("e2", KILLED, 44)]
        known = list_record_edits(session, "unrest", metrics=["killed"], known_at=NOON + HOUR)
        assert {one.revision.revision_id for one in known} == {"e1"}
        assert list_record_edits(session, "unrest", metrics=["injured"]) == ()
        assert list_record_edits(session, "unrest", metrics=[]) == ()
        assert list_record_edits(session, "region", metrics=["killed"]) == ()
