"""What the measuring commands show on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from inspector.runtime.bench_measure import MeasureFigures

__all__ = ["accuracy_table"]


def accuracy_table(figures: MeasureFigures) -> Table:
    """Return bias, spread and coverage by method, characteristic and group."""
    table = Table(
        title=f"{figures.marks} marks at {figures.px_per_mm:g} px/mm, edge blur {figures.edge_sigma_px:.2f} px",
        caption=f"CPU per mark: box {figures.cpu_ms['box']:.2f} ms, sub-pixel {figures.cpu_ms['subpixel']:.1f} ms. "
        f"Measured by their box instead: {sum(figures.fallbacks.values())}. "
        f"Round ends read {-figures.round_end_bias_widths:.2f} widths shorter than tip to tip.",
    )
    for name in ("method", "marks of"):
        table.add_column(name, no_wrap=True)
    for name in ("count", "bias px", "std px", "worst px", "U px", "covers"):
        table.add_column(name, justify="right", no_wrap=True)
    before = ("", "")
    for row in figures.accuracy:
        if (row.method, row.characteristic) != before:
            table.add_section()
            before = (row.method, row.characteristic)
        table.add_row(
            f"{row.method} {row.characteristic}",
            row.group,
            str(row.marks),
            f"{row.bias_px:+.3f}",
            f"{row.std_px:.3f}",
            f"{row.worst_px:.3f}",
            f"{row.mean_uncertainty_px:.3f}",
            f"{row.coverage:.1%}",
        )
    return table
