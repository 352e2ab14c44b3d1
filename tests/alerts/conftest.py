"""What tests of alerts share."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from storage import claims, stories
from storage.database import Database
from tests.support.alerting import NOON, PAST, STORY
from tests.support.dispatching import House
from tests.support.receiver import Receiver
from tests.support.smtp import MailServer


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    """On SQLite and on PostgreSQL."""
    with database.write() as session:
        stories.add_story(session, STORY, now=NOON)
        claims.add_revisions(session, PAST)
    with ExitStack() as stack:
        servers = stack.enter_context(Receiver()), stack.enter_context(Receiver()), stack.enter_context(MailServer())
        yield House(database, *servers)
