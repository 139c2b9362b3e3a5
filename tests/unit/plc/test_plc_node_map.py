"""From what a PLC offers to the lines of the YAML: found by name, named by URI, and what is wrong is said."""

from __future__ import annotations

import pytest

from inspector.domain import ConfigurationError
from inspector.plc.browse import Offered
from inspector.plc.handshake import HANDSHAKE, Name, Side
from inspector.plc.node_map import map_nodes


def variable(name: str, kind: str, *, writable: bool = True, path: str = "") -> Offered:
    where = f"s={path or name}"
    return Offered(name, f"ns=3;{where}", kind, writable, portable=f"nsu=urn:plc;{where}")


def station(name: str = "Station1") -> Offered:
    folder = Offered(name, f"ns=3;s={name}", portable=f"nsu=urn:plc;s={name}")
    folder.children = [
        variable(each.name, each.type.value, writable=each.side is Side.INSPECTOR, path=f"{name}.{each.name}")
        for each in HANDSHAKE.values()
    ]
    return folder


def tree(*children: Offered) -> Offered:
    return Offered("Objects", "i=85", children=list(children))


def test_every_register_is_found_and_named_by_uri() -> None:
    found = map_nodes(tree(station(), variable("Temperature", "Float")))
    assert list(found.nodes) == list(HANDSHAKE)
    assert found.nodes[Name.TRIGGER] == "nsu=urn:plc;s=Station1.Trigger"
    assert (found.absent, found.problems) == ((), ())
    assert found.as_yaml().splitlines()[:2] == ["  nodes:", '    Trigger: "nsu=urn:plc;s=Station1.Trigger"']


@pytest.mark.parametrize("written", ["SEQ_NO", "seqNo", "Seq No", "seq-no"])
def test_case_and_signs_do_not_count(written: str) -> None:
    assert map_nodes(tree(variable(written, "UInt32"))).nodes == {Name.SEQ_NO: f"nsu=urn:plc;s={written}"}


def test_what_is_missing_is_absent_or_a_problem() -> None:
    folder = station()
    folder.children = [each for each in folder.children if each.name not in {"Reset", "PartId", "Ready"}]
    found = map_nodes(tree(folder))
    assert found.absent == (Name.PART_ID, Name.RESET, Name.READY)
    assert "  absent: [PartId, Reset]" in found.as_yaml().splitlines()
    assert found.problems == ("Ready was not found, and without it there is no handshake",)


def test_wrong_types_and_missing_rights_are_said() -> None:
    folder = station()
    by_name = {each.name: each for each in folder.children}
    by_name["SeqNo"].type = "String"
    by_name["Trigger"].type = "Byte"
    by_name["Verdict"].type = "Int32"
    by_name["Ready"].writable = False
    found = map_nodes(tree(folder))
    assert found.problems == (
        "Trigger is Byte; it has to be Boolean",
        "SeqNo is String; it has to be UInt32",
        "Ready cannot be written by this user",
    )
    assert found.as_yaml().endswith("  # Ready cannot be written by this user\n")


def test_two_stations_have_to_be_told_apart() -> None:
    both = tree(Offered("Cell", "ns=3;s=Cell", children=[station("Station1"), station("Station2")]))
    with pytest.raises(ConfigurationError, match="more than once") as refused:
        map_nodes(both)
    assert "--below" in refused.value.remedy
    for below in ("Station2", "ns=3;s=Station2", "nsu=urn:plc;s=Station2"):
        assert map_nodes(both, below=below).nodes[Name.BUSY] == "nsu=urn:plc;s=Station2.Busy"
    with pytest.raises(ConfigurationError, match="Station3"):
        map_nodes(both, below="Station3")


def test_a_plc_without_any_register_is_said() -> None:
    folder = Offered("Trigger", "ns=3;s=Trigger")  # a folder is no register
    with pytest.raises(ConfigurationError, match="no variable"):
        map_nodes(tree(folder, variable("Temperature", "Float")))
