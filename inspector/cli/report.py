"""`inspector report`: the shift quality report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Shift quality reports from the record.")


@app.callback()
def _reports() -> None:
    """Shift quality reports from the record."""


@app.command()
def shift(
    line: Annotated[Path, typer.Option(help="YAML file of the line.", metavar="LINE.yaml")],
    which: Annotated[
        str, typer.Option("--shift", help="DAY/NAME such as 2026-11-22/B, 'last' that ended, or 'current'.")
    ] = "last",
    language: Annotated[
        list[str] | None, typer.Option(help="en or zh; repeat for several. Default: the line's languages.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files. Default: LINE/reports below the data folder.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Write the PDF as well.")] = True,
    data: Annotated[
        Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")] = False,
) -> None:
    """Write the quality report of a shift: a page, a PDF and its figures as JSON.

    Examples
    --------
      inspector report shift --line line_configs/virtual-board.yaml --shift current

      inspector report shift --line /etc/inspector/line-1.yaml --shift 2026-11-22/B --language zh
    """
    import json

    from inspector.runtime.reporting import report_shift, reports_folder
    from inspector.settings import data_folder, load_line

    data = data_folder() if data is None else data.absolute()
    settings = load_line(line, data=data)
    folder = out.absolute() if out is not None else reports_folder(settings, data)
    made = report_shift(settings, which, folder=folder, languages=language or settings.languages, pdf=pdf)
    counts = made.report.counts
    if as_json:
        files = {
            name: {"html": str(item.html), "pdf": str(item.pdf) if item.pdf else None, "json": str(item.json)}
            for name, item in made.files.items()
        }
        notes = sorted({note for item in made.files.values() for note in item.notes})
        body = {"shift": made.report.shift.key, "parts": counts.total, "passed": counts.passed, "files": files}
        typer.echo(json.dumps({**body, "notes": notes}, ensure_ascii=False))
        return
    typer.echo(f"{made.report.shift.key}: {counts.total} parts, {counts.passed} passed")
    for item in made.files.values():
        for file in filter(None, (item.html, item.pdf)):
            typer.echo(f"  {file}")
        for note in item.notes:
            typer.secho(f"  {note}", fg=typer.colors.YELLOW, err=True)
    typer.echo(f"  {next(iter(made.files.values())).json}")
