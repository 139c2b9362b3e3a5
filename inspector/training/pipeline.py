"""From a recipe and data folders to a model folder: train, export, evaluate, choose the floor, write the card."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspector.training.card import CardFacts, DataNote, write_card
from inspector.training.dataset import DatasetError, Example, View, read_manifest, read_split
from inspector.training.evaluate import (
    Figures,
    Findings,
    average_precision,
    onnx_predictor,
    predict_all,
    torch_predictor,
)
from inspector.training.export import export_onnx
from inspector.training.floor import FloorRow, choose_floor, floor_row, floor_table
from inspector.training.loop import Schedule, build_model, load_weights, train
from inspector.training.recipe import Recipe

_log = logging.getLogger(__name__)

BOX_MARGIN_PX = 9.5


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things are: the data sets by name, the model folder to write, checkpoints and log."""

    data: Mapping[str, Path]
    model: Path
    work: Path


@dataclass(frozen=True, slots=True)
class _Judged:
    """One held-out set with what the exported weights find on it."""

    examples: Sequence[Example]
    findings: Sequence[Findings]


@dataclass(frozen=True, slots=True)
class _Floor:
    """The confidence floor of one view, what it was chosen on, and what it costs by data set."""

    floor: float
    judged: Mapping[str, _Judged]
    report: dict[str, Any]


def make_model(recipe: Recipe, paths: Paths, schedule: Schedule, *, command: str, first_stage: int = 0) -> Path:
    """Train, then do everything of ``finish_model``; return the path of the card.

    Raises
    ------
    DatasetError
        A data set is missing or broken.
    """
    _check_names(recipe, paths)
    held_out = read_split(paths.data[recipe.figures_from], "val")

    def validate(model: Any) -> dict[str, float]:
        figures = average_precision(
            held_out, predict_all(torch_predictor(model), held_out, recipe.view), recipe.classes
        )
        return {"map50": figures.map50, "map50_95": figures.map50_95}

    data = {name: read_split(paths.data[name], "train") for stage in recipe.stages for name in stage.mix}
    train(recipe, data, paths.work, schedule=schedule, validate=validate, first_stage=first_stage)
    return finish_model(recipe, paths, command=command)


def finish_model(recipe: Recipe, paths: Paths, *, command: str) -> Path:
    """Export the newest weights of the last stage, judge them on held-out data and write the card."""
    _check_names(recipe, paths)
    model = build_model(recipe.architecture, len(recipe.classes), recipe.seed, recipe.planes)
    load_weights(model, paths.work / f"{recipe.stages[-1].name}.pt")
    paths.model.mkdir(parents=True, exist_ok=True)
    weights = paths.model / f"{recipe.name}.onnx"
    difference = export_onnx(model, weights, recipe.classes, planes=recipe.planes)
    _log.info("%s written; differs from the trained network by at most %.4f", weights, difference)
    shown = _floor(recipe, paths, weights, recipe.view)
    alone = _floor(recipe, paths, weights, View.PAIR_WITHOUT_GOLDEN) if recipe.paired else None
    facts = CardFacts(
        confidence_floor=shown.floor,
        floor_without_golden=alone.floor if alone else None,
        channels=recipe.planes,
        box_margin_px=BOX_MARGIN_PX,
        data=_data_notes(recipe, paths),
        figures=_figures(recipe, shown),
        figures_without_golden=_figures(recipe, alone) if alone else None,
        held_out_images=len(shown.judged[recipe.figures_from].examples),
        floor_report=shown.report | ({"without_golden": alone.report} if alone else {}),
        command=command,
        created=datetime.now(UTC).date(),
    )
    return write_card(paths.model, recipe, facts)


def _check_names(recipe: Recipe, paths: Paths) -> None:
    missing = [name for name in recipe.data_sets if name not in paths.data]
    if missing:
        raise DatasetError(
            f"the recipe {recipe.name} needs the data sets {', '.join(missing)}",
            remedy="Give each as --data NAME=FOLDER",
        )


def _floor(recipe: Recipe, paths: Paths, weights: Path, view: View) -> _Floor:
    """Judge the weights on every held-out set, choose the floor, and say what it costs."""
    judged = _judge(recipe, paths, weights, view)
    floor = choose_floor([floor_table(each.examples, each.findings) for each in judged.values()])
    report = {name: _report(floor, each, paths.data[name], weights, view) for name, each in judged.items()}
    return _Floor(floor, judged, report)


def _figures(recipe: Recipe, floor: _Floor) -> Figures:
    judged = floor.judged[recipe.figures_from]
    return average_precision(judged.examples, judged.findings, recipe.classes)


def _judge(recipe: Recipe, paths: Paths, weights: Path, view: View) -> dict[str, _Judged]:
    predict = onnx_predictor(weights)
    judged: dict[str, _Judged] = {}
    for name in dict.fromkeys([recipe.figures_from, *recipe.floor_from]):
        examples = read_split(paths.data[name], "val")
        judged[name] = _Judged(examples, predict_all(predict, examples, view))
    return judged


def _report(floor: float, judged: _Judged, folder: Path, weights: Path, view: View) -> dict[str, int]:
    """Return the floor's costs; good boards of their own split are counted with the others.

    Not so for pairs: a golden board compared with itself proves nothing.
    """
    row = floor_row(floor, judged.examples, judged.findings)
    if view is not View.PAIR and (folder / "images" / "good").is_dir():
        good = read_split(folder, "good")
        row = _with_good(row, floor_row(floor, good, predict_all(onnx_predictor(weights), good, view)))
    return {key: value for key, value in dataclasses.asdict(row).items() if key != "floor"}


def _with_good(row: FloorRow, good: FloorRow) -> FloorRow:
    return dataclasses.replace(
        row,
        good_parts=row.good_parts + good.good_parts,
        held_good_parts=row.held_good_parts + good.held_good_parts,
    )


def _data_notes(recipe: Recipe, paths: Paths) -> list[DataNote]:
    notes: list[DataNote] = []
    drawn = {name for stage in recipe.stages for name in stage.mix}
    for name in recipe.data_sets:
        manifest = read_manifest(paths.data[name])
        uses = {"train": "training"} if name in drawn else {}
        if name in {recipe.figures_from, *recipe.floor_from}:
            uses["val"] = "held out"
        notes.extend(
            DataNote(
                name=manifest.name,
                licence=manifest.licence,
                source=manifest.source,
                use=use,
                images=manifest.counts[split],
                groups=tuple(manifest.groups.get(split, ())),
            )
            for split, use in uses.items()
        )
    return notes
