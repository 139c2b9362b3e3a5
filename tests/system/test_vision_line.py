"""A client of the machine vision server lets the real line inspect, and reads the verdict from the event."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua

from inspector.runtime.demo import demo_settings
from inspector.runtime.embedded import free_port
from inspector.runtime.plant import Plant
from inspector.settings import LineSettings, OpcUaServerPlc
from tests.support.vision import INNER, OUTER

pytestmark = pytest.mark.timeout(240)

JOBS = 4


@pytest.fixture
def settings(tmp_path: Path) -> LineSettings:
    line = demo_settings(tmp_path / "data")
    plc = OpcUaServerPlc(kind="opcua-server", security="none", port=free_port())
    return line.model_copy(update={"plc": plc, "deadline_ms": 20_000})


async def connected(url: str) -> Client:
    """Return a client as soon as the line listens."""
    async with asyncio.timeout(120):
        while True:
            client = Client(url, timeout=30)
            try:
                await client.connect()
            except (OSError, TimeoutError):
                await asyncio.sleep(0.1)
            else:
                return client


class Heard:
    """The results that were told."""

    def __init__(self) -> None:
        self.results: asyncio.Queue[Any] = asyncio.Queue()

    def event_notification(self, event: Any) -> None:
        self.results.put_nowait(event)


async def inspect(url: str) -> list[Any]:
    """Start jobs one after another; return the result of each."""
    client = await connected(url)
    heard, told = Heard(), []
    try:
        standard = await client.get_namespace_index("http://opcfoundation.org/UA/MachineVision")
        # The library takes this for another type of the same name; docs/plc-vision.md says so.
        ua.basetype_by_datatype[ua.NodeId(3017, standard)] = "String"
        await client.load_data_type_definitions()
        subscription = await client.create_subscription(20, heard)
        system = client.get_node("ns=2;s=VisionSystem")
        await subscription.subscribe_events(system, client.get_node(f"ns={standard};i=1024"))
        inner = client.get_node(f"ns=2;s={INNER}")
        state = client.get_node(f"ns=2;s={INNER}.CurrentState")
        for number in range(JOBS):
            async with asyncio.timeout(120):
                while not await _is_ready(state):  # noqa: ASYNC110 - as a client does that polls
                    await asyncio.sleep(0.05)
                [job, error] = await inner.call_method(
                    ua.NodeId(f"{INNER}.StartSingleJob", 2),
                    ua.MeasIdDataType(),
                    ua.PartIdDataType(Id=f"board-{number}"),
                    ua.RecipeIdExternalDataType(Id="default"),
                    ua.ProductIdDataType(),
                    ua.Variant([], ua.VariantType.Variant, is_array=True),
                )
                assert error == 0
                event = await heard.results.get()
            assert event.JobId.Id == job.Id
            told.append(event)
        outer = client.get_node(f"ns=2;s={OUTER}")
        assert await outer.call_method(ua.NodeId(f"{OUTER}.Halt", 2), ua.Variant(0, ua.VariantType.Int32), "end") == 0
    finally:
        await client.disconnect()
    return told


async def _is_ready(state: Any) -> bool:
    value = await state.read_data_value(raise_on_bad_status=False)
    return value.StatusCode.is_good() and value.Value.Value.Text == "Ready"


def test_a_method_call_inspects_a_real_part(settings: LineSettings, tmp_path: Path) -> None:
    with Plant(settings, data=tmp_path / "data", screen=False) as plant:
        told = asyncio.run(inspect(settings.plc.url))  # type: ignore[union-attr]
        seen: list[int] = []
        plant.run(lambda: bool(seen) and seen[-1] >= JOBS, on_look=lambda counts: seen.append(counts.total))
    messages = [json.loads(event.ResultContent[0].Value) for event in told]
    for number, (event, message) in enumerate(zip(told, messages, strict=True)):
        assert message["schema"] == "inspection-result/1"
        assert (message["serial"], event.PartId.Id) == (f"board-{number}",) * 2
        assert message["result"] in {"OK", "NOK", "UNKNOWN"}
        assert message["model"] is not None, "it was truly inspected"
        assert (event.ResultState, event.IsSimulated, event.ExternalRecipeId.Id) == (1, True, "default")
    assert {"OK", "NOK"} & {message["result"] for message in messages}
    with sqlite3.connect((settings.store.url or "").removeprefix("sqlite:///")) as database:
        recorded = [row[0] for row in database.execute("SELECT part_id FROM inspection ORDER BY id")]
    assert recorded == [f"board-{number}" for number in range(JOBS)]
