"""SHELL: subscriptions kept in the file of settings, changed there as a person would, comments and order left alone."""

import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

import tomlkit
from tomlkit.items import AoT, Table

from monitor.settings import Settings, read_settings
from monitor.settings_checks import name_of
from monitor.settings_sources import read_file
from storage.errors import NotFoundError, SettingsError

VARIABLE = "STORYWATCH_SUBSCRIPTIONS"


def set_subscription(
    file: Path, name: str, values: Mapping[str, object], forgotten: Collection[str], environ: Mapping[str, str]
) -> tuple[Settings, bool]:
    """Add a subscription, or change the one of this name: `values` by key, `forgotten` keys return to their defaults.

    Returns the settings as they are now, and whether it is new. Nothing is written unless the whole file is right;
    SettingsError says what is not.
    """
    if not name:
        raise SettingsError("a subscription needs a name: write it behind `set`")
    document, tables = _open(file, environ)
    table = _find(tables, name)
    is_new = table is None
    if table is None:
        table = _append(document, tables, name)
    for key in forgotten:
        table.pop(key, None)
    for key, value in values.items():
        table[key] = int(value) if isinstance(value, float) and value.is_integer() else value
    return _save(file, document, environ), is_new


def remove_subscription(file: Path, name: str, environ: Mapping[str, str]) -> Settings:
    """Take a subscription out of the file; what it was told stays on record. Raises NotFoundError."""
    document, tables = _open(file, environ)
    table = _find(tables, name)
    if table is None:
        raise NotFoundError(f"no subscription is called {name!r}; `storywatch subscriptions list` shows those that are")
    tables.remove(table)
    if not tables:
        document.remove("subscriptions")
    return _save(file, document, environ)


def _open(file: Path, environ: Mapping[str, str]) -> tuple[tomlkit.TOMLDocument, AoT]:
    if environ.get(VARIABLE):
        raise SettingsError(f"{VARIABLE} (environment) holds the subscriptions: change them there, or unset it")
    text = read_file(file)[0] if file.exists() else ""
    document = tomlkit.parse(text)
    tables = document.get("subscriptions", tomlkit.aot())
    if not isinstance(tables, AoT):
        raise SettingsError(f"{file}: subscriptions: write each as a table of its own, headed [[subscriptions]]")
    return document, tables


def _find(tables: AoT, name: str) -> Table | None:
    for number, table in enumerate(tables, start=1):
        if isinstance(table, Table) and name_of(number, str(table.get("name", ""))) == name:
            return table
    return None


def _append(document: tomlkit.TOMLDocument, tables: AoT, name: str) -> Table:
    """Put an empty subscription after the others, with a line between, and return it as it lies in the document."""
    if tables:
        tables[-1].add(tomlkit.nl())
    elif document.as_string().strip():
        document.add(tomlkit.nl())
    table = tomlkit.table()
    table["name"] = name
    tables.append(table)
    if "subscriptions" not in document:
        document.append("subscriptions", tables)
    return tables[-1]


def _save(file: Path, document: tomlkit.TOMLDocument, environ: Mapping[str, str]) -> Settings:
    text = tomlkit.dumps(document)
    try:
        settings = read_settings(file, text, tomllib.loads(text), environ, file.parent)
    except SettingsError as error:
        raise SettingsError(f"{file} stays as it is; with this change it would say:\n{error}") from error
    fresh = file.with_name(f".{file.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        if file.exists():
            fresh.chmod(file.stat().st_mode)
        os.replace(fresh, file)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be written ({error.strerror}); check the permissions") from error
    return settings
