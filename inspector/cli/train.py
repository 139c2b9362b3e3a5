"""`inspector train`: a line's own images, or a recipe and data folders, in; a model folder with its card out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from inspector.runtime.learning import Learned, Lesson
    from inspector.runtime.self_labelling import PseudoLabels, SelfTaught
    from inspector.settings.training import PseudoLabels as PseudoLabelSettings
    from inspector.training.fitting import FitProgress

    Shown = tuple[Callable[[FitProgress], None], Callable[[str, int, int], None]]

__all__ = ["train"]

INTERRUPTED = 130


def train(
    file: Annotated[
        Path,
        typer.Argument(help="LINE.yaml with the key training; or a recipe, such as models/bare-board/recipe.yaml."),
    ],
    *,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Line: a data set instead of training.data. Recipe: NAME=FOLDER; repeat it."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Model folder to write; a line names one.")] = None,
    work: Annotated[
        Path | None, typer.Option(help="Checkpoints and log.", show_default="runs/NAME of the model; recipe: runs")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Line: instead of training.epochs.")] = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(help="Line: folder of images to label by itself, instead of training.pseudo_labels.images."),
    ] = None,
    prune: Annotated[
        float | None,
        typer.Option(min=0, max=0.9, help="Line: share of channels to leave out, instead of training.prune."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Line: cpu, cuda or auto, instead of training.device.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Line: begin anew; checkpoints in --work are lost.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Line: page to write.", metavar="FILE.html", show_default="report.html in --work"),
    ] = None,
    first_stage: Annotated[int, typer.Option(min=0, help="Recipe: go on with this stage.")] = 0,
    only_finish: Annotated[
        bool, typer.Option("--only-finish", help="Recipe: export the newest weights again.")
    ] = False,
) -> None:
    """Train a detector, export it to ONNX, judge it on held-out images and write its card.

    Ended by Ctrl-C, by a kill or by a power cut, the same command goes on after the last whole epoch.
    Needs the extra `train` of the package, whose ultralytics is AGPL-3.0.

    For example:

      inspector train my-line.yaml
      inspector train my-line.yaml --data data/line-3 --out models/line-3 --epochs 30
      inspector train models/bare-board/recipe.yaml --out models/bare-board
        --data real=boards/real --data painted=boards/painted --data virtual=boards/virtual
    """
    if _is_recipe(file):
        _train_recipe(file, data or [], out, work or Path("runs"), first_stage, only_finish=only_finish)
        return
    lesson = _lesson(file, data or [], out, work, epochs=epochs, unlabelled=unlabelled, prune=prune, device=device)
    _train_line(lesson, report or lesson.work / "report.html", fresh=fresh)


def _is_recipe(file: Path) -> bool:
    from inspector.domain import ConfigurationError

    if not file.is_file():
        raise ConfigurationError(
            f"{file}: no such file", remedy="Give a LINE.yaml with the key training, or models/bare-board/recipe.yaml"
        )
    return any(line.startswith("stages:") for line in file.read_text(encoding="utf-8").splitlines())


# --- a line's own images ----------------------------------------------------------------------------------


def _lesson(
    file: Path,
    data: list[str],
    out: Path | None,
    work: Path | None,
    *,
    epochs: int | None,
    unlabelled: Path | None,
    prune: float | None,
    device: str | None,
) -> Lesson:
    import shlex

    from inspector.domain import ConfigurationError
    from inspector.runtime.learning import Lesson
    from inspector.settings import load_line

    if len(data) > 1:
        raise typer.BadParameter("a line learns from one data set", param_hint="--data")
    if device not in {None, "auto", "cpu", "cuda"}:
        raise typer.BadParameter(f"{device}: expected auto, cpu or cuda", param_hint="--device")
    wanted = load_line(file).training
    if wanted is None:
        raise ConfigurationError(
            f"{file}: key training is missing", remedy="Add 'training: {data: FOLDER}'; see docs/train.md"
        )
    model = out or wanted.model
    if model is None:
        raise ConfigurationError(
            f"{file}: neither training.model nor detector.model names a folder to write",
            remedy="Add 'model: ../models/NAME' to the key detector, or give --out",
        )
    command = f"inspector train {shlex.quote(str(file))}"
    command += "".join(f" --data {shlex.quote(entry)}" for entry in data)
    command += (f" --out {shlex.quote(str(out))}" if out else "") + (f" --epochs {epochs}" if epochs else "")
    command += f" --prune {prune}" if prune is not None else ""
    command += f" --unlabelled {shlex.quote(str(unlabelled))}" if unlabelled else ""
    return Lesson(
        data=Path(data[0]) if data else wanted.data,
        model=model,
        work=work or Path("runs") / model.name,
        command=command,
        version=wanted.version,
        architecture=wanted.architecture,
        image_px=wanted.image_px,
        epochs=epochs or wanted.epochs,
        patience=wanted.patience,
        batch=wanted.batch,
        seed=wanted.seed,
        start_from=wanted.start_from,
        teacher=wanted.teacher,
        prune=wanted.prune if prune is None else prune,
        pseudo_labels=_pseudo_labels(wanted.pseudo_labels, unlabelled),
        box_margin_px=wanted.box_margin_px,
        device=device or wanted.device,
        precision=wanted.precision,
    )


def _pseudo_labels(wanted: PseudoLabelSettings | None, unlabelled: Path | None) -> PseudoLabels | None:
    from inspector.runtime.self_labelling import PseudoLabels

    if wanted is None:
        return None if unlabelled is None else PseudoLabels(unlabelled)
    return PseudoLabels(unlabelled or wanted.images, wanted.confidence, wanted.rounds, wanted.epochs, wanted.group)


def _train_line(lesson: Lesson, page: Path, *, fresh: bool) -> None:
    from inspector.runtime.learning import learn
    from inspector.runtime.learning_report import as_html
    from inspector.training.fitting import Stopped, forget

    if fresh:
        forget(lesson.work)
    try:
        with _progress() as (show, tell):
            learned = learn(lesson, show=show, tell=tell)
    except (Stopped, KeyboardInterrupt) as stopped:
        kept = stopped.epochs if isinstance(stopped, Stopped) else 0
        typer.echo(f"Stopped; {kept} epochs are kept in {lesson.work}. The same command goes on from there.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    page.write_text(as_html(learned), encoding="utf-8")
    _tell(learned, page)


def _tell(learned: Learned, page: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("held out", "mAP50", "mAP50-95")
    table.add_row("all", f"{learned.figures.map50:.3f}", f"{learned.figures.map50_95:.3f}")
    for name, each in learned.figures.per_class.items():
        table.add_row(name, f"{each['map50']:.3f}", f"{each['map50_95']:.3f}")
    console.print(table)
    row = learned.at_floor
    console.print(
        f"at the floor {learned.floor}: {row.missed_defects} of {row.defects} defects missed, {row.escaped_parts} of "
        f"{row.defective_parts} defective parts pass, {row.held_good_parts} of {row.good_parts} good parts are held"
    )
    if row.escaped_parts:
        console.print(
            "[red]Defective parts pass this model: train it longer, or on more parts, before a line uses it.[/red]"
        )
    if learned.taught is not None:
        for line in _rounds(learned.taught):
            console.print(line)
    ended = "ended by patience" if learned.fit.early else "all of them"
    console.print(f"{learned.fit.epochs} epochs ({ended}); {learned.card} and {page} written")


def _rounds(taught: SelfTaught) -> Iterator[str]:
    seen = taught.seen
    yield (
        f"{len(seen.images)} unlabelled images; left out were {seen.held_out} that are held out and {seen.labelled} "
        "that have labels"
    )
    for number, each in enumerate(taught.rounds, start=1):
        if each.map50_95 is None:
            yield f"round {number}: nothing on them was sure enough to be taught"
        else:
            yield (
                f"round {number}: {each.labels} labels on {each.images} images, {each.doubted} places painted over; "
                f"mAP50-95 {each.map50_95:.3f}, {'better, kept' if each.kept else 'not better, not kept'}"
            )


def _progress() -> AbstractContextManager[Shown]:
    """Show epochs and steps as two bars, and what follows them as a third."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    @contextmanager
    def shown() -> Iterator[Shown]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True) as bars:
            whole = bars.add_task("reading labels", total=None)
            inner = bars.add_task("epoch", total=None)
            told = 0

            def show(at: FitProgress) -> None:
                nonlocal told
                figures = "" if at.map50 is None else f" mAP50 {at.map50:.3f}"
                loss = "" if at.loss is None else f" loss {at.loss:.3f}"
                done = (at.epoch - 1) * at.steps + at.step
                bars.update(whole, description=f"training{figures}", completed=done, total=at.epochs * at.steps)
                at_step = f"epoch {at.epoch}{loss}"
                bars.update(inner, visible=True, description=at_step, completed=at.step, total=at.steps)
                if at.whole and at.epoch != told and not console.is_terminal:
                    told = at.epoch  # a log has no bars: one line an epoch
                    console.print(f"epoch {at.epoch} of {at.epochs}:{loss}{figures}", highlight=False)

            def tell(what: str, done: int, of: int) -> None:
                bars.update(inner, visible=False)
                bars.update(whole, description=what, completed=done, total=of)

            yield show, tell

    return shown()


# --- a recipe ---------------------------------------------------------------------------------------------


def _train_recipe(
    recipe: Path, data: list[str], out: Path | None, work: Path, first_stage: int, *, only_finish: bool
) -> None:
    import logging

    from inspector.domain import require_extra
    from inspector.training.loop import Schedule
    from inspector.training.pipeline import Paths, finish_model, make_model
    from inspector.training.recipe import read_recipe

    require_extra("train", "ultralytics", needed_by="training")
    if out is None or not data:
        raise typer.BadParameter("a recipe needs --out FOLDER and --data NAME=FOLDER", param_hint="--out")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    described = read_recipe(recipe)
    paths = Paths(data=_folders(data), model=out, work=work)
    command = f"inspector train {recipe} --out {out} " + " ".join(f"--data {entry}" for entry in data)
    if only_finish:
        card = finish_model(described, paths, command=command)
    else:
        card = make_model(described, paths, Schedule(), command=command, first_stage=first_stage)
    typer.echo(f"{card} written")


def _folders(entries: list[str]) -> dict[str, Path]:
    pairs = [entry.partition("=") for entry in entries]
    broken = [entry for entry, (_, equals, _) in zip(entries, pairs, strict=True) if not equals]
    if broken:
        raise typer.BadParameter(f"{broken[0]}: expected NAME=FOLDER", param_hint="--data")
    return {name: Path(folder) for name, _, folder in pairs}
