"""The dashboard that ships asks for figures that the service shows, and the guide names them all."""

import json
import re
from pathlib import Path

from prometheus_client import generate_latest

from monitor.measures import Measures, make_registry
from tests.architecture.sources import ROOT, text

DASHBOARD = ROOT / "docs" / "grafana" / "storywatch.json"
SUFFIXES = r"_(?:bucket|count|sum|total|created)$"


def shown() -> set[str]:
    """The names of all figures in the code of the page and in what work counts."""
    measures = Measures(make_registry())
    with measures.timed("poll"):
        measures.count(versions=1)
    counted = re.findall(r"^# HELP (\S+)", generate_latest(measures.registry).decode(), flags=re.MULTILINE)
    page = text(Path("monitor/web/health.py"))
    named = [
        f"storywatch_{name}" for name in re.findall(r'gauge\("(\w+)"|gauge\(\s*"(\w+)"', page) for name in name if name
    ]
    return {re.sub(SUFFIXES, "", name) for name in [*counted, *named, *re.findall(r'"(storywatch_\w+)"', page)]}


def test_every_figure_of_the_dashboard_exists() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [name for panel in board["panels"] for name in re.findall(r"storywatch_\w+", panel["targets"][0]["expr"])]
    assert asked
    assert {re.sub(SUFFIXES, "", name) for name in asked} <= shown()


def test_the_guide_names_every_figure() -> None:
    guide = text(Path("docs/operations.md"))
    assert not [name for name in shown() if f"`{name}" not in guide]
