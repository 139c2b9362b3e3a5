"""What the handshake needs of a protocol: registers read and written together, and failures in our words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from inspector.plc.handshake import FromPlc, Name, Value

__all__ = ["OPEN", "Opener", "RegisterLink"]

OPEN = "not encrypted, anonymous"
"""Every link that anybody on the network could read and write says so in these words of its ``detail``."""


class RegisterLink(Protocol):
    """An open way to the registers; every method raises ``PlcLost`` or ``PlcError``."""

    detail: str
    """What the operator is to know of this connection, how it is secured above all."""

    quiet_s: float
    """How long nothing has to be read while nothing wakes us; 0: read every ``poll_ms``."""

    async def read_plc(self) -> FromPlc:
        """Read everything the PLC says, flags before their data."""
        ...

    async def read_all(self) -> dict[Name, Value]:
        """Read every register."""
        ...

    async def write(self, values: Mapping[Name, Value]) -> None:
        """Write these registers; those that the PLC does not have are passed over."""
        ...

    async def write_changes(self, values: Mapping[Name, Value]) -> None:
        """Write those of these registers that do not hold the value yet."""
        ...

    async def close(self, *, good: bool) -> None:
        """Release the connection; ``good`` says that the peer still listens and deserves a good-bye."""
        ...


Opener = Callable[[Callable[[], None]], Awaitable[RegisterLink]]
"""Opens a link; is given what to call when something has changed and is worth reading at once."""
