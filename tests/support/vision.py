"""A machine vision server with a line that the test holds in its hands, and a client of another make at it."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from inspector.domain import FaultCode, InspectionReport, Outcome, PlcError, Reason, Trigger, Verdict
from inspector.plc.guarded_server import ServerSecurity
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.vision.events import Identity
from inspector.plc.vision.machine import Mode, State
from inspector.plc.vision.system import Start, VisionSystem
from inspector.plc.vision_server import VisionServer
from tests.support.foreign import FOREIGN, npm_package

PASS = Verdict(Outcome.PASS, (), "default")
FAIL = Verdict(Outcome.FAIL, (Reason(Outcome.FAIL, "above_usl", "length", label="spur"),), "default")
RECIPES = {"default": "ab" * 32, "fine": "cd" * 32, "v1.2 (new)": ""}
CONFIGURATION = ("line-1", "ef" * 32)
OUTER = "VisionSystem.VisionStateMachine"
INNER = f"{OUTER}.AutomaticModeStateMachine"


class Bench:
    """A server and the line behind it: each trigger gets ``verdict`` as soon as ``go`` is set."""

    def __init__(
        self, security: ServerSecurity | None = None, start: Start = Start.AUTOMATIC, heartbeat_ms: float = 2000
    ) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.verdict: Callable[[Trigger], Verdict] = lambda _trigger: PASS
        self.taken: list[Trigger] = []
        self.reports: list[InspectionReport] = []
        self.system = VisionSystem("cell-1", tuple(RECIPES), "default", content, start=start, results=50)
        self.source = VisionServer(
            partial(
                OpcUaServerHandshake,
                "opc.tcp://127.0.0.1:0/",
                station="cell-1",
                security=security,
                heartbeat_ms=heartbeat_ms,
                recipes={1: "default"},
            ),
            system=self.system,
            identity=Identity(RECIPES, CONFIGURATION),
        )

    async def run(self) -> None:
        """Be the line."""
        await self.source.survey()
        async for trigger in self.source.triggers():
            self.taken.append(trigger)
            await self.go.wait()
            report = InspectionReport(trigger, self.verdict(trigger))
            try:
                await self.source.answer(trigger, report.verdict)
            except PlcError as error:
                report = InspectionReport(trigger, report.verdict.faulted(FaultCode.PLC_LOST, str(error)))
            self.reports.append(report)
            self.source.publish(report)


def content(report: InspectionReport) -> str:
    """Return what the tests look for in a result."""
    return json.dumps({"result": report.verdict.wire.name, "serial": report.trigger.part_id})


@asynccontextmanager
async def vision(*, ready: bool = True, **options: Any) -> AsyncIterator[Bench]:
    """Run a server and its line."""
    bench = Bench(**options)
    line = asyncio.create_task(bench.run())
    try:
        await bench.source.listening()
        if ready:
            await bench.source.set_ready(True)
        yield bench
    finally:
        bench.go.set()
        await bench.source.close()
        await line


async def stand(bench: Bench, place: str) -> None:
    """Bring the system to a state by the line and by methods, without a client."""
    system = bench.system
    await bench.source.set_ready(True)
    bench.go.set()
    async with asyncio.timeout(30):
        while system._open:  # noqa: ASYNC110 - an inspection that a test before left under way
            await asyncio.sleep(0.005)
    system.reset("")
    system.confirm_all("")
    if place == State.PREOPERATIONAL:
        pass
    elif place == State.HALTED:
        system.halt("")
    elif place == State.ERROR:
        await bench.source.set_ready(False, fault=FaultCode.STORAGE)
    else:
        system.select_automatic()
        if place != Mode.INITIALIZED:
            system.prepare("default")
        if place in {Mode.SINGLE_EXECUTION, Mode.CONTINUOUS_EXECUTION}:
            bench.go.clear()
            continuous = place == Mode.CONTINUOUS_EXECUTION
            system.start_job(part="", meas="", recipe="", product="", continuous=continuous)
    await bench.source._tell()


class Foreign:
    """The node-opcua client in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._heard = asyncio.Condition()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if not line.startswith(b"{"):
                continue
            said = json.loads(line)
            if "answer" in said:
                self._answers.put_nowait(said["answer"])
            else:
                async with self._heard:
                    self.events.append(said)
                    self._heard.notify_all()
        self._answers.put_nowait({"error": "the client ended"})

    async def ask(self, doing: str, **wanted: Any) -> dict[str, Any]:
        """Let it do something and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": doing, **wanted}).encode() + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(60):
            return await self._answers.get()

    async def call(self, path: str, *arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call the method at this path."""
        return await self.ask("call", object=path.rpartition(".")[0], method=path, args=list(arguments))

    async def value(self, *paths: str) -> list[Any]:
        """Return the values of variables; the status in place of a bad one."""
        values = (await self.ask("read", nodes=list(paths)))["values"]
        return [value if status == "Good" else status for status, value in values]

    async def state(self) -> str:
        """Return the innermost state."""
        outer, inner = await self.value(f"{OUTER}.CurrentState", f"{INNER}.CurrentState")
        return str(outer if inner == "BadStateNotActive" else inner)

    def signal(self, number: int) -> None:
        """Send its process a signal."""
        self._process.send_signal(number)

    async def until(self, found: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Wait until the events so far are as wanted; return them."""
        async with asyncio.timeout(60), self._heard:
            await self._heard.wait_for(lambda: found(self.events))
            return list(self.events)

    async def end(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGCONT)
        await self._process.wait()
        await self._listening


@asynccontextmanager
async def foreign() -> AsyncIterator[Foreign]:
    """Run a node-opcua client; skips the test where npm cannot install it."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(FOREIGN / "vision_client.mjs"),
        str(npm_package("node-opcua")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**24,
    )
    client = Foreign(process)
    try:
        yield client
    finally:
        await client.end()


# --- arguments of methods ---------------------------------------------------------------------------------


def number(value: int, kind: str = "Int32") -> dict[str, Any]:
    return {"type": kind, "value": value}


def text(value: str) -> dict[str, Any]:
    return {"type": "String", "value": value}


def named(kind: int, name: str = "") -> dict[str, Any]:
    """Return a structure of one of the identifying types, by the number of its data type."""
    return {"structure": kind, "fields": {"id": name}}


NOTHING = {"type": "Variant", "value": [], "array": True}
CAUSE = (number(7), text("because of a test"))
