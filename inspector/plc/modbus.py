"""The handshake over Modbus TCP: the PLC is the server, its holding registers hold the handshake's registers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException, ModbusIOException

from inspector.domain import ConfigurationError, LampState, PlcError, PlcLost
from inspector.plc.handshake import EXTRA, HANDSHAKE, DataType, FromPlc, Name, Side, Value
from inspector.plc.registers import OPEN, RegisterLink
from inspector.plc.source import Handshake

__all__ = ["LAYOUT", "ModbusHandshake", "Place", "decode", "encode"]

PART_ID_WORDS = 16
RESULT_ID_WORDS = 32
HIGHEST = 0xFFFF


@dataclass(frozen=True, slots=True)
class Place:
    """Where a register lies in its side's block: the first word, and how many."""

    offset: int
    words: int


def _layout(*names: tuple[Name, int]) -> Mapping[Name, Place]:
    places, offset = {}, 0
    for name, words in names:
        places[name] = Place(offset, words)
        offset += words
    return MappingProxyType(places)


LAYOUT: Mapping[Side, Mapping[Name, Place]] = MappingProxyType(
    {
        Side.PLC: _layout(
            (Name.TRIGGER, 1),
            (Name.RESULT_ACK, 1),
            (Name.RESET, 1),
            (Name.HB_PLC, 1),
            (Name.SEQ_NO, 2),
            (Name.RECIPE_ID, 1),
            (Name.PART_ID, PART_ID_WORDS),
            (Name.START_CHALLENGE, 1),
        ),
        Side.INSPECTOR: _layout(
            (Name.READY, 1),
            (Name.TRIGGER_ACK, 1),
            (Name.BUSY, 1),
            (Name.RESULT_VALID, 1),
            (Name.RES_SEQ_NO, 2),
            (Name.VERDICT, 1),
            (Name.DEFECT_CODE, 1),
            (Name.DISPOSITION, 1),
            (Name.FAULT, 1),
            (Name.FAULT_CODE, 1),
            (Name.HB_VISION, 1),
            (Name.RECIPE_ACTIVE, 1),
            (Name.RESULT_ID, RESULT_ID_WORDS),
            (Name.CHALLENGE_STATE, 1),
        ),
    }
)
"""Both blocks in order, the extra registers last; one word is a Boolean's 0 or 1, two are a UInt32, high word first."""

Layout = Mapping[Side, Mapping[Name, Place]]


def _without_extra() -> Layout:
    return {side: {name: at for name, at in places.items() if name not in EXTRA} for side, places in LAYOUT.items()}


def _size(places: Mapping[Name, Place]) -> int:
    """Return how many words a block has."""
    return sum(place.words for place in places.values())


def encode(name: Name, value: Value, words: int) -> list[int]:
    """Return a register's words: text as UTF-8, two bytes a word, filled with zeros and cut where it is longer."""
    if HANDSHAKE[name].type is DataType.STRING:
        raw = str(value).encode()[: 2 * words].ljust(2 * words, b"\0")
        return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, 2 * words, 2)]
    number = int(value)
    return [number >> 16 * (words - 1 - at) & HIGHEST for at in range(words)]


def decode(name: Name, words: Iterable[int]) -> Value:
    """Return what a register's words say; bytes that are no UTF-8 become question marks."""
    held = list(words)
    if HANDSHAKE[name].type is DataType.STRING:
        raw = b"".join(word.to_bytes(2, "big") for word in held)
        return raw.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    number = 0
    for word in held:
        number = number << 16 | word
    return bool(number) if HANDSHAKE[name].type is DataType.BOOLEAN else number


class ModbusHandshake(Handshake):
    """The handshake of docs/plc.md against a PLC that is a Modbus TCP server; a ``TriggerSource``.

    Parameters
    ----------
    host, port, device_id
        Address of the PLC.
    plc_address, line_address
        First holding register, counted from 0, of the block that the PLC writes and of the one that the line does.
    challenge
        Whether StartChallenge and ChallengeState are at the ends of the blocks.
    station, recipes, default_recipe, defect_codes, poll_ms, heartbeat_ms, timeout_s, max_retry_s, on_lamp
        As for ``Handshake``; ``timeout_s`` is for a single request too.

    Raises
    ------
    ConfigurationError
        Where the two blocks lie over each other.
    """

    def __init__(
        self,
        host: str,
        *,
        station: str,
        port: int = 502,
        device_id: int = 1,
        plc_address: int = 0,
        line_address: int = 100,
        challenge: bool = False,
        recipes: Mapping[int, str] = MappingProxyType({}),
        default_recipe: int = 0,
        defect_codes: Mapping[str, int] = MappingProxyType({}),
        poll_ms: float = 5.0,
        heartbeat_ms: float = 500.0,
        timeout_s: float = 2.0,
        max_retry_s: float = 2.0,
        on_lamp: Callable[[LampState], None] | None = None,
    ) -> None:
        layout = LAYOUT if challenge else _without_extra()
        first, second = sorted([(plc_address, _size(layout[Side.PLC])), (line_address, _size(layout[Side.INSPECTOR]))])
        if first[0] + first[1] > second[0]:
            raise ConfigurationError(
                f"the block at {first[0]} with its {first[1]} registers reaches into the one at {second[0]}",
                remedy=f"Let the second begin at {first[0] + first[1]} or later.",
            )
        self.peer_url = f"modbus://{host}:{port}"

        async def opener(_wake: Callable[[], None]) -> RegisterLink:
            client = AsyncModbusTcpClient(host, port=port, timeout=timeout_s, retries=0, reconnect_delay=0)
            link = _ModbusLink(
                client,
                self.peer_url,
                layout,
                device_id=device_id,
                plc_address=plc_address,
                line_address=line_address,
                timeout_s=timeout_s,
            )
            await link.open()
            return link

        super().__init__(
            opener,
            peer=f"the PLC at {self.peer_url}",
            station=station,
            recipes=recipes,
            default_recipe=default_recipe,
            defect_codes=defect_codes,
            poll_ms=poll_ms,
            heartbeat_ms=heartbeat_ms,
            timeout_s=timeout_s,
            max_retry_s=max_retry_s,
            on_lamp=on_lamp,
        )


class _ModbusLink:
    """One connection; the line's whole block is written at once, so that a PLC never sees half of it."""

    def __init__(
        self,
        client: AsyncModbusTcpClient,
        url: str,
        layout: Layout,
        *,
        device_id: int,
        plc_address: int,
        line_address: int,
        timeout_s: float,
    ) -> None:
        self.detail = f"{OPEN}: Modbus TCP knows neither"
        self.quiet_s = 0.0
        self._client, self._url, self._device_id, self._timeout_s = client, url, device_id, timeout_s
        self._addresses = {Side.PLC: plc_address, Side.INSPECTOR: line_address}
        self._layout = layout
        self._block = [0] * _size(layout[Side.INSPECTOR])
        self._certain = False

    async def open(self) -> None:
        """Connect and learn what the line's block holds; raises ``PlcLost`` or ``PlcError``."""
        with self._translated("connecting"):
            async with asyncio.timeout(self._timeout_s):
                connected = await self._client.connect()
        if not connected:
            raise PlcLost(
                f"the PLC at {self._url} is gone while connecting: nobody answers",
                remedy="Check that the PLC runs and that the cable and the address are right.",
            )
        try:
            await self.read_all()
        except BaseException:
            self._client.close()
            raise

    async def read_plc(self) -> FromPlc:
        """Read the PLC's block in one request."""
        return FromPlc.of(self._values(Side.PLC, await self._read(Side.PLC)))

    async def read_all(self) -> dict[Name, Value]:
        """Read both blocks."""
        plc = await self._read(Side.PLC)
        self._block = await self._read(Side.INSPECTOR)
        self._certain = True
        return {**self._values(Side.PLC, plc), **self._values(Side.INSPECTOR, self._block)}

    async def write(self, values: Mapping[Name, Value]) -> None:
        """Write the line's block with these values in one request."""
        block = list(self._block)
        for name, place in self._layout[Side.INSPECTOR].items():
            if name in values:
                block[place.offset : place.offset + place.words] = encode(name, values[name], place.words)
        self._certain = False
        with self._translated("writing " + ", ".join(values)):
            answer = await self._client.write_registers(
                self._addresses[Side.INSPECTOR], block, device_id=self._device_id
            )
        self._check(answer.isError(), answer, "writing")
        self._block, self._certain = block, True

    async def write_changes(self, values: Mapping[Name, Value]) -> None:
        """Write where one of these registers does not hold the value yet."""
        held = self._values(Side.INSPECTOR, self._block)
        if not self._certain or any(held[name] != value for name, value in values.items() if name in held):
            await self.write(values)

    async def close(self, *, good: bool) -> None:
        """Release the connection; Modbus knows no good-bye."""
        self._client.close()

    async def _read(self, side: Side) -> list[int]:
        with self._translated("reading"):
            answer = await self._client.read_holding_registers(
                self._addresses[side], count=_size(self._layout[side]), device_id=self._device_id
            )
        self._check(answer.isError(), answer, "reading")
        return list(answer.registers)

    def _values(self, side: Side, words: list[int]) -> dict[Name, Value]:
        places = self._layout[side].items()
        return {name: decode(name, words[place.offset : place.offset + place.words]) for name, place in places}

    def _check(self, failed: bool, answer: object, doing: str) -> None:
        if failed:
            raise PlcError(
                f"the PLC at {self._url} refused {doing}: {answer}",
                remedy="Check that it has all registers of docs/plc.md, and the device id.",
            )

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (ConnectionException, ModbusIOException, OSError, TimeoutError) as error:
            raise PlcLost(
                f"the PLC at {self._url} is gone while {doing}: {str(error) or 'no answer in time'}",
                remedy="Check that the PLC runs and that the cable and the address are right.",
            ) from error
        except ModbusException as error:
            raise PlcError(f"the PLC at {self._url} failed {doing}: {error}") from error
