"""The JSON interface against its own OpenAPI document: whatever is asked, no failure inside and no answer beyond the schema.

STORYWATCH_SCHEMA_EXAMPLES asks more than the suite does (20 examples a call).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from monitor.web.api import routes, searching
from tests.monitor.web import archive
from tests.monitor.web.conftest import serve_copy

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PATHS = sorted(route.path for route in (*routes.router.routes, *searching.router.routes) if isinstance(route, APIRoute))
KNOWN = {"slug": archive.KAZAKHSTAN.slug, "article_id": 1, "revision_id": "e1-quiet-edit"}
EXAMPLES = int(os.environ.get("STORYWATCH_SCHEMA_EXAMPLES", "20"))


@pytest.fixture(scope="module")
def document(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document as a running service serves it, which is what is asked then."""
    with serve_copy(filled, tmp_path_factory.mktemp("schema")) as base:
        yield schemathesis.openapi.from_url(f"{base}/api/v1/openapi.json")


@pytest.mark.parametrize("path", PATHS)
def test_every_call_keeps_to_the_schema(document: Any, path: str) -> None:
    call = document[path]["GET"]
    right, wrong = (
        call.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )

    @given(case=right | wrong, is_known=booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {name: KNOWN[name] for name in case.path_parameters or {}}
            case.query = {**(case.query or {}), **({"metric": "killed"} if path.endswith("/history") else {})}
        case.call_and_validate(checks=CHECKS)

    ask()
