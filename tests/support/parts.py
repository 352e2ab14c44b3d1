"""Parts of the service as the database knows them, and their silence without anybody waiting for it."""

from collections.abc import Sequence
from datetime import timedelta

from storage import meta, parts
from storage.codec import from_json, to_json
from storage.database import Database
from storage.liveness import Part


def note(database: Database, part: Part, *, silent: timedelta = timedelta(0), leads: bool = False) -> Part:
    """Note a part that was heard of so long ago."""
    with database.write() as session:
        noted = parts.note_part(session, part, leads=leads)
    silence(database, [noted], silent)
    return noted


def silence(database: Database, several: Sequence[Part], by: timedelta) -> None:
    """Make it that long longer ago that these were heard of."""
    with database.write() as session:
        for part in several:
            name = f"part:{part.role}:{part.place}"
            noted = from_json(parts.Noted, meta.find_fact(session, name) or "")
            earlier = parts.Noted(part=noted.part, heard_at=noted.heard_at - by)
            meta.set_fact(session, name, to_json(earlier))
