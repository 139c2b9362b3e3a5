"""All processes of one line together: started in order, watched, counted and stopped in order."""

from __future__ import annotations

import multiprocessing
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from inspector.domain import Counts, RecordReader
from inspector.mes.consumer import MessageCounter
from inspector.plc.simulation import SimulationPlan
from inspector.runtime import embedded
from inspector.runtime.alone import alone_in
from inspector.runtime.backoffice import office_main
from inspector.runtime.station import station_main
from inspector.runtime.supervisor import Child, Supervisor
from inspector.runtime.wiring.mes import Broker, build_counter
from inspector.runtime.wiring.record import build_record
from inspector.settings import EmbeddedMes, LineSettings, ModbusPlc, MqttMes, NoPlc, OpcUaPlc, OpcUaServerPlc

__all__ = ["Plant", "Summary"]

SETTLE_S = 30.0  # how long records and messages may take to follow the last verdict
PLC_WAIT_S = 60.0  # a simulated part waits through a restart of the line
BEHIND_THE_LINE = 10  # nice of everything but the line: the verdict path has the processor first
EMBEDDED_USER = "inspector"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to; ``plc`` and ``messages`` are known only where PLC and broker are embedded."""

    triggers: int
    plc_verdicts: int
    records: int
    messages: int | None
    outcomes: Mapping[str, int]
    escapes: int
    overruns: int
    restarts: Mapping[str, int]
    seconds: float
    plc: Mapping[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every trigger has one verdict in the PLC, one record and one message."""
        numbers = {self.triggers, self.plc_verdicts, self.records}
        if self.messages is not None:
            numbers.add(self.messages)
        return len(numbers) == 1


class Plant:
    """One line with everything around it that its settings call embedded; use as a context manager.

    Parameters
    ----------
    settings
        Of ``load_line``.
    data
        Folder that everything is written below.
    parts
        How many parts a simulated PLC triggers; None: until told to stop.
    screen
        Whether to serve the operator's page.
    bad
        Sequence numbers of parts known to be bad: a simulated PLC counts an OK for one as an escape.
    """

    def __init__(
        self,
        settings: LineSettings,
        *,
        data: Path,
        parts: int | None = None,
        screen: bool = True,
        bad: frozenset[int] = frozenset(),
    ) -> None:
        if screen and settings.screen.port == 0:
            free = settings.screen.model_copy(update={"port": embedded.free_port()})
            settings = settings.model_copy(update={"screen": free})
        self.screen_url = f"http://{settings.screen.host}:{settings.screen.port}/" if screen else ""
        self.settings, self._data, self._parts, self._screen, self._bad = settings, data, parts, screen, bad
        self.supervisor = Supervisor()
        self._counter: MessageCounter | None = None
        self._alone = ExitStack()
        self._statistics: dict[str, Any] = {}
        self._started = time.monotonic()
        self._began = datetime.now(UTC)
        self._report, self._theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)

    def __enter__(self) -> Plant:
        self._alone.enter_context(alone_in(self._data / self.settings.line))
        try:
            self._start()
        except BaseException:
            self.supervisor.stop()
            self._alone.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._counter is not None:
            self._counter.close()
        self.supervisor.stop()
        self._report.close()
        self._theirs.close()
        self._alone.close()

    def _start(self) -> None:
        settings, supervisor = self.settings, self.supervisor
        broker = self._broker()
        if isinstance(settings.mes, EmbeddedMes) and broker is not None:
            supervisor.start(Child("broker", embedded.broker_main, {"broker": broker}, nice=BEHIND_THE_LINE))
            self._counter = build_counter(settings, broker)
            self._counter.start()
        office = {"settings": settings, "data": self._data, "broker": broker, "screen": self._screen}
        supervisor.start(Child("office", office_main, office, nice=BEHIND_THE_LINE))
        url, nodes = self._plc()
        line = {"settings": settings, "data": self._data, "plc_url": url, "nodes": nodes}
        supervisor.start(Child("line", station_main, line))
        self._start_voice()

    def _start_voice(self) -> None:
        """Start the voice, after everything that a verdict needs, and wait for nothing of it."""
        voice = self.settings.voice
        if voice is None or not self._screen:
            return
        from inspector.runtime.listening import voice_main  # slow to load, and only needed here

        arguments = {"settings": self.settings, "data": self._data}
        child = Child("voice", voice_main, arguments, stop_within_s=2.0, vital=False, nice=voice.priority)
        self.supervisor.start(child)

    def _broker(self) -> Broker | None:
        mes = self.settings.mes
        if isinstance(mes, EmbeddedMes):
            url = f"mqtt://127.0.0.1:{mes.port or embedded.free_port()}"
            return Broker(url, EMBEDDED_USER, secrets.token_urlsafe(), protocol="3.1.1")
        if isinstance(mes, MqttMes):
            return Broker(
                mes.url,
                mes.username or "",
                mes.password() or "",
                mes.protocol,
                ca_file=mes.ca_file,
                cert_file=mes.cert_file,
                key_file=mes.key_file,
            )
        return None

    def _plc(self) -> tuple[str, dict[str, str]]:
        plc = self.settings.plc
        if isinstance(plc, OpcUaPlc):
            return plc.url, plc.nodes.as_mapping()
        if isinstance(plc, (OpcUaServerPlc, ModbusPlc)):
            return plc.url, {}
        if isinstance(plc, NoPlc):
            return "", {}
        url = f"opc.tcp://127.0.0.1:{plc.port or embedded.free_port()}/"
        plan = SimulationPlan(
            url=url,
            parts=self._parts,
            pace_s=plc.cycle_ms / 1000,
            deadline_s=self.settings.deadline_ms / 1000,
            heartbeat_s=plc.heartbeat_ms / 1000,
            patience_s=plc.patience_ms / 1000,
            wait_s=PLC_WAIT_S,
            bad=self._bad,
        )
        self.supervisor.start(Child("plc", embedded.plc_main, {"plan": plan, "report": self._theirs}))
        return url, {}

    # --- while it runs ----------------------------------------------------------------------------------

    def run(self, until: Callable[[], bool], *, on_look: Callable[[Counts], None] | None = None) -> Summary:
        """Watch over the line until ``until`` says so or all parts are done; return what it came to."""
        database, record, _ = build_record(self.settings)
        try:

            def look() -> bool:
                if on_look is not None:
                    on_look(record.counts(self._began))
                return self._finished() or self._enough(record) or until()

            self.supervisor.watch(look)
            self._settle(record)
            return self._summary(record)
        finally:
            database.close()

    def _finished(self) -> bool:
        """Return whether the simulated PLC has decided on its last part."""
        if self._report.poll():
            self._statistics = self._report.recv()
            del self._statistics["samples_ms"]
        return bool(self._statistics)

    def _enough(self, record: RecordReader) -> bool:
        """Return whether a line that counts its own triggers has seen all parts it was to."""
        asked = self._parts if isinstance(self.settings.plc, NoPlc) else None
        return asked is not None and record.counts(self._began).total >= asked

    def _settle(self, record: RecordReader) -> None:
        """Wait until record and messages have followed the verdicts."""
        own = record.counts(self._began).total if isinstance(self.settings.plc, NoPlc) else 0
        wanted = self._statistics.get("triggers", own)
        if not wanted:
            return
        deadline = time.monotonic() + SETTLE_S
        self.supervisor.watch(
            lambda: record.counts(self._began).total >= wanted or time.monotonic() > deadline, every_s=0.05
        )
        if self._counter is not None:
            self._counter.wait_for(wanted, max(0.0, deadline - time.monotonic()))

    def _summary(self, record: RecordReader) -> Summary:
        counts, plc = record.counts(self._began), self._statistics
        return Summary(
            triggers=plc.get("triggers", counts.total),
            plc_verdicts=plc.get("verdicts", counts.total),
            records=counts.total,
            messages=self._counter.count if self._counter else None,
            outcomes={"pass": counts.passed, "review": counts.review, "fail": counts.failed, "fault": counts.faults},
            escapes=plc.get("escapes", 0),
            overruns=plc.get("overruns", 0),
            restarts=dict(self.supervisor.restarts),
            seconds=time.monotonic() - self._started,
            plc=plc,
        )
