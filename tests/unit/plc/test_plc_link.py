"""The connection against servers whose registers are not as they should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from asyncua import Node, Server, ua

from inspector.domain import ConfigurationError, PlcError, PlcLost
from inspector.plc.browse import Offered, browse
from inspector.plc.client import OpcUaHandshake
from inspector.plc.handshake import HANDSHAKE, DataType, Name, default_nodes
from inspector.plc.link import PlcLink

pytestmark = pytest.mark.timeout(30)

SPACE = "urn:somebody:plc"
Registers = dict[Name, Node]


@asynccontextmanager
async def server(
    *, types: Mapping[Name, ua.VariantType] = {}, leave_out: frozenset[Name] = frozenset(), writable: bool = True
) -> AsyncIterator[tuple[str, Registers]]:
    """Serve a PLC whose registers are in namespace 3, of these types."""
    plc = Server()
    await plc.init()
    plc.set_endpoint("opc.tcp://127.0.0.1:0/")
    plc.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    plc.set_identity_tokens([ua.AnonymousIdentityToken])
    await plc.register_namespace("urn:something:else")
    space = await plc.register_namespace(SPACE)
    registers: Registers = {}
    for name, register in HANDSHAKE.items():
        if name not in leave_out:
            kind = types.get(name, ua.VariantType[register.type.value])
            initial = {ua.VariantType.Boolean: False, ua.VariantType.String: ""}.get(kind, 0)
            node_id = ua.NodeId(ua.String(f"Handshake.{name}"), ua.Int16(space))
            registers[name] = await plc.nodes.objects.add_variable(node_id, f"{space}:{name}", initial, kind)
            if writable:
                await registers[name].set_writable()
    async with plc:
        assert plc.bserver is not None
        yield f"opc.tcp://127.0.0.1:{plc.bserver.port}/", registers


@asynccontextmanager
async def linked(url: str, nodes: Mapping[str, str] | None = None) -> AsyncIterator[PlcLink]:
    link = await PlcLink.open(url, nodes or default_nodes(SPACE), timeout_s=2.0)
    try:
        yield link
    finally:
        await link.close(good=True)


async def test_the_types_of_the_target_are_respected_and_no_timestamp_is_sent() -> None:
    narrow = {Name.RES_SEQ_NO: ua.VariantType.Int32, Name.VERDICT: ua.VariantType.Int16}
    async with server(types=narrow) as (url, registers), linked(url) as link:
        await link.write({Name.RES_SEQ_NO: 70_000, Name.VERDICT: 3, Name.RESULT_ID: "r", Name.BUSY: True})
        written = await registers[Name.RES_SEQ_NO].read_data_value()
        assert (written.Value.Value, written.Value.VariantType) == (70_000, ua.VariantType.Int32)
        assert written.SourceTimestamp is None
        values = await link.read_all()
        assert (values[Name.VERDICT], values[Name.RESULT_ID], values[Name.BUSY]) == (3, "r", True)


async def test_a_signed_register_gets_the_same_sixteen_bits() -> None:
    async with server(types={Name.DEFECT_CODE: ua.VariantType.Int16}) as (url, registers), linked(url) as link:
        for sent, held in ((32_767, 32_767), (32_768, -32_768), (65_535, -1)):
            await link.write({Name.DEFECT_CODE: sent})
            assert await registers[Name.DEFECT_CODE].read_value() == held


async def test_everything_from_the_plc_is_read_in_one_go() -> None:
    async with server() as (url, registers), linked(url) as link:
        await registers[Name.PART_ID].write_value("000042")
        await registers[Name.SEQ_NO].write_value(2**32 - 1, ua.VariantType.UInt32)
        await registers[Name.TRIGGER].write_value(True)
        plc = await link.read_plc()
        assert (plc.trigger, plc.part_id, plc.sequence, plc.reset) == (True, "000042", 2**32 - 1, False)


async def test_a_value_that_does_not_fit_is_refused_by_name() -> None:
    async with server(types={Name.RES_SEQ_NO: ua.VariantType.Int16}) as (url, _), linked(url) as link:
        with pytest.raises(PlcError, match="ResSeqNo") as refused:
            await link.write({Name.RES_SEQ_NO: 70_000})
        assert not isinstance(refused.value, PlcLost)


async def test_a_register_without_write_access_is_refused() -> None:
    async with server(writable=False) as (url, _), linked(url) as link:
        with pytest.raises(PlcError, match="refused writing Busy"):
            await link.write({Name.BUSY: True})


async def test_a_missing_register_is_a_mistake_in_the_settings() -> None:
    async with server(leave_out=frozenset({Name.BUSY})) as (url, _):
        source = OpcUaHandshake(url, station="cell-1", namespace_uri=SPACE)
        with pytest.raises(ConfigurationError, match=r"no register Busy at ns=3;s=Handshake\.Busy") as missing:
            await source.survey()
        assert "plc browse" in missing.value.remedy
        with pytest.raises(ConfigurationError):
            await anext(source.triggers())
        await source.close()


async def test_a_register_of_the_wrong_type_is_a_mistake_in_the_settings() -> None:
    async with server(types={Name.TRIGGER: ua.VariantType.Int16}) as (url, _):
        with pytest.raises(ConfigurationError, match=r"Trigger .* is of type Int16, it has to be Boolean"):
            async with linked(url):
                pass


@pytest.mark.parametrize("node", ["nsu=urn:nobody;s=Busy", "Busy", "ns=x;s=Busy"])
async def test_a_node_id_that_is_none_is_a_mistake_in_the_settings(node: str) -> None:
    async with server() as (url, _):
        with pytest.raises(ConfigurationError, match=r"plc\.nodes\.Busy") as wrong:
            async with linked(url, {**default_nodes(SPACE), "Busy": node}):
                pass
        assert SPACE in wrong.value.remedy


async def test_nobody_there() -> None:
    with pytest.raises(PlcLost, match=r"127\.0\.0\.1:9"):
        await PlcLink.open("opc.tcp://127.0.0.1:9/", default_nodes(), timeout_s=0.5)


async def test_somebody_who_speaks_no_opc_ua() -> None:
    silent = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        with pytest.raises(PlcError, match=str(port)):
            await PlcLink.open(f"opc.tcp://127.0.0.1:{port}/", default_nodes(), timeout_s=0.5)


async def test_browsing_shows_names_types_and_access() -> None:
    async with server() as (url, _):
        found = await browse(url)
    by_name = {child.name: child for child in found.children}
    assert set(by_name) == {name.value for name in HANDSHAKE}
    assert by_name["SeqNo"] == Offered(
        "SeqNo", "ns=3;s=Handshake.SeqNo", DataType.UINT32.value, True, portable=f"nsu={SPACE};s=Handshake.SeqNo"
    )


async def test_browsing_nobody() -> None:
    with pytest.raises(PlcLost, match="cannot be browsed"):
        await browse("opc.tcp://127.0.0.1:9/", timeout_s=0.5)
