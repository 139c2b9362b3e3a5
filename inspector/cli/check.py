"""`inspector check` and `inspector schema`: what is wrong with a line's YAML, and what it may contain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from inspector.settings import Finding


def check(
    files: Annotated[list[Path], typer.Argument(help="YAML files of lines.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Name every mistake in the YAML of a line: file:line:column, key, what is wrong, what would be right.

    Ends with 1 where there is a mistake. Nothing is started, and no camera, PLC or broker is asked.

    For example:

      inspector check line_configs/virtual-board.yaml
      inspector check line_configs/*.yaml
      inspector check --json line.yaml | jq .mistakes
    """
    from inspector.settings import check_line

    found = {file: check_line(file) for file in files}
    if as_json:
        _print_json(found)
    else:
        _print_text(found)
    if any(found.values()):
        raise typer.Exit(1)


def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference of all keys instead.")] = False,
) -> None:
    """Print the JSON Schema of a line's YAML, for editors and other tools.

    The shipped files name it in their first line, so that an editor with a YAML language server completes keys
    and shows their meaning.

    For example:

      inspector schema > line_configs/schema.json
      inspector schema --markdown | less
    """
    import json

    from inspector.settings import line_schema, reference_markdown

    typer.echo(
        reference_markdown() if markdown else json.dumps(line_schema(), indent=2, ensure_ascii=False) + "\n", nl=False
    )


def _print_json(found: dict[Path, list[Finding]]) -> None:
    import json
    from dataclasses import asdict

    body = {
        "mistakes": sum(map(len, found.values())),
        "files": [
            {"file": str(file), "ok": not findings, "findings": [asdict(finding) for finding in findings]}
            for file, findings in found.items()
        ],
    }
    typer.echo(json.dumps(body, ensure_ascii=False))


def _print_text(found: dict[Path, list[Finding]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for file, findings in found.items():
        if findings:
            _print_findings(console, findings)
        else:
            console.print(Text.assemble(("ok", "bold green"), f"  {file}  ", (_summary(file), "dim")))
    mistakes, wrong = sum(map(len, found.values())), sum(map(bool, found.values()))
    if mistakes:
        console.print(Text(f"\n{_counted(mistakes, 'mistake')} in {_counted(wrong, 'file')}", "bold red"))


def _print_findings(console: Console, findings: Sequence[Finding]) -> None:
    from rich.text import Text

    for finding in findings:
        place = f"{finding.file}:{finding.line}:{finding.column}"
        key = f"  {finding.key}" if finding.key else ""
        console.print(Text.assemble((place, "bold"), (key, "cyan"), "  ", (finding.problem, "red")))
        console.print(Text(f"    {finding.remedy}"))


def _summary(file: Path) -> str:
    from inspector.settings import load_line

    line = load_line(file)
    recipes = _counted(len(line.recipes), "recipe")
    return f"line {line.line}: camera {line.camera.kind}, PLC {line.plc.kind}, MES {line.mes.kind}, {recipes}"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
