"""`inspector plc`: a PLC to rehearse against, and a look at what a real one offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table
    from rich.tree import Tree

    from inspector.plc.browse import Offered
    from inspector.plc.simulated_plc import SimulatedPlc

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="Rehearse with a simulated PLC; look into a real one."
)


@app.command()
def simulate(
    *,
    url: Annotated[str, typer.Option(help="Where to listen; port 0 takes a free one.")] = "opc.tcp://127.0.0.1:4840/",
    parts: Annotated[int | None, typer.Option(min=1, help="How many parts; without it, until Ctrl-C.")] = None,
    pace: Annotated[float, typer.Option(min=0, help="Seconds from part to part; 0: as soon as it is ready.")] = 1.0,
    recipe: Annotated[int, typer.Option(min=0, max=65535, help="RecipeId of every part; 0 asks for none.")] = 0,
    deadline: Annotated[float, typer.Option(min=0.001, help="Seconds until a verdict is too late.")] = 2.0,
    wait: Annotated[float, typer.Option(min=0.001, help="Seconds until the PLC gives a part up.")] = 10.0,
    heartbeat: Annotated[float, typer.Option(min=0.01, help="Seconds between two heartbeats.")] = 0.5,
    bad: Annotated[list[int] | None, typer.Option(help="SeqNo of a part known to be bad (repeatable).")] = None,
    overrun: Annotated[list[int] | None, typer.Option(help="SeqNo that comes too early (repeatable).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, nothing else.")] = False,
) -> None:
    """Run a PLC that triggers parts, acknowledges results and counts escapes, overruns and losses.

    It is a real OPC UA server with the registers of docs/plc.md, so a line can be rehearsed without hardware.
    Faults are injected while it runs by writing true to Simulation.StopHeartbeat, WithholdAck, Overrun, Reset
    or Pause with any OPC UA client. It goes on when the inspector dies and comes back.

    For example:

      inspector plc simulate --pace 0.5
      inspector plc simulate --parts 1000 --pace 0 --json
      inspector plc simulate --parts 20 --bad 7 --overrun 12
    """
    import asyncio
    import json

    from inspector.plc.link import hush_library
    from inspector.plc.simulated_plc import rehearse
    from inspector.plc.simulation import SimulationPlan

    hush_library()
    plan = SimulationPlan(
        url=url,
        parts=parts,
        pace_s=pace,
        deadline_s=deadline,
        wait_s=wait,
        heartbeat_s=heartbeat,
        recipe_id=recipe,
        bad=frozenset(bad or ()),
        overruns=frozenset(overrun or ()),
    )
    if as_json:
        result = asyncio.run(rehearse(plan, lambda _event, _plc: None))
        typer.echo(json.dumps(result))
        return
    from rich.console import Console
    from rich.live import Live

    console = Console()
    running: list[SimulatedPlc] = []

    def watch(event: str, plc: SimulatedPlc) -> None:
        if event == "ready":
            console.print(f"Simulated PLC at [bold]{plc.url}[/], Ctrl-C ends it")
            running.append(plc)

    with Live(console=console, refresh_per_second=4, get_renderable=lambda: _counts(running[0]) if running else ""):
        asyncio.run(rehearse(plan, watch))


@app.command()
def browse(
    url: Annotated[str, typer.Argument(help="Address of the PLC, opc.tcp://host:port/", show_default=False)],
    depth: Annotated[int, typer.Option(min=1, help="How many levels to go down.")] = 6,
    standard: Annotated[bool, typer.Option("--standard", help="Show the standard's own nodes too.")] = False,
) -> None:
    """Show what a PLC offers as a tree with node ids and types: what plc.nodes in the line's YAML needs.

    Variables that this user may write are marked with w.

    For example:

      inspector plc browse opc.tcp://192.168.0.10:4840/
    """
    import asyncio

    from rich.console import Console
    from rich.tree import Tree

    from inspector.plc import browse as look
    from inspector.plc.link import hush_library

    hush_library()
    offered = asyncio.run(look.browse(url, depth=depth, standard=standard))
    tree = Tree(f"[bold]{url}[/]")
    _grow(tree, offered)
    Console(soft_wrap=True).print(tree)


def _counts(plc: SimulatedPlc) -> Table:
    from rich.table import Table

    counts = plc.statistics
    table = Table.grid(padding=(0, 2))
    table.add_row("triggers", f"[bold]{counts.triggers}[/]", "answered p50", f"{counts.latency_ms(0.5):.1f} ms")
    table.add_row("verdicts", f"[bold]{counts.verdicts}[/]", "p99", f"{counts.latency_ms(0.99):.1f} ms")
    table.add_row("OK", f"[green]{counts.ok}[/]", "overruns", str(counts.overruns))
    table.add_row("NOK", f"[red]{counts.nok}[/]", "late", str(counts.late))
    table.add_row("UNKNOWN", f"[yellow]{counts.unknown}[/]", "time-outs", str(counts.timeouts))
    table.add_row("not good", str(counts.not_good), "mismatches", str(counts.mismatches))
    table.add_row("escapes", f"[bold red]{counts.escapes}[/]", "heartbeat losses", str(counts.heartbeat_losses))
    return table


def _grow(tree: Tree, offered: Offered) -> None:
    from rich.markup import escape

    for child in offered.children:
        kind = f"  [cyan]{child.type}[/]{' [green]w[/]' if child.writable else ''}" if child.type else ""
        branch = tree.add(f"{escape(child.name)}{kind}  [dim]{escape(child.node_id)}[/]")
        _grow(branch, child)
