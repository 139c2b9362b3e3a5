"""`inspector data import`, `split` and `check`: from a labelled folder to a data set that can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inspector.training.checking import Examined

__all__ = ["check", "import_", "progress_bar", "split"]

MOST_SHOWN = 15

GroupOption = Annotated[
    str,
    typer.Option(
        help="How images belong together, so that none is divided from its own: first:N characters of the file name, "
        "folder, table:FILE.csv (columns image and group), or a regular expression searched in the file name."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")]


class Format(StrEnum):
    """Formats of labelled folders."""

    AUTO = "auto"
    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"
    MVTEC = "mvtec"
    DEEPPCB = "deeppcb"


class WantedTask(StrEnum):
    """What is to be learnt."""

    AUTO = "auto"
    DETECT = "detect"
    SEGMENT = "segment"
    OBB = "obb"


class Broken(StrEnum):
    """What happens to broken labels."""

    REFUSE = "refuse"
    DROP = "drop"


class Unlabelled(StrEnum):
    """What an image without label file is."""

    REFUSE = "refuse"
    GOOD = "good"


def import_(
    source: Annotated[Path, typer.Argument(help="Folder of images and labels.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="Folder of the data set to write.", show_default=False)],
    *,
    form: Annotated[Format, typer.Option("--format", help="Format of the source.")] = Format.AUTO,
    group: GroupOption = "",
    task: Annotated[
        WantedTask, typer.Option(help="What is to be learnt; auto: outlines where every label has one.")
    ] = WantedTask.AUTO,
    broken: Annotated[Broken, typer.Option(help="Labels outside the image or without area.")] = Broken.REFUSE,
    unlabelled: Annotated[Unlabelled, typer.Option(help="Images without label file (YOLO, VOC).")] = Unlabelled.REFUSE,
    bits: Annotated[
        int | None, typer.Option(min=8, max=16, help="Depth of 16-bit images; found by their brightest pixel.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name for the manifest.", show_default="the source's folder")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the images, for the cards of models.")] = "proprietary",
    rename: Annotated[
        list[str] | None, typer.Option(help="OLD=new name of a class, in lower-case words; repeat it.")
    ] = None,
    hold_out: Annotated[
        list[str] | None, typer.Option(help="DeepPCB: board group for the val split; repeat it.")
    ] = None,
) -> None:
    """Import a labelled folder: COCO, YOLO, Pascal VOC, MVTec or DeepPCB.

    Images come out upright, 8 bits, grey or colour; labels as boxes, outlines or oriented boxes; with a manifest that
    names source, licence and version.

    For example:

      inspector data import exports/line-3 data/line-3 --group first:8
      inspector data import exports/coco data/housing --format coco --licence CC-BY-4.0
      inspector data import DeepPCB boards/real
    """
    from inspector.training.sources import ImportPlan, detect_format, import_source, read_source

    found = detect_format(source) if form is Format.AUTO else form.value
    if found == Format.DEEPPCB:
        _import_deeppcb(source, target, hold_out)
        return
    if hold_out:
        raise typer.BadParameter("only DeepPCB is divided here; run `inspector data split`", param_hint="--hold-out")
    plan = ImportPlan(
        name=name or source.resolve().name,
        licence=licence,
        origin=f"{source.resolve().name}, {found}",
        group=group,
        task="" if task is WantedTask.AUTO else task.value,
        broken=broken.value,
        bits=bits,
        renamed=_renamed(rename or []),
    )
    read = read_source(source, found, unlabelled_good=unlabelled is Unlabelled.GOOD)
    with progress_bar() as show:
        imported = import_source(read, source, target, plan, show)
    manifest = imported.manifest
    counts = ", ".join(f"{count} {split}" for split, count in manifest.counts.items())
    typer.echo(f"{target}: {counts} images from {found}, task {manifest.task}, version {manifest.content_sha256[:12]}")
    for note in imported.notes:
        typer.secho(f"  {note}", fg=typer.colors.YELLOW)


def _renamed(entries: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = [(old, new) for old, _, new in (entry.rpartition("=") for entry in entries)]
    if broken := [entry for entry, (old, new) in zip(entries, pairs, strict=True) if not (old and new)]:
        raise typer.BadParameter(f"{broken[0]}: expected OLD=new", param_hint="--rename")
    return tuple(pairs)


def _import_deeppcb(source: Path, target: Path, hold_out: list[str] | None) -> None:
    from rich.console import Console

    from inspector.detection import laid_on
    from inspector.domain import DetectionError
    from inspector.training.deeppcb import HELD_OUT_GROUPS, import_deeppcb

    def register(golden: NDArray[np.uint8], seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
        try:
            return laid_on(golden, seen)
        except DetectionError:  # a board that is nearly all copper has nothing to hold on to
            return golden

    with Console(stderr=True).status("importing boards and laying their golden boards on them"):
        manifest = import_deeppcb(source, target, frozenset(hold_out or HELD_OUT_GROUPS), register=register)
    typer.echo(f"{target}: {manifest.counts['train']} boards to train on, {manifest.counts['val']} held out")


def split(
    folder: Annotated[Path, typer.Argument(help="Imported data set.", show_default=False)],
    *,
    group: GroupOption = "",
    val: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share to hold out.")] = 0.2,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share for the last word, looked at once.")] = 0.0,
    hold_out: Annotated[
        list[str] | None, typer.Option(help="Hold out this group instead of a share; repeat it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same division.")] = 0,
) -> None:
    """Divide a data set by whole groups (lots, boards, shifts), never by image.

    Images, and every class of labels, come as close to the shares as whole groups allow. The manifest keeps the rule
    and a version: a hash over every image, label and split.

    For example:

      inspector data split data/line-3 --group first:8 --val 0.2
      inspector data split data/housing --group 'lot([0-9]+)' --hold-out 17 --hold-out 23
    """
    from rich.console import Console
    from rich.table import Table

    from inspector.training.splitting import SplitPlan, split_dataset

    if val + test >= 1:
        raise typer.BadParameter("val and test together must leave something to train on", param_hint="--val")
    done = split_dataset(folder, SplitPlan(group, val, test, tuple(hold_out or ()), seed))
    manifest = done.manifest
    table = Table("", *(f"{name}" for name in manifest.counts), title=f"{folder}: {manifest.divided}")
    table.add_row("images", *(str(count) for count in manifest.counts.values()))
    table.add_row("groups", *(str(len(manifest.groups[name])) for name in manifest.counts))
    table.add_section()
    for name in manifest.classes:
        counts = [done.labels[part][name] for part in manifest.counts]
        table.add_row(name, *(str(count) if count else "[red]0[/red]" for count in counts))
    Console().print(table)
    typer.echo(f"version {manifest.content_sha256[:12]}")


def check(
    folder: Annotated[Path, typer.Argument(help="Imported data set.", show_default=False)],
    *,
    out: Annotated[Path | None, typer.Option(help="Page with pictures to write.", metavar="FILE.html")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for duplicates, leakage between splits, missing classes, broken labels; ends with 1 where one is an error.

    For example:

      inspector data check data/line-3 --out check.html
    """
    import json

    from inspector.runtime.data_report import as_html, as_values
    from inspector.training.checking import check_dataset

    with progress_bar() as show:
        examined = check_dataset(folder, lambda done, of: show("looking at images", done, of))
    if out is not None:
        out.write_text(as_html(examined), encoding="utf-8")
        typer.echo(f"{out} written", err=True)
    if as_json:
        typer.echo(json.dumps(as_values(examined)))
    else:
        _print_check(folder, examined)
    if examined.errors:
        raise typer.Exit(1)


def _print_check(folder: Path, examined: Examined) -> None:
    from collections import Counter

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from inspector.runtime.data_report import class_rows

    console = Console()
    images = Counter(image.split for image in examined.images)
    table = Table("labels", *(f"{part} ({images[part]} images)" for part in examined.labels), title=str(folder))
    for name, *counts in class_rows(examined):
        table.add_row(escape(name), *(count if count != "0" else "[red]0[/red]" for count in counts))
    console.print(table)
    for finding in examined.findings[:MOST_SHOWN]:
        colour = "red" if finding.severity == "error" else "yellow"
        console.print(f"[{colour}]{finding.severity}[/{colour}] {escape(finding.message)}", highlight=False)
    if len(examined.findings) > MOST_SHOWN:
        console.print(f"and {len(examined.findings) - MOST_SHOWN} more; --out FILE.html shows them")
    verdict = f"{examined.errors} errors" if examined.errors else "no errors"
    console.print(f"{verdict}, {len(examined.findings) - examined.errors} warnings, version {examined.version[:12]}")


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar on the terminal's error stream, one for each step of the work."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, object] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done)  # type: ignore[arg-type]

        yield show
