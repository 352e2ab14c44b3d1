"""The ticker ends in order: nothing new is begun, and what is under way is waited for."""

import asyncio

from monitor.schedule import Ticker


def test_jobs_under_way_are_waited_for_and_none_is_begun_while_ending() -> None:
    async def go() -> list[str]:
        said: list[str] = []
        begun, release = asyncio.Event(), asyncio.Event()

        async def job() -> None:
            said.append("begun")
            begun.set()
            await release.wait()
            await asyncio.to_thread(said.append, "done in a thread")

        ticker = Ticker({"job": (0.01, job)})
        ticker.start()
        await begun.wait()
        ending = asyncio.create_task(ticker.finish())
        await asyncio.sleep(0)
        assert not ending.done()
        release.set()
        await ending
        return said

    assert asyncio.run(go()) == ["begun", "done in a thread"]


def test_a_job_that_does_not_end_is_given_up() -> None:
    async def go() -> bool:
        begun, given_up = asyncio.Event(), asyncio.Event()

        async def job() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()

        ticker = Ticker({"job": (0.01, job)})
        ticker.start()
        await begun.wait()
        await ticker.finish(patience=0.01)
        return given_up.is_set()

    assert asyncio.run(go())


def test_a_ticker_that_has_nothing_under_way_ends_at_once() -> None:
    async def go() -> None:
        ticker = Ticker({})
        ticker.start()
        await ticker.finish()

    asyncio.run(go())
