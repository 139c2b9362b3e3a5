"""From what a PLC offers to `plc.nodes` of the line's YAML: the registers that carry the handshake's names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector.domain import ConfigurationError
from inspector.plc.handshake import EXTRA, FITTING, HANDSHAKE, REQUIRED, Name, Side

if TYPE_CHECKING:
    from inspector.plc.browse import Offered

__all__ = ["NodeMap", "map_nodes"]


@dataclass(frozen=True, slots=True)
class NodeMap:
    """Which register is which node, those that are not there, and what is wrong with those that are."""

    nodes: dict[Name, str]
    absent: tuple[Name, ...]
    problems: tuple[str, ...]

    def as_yaml(self) -> str:
        """Return what to paste below ``plc:`` in the line's YAML."""
        lines = ["  nodes:"]
        lines += [f'    {name}: "{node}"' for name, node in self.nodes.items()]
        spare = [name.value for name in self.absent if name not in REQUIRED | EXTRA]
        if spare:
            lines.append(f"  absent: [{', '.join(spare)}]")
        lines += [f"  # {problem}" for problem in self.problems]
        return "\n".join(lines) + "\n"


def map_nodes(root: Offered, *, below: str = "") -> NodeMap:
    """Return the variables whose names are those of registers; case, spaces and signs do not count.

    Parameters
    ----------
    below
        Name or node id of the folder to look in, where a PLC has the registers of several stations.

    Raises
    ------
    ConfigurationError
        There is no such folder, no register at all, or a register is there twice.
    """
    places = [root] if not below else [each for each in _all(root) if below in {each.name, each.node_id, each.portable}]
    if not places:
        raise ConfigurationError(
            f"the PLC has no node {below!r}", remedy="Take a name or a node id that `inspector plc browse` shows."
        )
    wanted = {_plain(name): name for name in HANDSHAKE}
    found: dict[Name, list[Offered]] = {}
    for place in places:
        for each in _all(place):
            if each.type and (name := wanted.get(_plain(each.name))):
                found.setdefault(name, []).append(each)
    if not found:
        raise ConfigurationError(
            "no variable of the PLC has the name of a register",
            remedy="Make the registers of docs/plc.md in the PLC, publish them, or write plc.nodes by hand.",
        )
    for name, several in found.items():
        if len(several) > 1:
            ids = " and ".join(each.node_id for each in several)
            raise ConfigurationError(
                f"the PLC has {name} more than once: {ids}", remedy="Say which station: --below NAME of its folder."
            )
    single = {name: found[name][0] for name in HANDSHAKE if name in found}
    return NodeMap(
        nodes={name: each.portable for name, each in single.items()},
        absent=tuple(name for name in HANDSHAKE if name not in single),
        problems=tuple(_problems(single)),
    )


def _problems(found: dict[Name, Offered]) -> Iterator[str]:
    for name in HANDSHAKE:
        if name not in found:
            if name in REQUIRED:
                yield f"{name} was not found, and without it there is no handshake"
            continue
        each, register = found[name], HANDSHAKE[name]
        if each.type not in FITTING[register.type]:
            yield f"{name} is {each.type}; it has to be {register.type}"
        if register.side is Side.INSPECTOR and not each.writable:
            yield f"{name} cannot be written by this user"


def _all(offered: Offered) -> Iterator[Offered]:
    for child in offered.children:
        yield child
        yield from _all(child)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
