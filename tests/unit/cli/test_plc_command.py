"""`inspector plc`: run as its user runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys

import pytest

from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import SimulationPlan

pytestmark = pytest.mark.timeout(60)


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


async def test_browse_says_that_nobody_is_there() -> None:
    process = await command("browse", "opc.tcp://127.0.0.1:9/")
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "opc.tcp://127.0.0.1:9/ cannot be browsed" in err.decode()


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
