"""`storywatch compile`: make the reading of claims faster on this machine."""

from monitor.cli.output import console
from monitor.compiling import compile_reader


def compile_command() -> None:
    """Compile the reader of claims: faster by half. Needs a C compiler and mypy; without, all goes on as before."""
    with console().status("Compiling the reader of claims (a minute)"):
        is_new = compile_reader()
    console().print("The reader of claims is compiled." if is_new else "The reader of claims is compiled already.")
