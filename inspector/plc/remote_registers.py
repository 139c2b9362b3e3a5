"""The simulated PLC's view of a line that is the server: it writes its registers there and hears of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from asyncua import Client, Node, ua

from inspector.plc.handshake import HANDSHAKE, NAMESPACE, DataType, Name, Side, Value, names_of
from inspector.plc.link import check_url
from inspector.plc.security import CertificateUser, ClientSecurity, PasswordUser, secure
from inspector.plc.simulation import SWITCHES

__all__ = ["RemoteRegisters"]

_TYPES: Mapping[DataType, ua.VariantType] = MappingProxyType({kind: ua.VariantType[kind.value] for kind in DataType})
_PUBLISH_MS = 5
_TIMEOUT_S = 2.0
_RETRY_S = 0.1
_AWAY = (OSError, TimeoutError, ua.UaError)


class RemoteRegisters:
    """Reading is ``registers[name]``; goes on trying where the line is away, and tells it everything anew."""

    def __init__(
        self,
        url: str,
        security: ClientSecurity | None = None,
        user: PasswordUser | CertificateUser | None = None,
    ) -> None:
        self.url = check_url(url)
        self._security, self._user = security, user
        self._values: dict[Name, Value] = {name: register.type.initial for name, register in HANDSHAKE.items()}
        self._switches = dict.fromkeys(SWITCHES, False)
        self._nodes: dict[Name, Node] = {}
        self._names: dict[ua.NodeId, Name] = {}
        self._client: Client | None = None
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._reading: set[asyncio.Task[None]] = set()

    def __getitem__(self, name: Name) -> Value:
        return self._values[name]

    def switch(self, name: str) -> bool:
        """Return whether this fault is asked for."""
        return self._switches[name]

    async def set_switch(self, name: str, on: bool) -> None:
        """Turn a fault on or off."""
        self._switches[name] = on
        self._changed.set()

    async def start(self) -> None:
        """Connect; waits until the line listens."""
        async with self._lock:
            await self._connect()

    async def stop(self) -> None:
        """Leave."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(*_AWAY):
                await client.disconnect()

    async def write(self, name: Name, value: Value) -> None:
        """Write one of the PLC's own registers, now or as soon as the line is back."""
        self._values[name] = value
        self._changed.set()
        async with self._lock:
            try:
                await self._nodes[name].write_value(value, _TYPES[HANDSHAKE[name].type])
            except _AWAY:
                await self.stop()
                await self._connect()

    async def publish(self) -> None:
        """Do nothing: the counts are this process's own."""

    async def until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until ``condition`` holds, looked at after every change; False where it took too long."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return condition()
        return True

    def complete_before_flag(self, names: Iterable[Name]) -> bool:
        """Return whether these were there when ResultValid was seen: they are read after it."""
        return all(self._values[name] for name in names)

    # --- connection ---------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Connect and tell everything of ours; tries until it works."""
        while self._client is None:
            try:
                self._client = await self._open()
            except _AWAY:
                await asyncio.sleep(_RETRY_S)

    async def _open(self) -> Client:
        client = Client(self.url, timeout=_TIMEOUT_S)
        if self._security is not None:
            await secure(client, self._security, self._user)
        await client.connect()
        try:
            space = await client.get_namespace_index(NAMESPACE)
            for name in HANDSHAKE:
                node = client.get_node(ua.NodeId(ua.String(f"Handshake.{name}"), ua.Int16(space)))
                self._nodes[name], self._names[node.nodeid] = node, name
            mine = names_of(Side.PLC)
            # Trigger after its data, and HbPlc last of all: the line begins from what they hold when it moves.
            for name in (*(name for name in reversed(mine) if name is not Name.HB_PLC), Name.HB_PLC):
                await self._nodes[name].write_value(self._values[name], _TYPES[HANDSHAKE[name].type])
            subscription = await client.create_subscription(_PUBLISH_MS, self)
            watched = [self._nodes[name] for name in names_of(Side.INSPECTOR)]
            await subscription.subscribe_data_change(watched, sampling_interval=ua.Double(_PUBLISH_MS))
        except BaseException:
            client.disconnect_socket()
            with suppress(*_AWAY):
                await client.close_session()
            raise
        return client

    def datachange_notification(self, node: Node, value: Any, data: Any) -> None:
        """Take what the line wrote; a risen ResultValid counts once the data were read after it."""
        name = self._names[node.nodeid]
        if name is Name.RESULT_VALID and value:
            task = asyncio.get_running_loop().create_task(self._read_result())
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
            return
        self._values[name] = value
        self._changed.set()

    async def _read_result(self) -> None:
        client = self._client
        if client is None:
            return
        names = names_of(Side.INSPECTOR)
        with suppress(*_AWAY):
            values = await client.read_values([self._nodes[name] for name in names])
            self._values.update(zip(names, values, strict=True))
        self._changed.set()
