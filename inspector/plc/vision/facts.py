"""The node set of OPC 40100-1 as facts: our compact data file, unfolded into one entry per node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["URI", "Argument", "EnumValue", "Field", "NodeFact", "NodeSet", "Ref", "node_set"]

URI = "http://opcfoundation.org/UA/MachineVision"
_RULES = {"M": "Mandatory", "O": "Optional", "OP": "OptionalPlaceholder", "MP": "MandatoryPlaceholder"}
_DICTIONARIES = {
    "binary": ("OPCBinarySchema_TypeSystem", "{0}"),
    "xml": ("XmlSchema_TypeSystem", "//xs:element[@name='{0}']"),
}
_ENCODINGS = {"binary": "Default Binary", "xml": "Default XML"}

Target = int | str
"""A node of this node set by its number, one of the standard's own by its name."""


@dataclass(frozen=True, slots=True)
class Ref:
    """One reference, seen from the node that holds it."""

    type: str
    target: Target
    forward: bool = True


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a method."""

    name: str
    data: str
    array: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a structure."""

    name: str
    data: str
    array: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class EnumValue:
    """One value of an enumeration, with our own words for it."""

    name: str
    number: int
    about: str


@dataclass(frozen=True, slots=True)
class NodeFact:
    """One node.

    Attributes
    ----------
    kind
        Node class without the prefix: Object, Variable, Method, ObjectType, VariableType, DataType, ReferenceType.
    core
        Whether the browse name is in the standard's own namespace 0.
    parent
        What it hangs on; the inverse reference to it. The parent holds the forward one where it is ours.
    data
        Name of the data type of a variable; empty says BaseDataType.
    dims
        Length of the one dimension of an array, 0 for any; None where there is none.
    value
        What the variable holds: a number, a text, ``Argument``s or ``EnumValue``s.
    fields
        Of a structure, those that it inherits included.
    """

    id: int
    kind: str
    name: str
    core: bool
    parent: Ref
    about: str = ""
    abstract: bool = False
    data: str = ""
    rank: int = -1
    dims: int | None = None
    access: int = 1
    value: Any = None
    fields: tuple[Field, ...] = ()
    values: tuple[EnumValue, ...] = ()
    refs: tuple[Ref, ...] = ()

    def to(self, reference: str) -> Target | None:
        """Return the target of the first forward reference of this type."""
        return next((ref.target for ref in self.refs if ref.forward and ref.type == reference), None)

    @property
    def rule(self) -> str:
        """The modelling rule; empty where there is none."""
        return str(self.to("HasModellingRule") or "").removeprefix("ModellingRule_")


@dataclass(frozen=True, slots=True)
class NodeSet:
    """All nodes, types before what is made of them, parents before their children."""

    version: str
    published: str
    nodes: Mapping[int, NodeFact]
    children: Mapping[int, tuple[NodeFact, ...]]
    types: Mapping[str, NodeFact]

    def member(self, owner: int, *path: str) -> NodeFact:
        """Return the node at this path of browse names below ``owner``."""
        found = self.nodes[owner]
        for name in path:
            found = next(child for child in self.children[found.id] if child.name == name)
        return found


@cache
def node_set() -> NodeSet:
    """Return the node set, read once."""
    raw = json.loads((files(__package__) / "machine_vision.json").read_text(encoding="utf-8"))
    entries: list[dict[str, Any]] = raw["nodes"]
    nodes = {fact.id: fact for fact in _ordered(_Reader(entries).facts)}
    _link_back(nodes)
    children: dict[int, list[NodeFact]] = {number: [] for number in nodes}
    for fact in nodes.values():
        if isinstance(fact.parent.target, int) and fact.parent.type != "HasSubtype":
            children[fact.parent.target].append(fact)
    return NodeSet(
        raw["version"],
        raw["published"],
        nodes,
        {number: tuple(found) for number, found in children.items()},
        {fact.name: fact for fact in nodes.values() if fact.kind.endswith("Type")},
    )


def _ordered(facts: list[NodeFact]) -> Iterator[NodeFact]:
    """Yield types first, each after its supertype, then everything else in the file's order."""
    waiting = {fact.id: fact for fact in facts if fact.kind.endswith("Type")}
    while waiting:
        ready = [fact for fact in waiting.values() if fact.parent.target not in waiting]
        yield from ready
        waiting = {number: fact for number, fact in waiting.items() if fact not in ready}
    yield from (fact for fact in facts if not fact.kind.endswith("Type"))


def _link_back(nodes: dict[int, NodeFact]) -> None:
    """Give each state the references to the transitions of its own machine, which the transitions name already."""
    for transition in [fact for fact in nodes.values() if fact.to("FromState") is not None]:
        for end, back in (("FromState", "ToTransition"), ("ToState", "FromTransition")):
            state = nodes[int(transition.to(end) or 0)]
            if state.parent == transition.parent:
                refs = (*state.refs, Ref(back, transition.id))
                nodes[state.id] = replace(state, refs=refs)


class _Reader:
    """Unfolds the entries of the file."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.entries = entries
        self.facts: list[NodeFact] = []
        self._numbers: dict[str, int] = {}
        self._methods: dict[int, dict[str, Any]] = {}
        self._fields: dict[str, tuple[Field, ...]] = {}
        self._dictionaries = {entry["kind"]: entry["id"] for entry in entries if entry["class"] == "Dictionary"}
        for entry in self.entries:
            if entry["class"].endswith("Type"):
                self._numbers[entry["name"]] = entry["id"]
                self._fields[entry["name"]] = tuple(map(_field, entry.get("fields", ())))
            self._methods |= {child["id"]: child for child in entry.get("has", ()) if child["class"] == "Method"}
        for entry in self.entries:
            self._top(entry)

    def _name(self, name: str) -> Target:
        return self._numbers.get(name, name)

    # --- entries of the first level -----------------------------------------------------------------------

    def _top(self, entry: dict[str, Any]) -> None:
        if entry["class"] == "Dictionary":
            self._dictionary(entry)
        elif entry["class"] == "DataType":
            self._data_type(entry)
        elif "base" in entry:
            self._node(entry, Ref("HasSubtype", self._name(entry["base"]), forward=False))
        else:
            self._node(entry, Ref("HasComponent", "Server_Namespaces", forward=False))

    def _data_type(self, entry: dict[str, Any]) -> None:
        number, name, base = entry["id"], entry["name"], entry["base"]
        refs, values = [], tuple(EnumValue(key, *value) for key, value in entry.get("values", {}).items())
        if values:
            refs.append(self._property(entry["values_id"], number, "EnumValues", "EnumValueType", values))
        for kind, (encoding, description) in ((key, entry[key]) for key in _ENCODINGS if key in entry):
            refs.append(self._encoding(kind, name, number, encoding, description))
        self.facts.append(
            NodeFact(
                number,
                "DataType",
                name,
                core=False,
                parent=Ref("HasSubtype", self._name(base), forward=False),
                about=entry.get("about", ""),
                abstract=entry.get("abstract", False),
                fields=(*self._fields.get(base, ()), *self._fields[name]),
                values=values,
                refs=tuple(refs),
            )
        )

    def _encoding(self, kind: str, name: str, owner: int, encoding: int, description: int) -> Ref:
        path = _DICTIONARIES[kind][1].format(name)
        dictionary = self._dictionaries[kind]
        self.facts.append(
            NodeFact(
                description,
                "Variable",
                name,
                core=False,
                parent=Ref("HasComponent", dictionary, forward=False),
                data="String",
                value=path,
                refs=(
                    Ref("HasTypeDefinition", "DataTypeDescriptionType"),
                    Ref("HasDescription", encoding, forward=False),
                ),
            )
        )
        self.facts.append(
            NodeFact(
                encoding,
                "Object",
                _ENCODINGS[kind],
                core=True,
                parent=Ref("HasEncoding", owner, forward=False),
                refs=(Ref("HasTypeDefinition", "DataTypeEncodingType"), Ref("HasDescription", description)),
            )
        )
        return Ref("HasEncoding", encoding)

    def _dictionary(self, entry: dict[str, Any]) -> None:
        number = entry["id"]
        refs = [Ref("HasTypeDefinition", "DataTypeDictionaryType")]
        refs.append(self._property(entry["uri_id"], number, "NamespaceUri", "String", entry["uri"], ruled=False))
        parent = Ref("HasComponent", _DICTIONARIES[entry["kind"]][0], forward=False)
        made = NodeFact(number, "Variable", entry["name"], False, parent, data="ByteString", refs=tuple(refs))
        self.facts.insert(0, made)

    # --- everything below -----------------------------------------------------------------------------------

    def _node(self, entry: dict[str, Any], parent: Ref) -> None:
        number, kind, full = entry["id"], entry["class"], entry["name"]
        core, name = full.startswith("0:"), full.removeprefix("0:")
        here = len(self.facts)
        refs = []
        if "type" in entry:
            refs.append(Ref("HasTypeDefinition", self._name(entry["type"])))
        if "rule" in entry:
            refs.append(Ref("HasModellingRule", f"ModellingRule_{_RULES[entry['rule']]}"))
        for child in entry.get("has", ()):
            by = "HasProperty" if child.get("type") == "PropertyType" else "HasComponent"
            self._node(child, Ref(by, number, forward=False))
            refs.append(Ref(by, child["id"]))
        refs += self._arguments(entry)
        refs += self._state_machine(entry)
        made = NodeFact(
            number,
            kind,
            name,
            core=core,
            parent=parent,
            about=entry.get("about", ""),
            abstract=entry.get("abstract", False),
            data=entry.get("data", ""),
            rank=entry.get("rank", -1),
            dims=entry.get("dims"),
            access=entry.get("access", 1),
            value=entry.get("value"),
            refs=tuple(refs),
        )
        self.facts.insert(here, made)

    def _arguments(self, entry: dict[str, Any]) -> Iterator[Ref]:
        declared = entry.get("as")
        source = self._methods[declared] if isinstance(declared, int) else entry
        for key, name in (("in", "InputArguments"), ("out", "OutputArguments")):
            if f"{key}_id" in entry:
                values = tuple(map(_argument, source[key]))
                yield self._property(entry[f"{key}_id"], entry["id"], name, "Argument", values)

    def _state_machine(self, entry: dict[str, Any]) -> Iterator[Ref]:
        """Yield what is said of a state or a transition."""
        if "number" in entry:
            name = "StateNumber" if "from" not in entry else "TransitionNumber"
            yield self._property(entry["number_id"], entry["id"], name, "UInt32", entry["number"])
        if "sub" in entry:
            yield Ref("HasSubStateMachine", entry["sub"])
        if "from" in entry:
            states = {state["name"]: state["id"] for state in self._states()}
            yield Ref("FromState", states[entry["from"]])
            yield Ref("ToState", states[entry["to"]])
            if "cause" in entry:
                yield Ref("HasCause", entry["cause"])
            yield from (Ref("HasEffect", self._name(effect)) for effect in entry["effects"])

    def _states(self) -> Iterator[dict[str, Any]]:
        for entry in self.entries:
            if entry.get("base") == "FiniteStateMachineType":
                yield from (child for child in entry["has"] if child.get("type") in {"StateType", "InitialStateType"})

    def _property(self, number: int, owner: int, name: str, data: str, value: Any, *, ruled: bool = True) -> Ref:
        is_array = isinstance(value, tuple)
        refs = (Ref("HasTypeDefinition", "PropertyType"),)
        rule = (Ref("HasModellingRule", "ModellingRule_Mandatory"),) if ruled else ()
        made = NodeFact(
            number,
            "Variable",
            name,
            core=True,
            parent=Ref("HasProperty", owner, forward=False),
            data=data,
            rank=1 if is_array else -1,
            dims=len(value) if is_array else None,
            value=value,
            refs=refs + rule,
        )
        self.facts.append(made)
        return Ref("HasProperty", number)


def _argument(text: str) -> Argument:
    name, _, data = text.partition(" ")
    return Argument(name, data.removesuffix("[]"), data.endswith("[]"))


def _field(text: str) -> Field:
    name, _, data = text.partition(" ")
    optional = data.endswith("?")
    data = data.removesuffix("?")
    return Field(name, data.removesuffix("[]"), data.endswith("[]"), optional)
