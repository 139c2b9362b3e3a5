"""What the benchmarks show: their figures as JSON or as tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console, RenderableType

    from inspector.runtime.bench import Figures
    from inspector.runtime.bench_detect import DetectFigures
    from inspector.runtime.bench_history import HistoryFigures
    from inspector.runtime.bench_mes import MesFigures
    from inspector.runtime.bench_plc import HandshakeFigures
    from inspector.runtime.bench_screen import ScreenFigures

__all__ = [
    "detect_table",
    "handshake_table",
    "history_table",
    "mes_table",
    "named_table",
    "screen_table",
    "search_table",
    "show",
    "verdict_path_table",
]


def show(console: Console, body: object, *shown: RenderableType, as_json: bool) -> None:
    """Print the figures: ``body`` as JSON, or else what is shown of it."""
    if as_json:
        typer.echo(json.dumps(body))
        return
    for each in shown:
        console.print(each)


def named_table(title: str, figures: Mapping[str, str]) -> Table:
    """Return figures by their names."""
    table = Table("", "", title=title, show_header=False)
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), value)
    return table


def verdict_path_table(figures: Figures) -> Table:
    """Return the figures of the verdict path."""
    table = Table(title=f"verdict path over bare detector: {figures.overhead_p50:.2f} x at the median")
    for column in ("", "p50", "p95", "p99"):
        table.add_column(column, justify="right" if column else "left")
    for name, spread in (("trigger to PLC, ms", figures.trigger_to_plc_ms), ("bare detector, ms", figures.detect_ms)):
        table.add_row(name, *(f"{spread[key]:.1f}" for key in ("p50", "p95", "p99")))
    table.add_section()
    table.add_row("parts per minute", f"{figures.parts_per_minute:.0f}")
    table.add_row("memory of the line, MB", f"{figures.rss_mb:.0f}")
    table.add_section()
    for stage, share in figures.stages.items():
        table.add_row(f"share of {stage}", f"{share:.1%}")
    return table


def history_table(figures: HistoryFigures) -> Table:
    """Return what each question costs."""
    table = Table("question", "ms a page", title=f"history of {figures.rows:,} inspections, {figures.database}")
    for name, taken in figures.pages_ms.items():
        table.add_row(name, f"{taken:.1f}")
    return table


def search_table(model: str, figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return the figures of each data set side by side."""
    table = Table("", *figures, title=f"search by words, {model}")
    for name in next(iter(figures.values())):
        table.add_row(name.replace("_", " "), *(str(each[name]) for each in figures.values()))
    return table


def detect_table(figures: DetectFigures) -> Table:
    """Return what was measured of detection, each row only where it was."""
    table = Table(title=f"{figures.model}, {figures.backend}, {figures.threads} threads: best of {figures.rounds}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("detect call over its session call", f"{figures.detect_over_session:.2f} x")
    golden = figures.with_golden_over_session
    if golden is not None:
        table.add_row("with a golden part laid on the frame", f"{golden:.2f} x")
    table.add_row("best backend, times quicker than onnxruntime", f"{figures.best_over_onnxruntime:.2f} x")
    theirs = figures.ultralytics_over_detect
    table.add_row("ultralytics' predict over detect", "not installed" if theirs is None else f"{theirs:.2f} x")
    for label, ms in figures.backends_ms.items():
        table.add_row(f"{label}, ms", f"{ms:.2f}")
    for clients, served in (figures.triton or {}).items():
        told = f"{served['frames_per_s']:.1f} ({served['p95_ms']:.1f} ms)"
        table.add_row(f"Triton, {clients} at once, frames/s (95 %)", told)
    if figures.tensorrt_over_cuda is not None:
        table.add_row("TensorRT, times quicker than CUDA", f"{figures.tensorrt_over_cuda:.2f} x")
    for size, ms in figures.batch_ms_per_frame.items():
        table.add_row(f"batch of {size}, ms per frame", f"{ms:.2f}")
    table.add_row("frames per second of one core", f"{figures.frames_per_core_second:.1f}")
    for label, ratio in figures.by_processor_time.items():
        if ratio is not None:
            table.add_row(f"{label.replace('_', ' ')}, by processor time", f"{ratio:.2f} x")
    return table


def handshake_table(cycles: int, figures: Sequence[HandshakeFigures]) -> Table:
    """Return each way of connecting beside a bare write."""
    table = Table(title=f"trigger to ResultValid seen by the PLC, {cycles} parts each; bare: one write of one register")
    for heading in ("updates", "security"):
        table.add_column(heading)
    for heading in ("p50", "p99", "bare p50", "bare p99", "p50 / bare", "p99 / bare", "wrong"):
        table.add_column(heading, justify="right")
    for found in figures:
        times = (found.p50_ms, found.p99_ms, found.bare_write_p50_ms, found.bare_write_p99_ms)
        table.add_row(
            found.updates,
            found.security,
            *(f"{ms:.2f} ms" for ms in times),
            f"{found.ratio_p50:.1f} x",
            f"{found.ratio_p99:.1f} x",
            str(found.mismatches),
        )
    return table


def mes_table(figures: MesFigures) -> Table:
    """Return the way to the MES, and the verdict path beside it."""
    table = Table(title=f"MES: {figures.database}, {figures.broker}, {figures.backlog:,} messages", show_header=False)
    table.add_row("inspections with their message committed per second", f"{figures.commits_per_s:,.0f}")
    table.add_row("drained and acknowledged per second", f"{figures.drained_per_s:,.0f}")
    table.add_row("the same beside the verdict path", f"{figures.drained_beside_the_line_per_s:,.0f}")
    for name in ("p50", "p95", "p99"):
        quiet, busy = figures.at_rest_ms[name], figures.draining_ms[name]
        table.add_row(f"trigger to PLC, {name}, at rest and while it drains, ms", f"{quiet:.1f}, {busy:.1f}")
    table.add_row("p99 while it drains over p99 at rest", f"{figures.p99_ratio:.2f} x")
    table.add_row("parts at rest and while it drained", f"{figures.parts_at_rest}, {figures.parts_draining}")
    return table


def screen_table(tabs: int, figures: ScreenFigures) -> Table:
    """Return the verdict path without open pages and with them."""
    table = Table(title=f"trigger to PLC with {tabs} live pages open", show_header=False)
    for name in ("p50", "p95", "p99"):
        without, watched = figures.without_ms[name], figures.with_tabs_ms[name]
        table.add_row(f"{name} without and with tabs, ms", f"{without:.1f}, {watched:.1f}")
    table.add_row("p50 with tabs over p50 without", f"{figures.p50_ratio:.2f} x")
    table.add_row("p99 with tabs over p99 without", f"{figures.p99_ratio:.2f} x")
    table.add_row("parts without and with", f"{figures.parts_without}, {figures.parts_with_tabs}")
    return table
