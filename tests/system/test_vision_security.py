"""Who may use our machine vision server and who may not: a client of another make that tries every door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from inspector.plc.certificates import TrustList, create
from inspector.plc.guarded_server import Account, Role, ServerSecurity
from inspector.plc.security import Mode, Policy
from tests.support.vision import CAUSE, OUTER, Bench, Foreign, foreign, vision

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

SCADA = {"user": "scada", "password": "look"}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("server", "plc", "stranger"):
        create(folder, name)
    create(folder, "expired", not_before=LONG_AGO, days=30)
    create(folder, "early", not_before=datetime.now(UTC) + timedelta(days=2))
    for name in ("plc", "expired", "early"):
        TrustList(folder / "trusted").add((folder / f"{name}.der").read_bytes())
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(keys: Path) -> AsyncIterator[tuple[Bench, Foreign]]:
    users = {"plc-1": Account(Role.PLC, "right"), "scada": Account(Role.OBSERVER, "look")}
    security = ServerSecurity(
        keys / "server.der",
        keys / "server.key.pem",
        keys / "trusted",
        users,
        policies=(Policy.BASIC256SHA256,),
        modes=(Mode.SIGN_AND_ENCRYPT,),
    )
    async with foreign() as client, vision(security=security) as bench:
        yield bench, client


async def connect(shared: tuple[Bench, Foreign], keys: Path, **changed: Any) -> dict[str, Any]:
    """Try to connect as the PLC would, but for what is changed; a certificate that is None is none at all."""
    bench, client = shared
    wanted = {"certificate": "plc", "user": "plc-1", "password": "right", **changed}
    name = wanted.pop("certificate")
    if name is not None:
        wanted |= {
            "certificate": str(keys / f"{name}.der"),
            "key": str(keys / f"{name}.key.pem"),
            "uri": f"urn:line-inspector:application:{name}",
            "pki": str(keys / "pki"),
        }
    return await client.ask("connect", url=bench.source.url, **{key: value for key, value in wanted.items() if value})


async def test_the_plc_gets_in_and_may_call(shared: tuple[Bench, Foreign], keys: Path) -> None:
    assert "error" not in await connect(shared, keys)
    client = shared[1]
    assert (await client.call(f"{OUTER}.Halt", *CAUSE))["status"] == "Good"
    assert (await client.call(f"{OUTER}.Reset", *CAUSE))["status"] == "Good"
    await client.ask("disconnect")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        pytest.param({"certificate": None}, "End point must exist", id="no security at all"),
        pytest.param(
            {"certificate": None, "user": "", "password": ""}, "End point must exist", id="anonymous without security"
        ),
        pytest.param({"certificate": "stranger"}, "BadCertificateUntrusted", id="not trusted"),
        pytest.param({"certificate": "expired"}, "BadCertificateTimeInvalid", id="expired"),
        pytest.param({"certificate": "early"}, "BadCertificateTimeInvalid", id="not valid yet"),
        pytest.param({"password": "wrong"}, "BadUserAccessDenied", id="wrong password"),
        pytest.param({"password": ""}, "BadUserAccessDenied", id="no password"),
        pytest.param({"user": "nobody"}, "BadUserAccessDenied", id="unknown user"),
        pytest.param({"user": "", "password": ""}, "ANONYMOUS", id="no user"),
        pytest.param({"policy": "Aes256_Sha256_RsaPss"}, "Cannot find an Endpoint", id="a policy that is not offered"),
        pytest.param({"mode": "Sign"}, "Cannot find an Endpoint", id="a mode that is not offered"),
    ],
)
async def test_refused(shared: tuple[Bench, Foreign], keys: Path, changed: dict[str, Any], word: str) -> None:
    answer = await connect(shared, keys, **changed)
    assert "error" in answer, "it got in"
    assert word in answer["error"], answer
    # The refusal harmed nobody: the right client still gets in.
    assert "error" not in await connect(shared, keys)
    await shared[1].ask("disconnect")


async def test_an_observer_sees_everything_and_changes_nothing(shared: tuple[Bench, Foreign], keys: Path) -> None:
    client = shared[1]
    assert "error" not in await connect(shared, keys, **SCADA)
    before = await client.state()
    called = await client.call(f"{OUTER}.Halt", *CAUSE)
    assert "BadUserAccessDenied" in str(called)
    written = await client.ask("write", node="Handshake.Trigger", type="Boolean", value=True)
    assert "BadUserAccessDenied" in str(written)
    assert await client.state() == before
    await client.ask("disconnect")
