"""The settings as the about page may show them: secrets left out, passwords within addresses covered."""

import re

from pydantic import BaseModel

from monitor.settings import Settings
from monitor.settings_sources import is_secret, setting_paths

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
_COVER = "…@"


def shown_settings(settings: Settings) -> tuple[tuple[str, str], ...]:
    """(dotted name, value) of every setting that is no secret; of channels and users only their names."""
    shown = []
    for path in setting_paths():
        value: object = settings
        for part in path:
            value = getattr(value, part, None)
        if value is not None and not is_secret(path):
            shown.append((".".join(path), cover(value)))
    return tuple(shown)


def cover(value: object) -> str:
    """One value as text that may be shown."""
    if value in ("", (), [], {}):
        return "–"
    if isinstance(value, tuple | list):
        return ", ".join(cover(item) for item in value)
    if isinstance(value, bool | float):
        return f"{value:g}" if isinstance(value, float) else str(value).lower()
    if isinstance(value, BaseModel):
        return str(getattr(value, "name", type(value).__name__))
    return _CREDENTIALS.sub(_COVER, str(value))
