"""`inspector language`: make the model that writes the reports, and examples for it; measure the adviser."""

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
    lora: Annotated[
        str,
        typer.Option(metavar="BASE", help="Instead: a LoRA adapter for this transformers model, a folder or an id."),
    ] = "",
    rank: Annotated[int, typer.Option(min=1, help="With --lora: rank of the adapter.")] = 16,
    examples: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Sentences of a teacher or of people to learn from too; see `distil`."),
    ] = None,
    share: Annotated[
        float | None, typer.Option(min=0.01, max=1, help="How many of all sentences are examples. [default: 0.2]")
    ] = None,
) -> None:
    """Train the small decoder from generated sentences, export it to ONNX and write its card.

    Needs the extra `language` of the package; about ten minutes on one processor. With --lora, it teaches an adapter
    for a larger model the same contract instead: statuses in, slotted sentences out.

    For example:

      inspector language train --out models/report-writer

      inspector language train --examples examples.jsonl --share 0.2 --out models/our-writer

      inspector language train --lora ./my-model --steps 300 --batch 2 --out adapters/my-model
    """
    import logging
    import shlex

    if examples is None and share is not None:
        raise typer.BadParameter("it needs --examples FILE", param_hint="--share")
    if lora and examples is not None:
        raise typer.BadParameter("an adapter learns from the grammar alone", param_hint="--examples")
    if lora:
        _train_adapter(lora, out, steps=steps, batch=batch, seed=seed, rank=rank, threads=threads)
        return
    _need("torch", "onnx")
    from inspector.language.decoder import Shape
    from inspector.language.make import make_writer

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    shape = Shape(width=width, layers=layers, heads=max(1, width // 32))
    command = (
        f"inspector language train --steps {steps} --batch {batch} --seed {seed} --width {width} --layers {layers}"
    )
    share = (0.2 if share is None else share) if examples is not None else 0.0
    if examples is not None:
        command += f" --examples {shlex.quote(str(examples))} --share {share:g}"
    card = make_writer(
        out,
        steps=steps,
        batch=batch,
        seed=seed,
        shape=shape,
        threads=threads,
        command=command,
        examples=examples,
        share=share,
    )
    typer.echo(f"{card} written")


def _train_adapter(base: str, out: Path, *, steps: int, batch: int, seed: int, rank: int, threads: int) -> None:
    import logging

    _need("torch", "transformers", "peft")
    from inspector.language.lora import Lesson, train_adapter

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    command = f"inspector language train --lora {base} --steps {steps} --batch {batch} --seed {seed} --rank {rank}"
    lesson = Lesson(steps=steps, batch=batch, seed=seed, rank=rank)
    first, last = train_adapter(base, out, lesson=lesson, threads=threads, command=f"{command} --out {out}")
    typer.echo(f"{out} written; loss a token {first:.3f} at the beginning, {last:.3f} at the end")


@app.command()
def distil(
    teacher: Annotated[
        str,
        typer.Option(
            metavar="MODEL|URL", help="A transformers model (folder or id), or a server: http://host:port/v1."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Examples to write, one JSON object a line.")],
    *,
    briefs: Annotated[int, typer.Option(min=1, help="Sentences to ask for.")] = 1000,
    model: Annotated[str, typer.Option(metavar="NAME", help="With a URL: the server's name of the model.")] = "",
    token_env: Annotated[
        str, typer.Option(metavar="NAME", help="With a URL: environment variable with the server's token.")
    ] = "",
    adapter: Annotated[Path | None, typer.Option(help="With a model: folder of a LoRA adapter for it.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Start of the random numbers.")] = 1,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for an answer, four sentences.")] = 120.0,
    threads: Annotated[int, typer.Option(min=1, help="With a model: processor threads to use.")] = 1,
) -> None:
    """Let a larger model write sentences, and keep those that the checker accepts: examples for `train --examples`.

    What it is asked are statuses drawn at random, nothing of any record. Ctrl-C stops it, and the same command goes
    on where it stopped; with more --briefs it goes on further.

    For example:

      inspector language distil --teacher http://127.0.0.1:11434/v1 --model qwen3 --out examples.jsonl

      inspector language distil --teacher ./my-model --adapter adapters/my-model --briefs 4000 --out examples.jsonl
    """
    from contextlib import closing

    from inspector.cli.datasets import progress_bar
    from inspector.cli.train import INTERRUPTED
    from inspector.language.distil import distil as ask
    from inspector.runtime.wiring.teacher import build_teacher

    token = _token(token_env) if token_env else None
    engine = build_teacher(teacher, model=model, token=token, adapter=adapter, threads=threads)
    try:
        with closing(engine), progress_bar() as show:
            ask(
                engine,
                out,
                briefs=briefs,
                seed=seed,
                timeout_s=timeout,
                show=lambda done, of: show("sentences", done, of),
            )
    except KeyboardInterrupt:
        typer.echo(f"Stopped; {out} keeps what is done. The same command goes on from there.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    _tell_examples(out)


@app.command()
def corrections(
    line: Annotated[Path, typer.Option(help="YAML file of the line.", metavar="LINE.yaml")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Examples to write, one JSON object a line.")],
    *,
    data: Annotated[
        Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")
    ] = None,
) -> None:
    """Make examples for `train --examples` of what people corrected in the line's reports.

    Figures and names are taken out again: the file holds slots only. A sentence that cannot be told apart exactly
    is left out and counted by its reason.

    For example:

      inspector language corrections --line line.yaml --out corrections.jsonl
    """
    from inspector.runtime.corrected_examples import write_corrected
    from inspector.settings import data_folder, load_line

    settings = load_line(line, data=data_folder() if data is None else data.absolute())
    typer.echo(f"{write_corrected(settings, out)} corrected texts")
    _tell_examples(out)


def _token(name: str) -> str:
    import os

    from inspector.domain import ConfigurationError

    if not os.environ.get(name):
        raise ConfigurationError(
            f"--token-env: the environment variable {name} is not set", remedy=f"Set {name} to the server's token"
        )
    return os.environ[name]


def _tell_examples(path: Path) -> None:
    from inspector.language.examples import read_examples

    found = read_examples(path)
    refused = sorted(found.refused.items(), key=lambda item: -item[1])
    reasons = "".join(f"\n  {count} {reason}" for reason, count in refused)
    typer.echo(f"{path}: {len(found.accepted)} examples, {sum(found.refused.values())} refused{reasons}")


@app.command("train-search")
def train_search(
    folders: Annotated[list[Path], typer.Argument(help="Data sets with boxes; `train` is learned, `val` measured.")],
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    *,
    px_per_mm: Annotated[float, typer.Option(min=1, help="Scale of the pictures.")] = 48.0,
    margin_px: Annotated[float, typer.Option(min=0, help="How far the boxes reach beyond the defects.")] = 9.5,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 1500,
    seed: Annotated[int, typer.Option(min=0, help="Start of the random numbers.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Processor threads to use.")] = 1,
) -> None:
    """Train the search by words: which descriptions fit which crops of defects. Writes card and figures too.

    Needs the extra `language` of the package and the feature network in models/; about ten minutes of one processor.

    For example:

      inspector language train-search boards/real boards/virtual --out models/defect-search
    """
    import logging

    _need("torch")
    from inspector.runtime.search_training import make_search

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    named = " ".join(str(folder) for folder in folders)
    command = f"inspector language train-search {named} --px-per-mm {px_per_mm:g} --margin-px {margin_px:g}"
    card = make_search(
        out,
        folders,
        px_per_mm=px_per_mm,
        margin_px=margin_px,
        steps=steps,
        seed=seed,
        threads=threads,
        command=f"{command} --steps {steps} --seed {seed}",
    )
    typer.echo(f"{card} written")


def _need(*packages: str) -> None:
    import importlib.util

    from inspector.domain import ConfigurationError

    if missing := [package for package in packages if importlib.util.find_spec(package) is None]:
        raise ConfigurationError(
            f"training needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            remedy="Install the extra: pip install 'line-inspector[language]'",
        )


@app.command()
def agreement(
    line: Annotated[Path, typer.Option(help="YAML file of the line.", metavar="LINE.yaml")],
    *,
    weeks: Annotated[int, typer.Option(min=1, max=520, help="How many weeks back, this one included.")] = 4,
    data: Annotated[
        Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")] = False,
) -> None:
    """Hold the adviser's opinions against people's decisions, week by week: agreement, cost, where they differ.

    Examples
    --------
      inspector language agreement --line line_configs/virtual-board.yaml

      inspector language agreement --line /etc/inspector/line-1.yaml --weeks 12 --json
    """
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from inspector.runtime.agreement import agreement_of, costs_of
    from inspector.settings import data_folder, load_line

    settings = load_line(line, data=data_folder() if data is None else data.absolute())
    found = agreement_of(settings, weeks=weeks, now=datetime.now(UTC))
    costs = costs_of(settings)
    if as_json:
        body = {"currency": costs.currency if costs else None, "weeks": [asdict(week) for week in found]}
        typer.echo(json.dumps(body, ensure_ascii=False, default=str))
        return
    if not found:
        typer.echo("The adviser has not spoken in this time; see `disposition.advise` in the line's YAML.")
        return
    from rich.console import Console

    from inspector.cli.display import agreement_tables

    console = Console()
    for table in agreement_tables(found, costs.currency if costs else ""):
        console.print(table)
