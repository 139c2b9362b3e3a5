"""`inspector language`: make and measure the model that writes the reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The model that writes the reports: train it, look at what it writes.")


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    *,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 1000,
    batch: Annotated[int, typer.Option(min=1, help="Sentences in one step.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Start of the random numbers.")] = 1,
    width: Annotated[int, typer.Option(min=32, help="Width of the decoder; a multiple of 32.")] = 160,
    layers: Annotated[int, typer.Option(min=1, help="Layers of the decoder.")] = 4,
    threads: Annotated[int, typer.Option(min=1, help="Processor threads to use.")] = 1,
) -> None:
    """Train the small decoder from generated sentences, export it to ONNX and write its card.

    Needs the extra `language` of the package; about ten minutes on one processor.

    For example:

      inspector language train --out models/report-writer
    """
    import importlib.util
    import logging

    from inspector.domain import ConfigurationError

    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("onnx") is None:
        raise ConfigurationError(
            "training needs torch and onnx, which are not installed",
            remedy="Install the extra: pip install 'line-inspector[language]'",
        )
    from inspector.language.decoder import Shape
    from inspector.language.make import make_writer

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    shape = Shape(width=width, layers=layers, heads=max(1, width // 32))
    command = (
        f"inspector language train --steps {steps} --batch {batch} --seed {seed} --width {width} --layers {layers}"
    )
    card = make_writer(out, steps=steps, batch=batch, seed=seed, shape=shape, threads=threads, command=command)
    typer.echo(f"{card} written")
