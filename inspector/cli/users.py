"""`inspector users` and `inspector audit`: who may work on a line's screen, and who did what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from inspector.domain import Person, Role
    from inspector.store import SqlAccounts, SqlAuditTrail

__all__ = ["audit", "opened_people", "this_user", "users"]

users = typer.Typer(no_args_is_help=True, help="People who may work on a line's screen.")
audit = typer.Typer(no_args_is_help=True, help="The trail of who did what.")

Line = Annotated[Path, typer.Option(help="YAML file of the line.", metavar="LINE.yaml")]
Data = Annotated[Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")]
Name = Annotated[str, typer.Argument(help="Name of the user.")]
RoleOption = Annotated[str, typer.Option(help="operator, quality, engineer or admin.")]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password or PIN from standard input, one line.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@users.command()
def add(
    name: Name, line: Line, role: RoleOption = "operator", password_stdin: FromInput = False, data: Data = None
) -> None:
    """Add a user; an operator may have a PIN of at least six digits instead of a password.

    Examples
    --------
      inspector users add mei --role quality --line line.yaml

      echo 482913 | inspector users add jan --line line.yaml --password-stdin
    """
    chosen = _role(role)
    with opened_people(line, data) as (accounts, _):
        person = accounts.add(name, chosen, _secret(password_stdin), by=this_user())
    typer.echo(f"{person.name} is {person.role} now")


@users.command("list")
def show(line: Line, data: Data = None, as_json: Json = False) -> None:
    """List everybody, with their roles."""
    import json

    with opened_people(line, data) as (accounts, _):
        people = accounts.people()
    if as_json:
        body = [{"name": person.name, "role": person.role.value, "disabled": person.disabled} for person in people]
        typer.echo(json.dumps({"users": body}, ensure_ascii=False))
        return
    for person in people:
        typer.echo(f"{person.name}\t{person.role}{'  (disabled)' if person.disabled else ''}")
    if not people:
        typer.echo("There is nobody yet: inspector users add NAME --role admin --line LINE.yaml")


@users.command()
def password(name: Name, line: Line, password_stdin: FromInput = False, data: Data = None) -> None:
    """Give a user a new password or PIN; open sessions of theirs end."""
    with opened_people(line, data) as (accounts, _):
        accounts.change(name, by=this_user(), secret=_secret(password_stdin))
    typer.echo(f"{name} has a new password")


@users.command()
def role(name: Name, to: RoleOption, line: Line, password_stdin: FromInput = False, data: Data = None) -> None:
    """Give a user another role; anything but operator needs a new password."""
    chosen = _role(to)
    with opened_people(line, data) as (accounts, _):
        secret = None if chosen.value == "operator" else _secret(password_stdin)
        accounts.change(name, by=this_user(), role=chosen, secret=secret)
    typer.echo(f"{name} is {chosen} now")


@users.command()
def disable(name: Name, line: Line, data: Data = None) -> None:
    """Shut a user out at once; what they did stays in the trail."""
    with opened_people(line, data) as (accounts, _):
        accounts.change(name, by=this_user(), disabled=True)
    typer.echo(f"{name} is shut out")


@users.command()
def enable(name: Name, line: Line, data: Data = None) -> None:
    """Let a user in again."""
    with opened_people(line, data) as (accounts, _):
        accounts.change(name, by=this_user(), disabled=False)
    typer.echo(f"{name} may log in again")


@audit.command()
def verify(
    line: Line,
    head: Annotated[
        str | None, typer.Option(help="A hash that an earlier run printed: shows whether newer entries are missing.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Check that no entry of the trail was changed or removed; ends with 1 and names the first one that was.

    Examples
    --------
      inspector audit verify --line line.yaml

      inspector audit verify --line line.yaml --head 5f1c…
    """
    import json

    with opened_people(line, data) as (_, trail):
        flaw = trail.verify(head)
        newest = trail.latest(1)
    number, hashed = (newest[0].number, newest[0].hash) if newest else (0, "")
    if as_json:
        problem = {"number": flaw.number, "problem": flaw.problem} if flaw else None
        typer.echo(json.dumps({"holds": flaw is None, "entries": number, "head": hashed, "flaw": problem}))
    elif flaw is None:
        typer.echo(f"{number} entries hold; the newest has the hash {hashed or '-'}")
    else:
        typer.secho(f"The trail does not hold: {flaw.problem}", fg=typer.colors.RED, err=True)
    if flaw is not None:
        raise typer.Exit(1)


@audit.command("show")
def latest(
    line: Line,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 20,
    data: Data = None,
) -> None:
    """Show the newest entries, newest first."""
    with opened_people(line, data) as (_, trail):
        for entry in trail.latest(count):
            at = f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}"
            typer.echo(
                f"{entry.number}\t{at}\t{entry.who} ({entry.role})\t{entry.act}\t{entry.subject}\t{entry.detail}"
            )


@contextmanager
def opened_people(line: Path, data: Path | None) -> Iterator[tuple[SqlAccounts, SqlAuditTrail]]:
    """Open the accounts and the trail of this line."""
    from inspector.runtime.people import people_of
    from inspector.settings import data_folder, load_line

    settings = load_line(line, data=data_folder() if data is None else data.absolute())
    with people_of(settings) as opened:
        yield opened


def _role(name: str) -> Role:
    from inspector.domain import AccountError, Role

    try:
        return Role(name)
    except ValueError as error:
        known = ", ".join(role for role in Role if role is not Role.GUEST)
        raise AccountError(f"there is no role {name!r}", remedy=f"Use one of {known}") from error


def _secret(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password or PIN", hide_input=True, confirmation_prompt=True))


def this_user() -> Person:
    """Whoever has a shell on this box and may write the record is its administrator."""
    import getpass

    from inspector.domain import Person, Role

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Person(f"shell:{name}", Role.ADMIN)
