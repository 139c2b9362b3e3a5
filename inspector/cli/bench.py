"""Measuring: the verdict path by default, and what else this product promises figures of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last output.")]

app = typer.Typer()


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    parts: Annotated[int, typer.Option(min=10, help="How many parts to run through the whole line.")] = 200,
    line: Annotated[
        Path | None, typer.Option(help="YAML file of the line; default: the virtual boards.", metavar="LINE.yaml")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure this machine: trigger to verdict-in-the-PLC beside the bare detector, or one part by its command.

    Examples
    --------
      inspector bench

      inspector bench --parts 500 --json
    """
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console

    from inspector.cli.bench_tables import show, verdict_path_table
    from inspector.runtime.bench import measure

    console = Console(stderr=as_json)
    with console.status("measuring ..."):
        figures = measure(line, parts=parts)
    show(console, figures.as_dict(), verdict_path_table(figures), as_json=as_json)


@app.command()
def measure(
    marks: Annotated[int, typer.Option(min=20, help="How many marks to draw and measure.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Other marks.")] = 1,
    as_json: Json = False,
) -> None:
    """Measure drawn scratches of 0.1 to 10 mm: bias and spread by method, and how often the stated U covers the truth.

    Examples
    --------
      inspector bench measure

      inspector bench measure --marks 2000 --json
    """
    from rich.console import Console
    from rich.progress import Progress

    from inspector.cli.bench_tables import show
    from inspector.cli.metrology_display import accuracy_table
    from inspector.runtime.bench_measure import measure_marks

    console = Console(stderr=as_json)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=marks)
        figures = measure_marks(marks, seed=seed, on_mark=lambda: progress.advance(task))
    show(console, figures.as_dict(), accuracy_table(figures), as_json=as_json)


@app.command()
def reports(
    inspections: Annotated[int, typer.Option(min=1000, help="How many inspections the record holds.")] = 1_000_000,
    cycle_s: Annotated[float, typer.Option(min=0.05, help="Seconds from part to part.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Measure a shift report over a large made-up record: an early shift and its last one.

    Examples
    --------
      inspector bench reports

      inspector bench reports --inspections 100000 --json
    """
    import tempfile

    from rich.console import Console

    from inspector.cli.bench_tables import named_table, show
    from inspector.runtime.bench_reports import measure_reports

    console = Console(stderr=as_json)
    with tempfile.TemporaryDirectory() as folder, console.status(f"writing {inspections:,} inspections ..."):
        figures = measure_reports(Path(folder), inspections=inspections, cycle_s=cycle_s)
    body = figures.as_dict()
    told = {name: f"{value:,.3f}" if isinstance(value, float) else f"{value:,}" for name, value in body.items()}
    show(console, body, named_table("shift report", told), as_json=as_json)


@app.command()
def history(
    rows: Annotated[int, typer.Option(min=1000, help="How many inspections the record holds.")] = 10_000_000,
    url: Annotated[str, typer.Option(help="An empty PostgreSQL database instead of SQLite.", metavar="URL")] = "",
    as_json: Json = False,
) -> None:
    """Measure a page of the history over a very large made-up record, by every question that the page can ask.

    Ten million inspections take about 8 GB of disk and some minutes to make.

    Examples
    --------
      inspector bench history

      inspector bench history --rows 1000000 --url postgresql://inspector@localhost/empty --json
    """
    import tempfile

    from rich.console import Console

    from inspector.cli.bench_tables import history_table, show
    from inspector.runtime.bench_history import measure_history

    console = Console(stderr=as_json)
    with tempfile.TemporaryDirectory() as folder, console.status(f"writing {rows:,} inspections ...") as status:
        figures = measure_history(Path(folder), rows=rows, url=url, said=status.update)
    show(console, figures.as_dict(), history_table(figures), as_json=as_json)


@app.command()
def language(
    model: Annotated[str, typer.Option(help="Report writer to measure: name or folder.")] = "report-writer",
    records: Annotated[int, typer.Option(min=10, help="Records with usual names; a quarter more have others.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Start of the random numbers; training uses none of them.")] = 0,
    parts: Annotated[int, typer.Option(min=0, help="Parts through the verdict path, beside it or not; 0: none.")] = 800,
    as_json: Json = False,
) -> None:
    """Measure the embedded report writer in both languages, and the adviser against truth and against reviewers.

    Examples
    --------
      inspector bench language

      inspector bench language --json
    """
    from rich.console import Console

    from inspector.cli.bench_tables import named_table, show
    from inspector.detection import find_model
    from inspector.language.card import load_writer
    from inspector.language.embedded import EmbeddedEngine
    from inspector.language.measure import measure_engine
    from inspector.language.measure_advice import measure_advice
    from inspector.language.measure_reviews import measure_reviews, procedures

    console = Console(stderr=as_json)
    with console.status("writing reports ..."):
        engine = EmbeddedEngine(load_writer(find_model(model)))
        figures = measure_engine(engine, seen=records, unseen=max(1, records // 4), seed=seed)
        body = figures.as_dict() | {"advice": measure_advice(seed=seed).as_dict()}
        body["reviews"] = [measure_reviews(each, seed=seed).as_dict() for each in procedures()]
        if parts:
            from inspector.runtime.bench_language import measure_beside  # slow to load, and only needed here

            body["verdict_path"] = measure_beside(model, parts=parts).as_dict()
    told = {name: str(value) for name, value in body.items()}
    show(console, body, named_table(f"reports of {figures.engine}", told), as_json=as_json)


@app.command()
def search(
    folders: Annotated[list[Path], typer.Argument(help="Data sets with boxes; their `val` split is searched.")],
    model: Annotated[str, typer.Option(help="Search model to measure: name or folder.")] = "defect-search",
    px_per_mm: Annotated[float, typer.Option(min=1, help="Scale of the pictures.")] = 48.0,
    margin_px: Annotated[float, typer.Option(min=0, help="How far the boxes reach beyond the defects.")] = 9.5,
    as_json: Json = False,
) -> None:
    """Measure the search by words on held-out defects: recall@10 beside columns, plain words and chance.

    Examples
    --------
      inspector bench search boards/real boards/virtual --json
    """
    from rich.console import Console

    from inspector.cli.bench_tables import search_table, show
    from inspector.detection import find_model
    from inspector.runtime.search_training import measure_search

    console = Console(stderr=as_json)
    with console.status("describing defects ..."):
        figures = measure_search(find_model(model), folders, px_per_mm=px_per_mm, margin_px=margin_px)
    show(console, figures, search_table(model, figures), as_json=as_json)


@app.command()
def detect(
    model: Annotated[str, typer.Option(help="Name or path of a model with task detect.")] = "bare-board",
    rounds: Annotated[int, typer.Option(min=3, help="Frames that each candidate gets.")] = 30,
    threads: Annotated[int, typer.Option(min=1, help="Processor threads of one call.")] = 2,
    triton: Annotated[str, typer.Option(help="Triton server that holds the model.", metavar="HOST:PORT")] = "",
    rival: Annotated[str | None, typer.Option(help="Interpreter that has ultralytics.", metavar="PYTHON")] = None,
    rival_weights: Annotated[
        Path | None, typer.Option(help="Weights for ultralytics.", show_default="the model's own")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure detection: the whole call over the bare session, backends over ONNX Runtime, batches, frames per core.

    Examples
    --------
      inspector bench detect

      inspector bench detect --model models/mine --rounds 100 --json
    """
    from rich.console import Console

    from inspector.cli.bench_tables import detect_table, show
    from inspector.runtime.bench_detect import measure_detection

    console = Console(stderr=as_json)
    with console.status("measuring ..."):
        figures = measure_detection(
            model, rounds=rounds, threads=threads, triton=triton, rival=rival, rival_weights=rival_weights
        )
    gpu = f"GPU: {figures.gpu}" if figures.gpu else "There is no GPU here: no backend on one was measured."
    show(console, figures.as_dict(), detect_table(figures), gpu, as_json=as_json)


@app.command()
def plc(
    cycles: Annotated[int, typer.Option(min=20, max=5000, help="How many parts for each way of connecting.")] = 1000,
    as_json: Json = False,
) -> None:
    """Measure the handshake: trigger to ResultValid seen by the PLC, polled and subscribed, open and secured.

    Examples
    --------
      inspector bench plc

      inspector bench plc --cycles 100 --json
    """
    from rich.console import Console

    from inspector.cli.bench_tables import handshake_table, show
    from inspector.plc.link import hush_library
    from inspector.runtime.bench_plc import measure_handshake

    hush_library()
    console = Console(stderr=as_json)
    with console.status("measuring ...") as status:
        figures = measure_handshake(cycles, on_way=lambda way: status.update(f"measuring {way} ..."))
    body = [found.as_dict() for found in figures]
    show(console, body, handshake_table(cycles, figures), as_json=as_json)


@app.command("mes")
def mes_(
    backlog: Annotated[int, typer.Option(min=100, help="How many messages wait before they drain.")] = 100_000,
    commits: Annotated[int, typer.Option(min=10, help="How many inspections are recorded one by one.")] = 5_000,
    parts: Annotated[int, typer.Option(min=100, help="How many parts are inspected at rest.")] = 1_000,
    quick: Annotated[bool, typer.Option("--quick", help="A look in a minute: 5000 messages, 200 parts.")] = False,
    database_env: Annotated[
        str, typer.Option(help="Environment variable with the address of an empty PostgreSQL database.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Measure the way to the MES: commits, draining, and the verdict path's p99 while a backlog drains.

    Examples
    --------
      inspector bench mes --quick

      inspector bench mes --json
    """
    import os

    from rich.console import Console

    from inspector.cli.bench_tables import mes_table, show
    from inspector.runtime.bench_mes import measure_mes

    console = Console(stderr=as_json)
    if quick:
        backlog, commits, parts = min(backlog, 5_000), min(commits, 500), min(parts, 200)
    with console.status("measuring ..."):
        figures = measure_mes(
            backlog=backlog,
            commits=commits,
            parts=parts,
            database=os.environ.get(database_env) if database_env else None,
        )
    show(console, figures.as_dict(), mes_table(figures), as_json=as_json)


@app.command()
def screen(
    tabs: Annotated[int, typer.Option(min=1, max=100, help="How many live pages are open.")] = 10,
    parts: Annotated[int, typer.Option(min=100, help="How many parts are inspected with them, and without.")] = 400,
    as_json: Json = False,
) -> None:
    """Measure what the verdict path feels of open pages: trigger to PLC with tabs of a real browser, and without.

    Examples
    --------
      inspector bench screen

      inspector bench screen --tabs 20 --json
    """
    from rich.console import Console

    from inspector.cli.bench_tables import screen_table, show
    from inspector.runtime.bench_screen import measure_screen

    console = Console(stderr=as_json)
    with console.status("measuring ..."):
        figures = measure_screen(tabs=tabs, parts=parts)
    show(console, figures.as_dict(), screen_table(tabs, figures), as_json=as_json)
