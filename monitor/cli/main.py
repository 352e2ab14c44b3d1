"""The entry point: all commands, the options before them, and how a call ends."""

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from monitor.cli import (
    alerts,
    articles,
    claims,
    evidence,
    feeds,
    judge,
    research,
    searches,
    seed,
    service,
    stories,
    subscriptions,
)
from monitor.cli.compare import compare_command
from monitor.cli.compile import compile_command
from monitor.cli.context import remember_options, run_guarded
from monitor.cli.evaluate import import_command, replay_command
from monitor.cli.export import export_command
from monitor.cli.extract import explain_command, extract_command, lexicon_app
from monitor.cli.init import init_command
from monitor.cli.keeping import backup_command, prune_command, restore_command, verify_command
from monitor.cli.mcp import mcp_command
from monitor.cli.query_words import QueryCommand
from monitor.cli.reprocess import reprocess_command
from monitor.cli.scale import page_command, scheduler_command, worker_command
from monitor.cli.search import search_command
from monitor.cli.status import status_command
from monitor.cli.why import why_command

app = typer.Typer(
    name="storywatch",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Watches news stories and tells people how their facts change.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"storywatch {version('storywatch')}")
        raise typer.Exit


@app.callback()
def options(
    config: Annotated[Path | None, typer.Option(help="Settings file; storywatch.toml here by default.")] = None,
    clock_file: Annotated[
        Path | None, typer.Option(help="Read the time from this file instead of the clock (rehearsals).", hidden=True)
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Watches news stories and tells people how their facts change."""
    remember_options(config, clock_file)


COMMANDS: dict[str, Callable[..., None]] = {
    "run": service.run_command,
    "init": init_command,
    "status": status_command,
    "doctor": service.doctor_command,
    "poll": service.poll_command,
    "search": search_command,
    "why": why_command,
    "extract": extract_command,
    "explain": explain_command,
    "compare": compare_command,
    "replay": replay_command,
    "reprocess": reprocess_command,
    "import": import_command,
    "export": export_command,
    "backup": backup_command,
    "restore": restore_command,
    "verify": verify_command,
    "prune": prune_command,
    "worker": worker_command,
    "scheduler": scheduler_command,
    "page": page_command,
    "compile": compile_command,
    "demo": service.demo_command,
    "mcp": mcp_command,
    "healthcheck": service.healthcheck_command,
}
for name, command in COMMANDS.items():
    app.command(name, cls=QueryCommand if name == "search" else TyperCommand)(command)

for name, group in {
    "stories": stories.app,
    "feeds": feeds.app,
    "searches": searches.app,
    "articles": articles.app,
    "claims": claims.app,
    "judge": judge.app,
    "research": research.app,
    "alerts": alerts.app,
    "subscriptions": subscriptions.app,
    "evidence": evidence.app,
    "seed": seed.app,
    "lexicon": lexicon_app,
    "db": service.db_app,
}.items():
    app.add_typer(group, name=name)


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong use."""
    sys.exit(run_guarded(app))
