"""A Triton server killed while the line runs: no part is lost, another backend takes over, the lamp goes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inspector.detection import load_model
from inspector.domain import FaultCode, Frame, InspectionReport, Lamp, LineStatus, Trigger
from inspector.runtime.line import Line
from inspector.runtime.station import initial_status
from inspector.runtime.status import StatusKeeper
from inspector.runtime.wiring.verdict import build_detector
from inspector.settings import LineSettings
from tests.support.frames import NOW
from tests.support.tiny_model import board
from tests.support.triton import TritonServer, serve
from tests.unit.runtime.fakes import Journal, Plc, Stages, trigger
from tests.unit.runtime.test_detectors import line

PARTS = 10
KILLED_BEFORE = 5


class Camera(Stages):
    """Sees one defect on every part, and does something in front of one of them."""

    def __init__(self, before: int, act: Callable[[], None]) -> None:
        super().__init__()
        self._before, self._act = before, act

    def grab(self, of: Trigger) -> Frame:
        if of.sequence == self._before:
            self._act()
        return Frame(of, board((2, 2), width=160, height=160), "test", NOW)


@pytest.fixture
def server(triton: TritonServer, tmp_path: Path) -> Iterator[TritonServer]:
    """A server of this test's own; asking for the shared one first skips where there is none."""
    line(tmp_path, "{model: ./models/tiny}")
    serve(load_model(tmp_path / "models" / "tiny"), tmp_path / "repository")
    server = TritonServer(tmp_path / "repository", tmp_path)
    yield server
    server.close()


@pytest.fixture
def settings(server: TritonServer, tmp_path: Path) -> LineSettings:
    made = line(tmp_path, f"{{model: ./models/tiny, backend: triton, triton: '{server.url}', threads: 1}}")
    return made.model_copy(update={"deadline_ms": 60_000})  # a busy machine is no failure


async def test_no_part_is_lost_when_the_server_is_killed_in_the_middle_of_a_shift(
    settings: LineSettings, server: TritonServer
) -> None:
    told: list[LineStatus] = []
    status = StatusKeeper(initial_status(settings), told.append)
    detector = build_detector(settings, status.lost)
    assert detector.description == "tiny 1.0.0 (triton)"
    seen: list[tuple[InspectionReport, bool | None, str]] = []

    def inspected(report: InspectionReport) -> None:
        status.runs(detector.description)
        status.inspected(report)
        seen.append((report, told[-1].lamps[Lamp.MODEL].good, told[-1].model))

    camera, plc, journal = Camera(KILLED_BEFORE, server.kill), Plc([trigger(n) for n in range(1, PARTS + 1)]), Journal()
    flow = Line(
        triggers=plc, camera=camera, detector=detector, gauge=camera, judge=camera, journal=journal,
        deadline_s=60, observer=inspected,
    )  # fmt: skip
    await flow.run()
    flow.close()
    detector.close()

    assert [of.sequence for of, _ in plc.answers] == list(range(1, PARTS + 1))
    assert {report.verdict.fault for report, _, _ in seen} == {FaultCode.NONE}
    assert {len(report.detections.items) for report, _, _ in seen if report.detections} == {1}
    lamps = [good for _, good, _ in seen]
    assert lamps == [True] * (KILLED_BEFORE - 1) + [False] * (PARTS - KILLED_BEFORE + 1)
    assert seen[KILLED_BEFORE - 2][2] == "tiny 1.0.0 (triton)"
    assert "openvino" in seen[KILLED_BEFORE - 1][2]
    assert "triton is lost, openvino" in told[-1].lamps[Lamp.MODEL].detail


async def test_a_server_that_hangs_costs_no_part_either(settings: LineSettings, server: TritonServer) -> None:
    told: list[str] = []
    detector = build_detector(settings.model_copy(update={"deadline_ms": 10_000}), told.append)
    camera, plc = Camera(2, server.pause), Plc([trigger(n) for n in range(1, 4)])
    flow = Line(
        triggers=plc, camera=camera, detector=detector, gauge=camera, judge=camera, journal=Journal(), deadline_s=60
    )  # fmt: skip
    await flow.run()
    flow.close()
    detector.close()
    assert [verdict.fault for _, verdict in plc.answers] == [FaultCode.NONE] * 3
    assert len(told) == 1


def test_a_line_that_starts_without_its_server_runs_and_says_so(settings: LineSettings, server: TritonServer) -> None:
    server.close()
    told: list[str] = []
    detector = build_detector(settings, told.append)
    detector.warm_up()
    assert "openvino" in detector.description
    assert [text.split(",")[0] for text in told] == ["triton is lost"]
    detector.close()
