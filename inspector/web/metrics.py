"""Figures of one line for whoever operates many: ``GET /metrics`` in the exposition format of Prometheus."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import compare_digest

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from inspector.domain import (
    Act,
    Decision,
    FaultCode,
    LineStatus,
    LiveFeed,
    Outcome,
    Queue,
    RecordedPart,
    Stage,
    StoreError,
    Waiting,
    may,
)
from inspector.web.gate import Gate

__all__ = ["LineMetrics", "Sources", "metrics_routes"]

OWN = ("line", "station")
FAULT = "fault"  # the outcome of a part that could not be inspected
# Fine where lines have their deadlines; the line's own is a bucket too, so that what came after it is counted exactly.
BUCKETS_S = (
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0,
)  # fmt: skip
RECORD_UP = "1 where journal and record can be read."
WHO_ASKS = (
    "log in first: send 'Authorization: Bearer TOKEN' with the token of screen.metrics_token_env, "
    "or with that of POST /api/v1/login"
)


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read at each scrape; nothing here may take longer than a look into an index or a folder.

    Attributes
    ----------
    held
        Whether somebody holds the line.
    journal
        How many parts wait there to be recorded; may raise ``StoreError``.
    outboxes
        What waits in each queue; may raise ``StoreError``.
    folders
        Whose disks to look at, by a short name.
    """

    feed: LiveFeed
    held: Callable[[], bool]
    journal: Callable[[], int]
    outboxes: Mapping[Queue, Callable[[], Waiting]]
    folders: Mapping[str, Path]


class LineMetrics:
    """Counts parts as they are recorded and, where ``watch`` was called, reads the rest when it is asked.

    Counters begin at zero with the process, as Prometheus expects. Labels are taken from fixed sets: outcomes, faults,
    stages, queues, lamps, the line's own engine and model, never from a part.

    Parameters
    ----------
    deadline_s
        From trigger to verdict.
    version
        Of the product.
    token
        Opens the page, and nothing else, beside the sessions of people who may see the line; None: there is none.
    """

    def __init__(self, line: str, station: str, *, deadline_s: float, version: str, token: str | None = None) -> None:
        self._own, self._token = (line, station), token
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        build = Info("inspector_build", "Version of the product.", OWN, registry=registry)
        build.labels(*self._own).info({"version": version, "python": platform.python_version()})
        deadline = Gauge("inspector_deadline_seconds", "Time from trigger to verdict.", OWN, registry=registry)
        deadline.labels(*self._own).set(deadline_s)
        self._model = Info("inspector_model", "Weights that judged the newest inspected part.", OWN, registry=registry)
        self._parts = Counter(
            "inspector_parts", "Recorded parts; where outcome is fault, fault says why.", (*OWN, "outcome", "fault"),
            registry=registry,
        )  # fmt: skip
        self._dispositions = Counter(
            "inspector_dispositions", "What was decided about parts as they were recorded, by the rules or by advice.",
            (*OWN, "decision", "by"), registry=registry,
        )  # fmt: skip
        buckets = sorted({*BUCKETS_S, deadline_s})
        self._path = Histogram(
            "inspector_verdict_duration_seconds", "From trigger to the verdict's arrival at the PLC.", OWN,
            registry=registry, buckets=buckets,
        )  # fmt: skip
        self._stages = Histogram(
            "inspector_stage_duration_seconds", "Time in each stage of the verdict path.", (*OWN, "stage"),
            registry=registry, buckets=buckets,
        )  # fmt: skip
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show what has not happened yet: a rate cannot see the first of a series that was not there."""
        self._path.labels(*self._own)
        for stage in Stage:
            self._stages.labels(*self._own, stage.value)
        for outcome in Outcome:
            self._parts.labels(*self._own, outcome.name.lower(), "")
        for fault in FaultCode:
            if fault is not FaultCode.NONE:
                self._parts.labels(*self._own, FAULT, fault.name.lower())

    def part_recorded(self, part: RecordedPart) -> None:
        """Count this part."""
        report, disposition = part.report, part.disposition
        fault = report.verdict.fault
        kind = (report.verdict.outcome.name.lower(), "") if fault is FaultCode.NONE else (FAULT, fault.name.lower())
        self._parts.labels(*self._own, *kind).inc()
        if report.timings.total_ms > 0:  # what a killed line left open was never timed
            self._path.labels(*self._own).observe(report.timings.total_ms / 1000)
        for stage, took_ms in report.timings.stages.items():
            self._stages.labels(*self._own, stage.value).observe(took_ms / 1000)
        if disposition is not None and disposition.decision is not Decision.NONE:
            by = "rules" if disposition.decided_by == "rules" else "advice"
            self._dispositions.labels(*self._own, disposition.decision.name.lower(), by).inc()
        if report.detections is not None:
            model = report.detections.model
            told = {"name": model.name, "version": model.version, "sha256": model.sha256}
            self._model.labels(*self._own).info(told)

    def watch(self, sources: Sources) -> None:
        """Read these at each scrape."""
        self._registry.register(_Watched(self._own, sources))

    def opens_to(self, token: str) -> bool:
        """Return whether this is the token of whoever scrapes."""
        return self._token is not None and compare_digest(token.encode(), self._token.encode())

    def scrape(self, accept: str = "") -> tuple[bytes, str]:
        """Return the exposition and its content type, as the scraper's ``Accept`` header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Watched(Collector):
    """What the line says of itself at this moment."""

    def __init__(self, own: Sequence[str], sources: Sources) -> None:
        self._own, self._sources = tuple(own), sources

    def collect(self) -> Iterator[Metric]:
        status = self._sources.feed.status()
        yield from self._line(status)
        yield from self._lamps(status)
        yield from self._texts(status)
        yield from self._record()
        yield from self._disks()

    def _one(self, name: str, told: str, value: float) -> Metric:
        gauge = GaugeMetricFamily(f"inspector_{name}", told, labels=OWN)
        gauge.add_metric(self._own, value)
        return gauge

    def _each(self, name: str, told: str, label: str, values: Mapping[str, float]) -> Metric:
        gauge = GaugeMetricFamily(f"inspector_{name}", told, labels=[*OWN, label])
        for key, value in values.items():
            gauge.add_metric([*self._own, key], value)
        return gauge

    def _line(self, status: LineStatus) -> Iterator[Metric]:
        line = InfoMetricFamily("inspector_line", "What runs on the line.", labels=OWN)
        runs = {"recipe": status.recipe, "model": status.model, "simulated": str(status.simulated).lower()}
        line.add_metric(self._own, runs)
        yield line
        yield self._one("ready", "1 where the line takes triggers.", status.ready)
        yield self._one("held", "1 where somebody holds the line.", self._sources.held())
        for part in self._sources.feed.recent(1):
            at = part.report.trigger.at.timestamp()
            yield self._one("last_part_timestamp_seconds", "When the newest recorded part was triggered.", at)

    def _lamps(self, status: LineStatus) -> Iterator[Metric]:
        good = {lamp.value: float(state.good) for lamp, state in status.lamps.items() if state.good is not None}
        yield self._each("lamp_good", "1 well, 0 not; absent where it is not known.", "lamp", good)
        since = {lamp.value: state.since.timestamp() for lamp, state in status.lamps.items()}
        yield self._each("lamp_since_timestamp_seconds", "Since when the lamp is as it is.", "lamp", since)

    def _texts(self, status: LineStatus) -> Iterator[Metric]:
        texts = CounterMetricFamily(
            "inspector_report_texts",
            "Report texts by who wrote them; instead says why the template and not the line's engine.",
            labels=[*OWN, "engine", "instead"],
        )
        if (writing := status.writing) is not None:
            texts.add_metric([*self._own, writing.engine, ""], writing.written)
            for reason, count in writing.instead.items():
                texts.add_metric([*self._own, "template", reason], count)
        yield texts

    def _record(self) -> Iterator[Metric]:
        try:
            journal = self._sources.journal()
            outboxes = {queue.value: waiting() for queue, waiting in self._sources.outboxes.items()}
        except StoreError:
            yield self._one("record_up", RECORD_UP, 0)
            return
        now = datetime.now(UTC)
        messages = {queue: waiting.messages for queue, waiting in outboxes.items()}
        ages = {queue: _age_s(waiting.oldest, now) for queue, waiting in outboxes.items()}
        yield self._one("record_up", RECORD_UP, 1)
        yield self._one("journal_parts", "Parts that wait in the journal to be recorded.", journal)
        yield self._each("outbox_messages", "Messages that the consumer has not acknowledged.", "queue", messages)
        yield self._each("outbox_oldest_age_seconds", "Age of the oldest of them; 0 where none waits.", "queue", ages)

    def _disks(self) -> Iterator[Metric]:
        free, size = {}, {}
        for name, folder in self._sources.folders.items():
            try:
                usage = shutil.disk_usage(folder)
            except OSError:
                continue  # a folder that is not there yet has no disk
            free[name], size[name] = usage.free, usage.total
        yield self._each("disk_free_bytes", "Free room on the disk of this folder.", "folder", free)
        yield self._each("disk_size_bytes", "Size of the disk of this folder.", "folder", size)


def _age_s(oldest: datetime | None, now: datetime) -> float:
    return max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0


def metrics_routes(metrics: LineMetrics, gate: Gate) -> APIRouter:
    """Return the route."""
    routes = APIRouter()

    def admit(request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and metrics.opens_to(given):
            return
        # A machine that looks every few seconds keeps nobody's session alive, and nobody on duty.
        person = gate.person(request, touch=False)
        if person is None:
            raise HTTPException(401, WHO_ASKS, headers={"WWW-Authenticate": "Bearer"})
        if not may(person, Act.SEE):
            raise HTTPException(403, f"the role {person.role} may not: {Act.SEE}")

    @routes.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
        dependencies=[Depends(admit)],
    )
    def scrape(request: Request) -> Response:
        body, content_type = metrics.scrape(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    return routes
