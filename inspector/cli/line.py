"""`inspector line`: begin a line from a shipped one; hold a running one, release it, ask about it, from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspector.cli.users import opened_people, this_user

if TYPE_CHECKING:
    from inspector.runtime.control import Control

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Begin a line from a shipped one; hold a running line, release it.")

Line = Annotated[Path, typer.Argument(help="YAML file of the line.", metavar="LINE.yaml")]
Data = Annotated[Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")]


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="The YAML file to write; its pictures come to lie beside it.")],
    like: Annotated[str, typer.Option(help="Which shipped line to begin from.")] = "gige-camera",
) -> None:
    """Begin a line of your own with a copy of a shipped one.

    Examples
    --------
      inspector line new my-line.yaml
      inspector line new my-line.yaml --like virtual-board
    """
    from inspector.runtime.demo import copy_line

    for written in copy_line(like, file):
        typer.echo(f"{written}")


@app.command()
def hold(
    line: Line,
    reason: Annotated[str, typer.Option(help="Why; shown on the screen and kept in the trail.")] = "",
    data: Data = None,
) -> None:
    """Let the line take no more parts until it is released, through restarts too.

    Examples
    --------
      inspector line hold line.yaml --reason "solder paste"
    """
    from inspector.domain import Act, HoldLine

    by = this_user()
    # Stopping comes first, whatever the record says.
    _control(line, data).apply(HoldLine(by.name, reason))
    with opened_people(line, data) as (_, trail):
        trail.add(by, Act.HOLD_LINE, "", reason)
    typer.echo(f"held by {by.name}")


@app.command()
def release(line: Line, data: Data = None) -> None:
    """Let a held line take parts again, whoever held it: screen, voice, MES or shell.

    Examples
    --------
      inspector line release line.yaml
    """
    from inspector.domain import Act, ReleaseLine

    by, control = this_user(), _control(line, data)
    held = control.held()
    if held is None:
        typer.echo("the line is not held")
        return
    with opened_people(line, data) as (_, trail):
        trail.add(by, Act.RELEASE_LINE, "", f"held by {held.by}: {held.reason}".rstrip(": "))
    control.apply(ReleaseLine(by.name))
    typer.echo(f"released; it was held by {held.by}" + (f": {held.reason}" if held.reason else ""))


@app.command()
def state(
    line: Line,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Say whether the line is held, by whom and why."""
    import json

    held = _control(line, data).held()
    if as_json:
        typer.echo(json.dumps({"held": {"by": held.by, "reason": held.reason} if held else None}))
    elif held is None:
        typer.echo("not held")
    else:
        typer.echo(f"held by {held.by}" + (f": {held.reason}" if held.reason else ""))


def _control(line: Path, data: Path | None) -> Control:
    from inspector.runtime.control import Control
    from inspector.settings import data_folder, load_line

    folder = data_folder() if data is None else data.absolute()
    return Control(folder / load_line(line, data=folder).line)
