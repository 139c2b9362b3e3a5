"""Turning a switch of a simulated PLC that runs elsewhere: a fault for a while."""

from __future__ import annotations

import asyncio

from asyncua import Client, ua

from inspector.domain import ConfigurationError, PlcError, PlcLost
from inspector.plc.handshake import NAMESPACE
from inspector.plc.link import check_url
from inspector.plc.simulation import SWITCHES

__all__ = ["ONCE", "inject"]

ONCE = frozenset({"Overrun", "Storm"})
"""Switches that the PLC turns off by itself when it has done it."""


async def inject(url: str, name: str, *, lasting_s: float = 2.0, timeout_s: float = 4.0) -> None:
    """Turn a switch on, and off again after ``lasting_s`` unless it is one of ``ONCE``.

    Raises
    ------
    ConfigurationError
        There is no such switch.
    PlcLost
        Nobody answers there.
    PlcError
        Who answers is no simulated PLC.
    """
    if name not in SWITCHES:
        raise ConfigurationError(f"there is no fault {name!r}", remedy=f"The faults are {', '.join(SWITCHES)}.")
    try:
        async with Client(check_url(url), timeout=timeout_s) as client:
            space = await client.get_namespace_index(NAMESPACE)
            node = client.get_node(ua.NodeId(ua.String(f"Simulation.{name}"), ua.Int16(space)))
            await node.write_value(True, ua.VariantType.Boolean)
            if name not in ONCE:
                await asyncio.sleep(lasting_s)
                await node.write_value(False, ua.VariantType.Boolean)
    except (OSError, TimeoutError) as error:
        raise PlcLost(
            f"nobody answers at {url}: {str(error) or 'no answer in time'}",
            remedy="Start one with: inspector plc simulate",
        ) from error
    except (ua.UaError, ValueError) as error:
        raise PlcError(
            f"the server at {url} is no simulated PLC: {error}", remedy="Start one with: inspector plc simulate"
        ) from error
