"""A PLC's registers on a real Modbus TCP server, for the simulated PLC's program to run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from inspector.plc.handshake import HANDSHAKE, Name, Side, Value
from inspector.plc.modbus import LAYOUT, decode, encode
from inspector.plc.simulation import SWITCHES

BASES = {Side.PLC: 0, Side.INSPECTOR: 100}
WORDS = 200
WRITING = {6, 16}


class ModbusRegisters:
    """What ``SimulatedRegisters`` is for OPC UA."""

    def __init__(self, port: int) -> None:
        self.url = f"modbus://127.0.0.1:{port}"
        self._port = port
        self._memory = [0] * WORDS
        self._switches = dict.fromkeys(SWITCHES, False)
        self._changed = asyncio.Event()
        self._complete = False

    def __getitem__(self, name: Name) -> Value:
        at, words = self._at(name)
        return decode(name, self._memory[at : at + words])

    def switch(self, name: str) -> bool:
        return self._switches[name]

    async def set_switch(self, name: str, on: bool) -> None:
        self._switches[name] = on
        self._changed.set()

    async def start(self) -> None:
        data = SimData(address=0, values=[0] * WORDS, datatype=DataType.REGISTERS)
        device = SimDevice(id=1, simdata=[data], action=self._action)
        self._server = ModbusTcpServer(device, address=("127.0.0.1", self._port))
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        await self._server.shutdown()

    async def write(self, name: Name, value: Value) -> None:
        at, words = self._at(name)
        self._memory[at : at + words] = encode(name, value, words)
        self._changed.set()

    async def publish(self) -> None:
        pass

    async def until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return condition()
        return True

    def complete_before_flag(self, names: Iterable[Name]) -> bool:
        return self._complete

    async def _action(  # noqa: PLR0917 - the library's signature
        self, function: int, start: int, address: int, count: int, registers: list[int], values: Any
    ) -> None:
        """Answer a request out of our memory; ``values`` is what a client writes."""
        if values is None:
            for offset in range(count):
                registers[address - start + offset] = self._memory[address + offset]
            return
        valid = bool(self[Name.RESULT_VALID])
        data = [self[name] for name in (Name.VERDICT, Name.RES_SEQ_NO, Name.RESULT_ID)]
        self._memory[address : address + len(values)] = [int(value) for value in values]
        if self[Name.RESULT_VALID] and not valid:
            self._complete = data == [self[name] for name in (Name.VERDICT, Name.RES_SEQ_NO, Name.RESULT_ID)]
        self._changed.set()

    @staticmethod
    def _at(name: Name) -> tuple[int, int]:
        side = HANDSHAKE[name].side
        place = LAYOUT[side][name]
        return BASES[side] + place.offset, place.words
