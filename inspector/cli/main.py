"""The root of the commands: what exists, and how an error of ours ends a command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from inspector.cli import (
    anomaly,
    backup,
    bench,
    calibrate,
    camera,
    challenge,
    check,
    data,
    evaluate,
    language,
    line,
    mes,
    models,
    msa,
    plc,
    report,
    run,
    train,
    trigger,
    users,
    voice,
    words,
)

if TYPE_CHECKING:
    from inspector.domain import InspectorError

__all__ = ["app", "main"]

app = typer.Typer(
    name="inspector",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Industrial visual inspection with voice command: camera to PLC verdict, record, MES and report.",
    epilog="Start with: inspector demo",
)

app.command()(run.demo)
app.command("run")(run.run)
app.command("trigger")(trigger.trigger)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(check.check)
app.command()(check.schema)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.add_typer(bench.app, name="bench")
app.add_typer(camera.app, name="camera")
app.add_typer(challenge.app, name="challenge")
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(msa.app, name="msa")
app.add_typer(models.app, name="models")
app.add_typer(anomaly.app, name="anomaly")
app.add_typer(data.app, name="data")
app.add_typer(plc.app, name="plc")
app.add_typer(language.app, name="language")
app.add_typer(mes.app, name="mes")
app.add_typer(line.app, name="line")
app.command()(voice.say)
app.command()(voice.ask)
app.add_typer(voice.app, name="voice")
app.command()(words.search)
app.add_typer(words.glossary, name="glossary")
app.add_typer(report.app, name="report")
app.add_typer(users.users, name="users")
app.add_typer(users.audit, name="audit")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        from inspector import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; an error of ours is a sentence and an exit code, not a traceback."""
    try:
        app()
    except SystemExit:
        raise
    except _ours() as error:
        from inspector.domain import ConfigurationError

        typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)


def _ours() -> type[InspectorError]:
    """Return the type of our errors; asked for only where something is raised, so that help is there at once."""
    from inspector.domain import InspectorError

    return InspectorError
