"""`inspector line`: begin a line from a shipped one; hold a running one, release it, ask about it, from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspector.cli.users import opened_people, this_user

if TYPE_CHECKING:
    from inspector.domain import HoldLine, HoldLot
    from inspector.runtime.control import Control

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Begin a line from a shipped one; hold a running line, release it.")

Line = Annotated[Path, typer.Argument(help="YAML file of the line.", metavar="LINE.yaml")]


def _named(lot: str | None) -> str | None:
    # An empty variable of a script must not mean the line.
    if lot is not None and not lot.strip():
        raise typer.BadParameter("an empty name is no lot")
    return lot


Lot = Annotated[str | None, typer.Option(help="This lot, and not the line.", callback=_named)]
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
    lot: Lot = None,
    data: Data = None,
) -> None:
    """Let the line take no more parts until it is released, through restarts too; or let no part of a lot pass.

    Examples
    --------
      inspector line hold line.yaml --reason "solder paste"
      inspector line hold line.yaml --lot 4711 --reason "solder paste"
    """
    from inspector.domain import Act, HoldLine, HoldLot

    by, control = this_user(), _control(line, data)
    # Stopping comes first, whatever the record says.
    control.apply(HoldLot(lot, by.name, reason) if lot else HoldLine(by.name, reason))
    with opened_people(line, data) as (_, trail):
        trail.add(by, Act.HOLD_LOT if lot else Act.HOLD_LINE, _subject(line, lot), reason)
    typer.echo(f"{_what(lot)}held by {by.name}")


@app.command()
def release(line: Line, lot: Lot = None, data: Data = None) -> None:
    """Let a held line take parts again, whoever held it: screen, voice, MES or shell; or let a held lot go on.

    Examples
    --------
      inspector line release line.yaml
      inspector line release line.yaml --lot 4711
    """
    from inspector.domain import Act, ReleaseLine, ReleaseLot, hold_of

    by, control = this_user(), _control(line, data)
    held = hold_of(lot, control.held_lots()) if lot else control.held()
    if held is None:
        typer.echo(f"{_what(lot) or 'the line is '}not held")
        return
    with opened_people(line, data) as (_, trail):
        act = Act.RELEASE_LOT if lot else Act.RELEASE_LINE
        trail.add(by, act, _subject(line, lot), f"held by {held.by}: {held.reason}".rstrip(": "))
    control.apply(ReleaseLot(lot, by.name) if lot else ReleaseLine(by.name))
    typer.echo(f"{_what(lot)}released; it was {_held(held)}")


@app.command()
def state(
    line: Line,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Say whether the line is held, by whom and why, and which lots are."""
    import json

    control = _control(line, data)
    held, lots = control.held(), control.held_lots()
    if as_json:
        told = {
            "held": {"by": held.by, "reason": held.reason} if held else None,
            "lot": control.lot(),
            "held_lots": {lot.lot: {"by": lot.by, "reason": lot.reason} for lot in lots},
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(_held(held) if held else "not held")
    for lot in lots:
        typer.echo(f"{_what(lot.lot)}{_held(lot)}")


def _held(how: HoldLine | HoldLot) -> str:
    return f"held by {how.by}" + (f": {how.reason}" if how.reason else "")


def _what(lot: str | None) -> str:
    return f"lot {lot} is " if lot else ""


def _subject(line: Path, lot: str | None) -> str:
    from inspector.domain import lot_subject
    from inspector.settings import load_line

    return lot_subject(load_line(line).line, lot) if lot else ""


def _control(line: Path, data: Path | None) -> Control:
    from inspector.runtime.control import Control
    from inspector.settings import data_folder, load_line

    folder = data_folder() if data is None else data.absolute()
    return Control(folder / load_line(line, data=folder).line)
