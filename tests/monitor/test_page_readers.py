"""Pages are read in processes beside the service: when many wait, as they would be read here, and at nobody's cost."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.page_readers import PageReaders
from monitor.reading.articles import read_article
from storage.errors import ArticleParseError
from storage.records import ReadArticle

URL = "https://harbour.example/2031/03/04/a"
PAGES = sorted(Path("tests/data/pages").glob("*.html"))
SLOW = b"<html><title>x</title><body>" + b"<p>The ferry lay off the mole all night.</p>" * 30_000


@asynccontextmanager
async def readers(
    most: int, *, many: int = 2, idle: float = 60.0, patience: float = 60.0
) -> AsyncIterator[PageReaders]:
    """Page readers beside a thinking thread, as the service has them."""
    with ThreadPoolExecutor(max_workers=1) as thread:

        async def compute(work: Callable[[], ReadArticle]) -> ReadArticle:
            return await asyncio.get_running_loop().run_in_executor(thread, work)

        made = PageReaders(compute, most=most, many=many, idle_seconds=idle, patience=patience)
        try:
            yield made
        finally:
            made.close()
    assert children() == set()


def children() -> set[int]:
    """The processes that read pages for this one."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            is_reader = b"monitor.page_process" in (folder / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if parent == os.getpid() and is_reader:
            found.add(int(folder.name))
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


def test_many_pages_are_read_in_processes_as_they_would_be_here() -> None:
    async def run() -> None:
        async with readers(2) as pages:
            bodies = [path.read_bytes() for path in PAGES] * 5
            got = await asyncio.gather(*(pages.read(body, url=URL) for body in bodies))
            assert got == [read_article(body, url=URL) for body in bodies]
            assert pages.processes == 2
            assert len(children()) == 2

    asyncio.run(run())


def test_a_page_at_a_time_starts_no_process() -> None:
    async def run() -> None:
        async with readers(2) as pages:
            for path in PAGES:
                await pages.read(path.read_bytes(), url=URL)
            assert pages.processes == 0

    asyncio.run(run())


def test_with_none_everything_is_read_here() -> None:
    async def run() -> None:
        async with readers(0) as pages:
            await asyncio.gather(*(pages.read(PAGES[0].read_bytes(), url=URL) for _ in range(20)))
            assert children() == set()

    asyncio.run(run())


def test_what_is_no_page_is_said_in_the_same_words() -> None:
    async def run() -> None:
        async with readers(1) as pages:
            got = await asyncio.gather(*(pages.read(b"%PDF-", url=URL) for _ in range(4)), return_exceptions=True)
            assert pages.processes == 1
        assert {str(one) for one in got} == {f"{URL}: this is a PDF document, not an HTML page; it is not read"}
        assert {type(one) for one in got} == {ArticleParseError}

    asyncio.run(run())


def test_a_process_that_dies_costs_its_page_alone() -> None:
    async def run() -> None:
        async with readers(1) as pages:
            slow = [asyncio.create_task(pages.read(SLOW, url=f"{URL}{n}")) for n in range(2)]
            await until(lambda: bool(children()))
            (child,) = children()
            os.kill(child, signal.SIGKILL)
            got = await asyncio.gather(*slow, return_exceptions=True)
            (error,) = (one for one in got if isinstance(one, BaseException))
            assert isinstance(error, ArticleParseError)
            assert str(error) == (
                f"{URL}1: the process that read this page was ended by SIGKILL; the page is left out, others go on"
            )
            again = await asyncio.gather(*(pages.read(PAGES[0].read_bytes(), url=URL) for _ in range(8)))
            assert again == [read_article(PAGES[0].read_bytes(), url=URL)] * 8
            assert children().isdisjoint({child})

    asyncio.run(run())


def test_a_page_that_takes_too_long_is_given_up() -> None:
    async def run() -> None:
        async with readers(1, patience=0.01) as pages:
            got = await asyncio.gather(*(pages.read(SLOW, url=URL) for _ in range(2)), return_exceptions=True)
        (error,) = (one for one in got if isinstance(one, BaseException))
        assert str(error) == f"{URL}: reading the page took more than 0.01 s; it is left out, others go on"

    asyncio.run(run())


def test_a_page_that_nobody_waits_for_is_given_up_and_others_are_read() -> None:
    async def run() -> None:
        async with readers(1) as pages:
            slow = [asyncio.create_task(pages.read(SLOW, url=URL)) for _ in range(4)]
            await until(lambda: bool(children()))
            for task in slow[1:]:
                task.cancel()
            await asyncio.wait(slow)
            assert await pages.read(PAGES[0].read_bytes(), url=URL) == read_article(PAGES[0].read_bytes(), url=URL)

    asyncio.run(run())


def test_processes_end_when_no_page_came_for_a_while() -> None:
    async def run() -> None:
        async with readers(2, idle=0.05) as pages:
            await asyncio.gather(*(pages.read(PAGES[0].read_bytes(), url=URL) for _ in range(8)))
            await until(lambda: not pages.processes)
            assert children() == set()
            await asyncio.gather(*(pages.read(PAGES[0].read_bytes(), url=URL) for _ in range(8)))

    asyncio.run(run())


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_process_leaves_signals_to_the_service_and_ends_with_it(name: signal.Signals) -> None:
    async def run() -> None:
        async with readers(1) as pages:
            slow = [asyncio.create_task(pages.read(PAGES[0].read_bytes(), url=URL)) for _ in range(8)]
            await asyncio.gather(*slow)
            (child,) = children()
            os.kill(child, name)
            await asyncio.gather(*(pages.read(PAGES[0].read_bytes(), url=URL) for _ in range(8)))
            assert children() == {child}

    asyncio.run(run())


def test_a_process_outlives_no_service_however_that_ends() -> None:
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    alone = [sys.executable, "-P", "-m", "monitor.page_process"]
    with subprocess.Popen(alone, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **paths}) as process:
        said, _ = process.communicate(b"\0\0")
    assert (said, process.returncode) == (b"", 0)
