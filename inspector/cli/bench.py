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
    import json

    from rich.console import Console

    from inspector.cli.display import bench_table
    from inspector.runtime.bench import measure

    console = Console(stderr=as_json)
    with console.status("measuring ..."):
        figures = measure(line, parts=parts)
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
    else:
        console.print(bench_table(figures))


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
    import json

    from rich.console import Console
    from rich.progress import Progress

    from inspector.cli.metrology_display import accuracy_table
    from inspector.runtime.bench_measure import measure_marks

    console = Console(stderr=as_json)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=marks)
        figures = measure_marks(marks, seed=seed, on_mark=lambda: progress.advance(task))
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
    else:
        console.print(accuracy_table(figures))


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
    import json
    import tempfile

    from rich.console import Console
    from rich.table import Table

    from inspector.runtime.bench_reports import measure_reports

    console = Console(stderr=as_json)
    with tempfile.TemporaryDirectory() as folder, console.status(f"writing {inspections:,} inspections ..."):
        figures = measure_reports(Path(folder), inspections=inspections, cycle_s=cycle_s)
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
        return
    table = Table("", "", title="shift report", show_header=False)
    for name, value in figures.as_dict().items():
        table.add_row(name.replace("_", " "), f"{value:,.3f}" if isinstance(value, float) else f"{value:,}")
    console.print(table)


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
    import json
    import tempfile

    from rich.console import Console
    from rich.table import Table

    from inspector.runtime.bench_history import measure_history

    console = Console(stderr=as_json)
    with tempfile.TemporaryDirectory() as folder, console.status(f"writing {rows:,} inspections ...") as status:
        figures = measure_history(Path(folder), rows=rows, url=url, said=status.update)
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
        return
    table = Table("question", "ms a page", title=f"history of {figures.rows:,} inspections, {figures.database}")
    for name, taken in figures.pages_ms.items():
        table.add_row(name, f"{taken:.1f}")
    console.print(table)


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
    import json

    from rich.console import Console
    from rich.table import Table

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
    if as_json:
        typer.echo(json.dumps(body))
        return
    table = Table("", "", title=f"reports of {figures.engine}", show_header=False)
    for name, value in body.items():
        table.add_row(name.replace("_", " "), str(value))
    console.print(table)


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
    import json

    from rich.console import Console
    from rich.table import Table

    from inspector.detection import find_model
    from inspector.runtime.search_training import measure_search

    console = Console(stderr=as_json)
    with console.status("describing defects ..."):
        figures = measure_search(find_model(model), folders, px_per_mm=px_per_mm, margin_px=margin_px)
    if as_json:
        typer.echo(json.dumps(figures))
        return
    table = Table("", *figures, title=f"search by words, {model}")
    for name in next(iter(figures.values())):
        table.add_row(name.replace("_", " "), *(str(each[name]) for each in figures.values()))
    console.print(table)


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
    import json

    from rich.console import Console
    from rich.table import Table

    from inspector.runtime.bench_detect import measure_detection

    console = Console(stderr=as_json)
    with console.status("measuring ..."):
        figures = measure_detection(
            model, rounds=rounds, threads=threads, triton=triton, rival=rival, rival_weights=rival_weights
        )
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
        return
    table = Table(title=f"{figures.model}, {figures.backend}, {figures.threads} threads: best of {figures.rounds}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("detect call over its session call", f"{figures.detect_over_session:.2f} x")
    golden = figures.with_golden_over_session
    if golden is not None:
        table.add_row("with a golden part laid on the frame", f"{golden:.2f} x")
    table.add_row("best backend, times quicker than onnxruntime", f"{figures.best_over_onnxruntime:.2f} x")
    theirs = figures.ultralytics_over_detect
    table.add_row("ultralytics' predict over detect", "not installed" if theirs is None else f"{theirs:.2f} x")
    for label, ms in figures.backends_ms.items():
        table.add_row(f"{label}, ms", f"{ms:.2f}")
    for clients, served in (figures.triton or {}).items():
        told = f"{served['frames_per_s']:.1f} ({served['p95_ms']:.1f} ms)"
        table.add_row(f"Triton, {clients} at once, frames/s (95 %)", told)
    if figures.tensorrt_over_cuda is not None:
        table.add_row("TensorRT, times quicker than CUDA", f"{figures.tensorrt_over_cuda:.2f} x")
    for size, ms in figures.batch_ms_per_frame.items():
        table.add_row(f"batch of {size}, ms per frame", f"{ms:.2f}")
    table.add_row("frames per second of one core", f"{figures.frames_per_core_second:.1f}")
    for label, ratio in figures.by_processor_time.items():
        if ratio is not None:
            table.add_row(f"{label.replace('_', ' ')}, by processor time", f"{ratio:.2f} x")
    console.print(table)
    console.print(f"GPU: {figures.gpu}" if figures.gpu else "There is no GPU here: no backend on one was measured.")


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
    import json

    from rich.console import Console
    from rich.table import Table

    from inspector.plc.link import hush_library
    from inspector.runtime.bench_plc import measure_handshake

    hush_library()
    console = Console(stderr=as_json)
    with console.status("measuring ...") as status:
        figures = measure_handshake(cycles, on_way=lambda way: status.update(f"measuring {way} ..."))
    if as_json:
        typer.echo(json.dumps([found.as_dict() for found in figures]))
        return
    table = Table(title=f"trigger to ResultValid seen by the PLC, {cycles} parts each; bare: one write of one register")
    for heading in ("updates", "security"):
        table.add_column(heading)
    for heading in ("p50", "p99", "bare p50", "bare p99", "p50 / bare", "p99 / bare", "wrong"):
        table.add_column(heading, justify="right")
    for found in figures:
        times = (found.p50_ms, found.p99_ms, found.bare_write_p50_ms, found.bare_write_p99_ms)
        table.add_row(
            found.updates,
            found.security,
            *(f"{ms:.2f} ms" for ms in times),
            f"{found.ratio_p50:.1f} x",
            f"{found.ratio_p99:.1f} x",
            str(found.mismatches),
        )
    console.print(table)


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
    import json
    import os

    from rich.console import Console
    from rich.table import Table

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
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
        return
    table = Table(title=f"MES: {figures.database}, {figures.broker}, {figures.backlog:,} messages", show_header=False)
    table.add_row("inspections with their message committed per second", f"{figures.commits_per_s:,.0f}")
    table.add_row("drained and acknowledged per second", f"{figures.drained_per_s:,.0f}")
    table.add_row("the same beside the verdict path", f"{figures.drained_beside_the_line_per_s:,.0f}")
    for name in ("p50", "p95", "p99"):
        quiet, busy = figures.at_rest_ms[name], figures.draining_ms[name]
        table.add_row(f"trigger to PLC, {name}, at rest and while it drains, ms", f"{quiet:.1f}, {busy:.1f}")
    table.add_row("p99 while it drains over p99 at rest", f"{figures.p99_ratio:.2f} x")
    table.add_row("parts at rest and while it drained", f"{figures.parts_at_rest}, {figures.parts_draining}")
    console.print(table)


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
    import json

    from rich.console import Console
    from rich.table import Table

    from inspector.runtime.bench_screen import measure_screen

    console = Console(stderr=as_json)
    with console.status("measuring ..."):
        figures = measure_screen(tabs=tabs, parts=parts)
    if as_json:
        typer.echo(json.dumps(figures.as_dict()))
        return
    table = Table(title=f"trigger to PLC with {tabs} live pages open", show_header=False)
    for name in ("p50", "p95", "p99"):
        without, watched = figures.without_ms[name], figures.with_tabs_ms[name]
        table.add_row(f"{name} without and with tabs, ms", f"{without:.1f}, {watched:.1f}")
    table.add_row("p50 with tabs over p50 without", f"{figures.p50_ratio:.2f} x")
    table.add_row("p99 with tabs over p99 without", f"{figures.p99_ratio:.2f} x")
    table.add_row("parts without and with", f"{figures.parts_without}, {figures.parts_with_tabs}")
    console.print(table)
