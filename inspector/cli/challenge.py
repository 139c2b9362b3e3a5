"""The challenge test: asked for, and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Let a running line prove itself on its boundary samples.")

Line = Annotated[Path, typer.Argument(help="YAML file of the line.", metavar="LINE.yaml")]
Data = Annotated[Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
LOOK_EVERY_S = 0.1


@app.command(epilog="Example: inspector challenge run line.yaml")
def run(
    line: Line,
    data: Data = None,
    timeout_s: Annotated[float, typer.Option(min=1, max=3600, help="Longest wait for the result, in s.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Have the running line inspect its samples now; exit code 1 where one was not judged as it has to be.

    A failed test holds the line; a passed one lets it go again. Both stand in the trail.
    """
    import time

    from inspector.cli.users import opened_people, this_user
    from inspector.domain import Act, ConfigurationError, InspectorError, StartChallengeTest
    from inspector.runtime.challenge import ChallengeFile
    from inspector.runtime.control import Control
    from inspector.settings import data_folder, load_line

    folder = data_folder() if data is None else data.absolute()
    settings = load_line(line, data=folder)
    if settings.challenge is None or not settings.challenge.samples:
        raise ConfigurationError(f"{line}: this line has no samples", remedy="Add 'challenge: {samples: …}'")
    by, file = this_user(), ChallengeFile(folder / settings.line)
    before = len(file.all())
    with opened_people(line, data) as (_, trail):
        trail.add(by, Act.START_CHALLENGE_TEST, settings.line)
    Control(folder / settings.line).apply(StartChallengeTest(by.name))
    deadline = time.monotonic() + timeout_s
    while len(found := file.all()) == before:
        if time.monotonic() > deadline:
            raise InspectorError(
                f"line {settings.line} gave no result within {timeout_s:g} s",
                remedy="Check that it runs: inspector run",
            )
        time.sleep(LOOK_EVERY_S)
    _tell(found[-1], as_json)


@app.command(epilog="Example: inspector challenge show line.yaml --json")
def show(line: Line, data: Data = None, as_json: Json = False) -> None:
    """Show the last result; exit code 1 where it is a failed one, or where there is none."""
    from inspector.runtime.challenge import ChallengeFile
    from inspector.settings import data_folder, load_line

    folder = data_folder() if data is None else data.absolute()
    last = ChallengeFile(folder / load_line(line, data=folder).line).last()
    if last is None:
        typer.echo("{}" if as_json else "this line has never been tested")
        raise typer.Exit(1)
    _tell(last, as_json)


def _tell(result: Any, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    if as_json:
        typer.echo(json.dumps({**asdict(result), "at": result.at.isoformat(), "passed": result.passed}))
    else:
        word = "passed" if result.passed else "FAILED"
        typer.echo(
            f"run {result.number} {word}: {result.samples} samples, recipe {result.recipe}, {result.why}, "
            f"by {result.by}, {result.at.astimezone():%Y-%m-%d %H:%M:%S}"
        )
        for wrong in result.wrong:
            typer.echo(f"  {wrong}")
    if not result.passed:
        raise typer.Exit(1)
