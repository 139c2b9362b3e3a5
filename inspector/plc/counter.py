"""The count of an encoder in a PLC: 32 bits in one OPC UA variable, or in two Modbus registers."""

from __future__ import annotations

from asyncua import Client, ua

from inspector.domain import ConfigurationError, PlcLost, require_extra
from inspector.plc.link import check_url

__all__ = ["ModbusCounter", "OpcUaCounter"]

_AWAY = (OSError, TimeoutError, ua.UaError)
_UINT32 = 2**32


class OpcUaCounter:
    """A count that an OPC UA server holds, read without security: keep it on a network of its own.

    Parameters
    ----------
    url
        Address of the server.
    node
        Id of a variable with a whole number; negative ones count as 32 bits.
    """

    def __init__(self, url: str, node: str, *, timeout_s: float = 2.0) -> None:
        self._url, self._node, self._timeout_s = check_url(url), node, timeout_s
        self._client: Client | None = None

    async def read(self) -> int:
        """Return the count, 0 … 2³²-1; raises ``PlcLost``, or ``ConfigurationError`` where it is no whole number."""
        try:
            if self._client is None:
                client = Client(self._url, timeout=self._timeout_s)
                await client.connect()
                self._client = client
            value = await self._client.get_node(self._node).read_value()
        except _AWAY as error:
            await self.close()
            raise PlcLost(
                f"{self._url}: {self._node} cannot be read: {error}", remedy="Check address and node"
            ) from error
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigurationError(
                f"{self._url}: {self._node} holds no whole number", remedy="Name the encoder's count"
            )
        return value % _UINT32

    async def close(self) -> None:
        """Let the server go; safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.disconnect()
            except _AWAY:
                return


class ModbusCounter:
    """A count in two holding registers of a Modbus TCP server, the high word first.

    Parameters
    ----------
    address
        Of the high word, from 0.
    """

    def __init__(self, host: str, address: int, *, port: int = 502, device_id: int = 1, timeout_s: float = 2.0) -> None:
        require_extra("modbus", "pymodbus", needed_by="an encoder over Modbus")
        from pymodbus.client import AsyncModbusTcpClient

        self._name, self._address, self._device_id = f"modbus://{host}:{port}", address, device_id
        self._client = AsyncModbusTcpClient(host, port=port, timeout=timeout_s, retries=0, reconnect_delay=0)

    async def read(self) -> int:
        """Return the count, 0 … 2³²-1; raises ``PlcLost``."""
        from pymodbus.exceptions import ModbusException

        try:
            if not self._client.connected and not await self._client.connect():
                raise PlcLost(f"{self._name}: cannot be reached", remedy="Check address and port")
            found = await self._client.read_holding_registers(self._address, count=2, device_id=self._device_id)
        except (ModbusException, OSError, TimeoutError) as error:
            self._client.close()
            raise PlcLost(f"{self._name}: register {self._address} cannot be read: {error}") from error
        if found.isError():
            raise PlcLost(f"{self._name}: register {self._address} cannot be read: {found}", remedy="Check the address")
        high, low = found.registers
        return int(high) << 16 | int(low)

    async def close(self) -> None:
        """Let the server go; safe to call twice."""
        self._client.close()
