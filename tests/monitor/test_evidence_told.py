"""What a change rests on is told with its language and with who is quoted, and subscriptions may ask for languages."""

from pathlib import Path

from storage import deliveries
from storage.records import Subscription
from tests.support.desk import Desk
from tests.support.webserver import WebServer

TOLL = "The unrest in Harbour City has left {n} people dead, the Health Ministry said on Sunday. Schools stay shut."
IN_ENGLISH = Subscription(name="english", kinds=("*",), channels=("hook",), languages=("en",))
IN_RUSSIAN = Subscription(name="russian", kinds=("*",), channels=("hook",), languages=("ru",))


def test_the_language_of_the_article_decides(tmp_path: Path) -> None:
    with WebServer() as site:
        desk = Desk(site, tmp_path, subscriptions=(IN_ENGLISH, IN_RUSSIAN))
        desk.publish("a", "Unrest in Harbour City: 44 dead", TOLL.format(n=44))
        desk.go_on(10)
        desk.publish("b", "Unrest in Harbour City: 164 dead", TOLL.format(n=164))
        desk.go_on(10)
        assert [proof.lang for one in desk.revisions(metric="killed") for proof in one.evidence[:1]] == ["en", "en"]
        with desk.database.read() as session:
            told = {alert.subscription for alert in deliveries.list_alerts(session)}
        desk.database.close()
    assert told == {"english"}


def test_who_is_quoted_is_named_as_the_article_names_them(tmp_path: Path) -> None:
    """A ministry that the seed does not list has a key made of its name; people read the name."""
    with WebServer() as site:
        desk = Desk(site, tmp_path, subscriptions=(IN_ENGLISH,))
        desk.publish("a", "Unrest in Harbour City: 44 dead", TOLL.format(n=44).replace("Health", "Emergencies"))
        desk.go_on(10)
        (proof,) = desk.revisions(metric="killed")[0].evidence
        desk.database.close()
    assert (proof.origin, proof.speaker) == ("Emergencies Ministry", "Emergencies Ministry")
