"""`inspector data`: labelled image folders to train on, imported or drawn."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspector.cli import datasets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inspector.capture.board import BoardSpec, DefectTruth

app = typer.Typer(no_args_is_help=True, help="Make the data sets that `inspector train` learns from.")

Target = Annotated[Path, typer.Argument(help="Folder of the data set to write.", show_default=False)]

JPEG_QUALITY = 95


class Part(StrEnum):
    """What is drawn."""

    BOARD = "board"
    METAL = "metal"


class Finish(StrEnum):
    """Surfaces of metal."""

    BRUSHED = "brushed"
    CAST = "cast"
    PLATED = "plated"


app.command("import")(datasets.import_)
app.command()(datasets.split)
app.command()(datasets.check)


@app.command()
def synth(
    target: Target,
    parts: Annotated[int, typer.Option(min=1, help="Parts to train on.")] = 1500,
    held_out: Annotated[int, typer.Option(min=1, help="Parts of the val split, as a line would see them.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same parts.")] = 11,
    *,
    part: Annotated[
        Part, typer.Option(help="Bare boards, or metal with scratches, dents, pits and stains.")
    ] = Part.BOARD,
    finish: Annotated[
        list[Finish] | None, typer.Option(help="Metal: how its surface was made; repeat it.", show_default="all three")
    ] = None,
    outlines: Annotated[
        bool, typer.Option("--outlines", help="Metal: label outlines, for segmentation, instead of boxes.")
    ] = False,
) -> None:
    """Draw virtual parts: boards with the six bare-board defects, or metal surfaces.

    The training parts vary more than a line's parts do: grey levels, focus, noise, number of defects.

    For example:

      inspector data synth boards/virtual --parts 1500
      inspector data synth metal/brushed --part metal --finish brushed --outlines
    """
    if part is Part.METAL:
        from inspector.cli.synth import draw_metal

        names = [chosen.value for chosen in finish or Finish]
        draw_metal(target, parts=parts, held_out=held_out, seed=seed, finishes=names, outlines=outlines)
        typer.echo(f"{target}: {parts} metal parts to train on, {held_out} held out")
        return
    if finish or outlines:
        raise typer.BadParameter("boards have no finish and no outlines", param_hint="--part")
    from inspector.capture.board import HELD_OUT_BOARDS, TRAINING_BOARDS

    _draw(target, "train", seed, parts, TRAINING_BOARDS)
    _draw(target, "val", seed + 1, held_out, HELD_OUT_BOARDS)
    _describe(target, name="virtual boards", licence="Apache-2.0", source=f"inspector data synth, seed {seed}")
    typer.echo(f"{target}: {parts} boards to train on, {held_out} held out")


@app.command()
def paint(
    source: Annotated[Path, typer.Argument(help="DeepPCB folder: templates/.", show_default=False)],
    target: Target,
    like: Annotated[Path, typer.Option(help="Imported data set; only templates of its train split are painted.")],
    variants: Annotated[int, typer.Option(min=1, help="Painted images of each template.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same defects.")] = 99,
    hairlines: Annotated[bool, typer.Option("--hairlines", help="Mostly wandering hairline opens and shorts.")] = False,
) -> None:
    """Paint defects onto golden boards: real copper, endless defects.

    For example:

      inspector data paint DeepPCB boards/painted --like boards/real
    """
    import cv2
    import numpy as np

    from inspector.capture.board import HAIRLINE_BOARDS, PAINTED_BOARDS, paint_template
    from inspector.training.dataset import read_grey, read_split, write_golden

    spec = HAIRLINE_BOARDS if hairlines else PAINTED_BOARDS
    stems = [example.image.stem for example in read_split(like, "train")]
    for variant in range(variants):
        for number, stem in enumerate(stems):
            template = read_grey(source / "templates" / f"{stem}.jpg")
            rng = np.random.default_rng([seed, variant, number])
            pixels, truths = paint_template(rng, template, spec)
            encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
            name = f"p{variant}_{stem}"
            _write(target, "train", f"{name}.jpg", encoded.tobytes(), size_px=pixels.shape[0], truths=truths)
            write_golden(target, "train", name, template)
    _describe(target, name="painted golden boards", licence="MIT", source=f"DeepPCB templates, painted, seed {seed}")
    typer.echo(f"{target}: {variants * len(stems)} boards to train on")


@app.command()
def reviewed(
    target: Target,
    line: Annotated[Path, typer.Option(help="YAML file of the line.", metavar="LINE.yaml")],
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 30,
    data: Annotated[
        Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")
    ] = None,
) -> None:
    """Take the parts that people decided about on the review page as labelled images.

    A false alarm is an image without a defect; other decisions keep the findings' boxes; "unclear" is left out.

    For example:

      inspector data reviewed boards/reviewed --line line.yaml --days 90
    """
    from datetime import UTC, datetime, timedelta

    from inspector.runtime.reviewed_data import export_reviewed
    from inspector.runtime.wiring.detectors import classes_of
    from inspector.settings import load_line

    settings, now = load_line(line, data=data), datetime.now(UTC)
    since = now - timedelta(days=days)
    made = export_reviewed(settings, target, classes=classes_of(settings), since=since, until=now)
    typer.echo(f"{target}: {made.images} images with {made.defects} defects")
    for number, why in ((made.unclear, "unclear"), (made.without_picture, "the picture is not kept")):
        if number:
            typer.echo(f"  {number} left out: {why}")


def _draw(target: Path, split: str, seed: int, parts: int, spec: BoardSpec) -> None:
    import cv2

    from inspector.capture.board import golden_board, render_board
    from inspector.training.dataset import write_golden

    for part in range(parts):
        pixels, truths = render_board(seed, part, spec)
        encoded: NDArray[np.uint8] = cv2.imencode(".png", pixels)[1]
        _write(target, split, f"v{part:05d}.png", encoded.tobytes(), size_px=spec.size_px, truths=truths)
        write_golden(target, split, f"v{part:05d}", golden_board(seed, part, spec))


def _write(target: Path, split: str, name: str, image: bytes, *, size_px: int, truths: Sequence[DefectTruth]) -> None:
    import numpy as np

    from inspector.training.dataset import BOARD_CLASSES, yolo_lines

    boxes = [truth.labelled_box(size_px) for truth in truths]
    corners = np.array([[box.x0, box.y0, box.x1, box.y1] for box in boxes], dtype=np.float32).reshape(-1, 4)
    labels = np.array([BOARD_CLASSES.index(truth.label) for truth in truths], dtype=np.int64)
    for folder in ("images", "labels"):
        (target / folder / split).mkdir(parents=True, exist_ok=True)
    (target / "images" / split / name).write_bytes(image)
    lines = yolo_lines(corners, labels, width=size_px, height=size_px)
    (target / "labels" / split / f"{Path(name).stem}.txt").write_text("".join(lines), encoding="ascii")


def _describe(target: Path, *, name: str, licence: str, source: str) -> None:
    from inspector.training.dataset import BOARD_CLASSES, Manifest, content_hash, write_manifest

    images = {split: sorted((target / "images" / split).glob("*")) for split in ("train", "val")}
    manifest = Manifest(
        name=name,
        licence=licence,
        source=source,
        classes=BOARD_CLASSES,
        counts={split: len(files) for split, files in images.items()},
        content_sha256=content_hash([file for files in images.values() for file in files]),
    )
    write_manifest(target, manifest, {file.stem: file.stem for files in images.values() for file in files})
