"""All benchmarks, each in a process of its own, and one table of what they found.

    python -m bench [NAME …] [--full | --tiny]        make bench ARGS="polling ledger --full"

Without names all run, in their quick form: under two minutes each. `--full` takes the sizes that the design asks for.
Costs are CPU time of the process measured, unless a row says otherwise, so that a busy machine does less harm. Peers
run in the same run, in environments of their own under .bench/peers, made at the first need.
"""

import argparse
import importlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.figures import SIZES, Figure, read_figures

NAMES = (
    "polling", "rereading", "parsing", "pages", "claims", "ledger", "ingest", "search", "site", "crowd", "powercut",
    "backup", "delivering", "telling", "killing", "workers",
)  # fmt: skip


def main() -> int:
    """Run the benchmarks asked for; 1 if one of them failed. A figure below what is asked fails nothing: it is told."""
    arguments = _arguments()
    found: dict[str, list[Figure]] = {}
    failed = []
    for name in arguments.names or NAMES:
        started = time.perf_counter()
        print(f"== {name}: {_first_line(name)}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            left = Path(folder) / "figures.json"
            command = [sys.executable, "-m", f"bench.{name}", "--size", arguments.size, "--figures", str(left)]
            if subprocess.run(command, check=False).returncode:
                failed.append(name)
            else:
                found[name] = read_figures(left)
        print(f"   {time.perf_counter() - started:.0f} s\n", flush=True)
    show(found, arguments.size)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def show(found: dict[str, list[Figure]], size: str, console: Console | None = None) -> None:
    """Print one table of all rows, under the command that gives each."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, collapse_padding=True)
    table.add_column("what (python -m …)", width=24)
    table.add_column("peer", width=16)
    for name, width in (("ours", 10), ("ratio", 7), ("asked", 9)):
        table.add_column(name, justify="right", width=width)
    table.add_column("", width=7, justify="right")
    for name, figures in found.items():
        table.add_row(f"[dim]bench.{name}[/dim]")
        for figure in figures:
            table.add_row(
                figure.what,
                "\n".join(part for part in (figure.peer, figure.theirs) if part),
                figure.ours,
                f"{figure.ratio:.1f} ×" if figure.ratio else "",
                figure.asked,
                {True: "met", False: "[bold]NOT MET[/bold]", None: ""}[figure.is_met],
            )
    console = console or Console(width=80, highlight=False)
    console.print(table)
    if size != "full":
        console.print(f"Sizes: {size}. What is asked holds for the sizes of --full.")


def _first_line(name: str) -> str:
    return (importlib.import_module(f"bench.{name}").__doc__ or "").strip().splitlines()[0]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    for size in SIZES:
        if size != "quick":
            parser.add_argument(f"--{size}", dest="size", action="store_const", const=size, default="quick")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(NAMES)):
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
