"""One id leads from a poll to the message that tells of it: in the log, in what is stored, in the webhook, in the spans."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from storage import articles, claims
from storage.database import Database
from tests.support.commandline import CommandLine, RunningService, free_port, hook_channel, seed, settings
from tests.support.outlet import Outlet
from tests.support.receiver import Receiver
from tests.support.webserver import Reply, Request, WebServer

DESK = """
[log]
format = "json"
[[subscriptions]]
name = "desk"
channels = ["hook"]
kinds = ["first"]
group_wait = "0s"
"""
TEXT = "The unrest left 44 people dead, the Health Ministry said."


class Collector:
    """Takes spans as an OpenTelemetry collector does, over HTTP."""

    def __init__(self, site: WebServer) -> None:
        self.spans: list[Span] = []
        self.url = site.url("/v1/traces")
        site.add("/v1/traces", self._take)

    def _take(self, request: Request) -> Reply:
        told = ExportTraceServiceRequest.FromString(request.body)
        self.spans += [span for one in told.resource_spans for scope in one.scope_spans for span in scope.spans]
        return Reply(content_type="application/x-protobuf")

    def of(self, trace: str) -> dict[str, Span]:
        """The spans of one trace, by name; of several with one name the last."""
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace}


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def told(log: str) -> Iterator[dict[str, Any]]:
    for text in log.splitlines():
        yield json.loads(text)


def prepare(line: CommandLine, feed: str, hook: Receiver, endpoint: str = "") -> None:
    more = hook_channel(hook.url) + DESK + (f'[telemetry]\nendpoint = "{endpoint}"\n' if endpoint else "")
    line.write("seeds/unrest.toml", seed("unrest", {"Good": feed}))
    line.write("storywatch.toml", settings(port=free_port(), more=more))


def trace_of(service: RunningService, hook: Receiver) -> str:
    """Wait for the message, and return the id that it carries."""
    service.wait_for(lambda: bool(hook.calls))
    (change,) = json.loads(hook.calls[0].body)["changes"]
    return str(change["trace_id"])


def test_the_id_of_a_poll_stands_in_log_store_webhook_and_spans(line: CommandLine) -> None:
    with WebServer() as site, WebServer() as beside, Receiver() as hook:
        collector = Collector(beside)
        Outlet(site).publish("a", "Riots in Harbour City", TEXT)
        prepare(line, site.url("/feed"), hook, collector.url)
        with line.service() as service:
            trace = trace_of(service, hook)
            service.wait_for("told on hook")
        assert hook.calls[0].headers["traceparent"] == f"00-{trace}-{trace[:16]}-01"
        lines = [one for one in told(service.log) if one.get("trace") == trace]
        assert [sorted(one.keys() - {"time", "level", "logger", "message", "trace"}) for one in lines] == [
            ["feed"], ["article", "version"], ["article", "revision", "version"], ["delivery", "revision"],
        ]  # fmt: skip
        assert lines[3]["delivery"] == hook.ids()[0]
        assert lines[3]["revision"] == lines[2]["revision"]
        database = Database(f"sqlite:///{line.folder}/data/storywatch.db")
        with database.read() as session:
            version = articles.get_version(session, lines[1]["article"], lines[1]["version"])
            assert version.trace == claims.get_revision(session, lines[2]["revision"]).trace == trace
        database.close()
        spans = collector.of(trace)
        assert spans.keys() == {"poll", "fetch", "read", "extract", "fold", "deliver"}
        poll, read = spans["poll"], spans["read"]
        assert (poll.span_id.hex(), poll.parent_span_id) == (trace[:16], b"")
        assert read.parent_span_id == spans["deliver"].parent_span_id == poll.span_id
        assert {spans[name].parent_span_id for name in ("fetch", "extract", "fold")} == {read.span_id}
        order = [spans[name].start_time_unix_nano for name in ("poll", "read", "fetch", "extract", "fold", "deliver")]
        assert order == sorted(order)


def test_a_collector_that_is_away_holds_nothing_up(line: CommandLine) -> None:
    with WebServer() as site, Receiver() as hook, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        Outlet(site).publish("a", "Riots in Harbour City", TEXT)
        prepare(line, site.url("/feed"), hook, f"http://127.0.0.1:{deaf.getsockname()[1]}/v1/traces")
        with line.service() as service:
            assert trace_of(service, hook)
        assert service.exit_code == 0
        assert "traceback" not in service.log


def test_without_an_endpoint_nothing_of_opentelemetry_is_loaded(line: CommandLine) -> None:
    with WebServer() as site, Receiver() as hook:
        Outlet(site).publish("a", "Riots in Harbour City", TEXT)
        prepare(line, site.url("/feed"), hook)
        with line.service() as service:
            assert len(trace_of(service, hook)) == 32
            maps = Path(f"/proc/{service.process.pid}/maps").read_text(encoding="utf-8")
        assert "protobuf" not in maps
        assert "opentelemetry" not in service.log
