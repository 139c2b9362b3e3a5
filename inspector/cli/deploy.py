"""`inspector models triton` and `build`: models made ready for what runs them outside this process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["build", "triton"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def triton(
    models: Annotated[list[str] | None, typer.Argument(help="Names or paths of models.", show_default="all")] = None,
    out: Annotated[Path, typer.Option(help="The model repository.", file_okay=False)] = Path("deploy/triton/models"),
    engine: Annotated[
        str, typer.Option(help="What the server runs them with: onnxruntime, onnxruntime-gpu, tensorrt or python.")
    ] = "onnxruntime",
    largest_batch: Annotated[int, typer.Option(help="Frames that the server may join into one call.")] = 8,
    wait_us: Annotated[int, typer.Option(help="How long a frame may wait for others, in microseconds.")] = 500,
    instances: Annotated[int, typer.Option(help="Copies of each model side by side.")] = 1,
    threads: Annotated[int, typer.Option(help="Processor threads of each copy.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Write the model repository of a Triton Inference Server from model folders.

    Examples
    --------
      inspector models triton

      inspector models triton bare-board models/mine --engine tensorrt --out /srv/triton
    """
    import json
    from typing import cast

    from inspector.detection import TritonServing, find_model, load_model, models_folder, read_card, write_repository
    from inspector.detection.triton_repository import Engine

    serving = TritonServing(cast(Engine, engine), largest_batch, wait_us, instances, threads)
    if models:
        folders = [find_model(name) for name in models]
    else:
        cards = sorted(models_folder().glob("*/card.yaml"))
        folders = [card.parent for card in cards if _serves(card)]
        folders = [folder for folder in folders if read_card(folder).task != "features"]
    written = [write_repository(load_model(folder), out, serving) for folder in folders]
    if as_json:
        typer.echo(json.dumps({"repository": str(out), "models": [folder.name for folder in written]}))
        return
    for folder in written:
        typer.echo(f"{folder}: {engine}")
    typer.echo(f"Start the server with: tritonserver --model-repository={out}")


def _serves(card: Path) -> bool:
    """Return whether this is the card of something that looks at images, not of what writes or searches."""
    said = card.read_text(encoding="utf-8")
    return not any(f"\ntask: {task}\n" in said for task in ("report", "search"))


def build(
    models: Annotated[list[str], typer.Argument(help="Names or paths of models.")],
    half: Annotated[bool, typer.Option(help="Compute in half precision, where TensorRT can be told to.")] = True,
    capability: Annotated[
        str | None, typer.Option(help="Build for GPUs of this compute capability, such as 8.9, without having one.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where engines are kept.", show_default="the user's cache")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Build although there is an engine.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Build TensorRT engines; what was built for this GPU, TensorRT version and weights is there already.

    Examples
    --------
      inspector models build bare-board

      inspector models build models/mine --capability 8.9 --folder engines
    """
    import json

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from inspector.detection import build_engine, find_model, load_model

    console = Console(stderr=True)
    rows = []
    for name in models:
        model = load_model(find_model(name))
        with Progress(console=console, transient=True) as progress:
            tasks: dict[str, TaskID] = {}

            def shown(
                phase: str, done: int, steps: int, progress: Progress = progress, tasks: dict[str, TaskID] = tasks
            ) -> None:
                if phase not in tasks:
                    tasks[phase] = progress.add_task(phase)
                progress.update(tasks[phase], completed=done, total=max(steps, 1))

            built = build_engine(model, half=half, capability=capability, folder=folder, again=again, on_progress=shown)
        rows.append({"model": model.card.name, "engine": str(built.path), "fresh": built.fresh})
        if not as_json:
            typer.echo(f"{model.card.name}: {built.path}{'' if built.fresh else ' (was there)'}")
    if as_json:
        typer.echo(json.dumps({"engines": rows}))
