"""Cameras before they inspect: found, tested, photographed with, and tuned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from inspector.runtime.camera_tools import Look
    from inspector.settings import LineSettings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Find, test, use and tune the cameras of a line.")

Line = Annotated[Path, typer.Argument(help="YAML file of the line.", metavar="LINE.yaml")]
View = Annotated[str, typer.Option(help="One camera of a station with several; default: all of them in one picture.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: one object, or one a line where pictures follow.")]
BARS = " ▁▂▃▄▅▆▇█"


@app.command("list", epilog="Example: inspector camera list --json")
def list_(as_json: Json = False) -> None:
    """List the cameras that answer: GenICam on network and USB, RealSense, V4L2; with the key to write for each."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Column, Table

    from inspector.runtime.camera_tools import cameras_here

    found, problems = cameras_here()
    if as_json:
        typer.echo(json.dumps({"cameras": [asdict(one) for one in found], "not_looked_for": problems}))
        return
    table = Table("camera", "connection", Column("under camera:", no_wrap=True))
    for one in found:
        table.add_row(one.name, one.detail, f'{{kind: {one.kind}, {one.key}: "{one.id}"}}')
    console = Console()
    console.print(table if found else "no camera answers")
    for problem in problems:
        console.print(f"[yellow]not looked for:[/] {problem}")


@app.command("test", epilog="Example: inspector camera test line.yaml --frames 100")
def try_(
    line: Line,
    view: View = "",
    frames: Annotated[int, typer.Option(min=1, max=100_000, help="How many pictures to take.")] = 10,
    features: Annotated[bool, typer.Option("--features", help="List a GenICam camera's features instead.")] = False,
    as_json: Json = False,
) -> None:
    """Open the line's camera as the line does, take pictures, and tell times, light, sharpness and losses.

    The exit code is 1 where a picture failed.
    """
    import json
    from dataclasses import asdict
    from statistics import median

    from rich.console import Console
    from rich.table import Table

    from inspector.domain import WatchedCamera
    from inspector.runtime.camera_tools import features_of, looks, opened

    settings = _settings(line, view)
    console = Console()
    if features:
        values = features_of(settings)
        if as_json:
            typer.echo(json.dumps(values))
            return
        listed = Table("feature", "value")
        for name, value in sorted(values.items()):
            listed.add_row(name, value)
        console.print(listed)
        return
    camera = opened(settings)
    try:
        taken = list(looks(camera, settings.station, count=frames))
        health = camera.health() if isinstance(camera, WatchedCamera) else None
    finally:
        camera.close()
    good = [look for look in taken if look.frame is not None]
    last = good[-1] if good else None
    problems = sorted({look.problem for look in taken if look.problem})
    body: dict[str, Any] = {
        "camera": settings.camera.kind,
        "frames": len(good),
        "failed": len(taken) - len(good),
        "problems": problems,
        "ms_median": median(look.ms for look in good) if good else None,
        "ms_worst": max((look.ms for look in good), default=None),
        "size": [last.frame.width, last.frame.height] if last and last.frame else None,
        "condition": asdict(last.condition) if last and last.condition else None,
        "chunks": dict(last.frame.chunks) if last and last.frame else {},
        "health": {**asdict(health), "last_frame_at": str(health.last_frame_at or "")} if health else None,
    }
    if as_json:
        typer.echo(json.dumps(body))
    else:
        console.print(_test_table(body))
        for problem in problems:
            console.print(f"[red]{problem}[/]")
    if len(good) < len(taken):
        raise typer.Exit(1)


@app.command(epilog="Example: inspector camera snap line.yaml --out shots/flat.png")
def snap(
    line: Line,
    view: View = "",
    out: Annotated[Path, typer.Option(help="File to write (PNG); with --count, numbered ones beside it.")] = Path(
        "snap.png"
    ),
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many pictures.")] = 1,
    every_s: Annotated[float, typer.Option(min=0, max=3600, help="Pause between two, in s.")] = 0.0,
) -> None:
    """Take pictures with the line's camera and write them as PNG, such as those that `inspector calibrate` wants."""
    import time

    from inspector.domain import CaptureError
    from inspector.runtime.camera_tools import looks, opened

    settings = _settings(line, view)
    camera = opened(settings)
    try:
        for look in looks(camera, settings.station, count=count):
            if look.frame is None or look.condition is None:
                raise CaptureError(look.problem)
            file = out if count == 1 else out.with_stem(f"{out.stem}-{look.number:03d}")
            _write_png(file, look.frame.pixels)
            warning = f"  {look.condition.verdict}" if look.condition.verdict else ""
            typer.echo(
                f"{file}  {look.frame.width} x {look.frame.height}  sharpness {look.condition.sharpness:.3f}{warning}"
            )
            if look.number < count:
                time.sleep(every_s)
    finally:
        camera.close()


@app.command(epilog="Example: inspector camera golden line.yaml --frames 50 --out golden-state.json")
def golden(
    line: Line,
    out: Annotated[Path, typer.Option(help="File to write, for camera_watch.golden.")] = Path("golden-state.json"),
    frames: Annotated[int, typer.Option(min=2, max=10_000, help="How many pictures, of as many good parts.")] = 50,
) -> None:
    """Keep how the camera sees now, when all is well: light, sharpness, overexposure, and the mean picture."""
    from inspector.capture.golden_state import golden_state
    from inspector.domain import CaptureError
    from inspector.runtime.camera_tools import looks, opened

    settings = _settings(line)
    camera = opened(settings)
    pictures = []
    try:
        for look in looks(camera, settings.station, count=frames):
            if look.frame is None:
                raise CaptureError(look.problem)
            pictures.append(look.frame.pixels)
    finally:
        camera.close()
    state = golden_state(pictures)
    state.save(out)
    typer.echo(
        f"{out}: level {state.level:.0f}, sharpness {state.sharpness:.3f}, {state.white:.1%} white, {frames} pictures"
    )


@app.command(epilog="Example: inspector camera tune line.yaml --port 8090")
def tune(
    line: Line,
    view: View = "",
    frames: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many pictures; without it, run until Ctrl-C.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve the live view here, on this machine only; 0: a free port."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show light, contrast and sharpness picture by picture while lens, exposure and light are set.

    A GenICam camera runs freely meanwhile. Turn the lens until the sharpness is at its best, then expose so that
    nothing is white.
    """
    import json
    from contextlib import ExitStack, suppress
    from dataclasses import asdict

    from rich.console import Console
    from rich.live import Live

    from inspector.runtime.camera_tools import looks, opened
    from inspector.runtime.tune_page import TunePage

    settings = _settings(line, view)
    best = 0.0
    with ExitStack() as stack, suppress(KeyboardInterrupt):
        camera = opened(settings, free=True)
        stack.callback(camera.close)
        page = stack.enter_context(TunePage(port)) if port is not None else None
        if page is not None:
            typer.echo(f"live view: {page.url}", err=as_json)
        live = None if as_json else stack.enter_context(Live(console=Console(), auto_refresh=False))
        for look in looks(camera, settings.station, count=frames):
            best = max(best, look.condition.sharpness if look.condition else 0.0)
            if page is not None:
                page.show(look, best)
            if live is None:
                figures = asdict(look.condition) if look.condition else None
                typer.echo(json.dumps({"ms": look.ms, "condition": figures, "best": best, "problem": look.problem}))
            else:
                live.update(_tune_table(look, best), refresh=True)


def _settings(line: Path, view: str = "") -> LineSettings:
    from inspector.runtime.camera_tools import one_view
    from inspector.settings import data_folder, load_line

    settings = load_line(line, data=data_folder())
    return one_view(settings, view) if view else settings


def _test_table(body: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table("camera", body["camera"])
    table.add_row("pictures", f"{body['frames']} good, {body['failed']} failed")
    if body["condition"]:
        light = body["condition"]
        table.add_row("size", f"{body['size'][0]} x {body['size'][1]} px")
        table.add_row("time, ms", f"{body['ms_median']:.0f} median, {body['ms_worst']:.0f} worst")
        table.add_row("mean level", f"{light['mean']:.0f}; {light['black']:.1%} black, {light['white']:.1%} white")
        table.add_row("sharpness", f"{light['sharpness']:.3f}")
    for name, value in body["chunks"].items():
        table.add_row(name, f"{value:g}")
    for name, value in (body["health"] or {}).items():
        if value not in (None, "", 0, True):
            table.add_row(name.replace("_", " "), str(value))
    return table


def _tune_table(look: Look, best: float) -> Table:
    from rich.table import Table

    table = Table("picture", f"{look.number}, {look.ms:.0f} ms")
    if look.condition is None:
        table.add_row("[red]failed[/]", look.problem)
        return table
    light = look.condition
    share = light.sharpness / best if best else 0.0
    table.add_row("sharpness", f"{light.sharpness:.3f}  {'█' * round(30 * share)} {share:.0%} of the best")
    table.add_row("mean level", f"{light.mean:.0f}  {light.verdict}")
    table.add_row("contrast", f"{light.contrast:.1f}")
    table.add_row("black, white", f"{light.black:.1%}, {light.white:.1%}")
    most = max(light.histogram) or 1.0
    table.add_row("levels", "".join(BARS[round(bar / most * (len(BARS) - 1))] for bar in light.histogram))
    return table


def _write_png(file: Path, pixels: Any) -> None:
    import cv2

    from inspector.domain import ConfigurationError

    done, content = cv2.imencode(".png", pixels)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.tobytes() if done else b"")
    except OSError as error:
        raise ConfigurationError(
            f"{file}: cannot be written: {error.strerror}", remedy="Choose another place"
        ) from error
