"""Our data file against the official node set of OPC 40100-1 out of the npm package, node by node."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
from asyncua import ua

from inspector.plc.vision.facts import URI, Argument, EnumValue, NodeFact, NodeSet, node_set
from tests.support.foreign import npm_package

NODES = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
TYPES = "{http://opcfoundation.org/UA/2008/02/Types.xsd}"
COMPLETED = frozenset({"RecipeIdExternalDataType", "RecipeIdInternalDataType", "ConfigurationIdDataType"})
"""Structures whose fields the official file leaves out; they are those of their supertype."""

PLAIN = frozenset(f"{TYPES}{kind}" for kind in ("UInt32", "String", "Boolean", "DateTime", "ListOfInt32"))
"""Values that are facts; the empty default structures and the two dictionaries are not."""

Triple = tuple[str, str, str]


@dataclass(frozen=True)
class Official:
    """The official file, read."""

    root: ElementTree.Element
    aliases: dict[str, str]
    nodes: dict[int, ElementTree.Element]

    def name(self, text: str) -> str:
        """Return ``#<number>`` of a node of this node set, else the standard's own name."""
        text = self.aliases.get(text, text)
        if text.startswith("ns=1;i="):
            return f"#{text.removeprefix('ns=1;i=')}"
        return str(ua.ObjectIdNames[int(text.removeprefix("i="))])

    def type_name(self, text: str) -> str:
        """Return the browse name of a type."""
        name = self.name(text)
        return self.nodes[int(name[1:])].attrib["BrowseName"].removeprefix("1:") if name.startswith("#") else name

    def references(self) -> Iterator[Triple]:
        """Yield every reference once, seen from its source."""
        for number, node in self.nodes.items():
            for each in node.iter(f"{NODES}Reference"):
                own, other = f"#{number}", self.name(each.text or "")
                kind = self.type_name(each.attrib["ReferenceType"])
                forward = each.get("IsForward") != "false"
                yield (own, kind, other) if forward else (other, kind, own)

    def value(self, number: int) -> str:
        """Return the text of a value."""
        found = self.nodes[number].find(f"{NODES}Value")
        return "" if found is None else "".join(found.itertext()).strip()


@pytest.fixture(scope="module")
def official() -> Official:
    folder = npm_package("node-opcua") / "node_modules" / "node-opcua-nodesets" / "nodesets"
    root = ElementTree.parse(folder / "Opc.Ua.MachineVision.NodeSet2.xml").getroot()  # noqa: S314 - out of our own test tools
    aliases = {each.attrib["Alias"]: each.text or "" for each in root.iter(f"{NODES}Alias")}
    nodes = {int(each.attrib["NodeId"].partition("i=")[2]): each for each in root if "NodeId" in each.attrib}
    return Official(root, aliases, nodes)


@pytest.fixture(scope="module")
def ours() -> NodeSet:
    return node_set()


def test_the_model_is_the_same_version(official: Official, ours: NodeSet) -> None:
    model = official.root.find(f"{NODES}Models/{NODES}Model")
    assert model is not None
    assert (model.attrib["ModelUri"], model.attrib["Version"]) == (URI, ours.version)
    assert model.attrib["PublicationDate"] == ours.published


def test_it_has_the_same_nodes(official: Official, ours: NodeSet) -> None:
    assert len(ours.nodes) == 790
    assert ours.nodes.keys() == official.nodes.keys()


def test_every_node_has_the_same_attributes(official: Official, ours: NodeSet) -> None:
    wrong = [
        (number, mine, theirs)
        for number, fact in ours.nodes.items()
        if (mine := _attributes(fact)) != (theirs := _official_attributes(official, official.nodes[number]))
    ]
    assert wrong == []


def _attributes(fact: NodeFact) -> tuple[object, ...]:
    prefix = "" if fact.core else "1:"
    return (fact.kind, f"{prefix}{fact.name}", fact.abstract, fact.data, fact.rank, fact.dims, fact.access)


def _official_attributes(official: Official, node: ElementTree.Element) -> tuple[object, ...]:
    get = node.attrib.get
    dims = get("ArrayDimensions")
    return (
        node.tag.removeprefix(f"{NODES}UA"),
        node.attrib["BrowseName"],
        get("IsAbstract") == "true",
        official.type_name(get("DataType", "")) if "DataType" in node.attrib else "",
        int(get("ValueRank", "-1")),
        int(dims) if dims else None,
        int(get("AccessLevel", "1")),
    )


def test_it_has_the_same_references(official: Official, ours: NodeSet) -> None:
    mine: set[Triple] = set()
    for fact in ours.nodes.values():
        for ref in (fact.parent, *fact.refs):
            own = f"#{fact.id}"
            other = f"#{ref.target}" if isinstance(ref.target, int) else ref.target
            mine.add((own, ref.type, other) if ref.forward else (other, ref.type, own))
    theirs = set(official.references())
    assert mine - theirs == set()
    assert theirs - mine == set()


def test_methods_take_and_return_the_same_arguments(official: Official, ours: NodeSet) -> None:
    compared = set()
    for fact in ours.nodes.values():
        if fact.data == "Argument":
            theirs = tuple(
                Argument(
                    _text(each, "Name"),
                    official.type_name(_text(each, f"DataType/{TYPES}Identifier")),
                    _text(each, "ValueRank") == "1",
                )
                for each in official.nodes[fact.id].iter(f"{TYPES}Argument")
            )
            assert fact.value == theirs, fact
            compared.add(fact.id)
    assert compared == {number for number, node in official.nodes.items() if node.get("DataType") == "Argument"}


def test_structures_have_the_same_fields(official: Official, ours: NodeSet) -> None:
    for fact in ours.types.values():
        if fact.kind == "DataType" and not fact.values and fact.name not in COMPLETED:
            theirs = [
                (
                    each.attrib["Name"],
                    official.type_name(each.attrib["DataType"]) if "DataType" in each.attrib else "BaseDataType",
                    each.get("ValueRank") == "1",
                    each.get("IsOptional") == "true",
                )
                for each in official.nodes[fact.id].iter(f"{NODES}Field")
            ]
            assert [(each.name, each.data, each.array, each.optional) for each in fact.fields] == theirs
    for name in COMPLETED:
        assert ours.types[name].fields == ours.types["BinaryIdBaseDataType"].fields


def test_the_binary_dictionary_has_the_fields_of_our_structures(official: Official, ours: NodeSet) -> None:
    """The official dictionary, which lists the fields of every structure, has those that the definitions lack too."""
    text = base64.b64decode(re.sub(r"\s", "", official.value(6001)))
    for each in ElementTree.fromstring(text).iter("{http://opcfoundation.org/BinarySchema/}StructuredType"):  # noqa: S314
        counts = {field.get("LengthField") for field in each}
        names = [
            field.attrib["Name"]
            for field in each
            if field.attrib["TypeName"] != "opc:Bit" and field.attrib["Name"] not in counts
        ]
        assert names == [field.name for field in ours.types[each.attrib["Name"]].fields]


def test_enumerations_have_the_same_values(official: Official, ours: NodeSet) -> None:
    for fact in ours.types.values():
        if fact.values:
            definition = [
                (each.attrib["Name"], int(each.attrib["Value"]))
                for each in official.nodes[fact.id].iter(f"{NODES}Field")
            ]
            assert [(each.name, each.number) for each in fact.values] == definition
            values = next(child for child in ours.children[fact.id] if child.name == "EnumValues").value
            assert all(isinstance(each, EnumValue) and each.about for each in values)


def test_numbers_and_texts_are_the_same(official: Official, ours: NodeSet) -> None:
    theirs = {
        number: official.value(number)
        for number, node in official.nodes.items()
        if (value := node.find(f"{NODES}Value")) is not None and value[0].tag in PLAIN
    }
    mine = {fact.id: str(fact.value) for fact in ours.nodes.values() if isinstance(fact.value, (int, str))}
    assert mine == theirs
    assert len(mine) > 90


def _text(node: ElementTree.Element, path: str) -> str:
    found = node.find(f"{TYPES}{path}")
    return "" if found is None else found.text or ""
