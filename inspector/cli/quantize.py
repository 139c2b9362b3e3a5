"""`inspector models quantize`: 8-bit weights that had to prove that they do no harm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from inspector.runtime.quantization import Outcome

__all__ = ["quantize"]


def quantize(
    model: Annotated[str, typer.Argument(help="Name or path of a model folder with task detect.")],
    data: Annotated[Path, typer.Option(help="Data set of the line's own images: images/, labels/.", exists=True)],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new model.", show_default="beside the old one, with -int8")
    ] = None,
    learn: Annotated[str, typer.Option(help="Split from which the ranges are learnt.")] = "train",
    held_out: Annotated[str, typer.Option(help="Split on which 8 bits are judged.")] = "val",
    images: Annotated[int, typer.Option(min=1, help="How many images to learn from.")] = 128,
    backend: Annotated[str, typer.Option(help="What runs both in the comparison.")] = "openvino-f32",
    threads: Annotated[int, typer.Option(min=1, help="Processor threads.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")] = False,
) -> None:
    """Quantise a model to 8 bits on the line's own images; refuses, with a table, where that would do harm.

    Allowed are half a point of mean average precision, half a pixel of box edge (95 %), and no held-out part that
    the float weights stop and the 8-bit ones pass.

    Examples
    --------
      inspector models quantize bare-board --data boards/real

      inspector models quantize models/mine --data mine --images 300 --json
    """
    import json

    from rich.console import Console

    from inspector.runtime.quantization import quantize_model

    console = Console(stderr=True)
    with console.status("quantising") as status:
        outcome = quantize_model(
            model,
            data,
            out=out,
            learn=learn,
            held_out=held_out,
            images=images,
            backend=backend,
            threads=threads,
            told=status.update,
        )
    if as_json:
        typer.echo(json.dumps(outcome.as_dict()))
    else:
        console.print(_table(outcome))
    if outcome.folder is None:
        for trial in outcome.trials:
            console.print(f"[red]refused[/red] with {trial.kept} in float: {'; '.join(trial.broken)}")
        raise typer.Exit(1)
    console.print(f"[green]written[/green] {outcome.folder}, learnt from {outcome.learnt_from} images")


def _table(outcome: Outcome) -> Table:
    from rich.table import Table

    table = Table(title=f"8 bits beside float on {outcome.held_out} held-out images")
    table.add_column("left in float")
    for column in ("mAP50", "mAP50-95", "edges, mean / 95 %, px", "same findings", "escapes"):
        table.add_column(column, justify="right")
    table.add_column("")
    for trial in outcome.trials:
        table.add_row(
            trial.kept,
            f"{trial.map50[0]:.4f} → {trial.map50[1]:.4f}",
            f"{trial.map50_95[0]:.4f} → {trial.map50_95[1]:.4f}",
            f"{trial.edge_shift_px[0]:.2f} / {trial.edge_shift_px[1]:.2f}",
            f"{trial.findings[1]} of {trial.findings[0]}",
            f"{trial.escapes[0]} → {trial.escapes[1]}",
            "[red]refused[/red]" if trial.broken else "[green]ok[/green]",
        )
    return table
