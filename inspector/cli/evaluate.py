"""`inspector evaluate`: what a model is worth on labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[str, typer.Argument(help="Name or path of a model folder.")],
    data: Annotated[Path, typer.Argument(help="Data set: images/, labels/; or test/good, test/<defect>.")],
    *,
    split: Annotated[str, typer.Option(help="Which split of the data set.")] = "val",
    gate: Annotated[float, typer.Option(min=0, max=1, help="Score from which a finding fails a part.")] = 0.9,
    line: Annotated[
        Path | None, typer.Option(help="Judge by this line's gauge and recipe too.", metavar="LINE.yaml")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.md, report.html and report.json.")] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Write the fitted temperature into the model's card.")
    ] = False,
    backend: Annotated[str, typer.Option(help="What runs the model.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Processor threads.")] = 2,
    triton: Annotated[str, typer.Option(help="Server for backend triton.", metavar="HOST:PORT")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")] = False,
) -> None:
    """Judge a model on images it was not trained on: precision, escapes, false rejects, and whether scores hold.

    For example:

      inspector evaluate bare-board boards/real --out report
      inspector evaluate bare-board boards/real --line line_configs/real-boards.yaml --json
      inspector evaluate models/any-board boards/real
    """
    import json

    from rich.console import Console

    from inspector.runtime.evaluation import evaluate_model
    from inspector.runtime.evaluation_report import as_html, as_markdown
    from inspector.settings import load_line

    console = Console(stderr=True)
    with console.status("looking at images") as status:
        facts = evaluate_model(
            model,
            data,
            split=split,
            gate=gate,
            line=load_line(line) if line else None,
            backend=backend,
            threads=threads,
            triton=triton,
            progress=lambda done, of: status.update(f"looking at images: {done} of {of}"),
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.md").write_text(as_markdown(facts), encoding="utf-8")
        (out / "report.html").write_text(as_html(facts), encoding="utf-8")
        (out / "report.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        console.print(f"{out}/report.md, report.html and report.json written")
    if calibrate:
        _write_temperature(model, facts)
    typer.echo(json.dumps(facts) if as_json else as_markdown(facts))


def _write_temperature(model: str, facts: dict[str, Any]) -> None:
    from inspector.detection import find_model
    from inspector.detection.recalibrate import write_temperature
    from inspector.domain import ConfigurationError

    if "calibration" not in facts:
        raise ConfigurationError(
            "scores of a good-only model are shares of good parts already", remedy="Leave --calibrate out"
        )
    floor = write_temperature(find_model(model), facts["calibration"]["temperature"])
    typer.echo(f"temperature {facts['calibration']['temperature']} written; the floor is now {floor}", err=True)
