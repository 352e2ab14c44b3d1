"""Where settings come from: the TOML file, the environment, files with secrets; and who to blame for a wrong one."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from monitor.settings_model import (
    ChannelSettings,
    EmailSettings,
    SettingsFile,
    TokenSettings,
    UserSettings,
    WebSettings,
)
from monitor.toml_errors import Problem, explain, model_in
from monitor.toml_text import KeyPath, locate, syntax_error_line
from storage.errors import SettingsError
from storage.naming import suggest

PREFIX = "STORYWATCH_"
FILE_NAME = "storywatch.toml"
_SEPARATOR = "__"
_FROM_FILE = "_file"
# Variables that are no settings: the file itself, whether compiled modules may be used, what docker-compose.yml puts
# into its own text.
_NOT_SETTINGS = frozenset((
    "STORYWATCH_CONFIG", "STORYWATCH_COMPILED", "STORYWATCH_CLOCK", "STORYWATCH_TAG", "STORYWATCH_PORT",
    "STORYWATCH_SECRETS",
))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where values came from, for errors: the file and its text, and the variable that set a path."""

    file: Path | None
    text: str
    variables: Mapping[KeyPath, str]

    def complain(self, problem: Problem) -> str:
        """Return the problem as a line that names the variable, or file and line."""
        for depth in range(len(problem.path), 0, -1):
            variable = self.variables.get(problem.path[:depth])
            if variable is not None:
                rest = explain(Problem(problem.path[depth:], problem.said))
                return f"{variable} (environment): {rest}"
        if self.file is None:
            return f"settings: {explain(problem)}"
        return f"{self.file}:{locate(self.text, problem.path)}: {explain(problem)}"


def find_file(config: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the file that is named, or the one in the working directory, or None; SettingsError if missing."""
    named = config or (Path(environ["STORYWATCH_CONFIG"]) if environ.get("STORYWATCH_CONFIG") else None)
    if named is None:
        return cwd / FILE_NAME if (cwd / FILE_NAME).is_file() else None
    path = cwd / named
    if not path.is_file():
        source = "--config" if config else "STORYWATCH_CONFIG (environment)"
        raise SettingsError(f"{path}: there is no such file of settings; correct {source}")
    return path


def read_file(file: Path) -> tuple[str, dict[str, Any]]:
    """Return a TOML file as text and as values."""
    try:
        text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: byte {error.start}: is not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror}); check the permissions") from error
    except tomllib.TOMLDecodeError as error:
        line = syntax_error_line(error) or max(1, text.count("\n"))
        raise SettingsError(f"{file}:{line}: is not TOML: {error}; correct the line, or the one before it") from error


def setting_paths(model: type[BaseModel] = SettingsFile, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every setting that has a variable of its own; arrays of tables are one setting."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from setting_paths(annotation, (*path, name))
        else:
            yield (*path, name)


def variable_of(path: tuple[str, ...]) -> str:
    """Return the environment variable of a setting: `("web", "port")` → `STORYWATCH_WEB__PORT`."""
    return PREFIX + _SEPARATOR.join(path).upper()


def merge_environment(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[KeyPath, str]:
    """Put the values of the environment into `raw` and return which variable set which path."""
    known = {variable_of(path): path for path in setting_paths()}
    known |= {f"{name}_FILE": (*path[:-1], path[-1] + _FROM_FILE) for name, path in known.items()}
    variables: dict[KeyPath, str] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS:
            continue
        path = known.get(name)
        if path is None:
            _refuse_mistyped(name, known)
            continue
        table = raw
        for part in path[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                break  # the file has something else in this place, which is reported when it is checked
            table = inner
        else:
            base = path[-1].removesuffix(_FROM_FILE)
            for key in (base, base + _FROM_FILE):
                table.pop(key, None)  # the environment wins, whichever of the two the file has
            table[path[-1]] = environ[name]
            variables[path] = name
    return variables


def _refuse_mistyped(name: str, known: Mapping[str, KeyPath]) -> None:
    """Raise SettingsError if an unknown variable looks like one of ours; others may belong to other programs."""
    hint = suggest(name.upper(), known)
    if hint.startswith("did you mean"):
        raise SettingsError(f"{name} (environment): there is no such setting; {hint}")


def is_secret(path: KeyPath) -> bool:
    """Tell whether the value at a path must not be shown."""
    return any(str(part).removesuffix(_FROM_FILE) in _SECRETS for part in path)


_SECRET_MODELS: tuple[type[BaseModel], ...] = (
    SettingsFile,
    WebSettings,
    UserSettings,
    TokenSettings,
    EmailSettings,
    ChannelSettings,
)
_SECRETS = frozenset(name for model in _SECRET_MODELS for name, field in model.model_fields.items() if not field.repr)


def read_secret_files(table: dict[str, Any], path: KeyPath, origins: Origins, cwd: Path) -> None:
    """Replace each `NAME_file` in a table, and in the tables within, by NAME with the file's content."""
    for key in list(table):
        value = table[key]
        inner = value if isinstance(value, list) else [value]
        for index, item in enumerate(inner):
            if isinstance(item, dict):
                deeper = (*path, key, index) if isinstance(value, list) else (*path, key)
                read_secret_files(item, deeper, origins, cwd)
        base = key.removesuffix(_FROM_FILE)
        if base == key or not isinstance(value, str) or not _is_known(base, path):
            continue
        if base in table:
            said = f"stands beside {base}; keep one of the two"
            raise SettingsError(origins.complain(Problem((*path, key), said)))
        try:
            table[base] = (cwd / value).read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            said = f"{value} cannot be read ({reason}); check the name and the permissions"
            raise SettingsError(origins.complain(Problem((*path, key), said))) from error
        del table[key]


def _is_known(base: str, path: KeyPath) -> bool:
    model: type[BaseModel] | None = SettingsFile
    for part in path:
        if isinstance(part, str) and model is not None:
            field = model.model_fields.get(part)
            model = model_in(field.annotation) if field else None
    return model is not None and base in model.model_fields
