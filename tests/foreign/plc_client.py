"""A PLC that is a client of the line's server, on the older Python library: triggers parts, prints what it was told.

python plc_client.py '{"url": ..., "parts": 3, "certificate": ..., "key": ..., "line": ..., "user": ..., ...}'
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from opcua import Client, ua

TYPES = {
    "Trigger": ua.VariantType.Boolean,
    "ResultAck": ua.VariantType.Boolean,
    "Ready": ua.VariantType.Boolean,
    "SeqNo": ua.VariantType.UInt32,
    "PartId": ua.VariantType.String,
    "HbPlc": ua.VariantType.UInt16,
}


class Heard:
    """What the subscription told last."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.changed = threading.Condition()

    def datachange_notification(self, node: Any, value: Any, _data: Any) -> None:
        with self.changed:
            self.values[node.nodeid.Identifier.removeprefix("Handshake.")] = value
            self.changed.notify_all()

    def holds(self, name: str, value: Any) -> None:
        with self.changed:
            if not self.changed.wait_for(lambda: self.values.get(name) == value, 60):
                raise TimeoutError(f"{name} is not {value}")


def main(wanted: dict[str, Any]) -> dict[str, Any]:
    client = Client(wanted["url"], timeout=20)
    if "certificate" in wanted:
        client.application_uri = wanted["uri"]
        client.set_security_string(
            f"Basic256Sha256,{wanted['mode']},{wanted['certificate']},{wanted['key']},{wanted['line']}"
        )
        client.set_user(wanted["user"])
        client.set_password(wanted["password"])
    client.connect()
    try:
        return inspect(client, wanted["parts"])
    finally:
        client.disconnect()


def inspect(client: Client, parts: int) -> dict[str, Any]:
    space = client.get_namespace_index("urn:line-inspector:plc")

    def node(name: str) -> Any:
        return client.get_node(f"ns={space};s=Handshake.{name}")

    def put(name: str, value: Any) -> None:
        node(name).set_value(ua.DataValue(ua.Variant(value, TYPES[name])))

    def beat() -> None:
        count = 0
        while not ended.wait(0.05):
            count += 1
            put("HbPlc", count % 32768)

    heard, ended = Heard(), threading.Event()
    client.create_subscription(20, heard).subscribe_data_change([node("Ready"), node("ResultValid")])
    beating = threading.Thread(target=beat)
    beating.start()
    results = []
    try:
        for sequence in range(1, parts + 1):
            heard.holds("Ready", True)
            put("PartId", f"P{sequence}")
            put("SeqNo", sequence)
            put("Trigger", True)
            heard.holds("ResultValid", True)
            results.append([node(name).get_value() for name in ("ResSeqNo", "Verdict", "FaultCode")])
            put("Trigger", False)
            put("ResultAck", True)
            heard.holds("ResultValid", False)
            put("ResultAck", False)
        try:
            put("Ready", True)
            refused = "Good"
        except ua.UaStatusCodeError as error:
            refused = type(error).__name__
    finally:
        ended.set()
        beating.join()
    return {"results": results, "refused": refused}


if __name__ == "__main__":
    try:
        told = main(json.loads(sys.argv[1]))
    except (ua.UaError, OSError, TimeoutError) as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(told) + "\n")
