"""Triggering a line by hand or from a script, where its trigger is a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["trigger"]


def trigger(
    line: Annotated[Path, typer.Argument(help="YAML file of the line.", metavar="LINE.yaml")],
    part_id: Annotated[str, typer.Option(help="Identity of the part; default: the line gives it a number.")] = "",
    recipe: Annotated[str, typer.Option(help="Recipe by name; default: the line's.")] = "",
    key: Annotated[str, typer.Option(help="Makes a repeated request harmless: it is taken once.")] = "",
    timeout_s: Annotated[float, typer.Option(min=0.1, max=3600, help="Longest wait for the verdict, in s.")] = 30.0,
) -> None:
    """Trigger a running line once and print the verdict as one JSON object; exit code 1 where it was not taken.

    The line needs `plc: {kind: none, trigger: {kind: socket}}`.

    Example
    -------
      inspector trigger line.yaml --part-id A-0815
    """
    import json
    import socket

    from inspector.domain import ConfigurationError, PlcLost
    from inspector.settings import NoPlc, SocketTrigger, data_folder, load_line

    plc = load_line(line, data=data_folder()).plc
    if not isinstance(plc, NoPlc) or not isinstance(plc.trigger, SocketTrigger):
        raise ConfigurationError(
            f"{line}: this line is not triggered by a socket", remedy="Write plc: {kind: none, trigger: {kind: socket}}"
        )
    host, port = plc.trigger.host, plc.trigger.port
    asked = {name: value for name, value in (("part_id", part_id), ("recipe", recipe), ("key", key)) if value}
    try:
        with socket.create_connection((host, port), timeout_s) as link, link.makefile("rwb") as file:
            file.write(json.dumps(asked).encode() + b"\n")
            file.flush()
            answer = file.readline()
    except OSError as error:
        raise PlcLost(f"{host}:{port}: no answer: {error}", remedy="Check that the line runs") from error
    if not answer:
        raise PlcLost(f"{host}:{port}: the line ended without a verdict", remedy="Look into its record")
    typer.echo(answer.decode().strip())
    if "error" in json.loads(answer):
        raise typer.Exit(1)
