"""`inspector calibrate`: print a target, make a calibration from its pictures, verify one, show one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from inspector.gauging import Calibration
    from inspector.gauging.calibrate import Photo
    from inspector.gauging.target import Target

__all__ = ["app"]

app = typer.Typer(
    name="calibrate",
    no_args_is_help=True,
    help="Pixels to millimetres: print a target, calibrate from its pictures, verify, show.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")]
Kind = Annotated[str, typer.Option(help="charuco, or chessboard.")]
Columns = Annotated[int, typer.Option(help="Number of squares along the longer side.")]
Rows = Annotated[int, typer.Option(help="Number of squares along the other side.")]
Square = Annotated[float, typer.Option("--square-mm", help="Side of a square, as measured on the print.")]
Marker = Annotated[
    float | None, typer.Option("--marker-mm", help="Side of a ChArUco marker.", show_default="0.7 of a square")
]
Markers = Annotated[str, typer.Option("--markers", help="ChArUco dictionary: 4x4, 5x5 or 6x6.")]
ENDLESS_UM = 1e9


@app.command(epilog="Example: inspector calibrate board board.pdf --square-mm 7")
def board(
    file: Annotated[Path, typer.Argument(help="The .pdf or .svg to write.")],
    kind: Kind = "charuco",
    columns: Columns = 11,
    rows: Rows = 8,
    square_mm: Square = 7.0,
    marker_mm: Marker = None,
    markers: Markers = "5x5",
    page: Annotated[str, typer.Option(help="a4, a3 or letter.")] = "a4",
) -> None:
    """Write a target to print at true scale, with a bar of 100 mm to measure afterwards."""
    from inspector.gauging.target_print import print_target

    print_target(_target(kind, columns, rows, square_mm, marker_mm, markers), file, page=page)
    typer.echo(f"{file}: print at 100 %, glue it flat, measure the bar, and give the true size with --square-mm.")


@app.command(epilog="Example: inspector calibrate rehearse shots --width 512 --height 512")
def rehearse(
    folder: Annotated[Path, typer.Argument(help="Folder to write the pictures to.")],
    width: Annotated[int, typer.Option(min=320, max=4096, help="Width of the pictures, in pixels.")] = 1280,
    height: Annotated[int, typer.Option(min=240, max=4096, help="Height of the pictures, in pixels.")] = 960,
    square_mm: Square = 7.0,
    certified_mm: Annotated[float, typer.Option(min=1, help="Side of a square of the certified target.")] = 5.0,
) -> None:
    """Draw what a camera would see of a target: to go through a calibration without camera or print.

    Writes view-01.png, in which the target lies flat, ten tilted views, and certified.png.
    """
    from inspector.gauging.rehearsal import rehearsal
    from inspector.gauging.target import Target

    targets = [Target(square_mm=side, marker_mm=0.7 * side) for side in (square_mm, certified_mm)]
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in rehearsal(targets[0], targets[1], width, height):
        _write_png(folder / f"{name}.png", pixels)
    typer.echo(f"{folder}: view-01.png to view-11.png with squares of {square_mm:g} mm, and certified.png")


@app.command(epilog="Example: inspector calibrate solve shots/*.png --plane shots/flat.png --out cell-1.json")
def solve(
    images: Annotated[list[Path], typer.Argument(help="Pictures of the target: five or more, tilted differently.")],
    plane: Annotated[Path, typer.Option(help="The picture in which the target lies where the parts will lie.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("calibration.json"),
    kind: Kind = "charuco",
    columns: Columns = 11,
    rows: Rows = 8,
    square_mm: Square = 7.0,
    marker_mm: Marker = None,
    markers: Markers = "5x5",
    target_uncertainty: Annotated[
        float, typer.Option(min=0, max=0.1, help="Relative standard uncertainty of the square size.")
    ] = 0.0005,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 180,
    name: Annotated[str, typer.Option(help="Its id; default: date and hash.")] = "",
    picture: Annotated[
        Path | None, typer.Option(help="Write a picture of where in the image the corners lay (PNG).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Calibrate from pictures: lens, plane, scale, edge blur; with per-view residuals and coverage."""
    from datetime import UTC, datetime

    from inspector.gauging import save_calibration
    from inspector.gauging.calibrate import calibrate, coverage_picture

    target = _target(kind, columns, rows, square_mm, marker_mm, markers, target_uncertainty)
    files = [*images, *([] if plane in images else [plane])]
    photos = [_photo(file) for file in files]
    made, left_out = calibrate(
        photos, target, plane=files.index(plane), now=datetime.now(UTC).replace(microsecond=0), days=days, name=name
    )
    made = save_calibration(made, out)
    if picture is not None:
        _write_png(picture, coverage_picture(photos, target))
    _tell(made, as_json, left_out=left_out, file=out)


@app.command(epilog="Example: inspector calibrate live line.yaml --square-mm 7.012 --out cell-1.json")
def live(
    line: Annotated[Path, typer.Argument(help="YAML file of the line, for its camera.", metavar="LINE.yaml")],
    view: Annotated[str, typer.Option(help="Which camera, at a station with several.")] = "",
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("calibration.json"),
    shots: Annotated[Path, typer.Option(help="Folder in which the views are kept.")] = Path("shots"),
    views: Annotated[int, typer.Option(min=5, max=100, help="How many views.")] = 12,
    at_most: Annotated[int, typer.Option(min=5, help="Give up after so many pictures.")] = 2000,
    yes: Annotated[bool, typer.Option("--yes", help="Do not wait for a key: the target lies flat already.")] = False,
    kind: Kind = "charuco",
    columns: Columns = 11,
    rows: Rows = 8,
    square_mm: Square = 7.0,
    marker_mm: Marker = None,
    markers: Markers = "5x5",
    target_uncertainty: Annotated[
        float, typer.Option(min=0, max=0.1, help="Relative standard uncertainty of the square size.")
    ] = 0.0005,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 180,
    name: Annotated[str, typer.Option(help="Its id; default: date and hash.")] = "",
    as_json: Json = False,
) -> None:
    """Calibrate with the line's camera: first the target flat where the parts lie, then tilted, each view another way.

    Views are taken by themselves as soon as they show something new.
    """
    from datetime import UTC, datetime

    from inspector.gauging import save_calibration
    from inspector.gauging.calibrate import calibrate
    from inspector.runtime.camera_tools import one_view, opened
    from inspector.runtime.live_calibration import collect
    from inspector.settings import data_folder, load_line

    settings = one_view(load_line(line, data=data_folder()), view)
    target = _target(kind, columns, rows, square_mm, marker_mm, markers, target_uncertainty)
    if not yes:
        typer.prompt("Lay the target flat where the parts will lie, then press Enter", default="", show_default=False)
    camera = opened(settings, free=True)
    photos: list[Photo] = []
    last = ""
    try:
        for step in collect(camera, settings.station, target, shots, views=views, at_most=at_most):
            if step.said != last:
                typer.echo(step.said, err=as_json)
            last = step.said
            photos += [step.photo] if step.photo is not None else []
    finally:
        camera.close()
    now = datetime.now(UTC).replace(microsecond=0)
    made, left_out = calibrate(photos, target, plane=0, now=now, days=days, name=name)
    made = save_calibration(made, out)
    _tell(made, as_json, left_out=left_out, file=out)


@app.command(epilog="Example: inspector calibrate verify cell-1.json certified.png --square-mm 5 --limit-um 20")
def verify(
    calibration: Annotated[Path, typer.Argument(help="The calibration.")],
    image: Annotated[Path, typer.Argument(help="Picture of a target of certified size in the plane of the parts.")],
    kind: Kind = "charuco",
    columns: Columns = 11,
    rows: Rows = 8,
    square_mm: Square = 7.0,
    marker_mm: Marker = None,
    markers: Markers = "5x5",
    limit_um: Annotated[
        float, typer.Option(min=0, help="Largest error of any length; above it the exit code is 1.")
    ] = ENDLESS_UM,
    as_json: Json = False,
) -> None:
    """Hold a calibration against the lengths of a known target, and its date against the clock."""
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from inspector.gauging import load_calibration
    from inspector.gauging.calibrate import check_scale

    made = load_calibration(calibration)
    made.require_valid(datetime.now(UTC))
    check = check_scale(made, _photo(image), _target(kind, columns, rows, square_mm, marker_mm, markers))
    good = check.worst_um <= limit_um
    if as_json:
        typer.echo(json.dumps({"id": made.id, **asdict(check), "ok": good}))
    else:
        typer.echo(
            f"{made.id}: {check.lengths} lengths, rms {check.rms_um:.1f} um, worst {check.worst_um:.1f} um, "
            f"scale {check.scale_error:+.2e}: {'good' if good else f'beyond {limit_um:g} um'}"
        )
    if not good:
        raise typer.Exit(1)


@app.command(epilog="Example: inspector calibrate show cell-1.json --json")
def show(
    calibration: Annotated[Path, typer.Argument(help="The calibration.")],
    as_json: Json = False,
) -> None:
    """Show what a calibration says, and whether it still holds; exit code 2 where it does not."""
    from datetime import UTC, datetime

    from inspector.gauging import load_calibration

    made = load_calibration(calibration)
    _tell(made, as_json, file=calibration)
    made.require_valid(datetime.now(UTC))


def _target(
    kind: str,
    columns: int,
    rows: int,
    square_mm: float,
    marker_mm: float | None,
    markers: str,
    uncertainty: float = 0.0005,
) -> Target:
    from inspector.domain import ConfigurationError
    from inspector.gauging.target import Target

    if kind not in {"charuco", "chessboard"}:
        raise ConfigurationError(f"there is no target of kind {kind}", remedy="Use charuco or chessboard")
    try:
        return Target(
            kind="charuco" if kind == "charuco" else "chessboard",
            columns=columns,
            rows=rows,
            square_mm=square_mm,
            marker_mm=0.7 * square_mm if marker_mm is None else marker_mm,
            dictionary=markers,
            relative_uncertainty=uncertainty,
        )
    except ValueError as error:
        raise ConfigurationError(f"the target: {error}", remedy="Correct the option") from error


def _photo(file: Path) -> Photo:
    from hashlib import sha256

    import cv2
    import numpy as np

    from inspector.capture import read_image
    from inspector.gauging.calibrate import Photo

    pixels = read_image(file)
    grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)  # noqa: PLR2004
    return Photo(file.name, sha256(file.read_bytes()).hexdigest(), grey)


def _write_png(file: Path, pixels: Any) -> None:
    import cv2

    from inspector.domain import ConfigurationError

    done, content = cv2.imencode(".png", pixels)
    try:
        file.write_bytes(content.tobytes() if done else b"")
    except OSError as error:
        raise ConfigurationError(
            f"{file}: cannot be written: {error.strerror}", remedy="Choose another place"
        ) from error


def _tell(made: Calibration, as_json: bool, *, file: Path, left_out: tuple[tuple[str, str], ...] = ()) -> None:
    import json

    from rich.console import Console

    from inspector.cli.metrology_display import calibration_table

    if as_json:
        body = json.loads(file.read_text(encoding="utf-8"))
        typer.echo(json.dumps({**body, "left_out": [{"file": name, "reason": reason} for name, reason in left_out]}))
        return
    console = Console()
    console.print(calibration_table(made))
    for name, reason in left_out:
        console.print(f"[yellow]left out[/] {name}: {reason}")
