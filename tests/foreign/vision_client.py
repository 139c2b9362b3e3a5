"""A client on the older Python library at the machine vision server: reads states, calls methods, hears what changes.

That library knows no structures with optional fields, which most of this standard has. python vision_client.py URL;
prints one JSON line.
"""

from __future__ import annotations

import json
import queue
import sys
from typing import Any

from opcua import Client, ua

OUTER = "VisionSystem.VisionStateMachine"


class Heard:
    """The events, in order."""

    def __init__(self) -> None:
        self.events: queue.Queue[Any] = queue.Queue()

    def event_notification(self, event: Any) -> None:
        self.events.put(event)


def main(url: str) -> dict[str, Any]:
    client = Client(url, timeout=30)
    client.connect()
    try:
        return use(client)
    finally:
        client.disconnect()


def use(client: Client) -> dict[str, Any]:
    ours = client.get_namespace_index("urn:line-inspector:plc")
    standard = client.get_namespace_index("http://opcfoundation.org/UA/MachineVision")

    def node(path: str) -> Any:
        return client.get_node(f"ns={ours};s={path}")

    def state() -> str:
        return str(node(f"{OUTER}.CurrentState").get_value().Text)

    heard, states = Heard(), [state()]
    state_changed = client.get_node(f"ns={standard};i=1018")
    client.create_subscription(20, heard).subscribe_events(node("VisionSystem"), state_changed)
    cause = (ua.Variant(1, ua.VariantType.Int32), ua.Variant("maintenance", ua.VariantType.String))
    errors = []
    for method in ("Halt", "Reset"):
        errors.append(node(OUTER).call_method(node(f"{OUTER}.{method}"), *cause))
        states.append(state())
    refused = ""
    try:
        node(OUTER).call_method(node(f"{OUTER}.SelectModeAutomatic"), *cause)
    except ua.UaStatusCodeError as error:
        refused = type(error).__name__
    changes = [heard.events.get(timeout=60) for _ in range(2)]
    return {
        "states": states,
        "errors": errors,
        "refused": refused,
        "changes": [[each.SourceName, each.Message.Text, each.Severity] for each in changes],
        "members": sorted({child.get_browse_name().Name for child in node("VisionSystem").get_children()}),
    }


print(json.dumps(main(sys.argv[1])))  # noqa: T201 - what it is for
