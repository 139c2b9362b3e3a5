"""What the measuring commands show on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from inspector.gauging import Calibration
    from inspector.runtime.bench_measure import MeasureFigures

__all__ = ["accuracy_table", "calibration_table"]


def accuracy_table(figures: MeasureFigures) -> Table:
    """Return bias, spread and coverage by method, characteristic and group."""
    table = Table(
        title=f"{figures.marks} marks at {figures.px_per_mm:g} px/mm, edge blur {figures.edge_sigma_px:.2f} px",
        caption=f"CPU per mark: box {figures.cpu_ms['box']:.2f} ms, sub-pixel {figures.cpu_ms['subpixel']:.1f} ms. "
        f"Measured by their box instead: {sum(figures.fallbacks.values())}. "
        f"Round ends read {-figures.round_end_bias_widths:.2f} widths shorter than tip to tip. "
        f"Gauge R&R of the station: {figures.station.percent_of_tolerance:.1f} % "
        f"of {figures.station.tolerance_mm:g} mm.",
    )
    for name in ("method", "marks of"):
        table.add_column(name, no_wrap=True)
    for name in ("count", "bias px", "std px", "bound px", "worst px", "U px", "covers"):
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
            f"{row.least_std_px:.3f}" if row.least_std_px is not None else "",
            f"{row.worst_px:.3f}",
            f"{row.mean_uncertainty_px:.3f}",
            f"{row.coverage:.1%}",
        )
    return table


def calibration_table(made: Calibration) -> Table:
    """Return what a calibration says, and how well each view fits it."""
    table = Table(title=f"calibration {made.id}", caption=f"sha256 {made.sha256}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in (
        ("image", f"{made.width} x {made.height} px"),
        ("target", made.target),
        ("made", f"{made.created:%Y-%m-%d %H:%M %Z}"),
        ("expires", f"{made.expires:%Y-%m-%d}"),
        ("scale in the middle", f"{made.px_per_mm:.3f} px/mm, {1000 / made.px_per_mm:.2f} um/px"),
        ("relative standard uncertainty", f"{made.scale_uncertainty:.2e}"),
        ("distance of the plane", f"{made.working_distance_mm:.1f} mm"),
        ("lengths in the plane", f"rms {made.length_rms_um:.1f} um, worst {made.length_worst_um:.1f} um"),
        ("edge blur", f"{made.edge_sigma_px:.3f} +- {made.edge_sigma_uncertainty_px:.3f} px"),
        ("coverage of the image", f"{made.coverage:.0%}"),
        ("corners miss the model by", f"{made.rms_px:.3f} px (rms)"),
    ):
        table.add_row(name, value)
    table.add_section()
    for view in made.views:
        table.add_row(view.file, f"{view.corners} corners, {view.rms_px:.3f} px")
    return table
