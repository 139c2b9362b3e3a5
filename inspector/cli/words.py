"""`inspector search` and `glossary`: past defects by description, and what things are called on a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspector.cli.users import Data, Json, Line, this_user

if TYPE_CHECKING:
    from inspector.runtime.glossary import LineGlossary
    from inspector.settings import LineSettings
    from inspector.store import Database

__all__ = ["ask_part", "glossary", "search"]

glossary = typer.Typer(no_args_is_help=True, help="What defects, zones and characteristics are called on a line.")


def search(
    words: Annotated[str, typer.Argument(help='A defect described, in English or Chinese: "large round spur".')],
    line: Line,
    count: Annotated[int, typer.Option(min=1, max=100, help="How many findings.")] = 10,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Find past defects by describing class, size, shape and place; the likest first.

    Ends with 1 where no word is known. The office of a running line reads new pictures some seconds after they are
    recorded; what it has not read is not found.

    For example:

      inspector search "small upright pin-hole, top left" --line line.yaml

      inspector search 左上角较大的毛刺 --line line.yaml
    """
    import json

    from inspector.domain import ConfigurationError
    from inspector.runtime.wiring.words import build_search

    with _opened(line, data) as (settings, database):
        finder = build_search(settings, database)
        if finder is None:
            raise ConfigurationError(f"{line}: the search is turned off", remedy="Take 'search: null' out")
        found = finder.find(words, limit=count)
        finder.close()
    rows = [
        {
            "part": item.part_id,
            "at": item.at.isoformat(),
            "finding": item.detection,
            "label": item.label,
            "zone": item.zone,
            "size_mm": item.size_mm,
            "likeness": round(item.likeness, 4),
            "page": f"/part/{item.report_id}",
        }
        for item in found.rows
    ]
    if as_json:
        body = {"understood": found.understood, "searched": found.searched, "rows": rows}
        typer.echo(json.dumps(body, ensure_ascii=False))
    elif not found.understood:
        typer.echo("None of these words is known: say class, size, shape or place")
    else:
        for row in rows:
            size = "" if row["size_mm"] is None else f"{row['size_mm']:.2f} mm"
            typer.echo("\t".join(str(row[name]) for name in ("likeness", "part", "label", "zone")) + f"\t{size}")
        typer.echo(f"the likest of {found.searched} findings")
    if not found.understood:
        raise typer.Exit(1)


def ask_part(question: str, part: str, line: Path | None, language: str, *, as_json: bool) -> None:
    """Answer a question about the newest inspection of a part; ends with 1 where it is not understood."""
    import json

    from inspector.domain import ConfigurationError, HistoryQuery, VoiceError
    from inspector.runtime.wiring.parts import build_part_desk
    from inspector.runtime.wiring.terms import build_terms
    from inspector.store import RecordStore, SqlHistory

    if line is None:
        raise ConfigurationError("--part needs the record of a line", remedy="Name its YAML with --line")
    with _opened(line, None) as (settings, database):
        record = RecordStore(database, line=settings.line, station=settings.station)
        history = SqlHistory(database, record, line=settings.line, station=settings.station)
        desk = build_part_desk(settings, build_terms(settings, database), find=history.find, labels=history.labels)
        rows = history.search(HistoryQuery(part=part), limit=1).rows
        answer = desk.ask(rows[0].report_id, question, language) if rows else None
    if answer is None:
        raise VoiceError(f"there is no inspection of part {part} in the record")
    if as_json:
        asked = answer.question
        body = {
            "question": question,
            "part": rows[0].part_id,
            "page": f"/part/{rows[0].report_id}",
            "intent": None if asked is None else asked.query.value,
            "slots": {} if asked is None else {"defect": asked.label, "zone": asked.zone},
            "findings": list(answer.findings),
            "reply": answer.text,
        }
        typer.echo(json.dumps(body, ensure_ascii=False))
    else:
        typer.echo(answer.text)
    if answer.question is None:
        raise typer.Exit(1)


@glossary.command("set")
def set_(
    term: Annotated[str, typer.Argument(help="As the record has it: spur, connector, length.")],
    language: Annotated[str, typer.Argument(help="en or zh.")],
    name: Annotated[str, typer.Argument(help="What it is called from now on; '' takes the line's own name back.")],
    line: Line,
    data: Data = None,
) -> None:
    """Call a term so from now on; a running line takes it within seconds, and the trail has the entry.

    For example:

      inspector glossary set spur en burr --line line.yaml

      inspector glossary set connector zh 插头 --line line.yaml
    """
    with _glossary(line, data) as desk:
        change = desk.set(this_user(), term, language, name)
    said = f"{term} is called {change.name!r}" if change.name else f"{term} has its own name back"
    typer.echo(f"{said} in {language}; the glossary is at version {change.version}")


@glossary.command("list")
def list_(line: Line, data: Data = None, as_json: Json = False) -> None:
    """Show every term with its names as they are now."""
    import json

    with _glossary(line, data) as desk:
        terms = {term: dict(names) for term, names in sorted(desk.terms().items())}
    if as_json:
        typer.echo(json.dumps({"terms": terms}, ensure_ascii=False))
        return
    for term, names in terms.items():
        typer.echo("\t".join([term, *(f"{language}: {name}" for language, name in names.items())]))


@glossary.command()
def history(
    line: Line,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many changes.")] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the newest changes, newest first: version, when, who, what."""
    import json

    with _glossary(line, data) as desk:
        changes = desk.history(count)
    if as_json:
        names = ("version", "who", "term", "language", "name")
        rows = [{**{name: getattr(item, name) for name in names}, "at": item.at.isoformat()} for item in changes]
        typer.echo(json.dumps({"changes": rows}, ensure_ascii=False))
        return
    for item in changes:
        at = f"{item.at.astimezone():%Y-%m-%d %H:%M:%S}"
        typer.echo(f"{item.version}\t{at}\t{item.who}\t{item.term}\t{item.language}: {item.name or '(its own name)'}")


@contextmanager
def _glossary(line: Path, data: Path | None) -> Iterator[LineGlossary]:
    from inspector.runtime.wiring.terms import build_terms
    from inspector.runtime.wiring.words import build_glossary

    with _opened(line, data) as (settings, database):
        yield build_glossary(settings, database, build_terms(settings, database))


@contextmanager
def _opened(line: Path, data: Path | None) -> Iterator[tuple[LineSettings, Database]]:
    from inspector.runtime.wiring.record import build_record
    from inspector.settings import data_folder, load_line

    settings = load_line(line, data=data_folder() if data is None else data.absolute())
    database = build_record(settings)[0]
    with closing(database):
        yield settings, database
