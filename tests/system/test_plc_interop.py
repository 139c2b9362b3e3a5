"""Our client and our server against OPC UA stacks that are not ours: node-opcua, and the older Python client."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import LampState, Outcome, Reason, Verdict
from inspector.plc.certificates import TrustList, create
from inspector.plc.client import OpcUaHandshake, Updates
from inspector.plc.guarded_server import Account, Role, ServerSecurity
from inspector.plc.handshake import EXTRA, HANDSHAKE
from inspector.plc.security import ClientSecurity, Mode, PasswordUser, Policy, fetch_certificate
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.source import Handshake
from tests.support.foreign import FOREIGN, npm_package

PARTS = 4
PASS = Verdict(Outcome.PASS, (), "default")
FAIL = Verdict(Outcome.FAIL, (Reason(Outcome.FAIL, "above_usl", "length", label="spur"),), "default")
EXPECTED = [[sequence, 1 if sequence % 2 else 2, 0] for sequence in range(1, PARTS + 1)]


@pytest.fixture(scope="module")
def modules() -> Path:
    """Folder with npm's node-opcua."""
    return npm_package("node-opcua")


@dataclass
class Program:
    """A program of another make that prints JSON lines."""

    process: asyncio.subprocess.Process

    async def told(self) -> dict[str, Any]:
        """Return the next JSON line that it prints."""
        assert self.process.stdout is not None
        async with asyncio.timeout(120):
            while line := await self.process.stdout.readline():
                if line.startswith(b"{"):
                    return json.loads(line)
        raise AssertionError("it ended without a word")


@asynccontextmanager
async def program(modules: Path, script: str, **wanted: Any) -> AsyncIterator[Program]:
    async with running("node", str(FOREIGN / script), str(modules), json.dumps(wanted)) as started:
        yield started


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def answer(source: Handshake) -> None:
    async for trigger in source.triggers():
        assert trigger.part_id == f"P{trigger.sequence}"
        await source.answer(trigger, PASS if trigger.sequence % 2 else FAIL)


async def inspect(source: Handshake, foreign: Program) -> dict[str, Any]:
    """Answer triggers until the other side says how it was."""
    answering = asyncio.create_task(answer(source))
    try:
        await source.set_ready(True)
        said = asyncio.create_task(foreign.told())
        await asyncio.wait({said, answering}, return_when=asyncio.FIRST_COMPLETED)
        return await said
    finally:
        await source.close()
        await answering


# --- it is the PLC's client, our line the server -----------------------------------------------------------


@pytest.mark.parametrize("subscribed", [False, True])
async def test_another_makes_client_is_the_plc_of_our_open_server(modules: Path, subscribed: bool) -> None:
    source = OpcUaServerHandshake("opc.tcp://127.0.0.1:0/", station="cell-1", heartbeat_ms=2000)
    url = await source.listening()
    async with program(modules, "plc_client.mjs", url=url, parts=PARTS, subscribed=subscribed) as foreign:
        said = await inspect(source, foreign)
    assert said == {"results": EXPECTED, "refused": "BadUserAccessDenied"}, "and it may not write our registers"


@pytest.mark.parametrize(
    ("policy", "mode", "right"),
    [
        (Policy.BASIC256SHA256, Mode.SIGN_AND_ENCRYPT, True),
        (Policy.AES256_SHA256_RSAPSS, Mode.SIGN, True),
        (Policy.BASIC256SHA256, Mode.SIGN_AND_ENCRYPT, False),
    ],
)
async def test_another_makes_client_is_the_plc_of_our_secured_server(
    modules: Path, tmp_path: Path, policy: Policy, mode: Mode, right: bool
) -> None:
    line, peer = create(tmp_path, "line", hosts=["127.0.0.1"]), create(tmp_path, "peer")
    trust = TrustList(tmp_path / "trusted")
    trust.add(peer[0].read_bytes())
    security = ServerSecurity(*line, trust.folder, {"plc": Account(Role.PLC, "right")})
    source = OpcUaServerHandshake("opc.tcp://127.0.0.1:0/", station="cell-1", heartbeat_ms=2000, security=security)
    wanted = {
        "url": await source.listening(),
        "parts": PARTS,
        "certificate": str(peer[0]),
        "key": str(peer[1]),
        "uri": "urn:line-inspector:application:peer",
        "pki": str(tmp_path / "pki"),
        "line": str(line[0]),
        "policy": policy.value,
        "mode": mode.value,
        "user": "plc",
        "password": "right" if right else "wrong",
    }
    async with program(modules, "plc_client.mjs", **wanted) as foreign:
        said = await inspect(source, foreign)
    if right:
        assert said["results"] == EXPECTED
    else:
        assert "BadUserAccessDenied" in said["error"]


@pytest.mark.parametrize("mode", [None, Mode.SIGN, Mode.SIGN_AND_ENCRYPT])
async def test_the_older_python_client_is_the_plc_of_our_server(tmp_path: Path, mode: Mode | None) -> None:
    if importlib.util.find_spec("opcua") is None:
        pytest.skip("the older Python client is not installed (pip install opcua)")
    security, wanted = None, {"parts": PARTS}
    if mode is not None:
        line, peer = create(tmp_path, "line"), create(tmp_path, "peer")
        TrustList(tmp_path / "trusted").add(peer[0].read_bytes())
        security = ServerSecurity(*line, tmp_path / "trusted", {"plc": Account(Role.PLC, "right")})
        wanted |= {
            "certificate": str(peer[0]),
            "key": str(peer[1]),
            "uri": "urn:line-inspector:application:peer",
            "line": str(line[0]),
            "mode": mode.value,
            "user": "plc",
            "password": "right",
        }
    source = OpcUaServerHandshake("opc.tcp://127.0.0.1:0/", station="cell-1", heartbeat_ms=2000, security=security)
    wanted["url"] = await source.listening()
    # In a process of its own: it is synchronous, and its warnings are not ours.
    async with running(sys.executable, "-W", "ignore", str(FOREIGN / "plc_client.py"), json.dumps(wanted)) as foreign:
        said = await inspect(source, foreign)
    assert said == {"results": EXPECTED, "refused": "BadUserAccessDenied"}


# --- it is the PLC's server, our line the client -----------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.mark.parametrize(
    ("updates", "policy", "narrow"),
    [
        (Updates.AUTO, None, True),
        (Updates.SUBSCRIPTION, None, False),
        (Updates.POLLING, Policy.BASIC256SHA256, False),
        (Updates.SUBSCRIPTION, Policy.AES256_SHA256_RSAPSS, True),
    ],
)
async def test_our_client_serves_a_plc_of_another_make(
    modules: Path, tmp_path: Path, updates: Updates, policy: Policy | None, narrow: bool
) -> None:
    own = create(tmp_path, "line")
    port, lamps = free_port(), []
    url = f"opc.tcp://127.0.0.1:{port}/"
    wanted = {"port": port, "parts": PARTS, "pki": str(tmp_path / "pki"), "trusted": [str(own[0])], "narrow": narrow}
    async with program(modules, "plc_server.mjs", **wanted) as foreign:
        assert await foreign.told() == {"ready": True}
        security = None
        if policy is not None:
            TrustList(tmp_path / "trusted").add(await fetch_certificate(url, timeout_s=20))
            security = ClientSecurity(*own, tmp_path / "trusted", policy)
        source = OpcUaHandshake(
            url,
            station="cell-1",
            nodes={name: f"nsu=urn:another:plc;s=Station1.{name}" for name in HANDSHAKE if name not in EXTRA},
            recipes={7: "default"},
            security=security,
            user=PasswordUser("line", "right") if policy is not None else None,
            heartbeat_ms=2000,
            updates=updates,
            timeout_s=20,
            on_lamp=lamps.append,
        )
        said = await inspect(source, foreign)
    assert said == {
        "results": EXPECTED,
        "complete": [result[:2] for result in EXPECTED],
        "active": 7,
        "types": ["string", True],
    }
    told = next(lamp for lamp in lamps if lamp.good)
    assert isinstance(told, LampState)
    assert ("not encrypted" in told.detail) is (policy is None)
    assert ("publish" in told.detail) is (updates is Updates.AUTO), "it revises the interval up: then we poll"


async def test_a_plc_of_another_make_refuses_a_line_that_it_does_not_trust(modules: Path, tmp_path: Path) -> None:
    own = create(tmp_path, "line")
    port = free_port()
    url = f"opc.tcp://127.0.0.1:{port}/"
    lost = asyncio.get_running_loop().create_future()
    async with program(modules, "plc_server.mjs", port=port, parts=1, pki=str(tmp_path / "pki"), trusted=[]) as foreign:
        assert await foreign.told() == {"ready": True}
        TrustList(tmp_path / "trusted").add(await fetch_certificate(url, timeout_s=20))
        source = OpcUaHandshake(
            url,
            station="cell-1",
            namespace_uri="urn:another:plc",
            security=ClientSecurity(*own, tmp_path / "trusted"),
            timeout_s=20,
            on_lamp=lambda state: lost.done() or lost.set_result(state),
        )
        try:
            await source.set_ready(True)
            async with asyncio.timeout(60):
                state: LampState = await lost
        finally:
            await source.close()
    assert state.good is False
    assert f"{url} refused to open a secured channel" in state.detail
    assert "Trust our certificate" in state.detail
