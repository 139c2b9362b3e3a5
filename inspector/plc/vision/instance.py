"""``Objects/VisionSystem``: the instance of VisionSystemType that this line offers, and its variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asyncua import Server, ua

from inspector.plc.vision.facts import NodeFact, node_set
from inspector.plc.vision.install import Installed, add_nodes, item_of

__all__ = ["OFFERED", "RECIPES", "ROOT", "Instance", "Method", "place"]

ROOT = "VisionSystem"
RECIPES = f"{ROOT}.RecipeManagement.Recipes"
OFFERED = frozenset(
    {
        "AutomaticModeStateMachine",
        "ConfigurationManagement",
        "ConfirmAll",
        "RecipeManagement",
        "Recipes",
        "ReleaseConfigurationHandle",
        "ReleaseRecipeHandle",
        "ReleaseResultHandle",
        "ResultManagement",
        "SelectModeAutomatic",
        "SimulationMode",
        "SystemState",
    }
)
"""What the standard leaves optional and this line offers all the same."""

_PLACED = frozenset({"Object", "Variable", "Method"})


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the instance: where it is, and what it takes and returns."""

    path: str
    declaration: NodeFact
    node: ua.NodeId
    owner: ua.NodeId


@dataclass(frozen=True, slots=True)
class Instance:
    """The instance in the address space; paths are browse names joined by dots, from ``VisionSystem`` on."""

    server: Server
    made: Installed
    space: int
    methods: Mapping[str, Method]

    def node_id(self, path: str) -> ua.NodeId:
        """Return the id of the node at this path."""
        return ua.NodeId(ua.String(path), ua.Int16(self.space))

    async def write(self, path: str, value: Any, kind: ua.VariantType) -> None:
        """Write a variable."""
        await self._write(path, ua.DataValue(ua.Variant(value, kind), SourceTimestamp=_now()))

    async def write_inactive(self, path: str) -> None:
        """Say that a state machine is not active, as OPC 10000-16 asks for."""
        status = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadStateNotActive))
        await self._write(path, ua.DataValue(ua.Variant(), status, SourceTimestamp=_now()))

    async def _write(self, path: str, value: ua.DataValue) -> None:
        await self.server.write_attribute_value(self.node_id(path), value)

    def structure(self, name: str, **fields: Any) -> Any:
        """Return a structure of the node set; fields that are None are left out of it."""
        return self.made.classes[name](**fields)


def _now() -> Any:
    return datetime.now(UTC)


async def place(server: Server, made: Installed, space: int, recipes: Sequence[str]) -> Instance:
    """Add the instance with one object per recipe; ids are ``ns=<space>;s=VisionSystem.<path>``."""
    root = _root(made, space)
    branches = list(_branch(ROOT, node_set().types["VisionSystemType"], (), made, space))
    for name in recipes:
        branches.append(_recipe(name, made, space))
        branches += _branch(f"{RECIPES}.{name}", node_set().types["RecipeType"], (), made, space, also={"ExternalId"})
    await add_nodes(server, [root, *(item for item, _ in branches)])
    links = []
    for source, target in (("", ROOT), (ROOT, f"{ROOT}.VisionStateMachine")):
        kind = ua.ObjectIds.HasEventSource if source else ua.ObjectIds.HasNotifier
        start = _id(source, space) if source else ua.NodeId(ua.Int32(ua.ObjectIds.Server))
        for ends, forward in (((start, _id(target, space)), True), ((_id(target, space), start), False)):
            links.append(ua.AddReferencesItem(ends[0], ua.NodeId(ua.Int32(kind)), forward, TargetNodeId=ends[1]))
    await server.iserver.isession.add_references(links)
    methods = {
        str(item.RequestedNewNodeId.Identifier): Method(
            str(item.RequestedNewNodeId.Identifier), fact, item.RequestedNewNodeId, item.ParentNodeId
        )
        for item, fact in branches
        if fact is not None and fact.kind == "Method"
    }
    return Instance(server, made, space, methods)


def _id(path: str, space: int) -> ua.NodeId:
    return ua.NodeId(ua.String(path), ua.Int16(space))


def _object(
    path: str, name: ua.QualifiedName, parent: ua.NodeId, *, by: int, kind: ua.NodeId, notifies: bool = False
) -> ua.AddNodesItem:
    space = name.NamespaceIndex
    return ua.AddNodesItem(
        ParentNodeId=parent,
        ReferenceTypeId=ua.NodeId(ua.Int32(by)),
        RequestedNewNodeId=_id(path, space),
        BrowseName=name,
        NodeClass=ua.NodeClass.Object,
        NodeAttributes=ua.ObjectAttributes(
            SpecifiedAttributes=int(ua.NodeAttributesMask.DisplayName | ua.NodeAttributesMask.EventNotifier),
            DisplayName=ua.LocalizedText(name.Name),
            EventNotifier=ua.Byte(1 if notifies else 0),
        ),
        TypeDefinition=kind,
    )


def _root(made: Installed, space: int) -> ua.AddNodesItem:
    name = ua.QualifiedName(ua.String(ROOT), ua.UInt16(space))
    objects = ua.NodeId(ua.Int32(ua.ObjectIds.ObjectsFolder))
    kind = made.type_id("VisionSystemType")
    return _object(ROOT, name, objects, by=ua.ObjectIds.Organizes, kind=kind, notifies=True)


def _recipe(name: str, made: Installed, space: int) -> tuple[ua.AddNodesItem, None]:
    browse = ua.QualifiedName(ua.String(name), ua.UInt16(space))
    kind = made.type_id("RecipeType")
    return _object(f"{RECIPES}.{name}", browse, _id(RECIPES, space), by=ua.ObjectIds.HasComponent, kind=kind), None


Placed = tuple[ua.AddNodesItem, NodeFact | None]


def _branch(
    path: str,
    kind: NodeFact | None,
    declared: tuple[NodeFact, ...],
    made: Installed,
    space: int,
    *,
    also: frozenset[str] | set[str] = OFFERED,
) -> Iterator[Placed]:
    """Yield what lies below ``path``: mandatory members of its type and its declaration, and what is offered."""
    members = {each.name: each for each in (*_members(kind), *declared)}
    for fact in members.values():
        if fact.kind not in _PLACED or not (
            fact.rule == "Mandatory" or (fact.rule == "Optional" and fact.name in also)
        ):
            continue
        here = f"{path}.{fact.name}"
        item = item_of(fact, made)
        item.RequestedNewNodeId, item.ParentNodeId = _id(here, space), _id(path, space)
        if fact.kind == "Variable":
            item.NodeAttributes.AccessLevel = ua.Byte(1)
        yield item, fact
        definition = fact.to("HasTypeDefinition")
        inner = node_set().nodes[definition] if isinstance(definition, int) else None
        yield from _branch(here, inner, node_set().children[fact.id], made, space, also=also)


def _members(kind: NodeFact | None) -> tuple[NodeFact, ...]:
    return node_set().children[kind.id] if kind is not None else ()
