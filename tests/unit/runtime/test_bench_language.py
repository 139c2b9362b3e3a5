"""The verdict path beside the report writer: which blocks count as what, and how the ratios come about."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import pytest

from inspector.runtime import bench_language
from inspector.runtime.bench_language import measure_beside
from inspector.runtime.plant import BEHIND_THE_LINE


class Nothing:
    """A camera and a detector that are never asked."""

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


def test_blocks_at_rest_and_beside_the_writer_alternate(monkeypatch: pytest.MonkeyPatch) -> None:
    writing: list[Any] = []
    blocks: list[bool] = []

    class Children:
        def __enter__(self) -> Children:
            return self

        def __exit__(self, kind: type[BaseException] | None, error: Any, at: TracebackType | None) -> None:
            writing.clear()

        def start(self, child: Any) -> None:
            writing.append(child)

    class Sent:
        """The writer's word about itself."""

        def recv(self) -> list[float]:
            return [40.0, 60.0]

    class Pipes:
        def Pipe(self, *, duplex: bool) -> tuple[Sent, None]:  # noqa: N802 - its name in the library
            assert not duplex
            return Sent(), None

    async def block(*_: object, pace_s: float) -> list[float]:
        assert pace_s > 0, "without a gap between parts nobody could give way"
        blocks.append(bool(writing))
        assert all(child.nice == BEHIND_THE_LINE for child in writing)
        return [20.0 if writing else 10.0] * 50

    monkeypatch.setattr(bench_language, "Supervisor", Children)
    monkeypatch.setattr(bench_language, "run_block", block)
    monkeypatch.setattr(bench_language.multiprocessing, "get_context", lambda _kind: Pipes())
    monkeypatch.setattr(bench_language, "take_frames", lambda *_: [])
    for name in ("build_camera", "build_detector"):
        monkeypatch.setattr(bench_language, name, lambda _settings: Nothing())
    figures = measure_beside("report-writer", parts=800)
    assert blocks[1:] == [False, True, True, False] * 2, "the first one warms up"
    assert (figures.p50_ratio, figures.p99_ratio, figures.parts) == (2.0, 2.0, 400)
    assert (figures.reports, figures.report_ms["p50"]) == (4, 50.0)
