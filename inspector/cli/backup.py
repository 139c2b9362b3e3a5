"""`inspector backup` and `inspector restore`: everything a line needs to go on, in one folder, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["backup", "restore"]

Data = Annotated[Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Line = Annotated[Path, typer.Argument(help="YAML file of the line.", metavar="LINE.yaml")]
NICE = 10  # behind a line that runs


def backup(
    line: Line,
    folder: Annotated[Path, typer.Argument(help="Folder of the backup, on another disk; one for each line.")],
    images: Annotated[bool, typer.Option(help="Keep the pictures of the parts as well.")] = True,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Keep what a line needs to go on, while it runs; again into the same folder keeps what has changed.

    Examples
    --------
      inspector backup /etc/inspector/line-1.yaml /backup/line-1

      inspector backup line.yaml /backup/line-1 --no-images
    """
    import json

    from inspector.cli.datasets import progress_bar
    from inspector.runtime.backup import back_up
    from inspector.runtime.supervisor import step_back
    from inspector.settings import data_folder

    step_back(NICE)
    with progress_bar() as progress:
        made = back_up(line, data_folder() if data is None else data.absolute(), folder, progress, images=images)
    size = sum(kept.size for kept in made.files)
    if as_json:
        held = {"parts": made.record.parts, "head": made.record.head} if made.record is not None else None
        body = {"line": made.line, "at": made.at.isoformat(), "files": len(made.files), "bytes": size}
        typer.echo(json.dumps({**body, "record": held, "left": made.left}))
        return
    typer.echo(f"{made.line}: {len(made.files)} files, {size / 1e6:.1f} MB in {folder}")
    if made.record is None:
        typer.echo("The record is on a database server and not in here: pg_dump, from now on")
    else:
        typer.echo(f"{made.record.parts} parts; the trail's newest entry has the hash {made.record.head or '-'}")
    for path in made.left:
        typer.echo(f"left out: {path}")


def restore(
    folder: Annotated[Path, typer.Argument(help="Folder of the backup.")],
    line: Annotated[Path, typer.Argument(help="Where the line's YAML file goes; its files lie beside it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put a line together again from its backup; a file that is there and different gets another name.

    Examples
    --------
      inspector restore /backup/line-1 /etc/inspector/line-1.yaml
    """
    import json

    from inspector.cli.datasets import progress_bar
    from inspector.cli.users import this_user
    from inspector.runtime.backup import restore as put_back
    from inspector.settings import data_folder

    with progress_bar() as progress:
        done = put_back(folder, line, data_folder() if data is None else data.absolute(), progress, by=this_user())
    made = done.manifest
    if as_json:
        moved = {"set_aside": list(map(str, done.set_aside)), "left_alone": list(map(str, done.left_alone))}
        body = {"line": made.line, "at": made.at.isoformat(), "placed": done.placed, "same": done.same}
        typer.echo(json.dumps({**body, "parts": made.record.parts if made.record is not None else None, **moved}))
        return
    typer.echo(
        f"{made.line} as of {made.at.astimezone():%Y-%m-%d %H:%M:%S}: {done.placed} files put back, {done.same} there"
    )
    for path in done.set_aside:
        typer.echo(f"set aside: {path}")
    for path in done.left_alone:
        typer.echo(f"different from the backup, and left alone: {path}")
    if made.record is not None:
        typer.echo(f"{made.record.parts} parts; the trail holds. To go on: inspector run {line}")
