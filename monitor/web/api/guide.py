"""The JSON interface described for people, from its own OpenAPI document and without a foreign script."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from monitor.web.site import ReaderDep, SiteDep

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One address of the interface with its parameters: (name, type, what it means)."""

    path: str
    words: str
    parameters: tuple[tuple[str, str, str], ...]


@router.get("/api")
def show_guide(request: Request, site: SiteDep, caller: ReaderDep) -> Response:
    """Every address with its parameters."""
    with site.database.read() as session:
        page = site.page(request, "about", session, caller=caller)
    return site.render(request, "api.html", page, site.presenter(request), calls=list_calls(request.app.openapi()))


def list_calls(document: dict[str, object]) -> list[Call]:
    """The calls of an OpenAPI document in its order."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    return [
        Call(
            path=path,
            words=methods["get"].get("description", ""),
            parameters=tuple(
                (one["name"], type_of(one["schema"]), one.get("description", ""))
                for one in methods["get"].get("parameters", ())
            ),
        )
        for path, methods in paths.items()
        if "get" in methods
    ]


def type_of(schema: dict[str, object]) -> str:
    """A schema's type in one word."""
    if isinstance(choices := schema.get("anyOf"), list):
        return type_of(choices[0])
    return str(schema.get("type") or str(schema.get("$ref", "")).rpartition("/")[2])
