"""The commands of many machines: worker, scheduler, page. They share one PostgreSQL (the `scale` extra)."""

import asyncio
import random
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import start_http_server

from monitor.cli.context import clock, settings
from monitor.logs import configure_logs
from monitor.measures import Measures, make_registry
from monitor.memory import give_back_memory
from monitor.page_service import PageService
from monitor.settings import Settings
from storage.errors import StorywatchError

_MISSING = (
    "the `scale` extra is not installed: pip install '.[scale]' in Storywatch's folder; 'storywatch run' needs it not"
)
AliveFile = Annotated[
    Path | None, typer.Option(help="Touch this file every few seconds while working (for health checks).")
]


def _begin() -> Settings:
    current = settings()
    configure_logs(level=current.log.level, form=current.log.format)
    give_back_memory()
    return current


def _rng() -> random.Random:
    return random.Random()  # noqa: S311 spreads pauses, guards nothing


def worker_command(
    queues: Annotated[
        str, typer.Option(help="Which work to take, of: polls, pages, rereads, deliveries.")
    ] = "polls,pages,rereads,deliveries",
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="How many pieces at once.")] = 16,
    alive_file: AliveFile = None,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Show figures for Prometheus on this port; 0: nowhere.")
    ] = 0,
    metrics_host: Annotated[str, typer.Option(help="Address that the figures are shown on.")] = "127.0.0.1",
) -> None:
    """Take polls, pages, re-reads and deliveries from the queue, until told to stop; any number on any machines."""
    current = _begin()
    try:
        from monitor.distributed import Worker
    except ModuleNotFoundError as error:
        raise StorywatchError(_MISSING) from error
    names = [name.strip() for name in queues.split(",") if name.strip()]

    measures = Measures(make_registry())

    async def main() -> None:
        worker = Worker(
            current, clock=clock(), rng=_rng(), queues=names, concurrency=concurrency, alive=alive_file,
            measures=measures,
        )  # fmt: skip
        if metrics_port:
            start_http_server(metrics_port, addr=metrics_host, registry=measures.registry)
        await worker.run()

    asyncio.run(main())


def scheduler_command(
    alive_file: AliveFile = None,
    look_seconds: Annotated[
        float, typer.Option(help="How often to look at the clock (rehearsals).", hidden=True)
    ] = 0.5,
) -> None:
    """Hand out what is due to the workers, and wait to take over where another scheduler does so already."""
    current = _begin()
    try:
        from monitor.leading import Leader
    except ModuleNotFoundError as error:
        raise StorywatchError(_MISSING) from error

    async def main() -> None:
        await Leader(current, clock=clock(), rng=_rng(), look_seconds=look_seconds, alive=alive_file).run()

    asyncio.run(main())


def page_command() -> None:
    """Serve the page alone, beside a scheduler and workers."""
    current = _begin()

    async def main() -> None:
        await PageService(current, clock=clock(), rng=_rng()).run()

    asyncio.run(main())
