"""`inspector models`: what models there are, and whether they are what their cards say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inspector.cli import deploy, quantize

if TYPE_CHECKING:
    from inspector.detection import ModelCard

__all__ = ["app"]

app = typer.Typer(
    name="models",
    no_args_is_help=True,
    help="List the models, prove that weights and cards belong together, and make them ready for what runs them.",
    epilog="Examples: inspector models list   inspector models verify bare-board --json",
)

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", help="Folder of model folders.", show_default="the shipped models"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


@app.command("list", epilog="Example: inspector models list --json")
def list_(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Show every model: version, classes, accuracy, licence, size and whether the hash fits."""
    from rich.table import Table

    from inspector.detection import models_folder

    rows = [_facts(path) for path in _folders(folder or models_folder(), ())]
    if as_json:
        _print_json({"models": rows})
        return
    table = Table("name", "version", "classes", "mAP50", "licence", "MB", "hash")
    for row in rows:
        size, map50 = row.get("bytes"), row.get("map50")
        table.add_row(
            row["name"],
            row.get("version", "-"),
            ", ".join(row.get("classes", ())) or "-",
            "-" if map50 is None else f"{map50:.3f}",
            row.get("licence", "-"),
            "-" if size is None else f"{size / 1e6:.1f}",
            "ok" if row["ok"] else "[red]wrong[/red]",
        )
    _print(table)
    _print_problems(rows)


@app.command(epilog="Examples: inspector models verify   inspector models verify bare-board ./my-model --json")
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names or paths of models.", metavar="[NAME]...", show_default="all"),
    ] = None,
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove card, hash, class list and input of models; ends with 1 where one is not what its card says."""
    from inspector.detection import models_folder

    rows = [_facts(path) for path in _folders(folder or models_folder(), names or ())]
    if as_json:
        _print_json({"ok": all(row["ok"] for row in rows), "models": rows})
    else:
        for row in rows:
            if row["ok"]:
                _print(f"[green]ok[/green] {row['name']} {row['version']}, SHA-256 {row['sha256'][:12]}…")
        _print_problems(rows)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)


app.command()(deploy.triton)
app.command()(deploy.build)
app.command()(quantize.quantize)


def _folders(root: Path, names: list[str] | tuple[str, ...]) -> list[Path]:
    from inspector.detection import find_model
    from inspector.domain import ModelError

    if names:
        return [find_model(name, root) for name in names]
    found = sorted(path.parent for path in root.glob("*/card.yaml"))
    if not found:
        raise ModelError(
            f"{root}: there is no model in this folder",
            remedy="Give --folder a folder whose sub-folders hold a card.yaml",
        )
    return found


def _facts(folder: Path) -> dict[str, Any]:
    """Return what the card says, and under ``problem`` why it is not true."""
    from inspector.detection import load_model, read_card
    from inspector.domain import ModelError

    facts: dict[str, Any] = {"name": folder.name, "path": str(folder), "ok": False, "problem": None}
    try:
        task = _task(folder)
        if task == "report":
            return facts | _writer_facts(folder)
        if task == "search":
            return facts | _search_facts(folder)
        card = read_card(folder)
        facts |= {
            "name": card.name,
            "version": card.version,
            "classes": list(card.classes),
            "map50": _map50(card),
            "licence": card.licence,
            "sha256": card.sha256,
            "confidence_floor": card.confidence_floor,
        }
        facts["bytes"] = load_model(folder).weights.stat().st_size
        facts["ok"] = True
    except ModelError as error:
        facts["problem"] = str(error)
    return facts


def _task(folder: Path) -> str:
    """Return what the card says the model is for, empty where it says nothing that can be read."""
    import re

    try:
        found = re.search(r"^task: (\w+)$", (folder / "card.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""


def _writer_facts(folder: Path) -> dict[str, Any]:
    """Return what the card of a report writer says; raises ``ModelError`` where it is not true."""
    from inspector.language.card import load_writer

    model = load_writer(folder)
    card = model.card
    return {
        "name": card.name,
        "version": card.version,
        "classes": [f"reports in {language}" for language in card.languages],
        "map50": None,
        "licence": card.licence,
        "sha256": card.sha256,
        "bytes": model.weights.stat().st_size,
        "ok": True,
    }


def _search_facts(folder: Path) -> dict[str, Any]:
    """Return what the card of a search model says; raises ``ModelError`` where it is not true."""
    from inspector.search import load_search

    files = load_search(folder)
    card = files.card
    return {
        "name": card.name,
        "version": card.version,
        "classes": list(card.classes),
        "map50": None,
        "licence": card.licence,
        "sha256": card.sha256,
        "bytes": (folder / card.weights).stat().st_size,
        "ok": True,
    }


def _map50(card: ModelCard) -> float | None:
    """Return the mean average precision on held-out data, where the card has it."""
    held_out = card.metrics.get("held_out")
    value = held_out.get("map50") if isinstance(held_out, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, ensure_ascii=False))


def _print(value: object) -> None:
    from rich.console import Console

    Console().print(value)


def _print_problems(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["problem"]:
            typer.secho(f"{row['name']}: {row['problem']}", fg=typer.colors.RED, err=True)
