"""What a PLC's OPC UA server offers: a tree of variables with node ids and types, to fill the line's YAML from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from asyncua import Client, Node, ua

from inspector.domain import PlcLost
from inspector.plc.link import check_url

__all__ = ["Offered", "browse"]

_SHOWN = frozenset({ua.NodeClass.Object, ua.NodeClass.Variable})


@dataclass(slots=True)
class Offered:
    """One node: ``type`` is empty for a folder; ``writable`` is about the user that looked."""

    name: str
    node_id: str
    type: str = ""
    writable: bool = False
    children: list[Offered] = field(default_factory=list)


async def browse(url: str, *, depth: int = 6, standard: bool = False, timeout_s: float = 4.0) -> Offered:
    """Return the tree below Objects, at most ``depth`` levels deep.

    Parameters
    ----------
    standard
        Whether to go into the nodes of the standard's own namespace too (the Server object).

    Raises
    ------
    PlcLost
        Nobody answers there, or the connection breaks.
    """
    async with _connected(check_url(url), timeout_s) as client:
        root = Offered("Objects", client.nodes.objects.nodeid.to_string())
        await _descend(client.nodes.objects, root, depth, standard, set())
    return root


async def _descend(node: Node, into: Offered, depth: int, standard: bool, seen: set[ua.NodeId]) -> None:
    for reference in await node.get_references(
        ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward, includesubtypes=True
    ):
        target = ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
        if reference.NodeClass not in _SHOWN or target in seen or (target.NamespaceIndex == 0 and not standard):
            continue
        seen.add(target)
        child = Node(node.session, target)
        offered = Offered(str(reference.BrowseName.Name), target.to_string())
        if reference.NodeClass == ua.NodeClass.Variable:
            offered.type = (await child.read_data_type_as_variant_type()).name
            offered.writable = ua.AccessLevel.CurrentWrite in await child.get_user_access_level()
        into.children.append(offered)
        if depth > 1:
            await _descend(child, offered, depth - 1, standard, seen)


@asynccontextmanager
async def _connected(url: str, timeout_s: float) -> AsyncIterator[Client]:
    try:
        async with Client(url, timeout=timeout_s) as client:
            yield client
    except (OSError, TimeoutError, ua.UaError) as error:
        raise PlcLost(
            f"the PLC at {url} cannot be browsed: {str(error) or 'no answer in time'}",
            remedy="Check that its OPC UA server runs and that the address is right.",
        ) from error
