"""Measuring: the verdict path by default, and what else this product promises figures of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")]

app = typer.Typer()


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    parts: Annotated[int, typer.Option(min=10, help="How many parts to run through the whole line.")] = 200,
    line: Annotated[
        Path | None, typer.Option(help="YAML file of the line; default: the virtual boards.", metavar="LINE.yaml")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure this machine: trigger to verdict-in-the-PLC beside the bare detector, or one part by its command.

    Examples
    --------
      inspector bench

      inspector bench --parts 500 --json
    """
    if context.invoked_subcommand is not None:
        return
    import json

    from rich.console import Console

    from inspector.cli.display import bench_table
    from inspector.runtime.bench import measure

    console = Console(stderr=as_json)
    with console.status("measuring ..."):
        figures = measure(line, parts=parts)
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
    else:
        console.print(bench_table(figures))


@app.command()
def measure(
    marks: Annotated[int, typer.Option(min=20, help="How many marks to draw and measure.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Other marks.")] = 1,
    as_json: Json = False,
) -> None:
    """Measure drawn scratches of 0.1 to 10 mm: bias and spread by method, and how often the stated U covers the truth.

    Examples
    --------
      inspector bench measure

      inspector bench measure --marks 2000 --json
    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from inspector.cli.metrology_display import accuracy_table
    from inspector.runtime.bench_measure import measure_marks

    console = Console(stderr=as_json)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=marks)
        figures = measure_marks(marks, seed=seed, on_mark=lambda: progress.advance(task))
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
    else:
        console.print(accuracy_table(figures))


@app.command()
def reports(
    inspections: Annotated[int, typer.Option(min=1000, help="How many inspections the record holds.")] = 1_000_000,
    cycle_s: Annotated[float, typer.Option(min=0.05, help="Seconds from part to part.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Measure a shift report over a large made-up record: its first full shift and its last one.

    Examples
    --------
      inspector bench reports

      inspector bench reports --inspections 100000 --json
    """
    import json
    import tempfile

    from rich.console import Console
    from rich.table import Table

    from inspector.runtime.bench_reports import measure_reports

    console = Console(stderr=as_json)
    with tempfile.TemporaryDirectory() as folder, console.status(f"writing {inspections:,} inspections ..."):
        figures = measure_reports(Path(folder), inspections=inspections, cycle_s=cycle_s)
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
        return
    table = Table("", "", title="shift report", show_header=False)
    for name, value in figures.as_dict().items():
        table.add_row(name.replace("_", " "), f"{value:,.3f}" if isinstance(value, float) else f"{value:,}")
    console.print(table)
