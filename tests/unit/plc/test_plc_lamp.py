"""The lamp says why the connection is lost, also when the reason changes, and the log says every reason once."""

from __future__ import annotations

import logging

import pytest

from inspector.domain import LampState
from inspector.plc.lamp import ConnectionLamp, warning_of


def test_it_says_each_reason_once_and_keeps_since_when(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[LampState] = []
    lamp = ConnectionLamp("waiting", seen.append)
    with caplog.at_level(logging.INFO):
        for reason in ("nobody answers", "nobody answers", "not trusted", "nobody answers", "not trusted"):
            lamp.show(False, reason)
        lamp.show(True, "connected")
        lamp.show(True, "connected otherwise")
        lamp.show(False, "nobody answers")
    assert [(state.good, state.detail) for state in seen] == [
        (False, "nobody answers"),
        (False, "not trusted"),
        (False, "nobody answers"),
        (False, "not trusted"),
        (True, "connected"),
        (False, "nobody answers"),
    ]
    assert len({state.since for state in seen[:4]}) == 1, "lost since the same moment"
    assert [record.message for record in caplog.records] == [
        "nobody answers",
        "not trusted",
        "connected",
        "nobody answers",
    ]


@pytest.mark.parametrize(
    ("peer", "detail", "warning"),
    [
        (
            "the PLC at opc.tcp://192.168.0.10:4840/",
            "not encrypted, anonymous (security: none), polled",
            "not_encrypted",
        ),
        ("the PLC at opc.tcp://plc-7:4840/", "not encrypted, anonymous (security: none)", "not_encrypted"),
        ("the PLC at our server opc.tcp://0.0.0.0:4840/", "as its server, not encrypted, anonymous", "not_encrypted"),
        ("the PLC at modbus://10.0.0.7:502", "not encrypted, anonymous: Modbus TCP knows neither", "not_encrypted"),
        ("the PLC at opc.tcp://127.0.0.1:4840/", "not encrypted, anonymous (security: none)", ""),
        ("the PLC at opc.tcp://[::1]:4840/", "not encrypted, anonymous (security: none)", ""),
        ("the PLC at opc.tcp://localhost:4840/", "not encrypted, anonymous (security: none)", ""),
        ("the PLC at opc.tcp://192.168.0.10:4840/", "Basic256Sha256, SignAndEncrypt", ""),
    ],
)
def test_it_warns_where_others_on_the_network_could_write(peer: str, detail: str, warning: str) -> None:
    assert warning_of(peer, detail) == warning
    lamp = ConnectionLamp("waiting", None)
    lamp.show(True, detail, warning=warning_of(peer, detail))
    assert lamp.state.warning == warning
