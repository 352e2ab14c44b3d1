"""An edit that an archive shows is shown with both its texts, as one that was seen when it was made."""

from datetime import timedelta

from httpx import Client

from monitor.archive import Outcome, Report, take_capture
from monitor.watch import Watch
from storage import claims, stories
from storage.database import Database
from storage.records import RevisionKind
from tests.monitor.web import archive

STORY = archive.KAZAKHSTAN.slug
ADDRESS = "https://odd.example/edited"


def test_the_page_of_an_imported_edit_shows_its_texts(database: Database, client: Client) -> None:
    outcomes = []
    with database.write() as session:
        watch = Watch([stories.get_story(session, STORY)])
        for number, toll in enumerate((301, 302)):
            report = Report(
                report_id=ADDRESS, title="Unrest in Kazakhstan", source="Odd", url=ADDRESS, lang="en", published=None,
                text=f"The protests and unrest in Kazakhstan, in Almaty too, have killed {toll} people, prosecutors said.",
                captured_at=archive.NOW - timedelta(days=300 - number),
            )  # fmt: skip
            learned_at = archive.NOW + timedelta(minutes=number)
            outcomes.append(take_capture(session, watch, report, now=learned_at)[0])
        assert outcomes == [Outcome.ARTICLE, Outcome.VERSION]
        log = claims.list_revisions(session, STORY)
    (edit,) = (one for one in log if one.kind is RevisionKind.EDITED and one.evidence[0].url == ADDRESS)
    page = client.get(f"/revisions/{edit.revision_id}").text
    assert 'class="prose diff"' in page
    assert "prosecutors said" in page
