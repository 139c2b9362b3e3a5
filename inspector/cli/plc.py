"""`inspector plc`: a PLC to rehearse against, and a look at what a real one offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table
    from rich.tree import Tree

    from inspector.plc.browse import Offered
    from inspector.plc.security import CertificateUser, ClientSecurity, PasswordUser
    from inspector.plc.simulated_plc import SimulatedPlc

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="""Rehearse with a simulated PLC; look into a real one; exchange certificates.

    Examples
    --------
      inspector plc simulate --pace 0.5

      inspector plc browse opc.tcp://192.168.0.10:4840/ --yaml

      inspector plc certificates new line-1
    """,
)

certificates = typer.Typer(no_args_is_help=True, help="Make, trust and list the certificates of line and PLC.")
app.add_typer(certificates, name="certificates")


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
    connect: Annotated[
        bool, typer.Option("--connect", help="Connect to a line in server role at --url (security: none).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, nothing else.")] = False,
) -> None:
    """Run a PLC that triggers parts, acknowledges results and counts escapes, overruns and losses.

    It is a real OPC UA server with the registers of docs/plc.md, so a line can be rehearsed without hardware.
    Faults are injected while it runs by `inspector plc fault`, or by writing true to Simulation.StopHeartbeat,
    WithholdAck, Overrun, Storm, Unnamed, Reset or Pause with any OPC UA client. It goes on when the inspector dies and
    comes back.

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
        client=connect,
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
def fault(
    name: Annotated[
        str,
        typer.Argument(
            help="StopHeartbeat, WithholdAck, Overrun, Storm, Unnamed, Reset or Pause.",
            metavar="NAME",
            show_default=False,
        ),
    ],
    url: Annotated[str, typer.Option(help="Where the simulated PLC listens.")] = "opc.tcp://127.0.0.1:4840/",
    seconds: Annotated[float, typer.Option(min=0.01, help="How long; Overrun and Storm happen once.")] = 2.0,
) -> None:
    """Inject a fault into a simulated PLC that runs, and watch what the line makes of it.

    Examples
    --------
      inspector plc fault StopHeartbeat --seconds 5

      inspector plc fault Storm
    """
    import asyncio

    from inspector.plc.fault_injection import ONCE, inject
    from inspector.plc.link import hush_library

    hush_library()
    asyncio.run(inject(url, name, lasting_s=seconds))
    typer.echo(f"{name}: done" if name in ONCE else f"{name}: over after {seconds:g} s")


@app.command()
def browse(
    where: Annotated[
        str,
        typer.Argument(
            help="Address of the PLC, opc.tcp://host:port/, or the line's YAML: then secured and as the user it names.",
            metavar="URL|LINE.yaml",
            show_default=False,
        ),
    ],
    depth: Annotated[int, typer.Option(min=1, help="How many levels to go down.")] = 6,
    standard: Annotated[bool, typer.Option("--standard", help="Show the standard's own nodes too.")] = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print plc.nodes for the variables that carry the registers' names.")
    ] = False,
    below: Annotated[str, typer.Option(help="With --yaml: look only in the folder of this name or node id.")] = "",
) -> None:
    """Show what a PLC offers as a tree with node ids and types: what plc.nodes in the line's YAML needs.

    Variables that this user may write are marked with w. With --yaml the lines to paste below plc: are printed, and
    what is wrong with them as comments; upper and lower case, spaces and signs in a name do not count.

    Examples
    --------
      inspector plc browse opc.tcp://192.168.0.10:4840/

      inspector plc browse opc.tcp://192.168.0.10:4840/ --yaml --below Station1

      inspector plc browse line_configs/line-3.yaml --yaml
    """
    import asyncio

    from rich.console import Console
    from rich.tree import Tree

    from inspector.plc import browse as look
    from inspector.plc.link import hush_library
    from inspector.plc.node_map import map_nodes

    hush_library()
    url, security, user = _way_to(where)
    offered = asyncio.run(look.browse(url, depth=depth, standard=standard, security=security, user=user))
    if as_yaml:
        typer.echo(map_nodes(offered, below=below).as_yaml(), nl=False)
        return
    tree = Tree(f"[bold]{url}[/]")
    _grow(tree, offered)
    Console(soft_wrap=True).print(tree)


def _way_to(where: str) -> tuple[str, ClientSecurity | None, PasswordUser | CertificateUser | None]:
    """Return address, security and user: those of the line's YAML, or the address alone."""
    if not where.endswith((".yaml", ".yml")):
        return where, None, None
    from inspector.domain import ConfigurationError
    from inspector.runtime.wiring.plc import plc_security, plc_user
    from inspector.settings import OpcUaPlc, load_line

    plc = load_line(where).plc
    if not isinstance(plc, OpcUaPlc):
        raise ConfigurationError(
            f"{where}: plc.kind is {plc.kind}, which has nothing to browse",
            remedy="Browsing is for kind: opcua-client; give an address otherwise.",
        )
    return plc.url, plc_security(plc), plc_user(plc)


Trust = Annotated[Path, typer.Option("--trust", help="Folder of the trusted certificates: plc.trust in the YAML.")]


@certificates.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the application, such as the line's.", show_default=False)],
    folder: Annotated[Path, typer.Option("--to", help="Where certificate and key go.")] = Path("certificates"),
    host: Annotated[list[str] | None, typer.Option(help="Host name or IP address (repeatable); default: ours.")] = None,
    days: Annotated[int, typer.Option(min=1, max=36500, help="How long it is valid.")] = 1825,
) -> None:
    """Make a key and a certificate for this line, to be trusted by the PLC.

    For example:

      inspector plc certificates new board-line-3 --to line_configs/certificates --host 192.168.10.5
    """
    from rich.console import Console

    from inspector.plc.certificates import create, load_certificate, thumbprint

    certificate, key = create(folder, name, hosts=host or (), days=days)
    console = Console(soft_wrap=True)
    console.print(f"Certificate  {certificate}\nKey          {key}  (readable by you only)")
    console.print(f"Thumbprint   {thumbprint(load_certificate(certificate))}")
    console.print("Copy the certificate to the PLC and trust it there; name both files in plc of the line's YAML.")


@certificates.command()
def trust(
    source: Annotated[str, typer.Argument(help="A certificate's file, or opc.tcp://host:port/", show_default=False)],
    folder: Trust = Path("certificates/trusted"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Trust the certificate in a file, or the one that a PLC shows.

    Compare the thumbprint with the one that the PLC's own tool shows: whoever answers at an address can show any
    certificate.

    For example:

      inspector plc certificates trust opc.tcp://192.168.0.10:4840/ --trust line_configs/certificates/trusted
    """
    import asyncio

    from cryptography.hazmat.primitives.serialization import Encoding
    from rich.console import Console

    from inspector.plc.certificates import TrustList, load_certificate, thumbprint
    from inspector.plc.link import hush_library, shown_certificate

    hush_library()
    if source.startswith("opc.tcp://"):
        der = asyncio.run(shown_certificate(source))
    else:
        der = load_certificate(Path(source)).public_bytes(Encoding.DER)
    console = Console(soft_wrap=True)
    console.print(f"Thumbprint  [bold]{thumbprint(der)}[/]")
    if not yes:
        typer.confirm("Is this the thumbprint that the PLC itself shows?", abort=True)
    console.print(f"Trusted: {TrustList(folder).add(der)}")


@certificates.command("list")
def list_trusted(folder: Trust = Path("certificates/trusted")) -> None:
    """Show the certificates that are trusted; delete a file to trust it no more.

    For example:

      inspector plc certificates list --trust line_configs/certificates/trusted
    """
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from inspector.plc.certificates import TrustList, application_uri, thumbprint

    table = Table("file", "application", "thumbprint", "valid until")
    for file, certificate in TrustList(folder).entries():
        until = certificate.not_valid_after_utc
        colour = "red" if until < datetime.now(UTC) else "green"
        table.add_row(
            file.name, application_uri(certificate), thumbprint(certificate), f"[{colour}]{until:%Y-%m-%d}[/]"
        )
    console = Console(soft_wrap=True)
    console.print(table if table.row_count else f"No certificate in {folder}: nobody is trusted.")


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
