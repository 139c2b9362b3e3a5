"""`inspector train`: a recipe and data folders in, a model folder with its card out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[Path, typer.Argument(help="Recipe, such as models/bare-board/recipe.yaml.", show_default=False)],
    *,
    data: Annotated[list[str], typer.Option(help="NAME=FOLDER of a data set that the recipe draws from; repeat it.")],
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    work: Annotated[Path, typer.Option(help="Checkpoints and log.")] = Path("runs"),
    first_stage: Annotated[int, typer.Option(min=0, help="Go on with this stage from the one before it.")] = 0,
    only_finish: Annotated[bool, typer.Option("--only-finish", help="Export the newest weights again.")] = False,
) -> None:
    """Train a detector, export it to ONNX, judge it on held-out boards and write its card.

    Needs the extra `train` of the package, whose ultralytics is AGPL-3.0.

    For example:

      inspector train models/bare-board/recipe.yaml --out models/bare-board
        --data real=boards/real --data painted=boards/painted --data virtual=boards/virtual
    """
    import importlib.util
    import logging

    from inspector.domain import ConfigurationError
    from inspector.training.loop import Schedule
    from inspector.training.pipeline import Paths, finish_model, make_model
    from inspector.training.recipe import read_recipe

    if importlib.util.find_spec("ultralytics") is None:
        raise ConfigurationError(
            "training needs ultralytics and torch, which are not installed",
            remedy="Install the extra: pip install 'line-inspector[train]'",
        )
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
