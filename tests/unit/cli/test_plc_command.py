"""`inspector plc`: run as its user runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import pytest

from inspector.domain import Outcome, Verdict
from inspector.plc.client import OpcUaHandshake
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import SimulationPlan
from inspector.settings import OpcUaPlc, load_line

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).resolve().parents[3]


async def command(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "inspector.cli", "plc", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_simulate_ends_with_its_counts_at_ctrl_c() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    process = await command("simulate", "--url", f"opc.tcp://127.0.0.1:{port}/", "--json")
    await _listens(port)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert json.loads(out)["triggers"] == 0
    assert not err


async def test_simulate_says_that_a_port_is_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"opc.tcp://127.0.0.1:{taken.getsockname()[1]}/"
        process = await command("simulate", "--url", url)
        _, err = await process.communicate()
    assert process.returncode == 1
    assert f"Error: the port of {url} is in use" in err.decode()
    assert "Traceback" not in err.decode()


async def test_browse_prints_the_node_ids() -> None:
    async with SimulatedPlc(SimulationPlan(url="opc.tcp://127.0.0.1:0/")) as plc:
        process = await command("browse", plc.url)
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "SeqNo  UInt32  ns=2;s=Handshake.SeqNo" in out.decode()
    assert "Busy  Boolean w" in out.decode()


async def test_what_browse_prints_as_yaml_is_a_line_that_runs(tmp_path: Path) -> None:
    async with SimulatedPlc(SimulationPlan(url="opc.tcp://127.0.0.1:0/", parts=2, heartbeat_s=0.2)) as plc:
        process = await command("browse", plc.url, "--yaml", "--below", "Handshake")
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert "#" not in out.decode(), "nothing is wrong with it"
        text = (ROOT / "line_configs" / "virtual-board.yaml").read_text()
        head, _, rest = text.partition("plc:\n")
        others = rest[rest.index("\nstore:") :]
        plc_section = f"plc:\n  kind: opcua-client\n  url: {plc.url}\n  security: none\n  heartbeat_ms: 200\n"
        file = tmp_path / "line.yaml"
        file.write_text(head + plc_section + out.decode() + others)
        settings = load_line(file, data=tmp_path)
        assert isinstance(settings.plc, OpcUaPlc)
        nodes = settings.plc.nodes.as_mapping()
        assert nodes["Verdict"] == "nsu=urn:line-inspector:plc;s=Handshake.Verdict"
        # The same, this time with the line's YAML for the address.
        process = await command("browse", str(file), "--yaml", "--below", "Handshake")
        again, err = await process.communicate()
        assert again == out, err.decode()
        source = OpcUaHandshake(plc.url, station="cell-1", nodes=nodes, heartbeat_ms=200)
        try:
            await source.set_ready(True)
            triggers = source.triggers()
            for _ in range(2):
                await source.answer(await anext(triggers), Verdict(Outcome.PASS, (), "default"))
            await plc.done()
        finally:
            await source.close()
        assert plc.statistics.good == 2


async def test_browse_needs_a_plc_that_is_a_server() -> None:
    process = await command("browse", str(ROOT / "line_configs" / "virtual-board.yaml"))
    _, err = await process.communicate()
    assert process.returncode == 2
    assert "nothing to browse" in err.decode()


async def test_browse_says_that_nobody_is_there() -> None:
    process = await command("browse", "opc.tcp://127.0.0.1:9/")
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "opc.tcp://127.0.0.1:9/ cannot be browsed" in err.decode()


async def test_a_fault_is_injected_and_ends() -> None:
    async with SimulatedPlc(SimulationPlan(url="opc.tcp://127.0.0.1:0/")) as plc:
        process = await command("fault", "Pause", "--url", plc.url, "--seconds", "30")
        async with asyncio.timeout(60):
            while not plc._registers.switch("Pause"):  # noqa: ASYNC110 - another process is watched
                await asyncio.sleep(0.01)
        process.kill()
        await process.communicate()
        process = await command("fault", "Pause", "--url", plc.url, "--seconds", "0.05")
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert "Pause: over after 0.05 s" in out.decode()
        assert plc._registers.switch("Pause") is False
        process = await command("fault", "Storm", "--url", plc.url)
        await process.communicate()
        assert plc._registers.switch("Storm") is True, "the program turns it off when it has stormed"


@pytest.mark.parametrize(
    ("name", "url", "code", "said"),
    [
        ("Fire", "opc.tcp://127.0.0.1:9/", 2, "there is no fault 'Fire'"),
        ("Storm", "opc.tcp://127.0.0.1:9/", 1, "nobody answers at opc.tcp://127.0.0.1:9/"),
    ],
)
async def test_a_fault_that_cannot_be_injected_is_told(name: str, url: str, code: int, said: str) -> None:
    process = await command("fault", name, "--url", url)
    _, err = await process.communicate()
    assert process.returncode == code
    assert said in err.decode()


async def _listens(port: int) -> None:
    """Wait until somebody accepts connections there."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
