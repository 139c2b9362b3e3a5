"""Running a line: the demonstration, or a line of a YAML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from inspector.settings import LineSettings

__all__ = ["demo", "run"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")]
Headless = Annotated[bool, typer.Option("--headless", help="Without the operator's page.")]
DEMO_CYCLE_MS = 1500.0


def demo(
    images: Annotated[
        Path | None, typer.Option(help="Real boards from this directory instead of drawn ones.", metavar="DIR")
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option(
            help="Golden boards for --images, under the same names; default: templates/ beside the images, if there.",
            metavar="DIR",
        ),
    ] = None,
    parts: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many parts; without it, run until Ctrl-C.")
    ] = None,
    headless: Headless = False,
    as_json: Json = False,
    data: Annotated[
        Path | None, typer.Option(help="Keep the record in this folder; default: a new one below the temporary folder.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port of the operator's page; 0: a free one.")] = 8080,
    cycle_ms: Annotated[
        float | None, typer.Option(min=0, help="Time from part to part; default: 1500 with the page, 0 without.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Other drawn boards.")] = None,
) -> None:
    """Run a line with everything embedded: camera, PLC, broker, record and the operator's page.

    Examples
    --------
      inspector demo

      inspector demo --images DeepPCB/images --golden DeepPCB/templates --parts 50

      inspector demo --parts 50 --headless --json
    """
    import tempfile

    from inspector.runtime.demo import demo_settings

    data = Path(tempfile.mkdtemp(prefix="inspector-demo-")) if data is None else data.absolute()
    if cycle_ms is None:
        cycle_ms = 0.0 if headless else DEMO_CYCLE_MS
    settings = demo_settings(data, images=images, golden=golden, cycle_ms=cycle_ms, port=port, seed=seed)
    _operate(settings, data, parts=parts, headless=headless, as_json=as_json)


def run(
    line: Annotated[Path, typer.Argument(help="YAML file of the line.", metavar="LINE.yaml")],
    parts: Annotated[
        int | None, typer.Option(min=1, help="A simulated PLC stops after this many parts.", show_default=False)
    ] = None,
    headless: Headless = False,
    as_json: Json = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder that everything is written below; default: $INSPECTOR_DATA, else ./var.")
    ] = None,
) -> None:
    """Run a line until Ctrl-C or SIGTERM.

    Examples
    --------
      inspector run line_configs/virtual-board.yaml

      INSPECTOR_DATA=/var/lib/inspector inspector run /etc/inspector/line-1.yaml --headless
    """
    from inspector.settings import data_folder, load_line

    data = data_folder() if data is None else data.absolute()
    _operate(load_line(line, data=data), data, parts=parts, headless=headless, as_json=as_json)


def _operate(settings: LineSettings, data: Path, *, parts: int | None, headless: bool, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from rich.console import Console

    from inspector.cli.display import RunDisplay, summary_table
    from inspector.runtime.plant import Plant

    console = Console(stderr=as_json)
    with (
        _stop_on_signals() as stopped,
        RunDisplay(console, settings.line, parts) as display,
        Plant(settings, data=data, parts=parts, screen=not headless) as plant,
    ):
        if plant.screen_url:
            display.say(f"The operator's page: [bold cyan]{plant.screen_url}[/]")
        display.say(f"Record and images: {data}")
        summary = plant.run(stopped, on_look=display.show)
        display.ending()
    if as_json:
        typer.echo(json.dumps({"line": settings.line, **asdict(summary), "complete": summary.complete}))
    else:
        console.print(summary_table(summary))
    if parts is not None and not summary.complete and not stopped():
        raise typer.Exit(1)


@contextmanager
def _stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a wish: everything is then stopped in order, and nothing is lost."""
    import signal

    seen: list[int] = []
    before = {number: signal.signal(number, lambda n, _: seen.append(n)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
