"""What a PLC's OPC UA server offers: a tree of variables with node ids and types, to fill the line's YAML from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from asyncua import Client, Node, ua

from inspector.domain import PlcLost
from inspector.plc.link import check_url
from inspector.plc.security import CertificateUser, ClientSecurity, PasswordUser, secure

__all__ = ["Offered", "browse"]

_SHOWN = frozenset({ua.NodeClass.Object, ua.NodeClass.Variable})
_BUILT_IN_TYPES = 25
_ATTRIBUTES = (ua.AttributeIds.DataType, ua.AttributeIds.UserAccessLevel)


@dataclass(slots=True)
class Offered:
    """One node: ``type`` is empty for a folder; ``writable`` is about the user that looked.

    ``portable`` is the node id with the namespace's URI, which stays where the PLC numbers its namespaces anew.
    """

    name: str
    node_id: str
    type: str = ""
    writable: bool = False
    children: list[Offered] = field(default_factory=list)
    portable: str = ""


async def browse(
    url: str,
    *,
    depth: int = 6,
    standard: bool = False,
    timeout_s: float = 4.0,
    security: ClientSecurity | None = None,
    user: PasswordUser | CertificateUser | None = None,
) -> Offered:
    """Return the tree below Objects, at most ``depth`` levels deep.

    Parameters
    ----------
    standard
        Whether to go into the nodes of the standard's own namespace too (the Server object).
    security, user
        How the connection is secured, and as whom; None is neither encrypted nor authenticated.

    Raises
    ------
    PlcLost
        Nobody answers there, or the connection breaks.
    PlcError
        The PLC does not offer this security, or is not trusted.
    """
    async with _connected(check_url(url), timeout_s, security, user) as client:
        root = Offered("Objects", client.nodes.objects.nodeid.to_string())
        walk = _Walk(client, standard, await client.get_namespace_array())
        await walk.descend(client.nodes.objects, root, depth)
    return root


class _Walk:
    def __init__(self, client: Client, standard: bool, spaces: Sequence[str]) -> None:
        self._client, self._standard, self._spaces = client, standard, spaces
        self._seen: set[ua.NodeId] = set()

    async def descend(self, node: Node, into: Offered, depth: int) -> None:
        found: list[tuple[Node, Offered, bool]] = []
        for reference in await node.get_references(
            ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward, includesubtypes=True
        ):
            target = ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
            hidden = target.NamespaceIndex == 0 and not self._standard
            if reference.NodeClass not in _SHOWN or target in self._seen or hidden:
                continue
            self._seen.add(target)
            offered = Offered(str(reference.BrowseName.Name), target.to_string(), portable=self._portable(target))
            found.append((Node(node.session, target), offered, reference.NodeClass == ua.NodeClass.Variable))
        await self._describe([(child, offered) for child, offered, variable in found if variable])
        for child, offered, _ in found:
            into.children.append(offered)
            if depth > 1:
                await self.descend(child, offered, depth - 1)

    async def _describe(self, variables: Sequence[tuple[Node, Offered]]) -> None:
        """Fill in types and rights, of all children of a node in one request."""
        if not variables:
            return
        parameters = ua.ReadParameters()
        parameters.NodesToRead = [
            ua.ReadValueId(NodeId=node.nodeid, AttributeId=attribute)
            for node, _ in variables
            for attribute in _ATTRIBUTES
        ]
        results = iter(await self._client.uaclient.read(parameters))
        for (node, offered), kind, rights in zip(variables, results, results, strict=True):
            declared = kind.Value.Value if kind.Value else None
            number = declared.Identifier if isinstance(declared, ua.NodeId) and declared.NamespaceIndex == 0 else None
            if isinstance(number, int) and 1 <= number <= _BUILT_IN_TYPES:
                offered.type = ua.VariantType(number).name
            else:
                offered.type = (await node.read_data_type_as_variant_type()).name
            level = rights.Value.Value if rights.Value else None
            offered.writable = isinstance(level, int) and bool(level & ua.AccessLevel.CurrentWrite.mask)

    def _portable(self, target: ua.NodeId) -> str:
        _, space, rest = target.to_string().partition(f"ns={target.NamespaceIndex};")
        named = space and 0 < target.NamespaceIndex < len(self._spaces)
        return f"nsu={self._spaces[target.NamespaceIndex]};{rest}" if named else target.to_string()


@asynccontextmanager
async def _connected(
    url: str, timeout_s: float, security: ClientSecurity | None, user: PasswordUser | CertificateUser | None
) -> AsyncIterator[Client]:
    try:
        client = Client(url, timeout=timeout_s)
        if security is not None:
            await secure(client, security, user)
        async with client:
            yield client
    except (OSError, TimeoutError, ua.UaError, AssertionError) as error:
        # The library asserts where another make refuses a channel by a fault of the service.
        refused = "it refuses to open a secured channel" if isinstance(error, AssertionError) else "no answer in time"
        raise PlcLost(
            f"the PLC at {url} cannot be browsed: {str(error) or refused}",
            remedy="Check that its OPC UA server runs, that the address is right, and that it lets us in as we come:"
            " give the line's YAML in place of the address where it wants a certificate.",
        ) from error
