"""Puts the node set of OPC 40100-1 into a server's address space."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from asyncua import Server, ua

from inspector.domain import PlcError
from inspector.plc.vision.facts import URI, Argument, EnumValue, NodeFact, NodeSet, Ref, Target, node_set

__all__ = ["Installed", "add_nodes", "install", "item_of"]

_OPTIONAL = ua.StructureType.StructureWithOptionalFields
_BSD = "http://opcfoundation.org/BinarySchema/"
_BUILT_IN = {"Boolean": "opc:Boolean", "Int32": "opc:Int32", "UInt32": "opc:UInt32", "Double": "opc:Double"}
_IN_DICTIONARY = {
    **_BUILT_IN,
    "String": "opc:CharArray",
    "TrimmedString": "opc:CharArray",
    "ByteString": "opc:ByteString",
    "UtcTime": "opc:DateTime",
    "Duration": "opc:Double",
    "LocalizedText": "ua:LocalizedText",
    "BaseDataType": "ua:Variant",
    "ResultStateDataType": "opc:Int32",
}


@dataclass(frozen=True, slots=True)
class Installed:
    """The node set in a server: the index of its namespace, and the classes of its structures and enumerations."""

    space: int
    classes: Mapping[str, Any]

    def node_id(self, target: Target) -> ua.NodeId:
        """Return the id of a node of this node set, or of one of the standard's own by its name."""
        if isinstance(target, int):
            return ua.NodeId(ua.Int32(target), ua.Int16(self.space))
        return ua.NodeId(ua.Int32(getattr(ua.ObjectIds, target)))

    def type_id(self, name: str) -> ua.NodeId:
        """Return the id of the type of this name, here or in the standard."""
        found = node_set().types.get(name)
        return self.node_id(found.id if found is not None else name or "BaseDataType")


async def install(server: Server) -> Installed:
    """Add all nodes to ``server`` before it starts; raises ``PlcError`` where the library refuses one."""
    facts = node_set()
    space = await server.register_namespace(URI)
    made = Installed(space, {})
    await add_nodes(server, [item_of(fact, made) for fact in facts.nodes.values()])
    for fact in facts.nodes.values():
        if fact.fields or fact.values:
            await server.get_node(made.node_id(fact.id)).write_data_type_definition(_definition(fact, made))
    links = [link for fact in facts.nodes.values() for ref in fact.refs for link in _both_ways(fact, ref, made)]
    await server.iserver.isession.add_references(links)
    for name, base in _simple(facts):
        # The library knows another TrimmedString, of namespace 0, and takes the name for the type.
        ua.basetype_by_datatype[made.type_id(name)] = base
    await server.load_data_type_definitions()
    structures = {fact.name: made.type_id(fact.name) for fact in facts.types.values() if fact.fields}
    classes = {name: ua.extension_objects_by_datatype[kind] for name, kind in structures.items()}
    enumerations = {fact.name: made.type_id(fact.name) for fact in facts.types.values() if fact.values}
    return Installed(space, classes | {name: ua.enums_by_datatype[kind] for name, kind in enumerations.items()})


def _simple(facts: NodeSet) -> Iterator[tuple[str, str]]:
    """Yield the types that are another name for one of the standard's, and that one's name."""
    for fact in facts.types.values():
        if fact.kind == "DataType" and not fact.fields and not fact.values:
            yield fact.name, str(fact.parent.target)


async def add_nodes(server: Server, items: list[ua.AddNodesItem]) -> None:
    """Add nodes; raises ``PlcError`` for the first one that cannot be."""
    for item, result in zip(items, await server.iserver.isession.add_nodes(items), strict=True):
        if not result.StatusCode.is_good():
            raise PlcError(f"our server cannot hold {item.RequestedNewNodeId}: {result.StatusCode.name}")


def _both_ways(fact: NodeFact, ref: Ref, made: Installed) -> list[ua.AddReferencesItem]:
    ours = isinstance(ref.target, int)
    ends = [(made.node_id(fact.id), made.node_id(ref.target), ref.forward)]
    if ours:
        ends.append((ends[0][1], ends[0][0], not ref.forward))
    kind = made.type_id(ref.type)
    return [
        ua.AddReferencesItem(SourceNodeId=source, ReferenceTypeId=kind, IsForward=forward, TargetNodeId=target)
        for source, target, forward in ends
    ]


# --- one node ---------------------------------------------------------------------------------------------


def item_of(fact: NodeFact, made: Installed) -> ua.AddNodesItem:
    """Return what adds this node, and what adds a node like it elsewhere once its id and parent are changed."""
    item = ua.AddNodesItem()
    item.RequestedNewNodeId = made.node_id(fact.id)
    item.BrowseName = ua.QualifiedName(ua.String(fact.name), ua.UInt16(0 if fact.core else made.space))
    item.NodeClass = ua.NodeClass[fact.kind]
    item.ParentNodeId = made.node_id(fact.parent.target)
    item.ReferenceTypeId = made.type_id(fact.parent.type)
    if (definition := fact.to("HasTypeDefinition")) is not None:
        item.TypeDefinition = made.node_id(definition)
    attributes = _ATTRIBUTES[fact.kind](fact, made)
    attributes.DisplayName = ua.LocalizedText(ua.String(fact.name))
    if fact.about:
        attributes.Description = ua.LocalizedText(ua.String(fact.about), ua.String("en"))
    item.NodeAttributes = attributes
    return item


def _mask(*names: str) -> int:
    mask = ua.NodeAttributesMask.DisplayName | ua.NodeAttributesMask.Description
    for name in names:
        mask |= ua.NodeAttributesMask[name]
    return int(mask)


def _object(_fact: NodeFact, _made: Installed) -> Any:
    return ua.ObjectAttributes(SpecifiedAttributes=_mask("EventNotifier"), EventNotifier=ua.Byte(0))


def _method(_fact: NodeFact, _made: Installed) -> Any:
    return ua.MethodAttributes(
        SpecifiedAttributes=_mask("Executable", "UserExecutable"), Executable=True, UserExecutable=True
    )


def _object_type(fact: NodeFact, _made: Installed) -> Any:
    return ua.ObjectTypeAttributes(SpecifiedAttributes=_mask("IsAbstract"), IsAbstract=fact.abstract)


def _data_type(fact: NodeFact, _made: Installed) -> Any:
    return ua.DataTypeAttributes(SpecifiedAttributes=_mask("IsAbstract"), IsAbstract=fact.abstract)


def _reference_type(fact: NodeFact, _made: Installed) -> Any:
    return ua.ReferenceTypeAttributes(
        SpecifiedAttributes=_mask("IsAbstract", "Symmetric"), IsAbstract=fact.abstract, Symmetric=False
    )


def _variable_type(fact: NodeFact, made: Installed) -> Any:
    return ua.VariableTypeAttributes(
        SpecifiedAttributes=_mask("IsAbstract", "DataType", "ValueRank"),
        IsAbstract=fact.abstract,
        DataType=made.type_id(fact.data),
        ValueRank=ua.Int32(fact.rank),
    )


def _variable(fact: NodeFact, made: Installed) -> Any:
    attributes = ua.VariableAttributes(
        SpecifiedAttributes=_mask(
            "Value", "DataType", "ValueRank", "AccessLevel", "UserAccessLevel", "MinimumSamplingInterval", "Historizing"
        ),
        Value=_variant(fact, made),
        DataType=made.type_id(fact.data),
        ValueRank=ua.Int32(fact.rank),
        AccessLevel=ua.Byte(fact.access),
        UserAccessLevel=ua.Byte(1),  # nobody changes a type
        Historizing=False,
    )
    if fact.dims is not None:
        attributes.ArrayDimensions = [ua.UInt32(fact.dims)]
        attributes.SpecifiedAttributes |= ua.NodeAttributesMask.ArrayDimensions
    return attributes


_ATTRIBUTES: Mapping[str, Callable[[NodeFact, Installed], Any]] = {
    "Object": _object,
    "Variable": _variable,
    "Method": _method,
    "ObjectType": _object_type,
    "VariableType": _variable_type,
    "DataType": _data_type,
    "ReferenceType": _reference_type,
}


# --- values -----------------------------------------------------------------------------------------------


_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "UInt32": int,
    "String": str,
    "Boolean": lambda text: text == "true",
    "DateTime": datetime.fromisoformat,
}


def _variant(fact: NodeFact, made: Installed) -> ua.Variant:
    value = fact.value
    if fact.parent.target == "OPCBinarySchema_TypeSystem":
        return ua.Variant(_dictionary(node_set()), ua.VariantType.ByteString)
    if value is None:
        return ua.Variant()
    if fact.data in _PLAIN:
        return ua.Variant(_PLAIN[fact.data](value), ua.VariantType[fact.data])
    if fact.data == "IdType":
        return ua.Variant([int(value)], ua.VariantType.Int32)
    shown = [argument(each, made) if isinstance(each, Argument) else _enum_value(each) for each in value]
    return ua.Variant(shown, ua.VariantType.ExtensionObject)


def argument(said: Argument, made: Installed) -> ua.Argument:
    """Return an argument as the address space shows it."""
    return ua.Argument(
        Name=ua.String(said.name),
        DataType=made.type_id(said.data),
        ValueRank=ua.Int32(1 if said.array else -1),
        ArrayDimensions=[ua.UInt32(0)] if said.array else [],
    )


def _enum_value(said: EnumValue) -> ua.EnumValueType:
    return ua.EnumValueType(
        Value=ua.Int64(said.number),
        DisplayName=ua.LocalizedText(ua.String(said.name)),
        Description=ua.LocalizedText(ua.String(said.about), ua.String("en")),
    )


def _definition(fact: NodeFact, made: Installed) -> ua.StructureDefinition | ua.EnumDefinition:
    if fact.values:
        return ua.EnumDefinition(
            Fields=[
                ua.EnumField(
                    Value=ua.Int64(each.number),
                    DisplayName=ua.LocalizedText(ua.String(each.name)),
                    Description=ua.LocalizedText(ua.String(each.about), ua.String("en")),
                    Name=ua.String(each.name),
                )
                for each in fact.values
            ]
        )
    fields = [
        ua.StructureField(
            Name=ua.String(each.name),
            DataType=made.type_id(each.data),
            ValueRank=ua.Int32(1 if each.array else -1),
            ArrayDimensions=[ua.UInt32(0)] if each.array else [],
            IsOptional=each.optional,
        )
        for each in fact.fields
    ]
    return ua.StructureDefinition(
        DefaultEncodingId=made.node_id(fact.to("HasEncoding") or 0),
        BaseDataType=made.node_id(fact.parent.target),
        StructureType=_OPTIONAL if any(each.optional for each in fact.fields) else ua.StructureType.Structure,
        Fields=fields,
    )


def _dictionary(facts: NodeSet) -> bytes:
    """Return the structures for clients of before OPC UA 1.04, which read no definitions (OPC 10000-3, Annex)."""
    root = ElementTree.Element(
        "opc:TypeDictionary",
        {
            "xmlns:opc": _BSD,
            "xmlns:ua": "http://opcfoundation.org/UA/",
            "xmlns:tns": URI,
            "DefaultByteOrder": "LittleEndian",
            "TargetNamespace": URI,
        },
    )
    ElementTree.SubElement(root, "opc:Import", Namespace="http://opcfoundation.org/UA/")
    for fact in facts.types.values():
        if fact.fields:
            _structure(root, fact)
        elif fact.values:
            made = ElementTree.SubElement(root, "opc:EnumeratedType", Name=fact.name, LengthInBits="32")
            for each in fact.values:
                ElementTree.SubElement(made, "opc:EnumeratedValue", Name=each.name, Value=str(each.number))
    return ElementTree.tostring(root, encoding="unicode").encode()


def _structure(root: ElementTree.Element, fact: NodeFact) -> None:
    made = ElementTree.SubElement(root, "opc:StructuredType", Name=fact.name, BaseType="ua:ExtensionObject")
    optional = [each for each in fact.fields if each.optional]
    for each in optional:
        ElementTree.SubElement(made, "opc:Field", Name=f"{each.name}Specified", TypeName="opc:Bit")
    if optional:
        rest = str(32 - len(optional))
        ElementTree.SubElement(made, "opc:Field", Name="Reserved1", TypeName="opc:Bit", Length=rest)
    for each in fact.fields:
        switch = {"SwitchField": f"{each.name}Specified"} if each.optional else {}
        kind = _IN_DICTIONARY.get(each.data, f"tns:{each.data}")
        if each.array:
            count = f"NoOf{each.name}"
            ElementTree.SubElement(made, "opc:Field", {"Name": count, "TypeName": "opc:Int32", **switch})
            switch = {**switch, "LengthField": count}
        ElementTree.SubElement(made, "opc:Field", {"Name": each.name, "TypeName": kind, **switch})
