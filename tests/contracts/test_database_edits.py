"""Which edits changed a record, and which changes rest on some articles, on both databases."""

from dataclasses import replace

from sqlmodel import Session

from storage import claims
from storage.database import Database
from storage.record_edits import list_record_edits
from storage.records import Claim, Evidence, Qualifier, Revision, RevisionKind, StampedClaim
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


def test_an_edit_to_dozens_is_of_the_number_that_went_if_one_did(database: Database) -> None:
    edited = NOON + HOUR
    dozens = Claim(metric="killed", value=24, low=24, high=99, qualifier=Qualifier.VAGUE)
    with database.write() as session:
        store_story(session)
        first, second = (store_article(session, number).article_id for number in (1, 2))
        claims.add_claims(
            session,
            [
                replace(said("old", 164, first), ended_at=edited),
                claim("dozens", claim=dozens, article_id=first, recorded_at=edited),
                claim("alone", claim=dozens, article_id=second, recorded_at=edited),
            ],
        )
        log = [
            revision(f"e{page}", kind=RevisionKind.EDITED, article_id=page, recorded_at=edited)
            for page in (first, second)
        ]
        claims.add_revisions(session, log)
        found = list_record_edits(session, "unrest", metrics=["killed"])
    assert [(one.revision.article_id, one.value) for one in found] == [(first, 164), (second, None)]


def test_an_edit_is_found_among_many_claims_by_its_article(database: Database) -> None:
    with database.write() as session:
        store_edits(session)
        every = [claim(f"other-{number}", 7, recorded_at=NOON + HOUR) for number in range(50)]
        claims.add_claims(session, every)
        assert len(list_record_edits(session, "unrest", metrics=["killed"])) == 3


def test_changes_that_rest_on_some_addresses(database: Database) -> None:
    def at(name: str, url: str, *, is_silent: bool = False) -> Revision:
        return revision(name, evidence=(Evidence(url="https://x.example/"), Evidence(url=url)), is_silent=is_silent)

    odd = 'https://odd.example/a"b\\c?ж'
    with database.write() as session:
        store_story(session)
        claims.add_revisions(
            session,
            [
                at("oldest", "https://a.example/1"),
                at("first", "https://a.example/1"),
                at("odd", odd),
                at("silent", "https://a.example/1", is_silent=True),
                at("other", "https://a.example/2"),
                at("last", "https://a.example/1"),
            ],
        )

        def found(*urls: str, look_back: int = 4, limit: int = 9) -> list[str]:
            return [
                one.revision_id
                for one in claims.list_revisions_on(session, frozenset(urls), look_back=look_back, limit=limit)
            ]

        assert found("https://a.example/1", odd) == ["last", "odd", "first"]
        assert found("https://a.example/1", odd, limit=2) == ["last", "odd"]
        assert found("https://a.example/1", look_back=9) == ["last", "first", "oldest"]
        assert found("https://a.example/") == found() == []
