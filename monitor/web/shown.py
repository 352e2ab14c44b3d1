"""The settings as the about page may show them: secrets left out, passwords within addresses covered."""

from pydantic import BaseModel

from monitor.settings import Settings
from monitor.settings_model import read_duration
from monitor.settings_sources import is_secret, setting_paths
from storage.covering import cover_secrets


def shown_settings(settings: Settings) -> tuple[tuple[str, str], ...]:
    """(dotted name, value) of every setting that is no secret; of channels and users only their names."""
    shown = []
    for path in setting_paths():
        value: object = settings
        owner: object = None
        for part in path:
            owner, value = value, getattr(value, part, None)
        if value is not None and not is_secret(path):
            shown.append(
                (
                    ".".join(path),
                    show_duration(value)
                    if isinstance(value, float) and _is_duration(owner, path[-1])
                    else cover(value),
                )
            )
    return tuple(shown)


def _is_duration(owner: object, name: str) -> bool:
    """Whether a setting is read as a duration, by the field that declares it."""
    field = type(owner).model_fields.get(name) if isinstance(owner, BaseModel) else None
    return field is not None and any(getattr(one, "func", None) is read_duration for one in field.metadata)


def show_duration(seconds: float) -> str:
    """A duration in the largest units that fit, as the settings file writes it: 5m, 1d, 1h30m."""
    left, parts = seconds, []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count:g}{unit}")
    if left or not parts:
        parts.append(f"{left:g}s")
    return "".join(parts)


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
    return cover_secrets(str(value))
