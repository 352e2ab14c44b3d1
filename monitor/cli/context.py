"""What every command needs first: settings, the database, and one way to end on an error."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.cli.output import say_error
from monitor.clock import Clock, file_clock, system_clock
from monitor.settings import Settings, load_settings
from monitor.settings_sources import FILE_NAME, find_file
from storage.database import Database
from storage.errors import StorywatchError

EXIT_FAILED = 1
_options: dict[str, Path | None] = {"config": None, "clock": None}


def remember_options(config: Path | None, clock_file: Path | None) -> None:
    """Keep the options given before the command's name; called once by the entry point."""
    _options["config"] = config
    _options["clock"] = clock_file


def settings() -> Settings:
    """The settings of this call: file, environment, defaults. SettingsError names what is wrong."""
    return load_settings(_options["config"], os.environ, Path.cwd())


def settings_file() -> Path:
    """The file of settings of this call; where there is none yet, where one would be looked for."""
    return find_file(_options["config"], os.environ, Path.cwd()) or Path.cwd() / FILE_NAME


def clock() -> Clock:
    """The clock of this call: the machine's, or a file that another process drives (rehearsals)."""
    path = _options["clock"]
    return file_clock(path) if path else system_clock


@contextmanager
def opened_database(current: Settings | None = None, *, create: bool = False) -> Iterator[Database]:
    """The database of the settings, upgraded to this version's schema; closed at the end.

    Reading commands refuse to make a new database (`create`), so that a mistyped path is not answered with nothing.
    """
    current = current or settings()
    database = Database(current.database_url)
    try:
        if not create:
            database.require_begun()
        database.upgrade()
        yield database
    finally:
        database.close()


def run_guarded(call: Callable[[], None]) -> int:
    """Run a command line to its end and return the exit code: 0 done, 1 failed, 2 wrong use."""
    code = _run(call)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    return code


def _run(call: Callable[[], None]) -> int:
    try:
        call()
    except StorywatchError as error:
        say_error(str(error))
        return EXIT_FAILED
    except BrokenPipeError:
        _drop_output()
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        # What reads our output went away (`| head`): no failure, though both Typer and Rich end with 1.
        if isinstance(end.__context__, BrokenPipeError):
            _drop_output()
            return 0
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _drop_output() -> None:
    """Let nobody read what is still to be written, and keep Python from complaining of that at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
