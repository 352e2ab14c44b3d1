"""A filled archive, copied for each test that wants one, and clients that speak to the real application."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import Session

from alerts.links import LinkMaker
from monitor import intake, reprocessing
from monitor.watch import Watch
from monitor.web.app import create_app
from monitor.web.options import WebOptions
from storage import stories
from storage.database import Database
from tests.monitor.web import archive
from tests.monitor.web.serving import serve

LINKS = LinkMaker(base_url="http://127.0.0.1:8080", secret="a secret of this test")
MakeApp = Callable[..., FastAPI]


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = archive.NOW

    def __call__(self) -> datetime:
        return self.now


def refold_story(session: Session, slug: str, now: datetime) -> None:
    """Work a story out again from what is stored, as the composition root has it done."""
    story = stories.get_story(session, slug)
    intake.refold(session, Watch([story], archive.SUBSCRIPTIONS), story, now=now)


def rematch_article(session: Session, article_id: int, slug: str, now: datetime) -> None:
    """Take an article in again, as the composition root has it done."""
    reprocessing.rematch_article(
        session, Watch([stories.get_story(session, slug)], archive.SUBSCRIPTIONS), article_id, now=now
    )


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a filled database; copy it before writing."""
    path = tmp_path_factory.mktemp("archive") / "storywatch.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    archive.fill(database)
    database.close()
    return path


@pytest.fixture
def database(filled: Path, tmp_path: Path) -> Iterator[Database]:
    """A filled database of the test's own."""
    path = tmp_path / "storywatch.db"
    shutil.copy(filled, path)
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    """The test's clock."""
    return Clock()


@pytest.fixture
def stop() -> asyncio.Event:
    """Set when the service ends."""
    return asyncio.Event()


@pytest.fixture
def make_app(database: Database, clock: Clock, stop: asyncio.Event) -> MakeApp:
    """Makes the application; options may be given."""

    def make(options: WebOptions | None = None, is_ticking: Callable[[], bool] | None = None) -> FastAPI:
        return create_app(
            database=database,
            clock=clock,
            refold=refold_story,
            rematch=rematch_article,
            options=options,
            subscriptions=archive.SUBSCRIPTIONS,
            links=LINKS,
            is_ticking=is_ticking,
            stop=stop,
        )

    return make


@pytest.fixture
def client(make_app: MakeApp) -> Iterator[httpx.Client]:
    """A browser of sorts on a service without a login."""
    with serve(make_app()) as base, httpx.Client(base_url=base, timeout=60) as opened:
        yield opened


@contextmanager
def serve_copy(filled: Path, folder: Path, links: LinkMaker | None = None) -> Iterator[str]:
    """Serve a copy of a filled database, without a login; gives the address."""
    path = folder / "storywatch.db"
    shutil.copy(filled, path)
    database = Database(f"sqlite:///{path}")
    app = create_app(
        database=database,
        clock=Clock(),
        refold=refold_story,
        rematch=rematch_article,
        subscriptions=archive.SUBSCRIPTIONS,
        links=links,
    )
    with serve(app) as base:
        yield base
    database.close()


@pytest.fixture(scope="session")
def reader(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The same for tests that only read: one service for all of them."""
    with (
        serve_copy(filled, tmp_path_factory.mktemp("read"), LINKS) as base,
        httpx.Client(base_url=base, timeout=60) as opened,
    ):
        yield opened
