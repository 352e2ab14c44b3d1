"""`storywatch mcp`: the archive for an analyst's assistant, on standard input and output."""

import importlib

from monitor.cli.context import opened_database
from storage.errors import StorywatchError


def mcp_command() -> None:
    """Answer an assistant's questions about the archive (Model Context Protocol, on standard input and output)."""
    try:
        assistant = importlib.import_module("monitor.assistant")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("monitor"):
            raise
        raise StorywatchError("this needs the package mcp: pip install 'mcp>=2'") from error
    with opened_database() as database:
        assistant.make_server(database).run("stdio")
