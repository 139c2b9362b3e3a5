"""`inspector plc certificates` as its user runs it, and a real connection with what it made and trusted."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import ConfigurationError, PlcError, PlcLost
from inspector.plc.certificates import create, load_certificate, thumbprint
from inspector.plc.guarded_server import Account, Role, ServerSecurity
from inspector.plc.handshake import default_nodes
from inspector.plc.link import PlcLink
from inspector.plc.security import ClientSecurity, PasswordUser
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import SimulationPlan

pytestmark = pytest.mark.timeout(60)


def run(*arguments: str | Path, given: str = "", exits: int = 0) -> str:
    done = CliRunner().invoke(app, ["plc", "certificates", *map(str, arguments)], input=given, env={"COLUMNS": "300"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == exits, done.output
    return done.output


# --- new --------------------------------------------------------------------------------------------------


def test_new_makes_a_certificate_and_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    said = run(
        "new", "board-line-3", "--to", tmp_path, "--host", "192.168.10.5", "--host", "aoi.local", "--days", "400"
    )
    certificate = load_certificate(tmp_path / "board-line-3.der")
    assert thumbprint(certificate) in said
    assert stat.S_IMODE((tmp_path / "board-line-3.key.pem").stat().st_mode) == 0o600
    assert certificate.not_valid_after_utc - datetime.now(UTC) > timedelta(days=399)
    names = str(certificate.extensions)
    assert all(text in names for text in ("urn:line-inspector:application:board-line-3", "192.168.10.5", "aoi.local"))


def test_new_overwrites_nothing(tmp_path: Path) -> None:
    run("new", "line", "--to", tmp_path)
    before = (tmp_path / "line.key.pem").read_bytes()
    with pytest.raises(ConfigurationError, match="there already"):
        run("new", "line", "--to", tmp_path)
    assert (tmp_path / "line.key.pem").read_bytes() == before


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../line", "prüfung", "x" * 65, "-", "."])
def test_a_name_that_no_certificate_can_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for an application"):
        run("new", "--to", tmp_path / "here", "--", name)
    assert not list(tmp_path.rglob("*.pem"))


def test_a_host_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="neither an IP address nor a host name"):
        run("new", "line", "--to", tmp_path, "--host", "prüfung")
    assert not list(tmp_path.rglob("*.pem"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file"):
        run("new", "line", "--to", tmp_path / "file")


# --- trust and list ---------------------------------------------------------------------------------------


def test_trust_asks_and_takes_no_for_an_answer(tmp_path: Path) -> None:
    certificate, _ = create(tmp_path, "plc")
    said = run("trust", certificate, "--trust", tmp_path / "trusted", given="n\n", exits=1)
    assert thumbprint(load_certificate(certificate)) in said
    assert "nobody is trusted" in run("list", "--trust", tmp_path / "trusted")
    run("trust", certificate, "--trust", tmp_path / "trusted", given="y\n")
    assert thumbprint(load_certificate(certificate)) in run("list", "--trust", tmp_path / "trusted")


def test_list_shows_who_and_until_when(tmp_path: Path) -> None:
    for name, begin in (("old-plc", datetime(2020, 1, 1, tzinfo=UTC)), ("new-plc", datetime.now(UTC))):
        certificate, _ = create(tmp_path, name, days=30, not_before=begin)
        run("trust", certificate, "--trust", tmp_path / "trusted", "--yes")
    (tmp_path / "trusted" / "notes.txt").write_text("no certificate")
    (tmp_path / "trusted" / "broken.der").write_bytes(b"no certificate either")
    listed = run("list", "--trust", tmp_path / "trusted")
    assert "urn:line-inspector:application:old-plc" in listed
    assert "urn:line-inspector:application:new-plc" in listed
    assert "2020-01-31" in listed
    assert "notes" not in listed


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>")
    with pytest.raises(ConfigurationError, match="not a certificate"):
        run("trust", tmp_path / "page.html", "--trust", tmp_path / "trusted", "--yes")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        run("trust", tmp_path / "nowhere.der", "--trust", tmp_path / "trusted", "--yes")
    with pytest.raises(PlcLost, match=r"127\.0\.0\.1:9"):
        run("trust", "opc.tcp://127.0.0.1:9/", "--trust", tmp_path / "trusted", "--yes")
    assert not (tmp_path / "trusted").exists()


# --- a connection with nothing but what the commands made --------------------------------------------------


async def test_the_commands_alone_make_a_trusted_connection_and_end_it(tmp_path: Path) -> None:
    await asyncio.to_thread(run, "new", "plc", "--to", tmp_path)
    await asyncio.to_thread(run, "new", "line", "--to", tmp_path)
    own = ClientSecurity(tmp_path / "line.der", tmp_path / "line.key.pem", tmp_path / "line-trusts")
    server = ServerSecurity(
        tmp_path / "plc.der", tmp_path / "plc.key.pem", tmp_path / "plc-trusts", {"line": Account(Role.PLC, "right")}
    )
    plan = SimulationPlan(url="opc.tcp://127.0.0.1:0/", security=server)
    async with SimulatedPlc(plan) as plc:

        async def link() -> None:
            user = PasswordUser("line", "right")
            opened = await PlcLink.open(plc.url, default_nodes(), timeout_s=20, security=own, user=user)
            await opened.close(good=True)

        with pytest.raises(PlcError, match="not trusted"):
            await link()
        said = await asyncio.to_thread(run, "trust", plc.url, "--trust", own.trust, given="y\n")
        assert thumbprint((tmp_path / "plc.der").read_bytes()) in said
        with pytest.raises(PlcError):
            await link()  # the PLC does not trust us yet
        await asyncio.to_thread(run, "trust", tmp_path / "line.der", "--trust", server.trust, "--yes")
        await link()
        for folder in (own.trust, server.trust):
            # Deleting the file that `list` names ends the trust at the next connect; nobody was restarted.
            [kept] = folder.iterdir()
            assert kept.name in await asyncio.to_thread(run, "list", "--trust", folder)
            der = kept.read_bytes()
            kept.unlink()
            with pytest.raises(PlcError):
                await link()
            kept.write_bytes(der)
            await link()
