"""SHELL: traces for a collector (OpenTelemetry over HTTP), from a poll to the delivery of what it found.

The id that is stored with versions and revisions is the trace's id, and the poll's own span is named by its first half:
so any process opens a span of a trace that another began, and nothing but the id has to be handed on. Only this module
needs the `otel` extra.
"""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from types import TracebackType
from typing import Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, TraceFlags

from storage.covering import cover_secrets

# A collector that is away costs no more than this (seconds): spans are sent beside the work, and dropped.
_PATIENCE = 5
_ROOT: ContextVar[str] = ContextVar("root", default="")


class CollectorTracer:
    """Sends spans to a collector, in batches and beside the work: `with CollectorTracer(…) as tracer`."""

    def __init__(self, endpoint: str, *, headers: Mapping[str, str], role: str) -> None:
        """`endpoint` takes OTLP over HTTP (…/v1/traces); `role` says what this process does."""
        about = {
            "service.name": "storywatch",
            "service.version": version("storywatch"),
            "service.instance.id": f"{role}@{socket.gethostname()}:{os.getpid()}",
        }
        self._provider = TracerProvider(resource=Resource.create(about), id_generator=_Ids(), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint, headers=dict(headers), timeout=_PATIENCE)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
        self._tracer = self._provider.get_tracer("storywatch")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._provider.shutdown()

    @contextmanager
    def span(self, name: str, traces: Sequence[str], *, is_root: bool = False, **about: str | int) -> Iterator[None]:
        """A span, as `alerts.tracing.Tracer` has it; work that came from no poll is not traced."""
        ids = [one for one in traces if one]
        if not ids:
            yield
            return
        token = _ROOT.set(ids[0] if is_root else "")
        try:
            span = self._tracer.start_span(
                name,
                context=Context() if is_root else _context_of(ids[0]),
                attributes={name: cover_secrets(one) if isinstance(one, str) else one for name, one in about.items()},
                links=[Link(_root_of(one)) for one in ids[1:]],
            )
        finally:
            _ROOT.reset(token)
        with trace.use_span(span, end_on_exit=True):
            yield


class _Ids(IdGenerator):
    """Ids by chance, but for a root span: its are those of its poll."""

    def __init__(self) -> None:
        self._chance = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        """Called for a root span alone."""
        root = _ROOT.get()
        return int(root, 16) if root else self._chance.generate_trace_id()

    def generate_span_id(self) -> int:
        """Called for every span."""
        root = _ROOT.get()
        return _root_of(root).span_id if root else self._chance.generate_span_id()


def _root_of(trace_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(trace_id[:16], 16), is_remote=True, trace_flags=TraceFlags(1))


def _context_of(trace_id: str) -> Context:
    """Where a span of this trace belongs: under the step that is under way here, else under the poll."""
    held = trace.get_current_span().get_span_context()
    if held.is_valid and held.trace_id == int(trace_id, 16):
        return trace.set_span_in_context(trace.get_current_span())
    return trace.set_span_in_context(NonRecordingSpan(_root_of(trace_id)))
