"""Every kind of PLC in the YAML becomes its side of the handshake, secured as the YAML says."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.domain import SettingsError
from inspector.plc.client import OpcUaHandshake
from inspector.plc.modbus import ModbusHandshake
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.source import Handshake
from inspector.plc.vision_server import VisionServer
from inspector.runtime.wiring.plc import build_trigger_source
from inspector.settings import LineSettings, load_line

ROOT = Path(__file__).resolve().parents[3]
SECURED = "security: Basic256Sha256\n  certificate: c/a.der\n  key: c/a.pem\n  trust: c/trusted\n"


def line(tmp_path: Path, plc: str) -> LineSettings:
    text = (ROOT / "line_configs" / "virtual-board.yaml").read_text(encoding="utf-8")
    before, _, rest = text.partition("plc:\n")
    after = rest[rest.index("\n\n") :]
    file = tmp_path / "line.yaml"
    file.write_text(f"{before}plc:\n  defect_codes: {{open: 1}}\n  {plc}{after}", encoding="utf-8")
    return load_line(file, data=tmp_path)


def built(settings: LineSettings, url: str) -> Handshake | VisionServer:
    return build_trigger_source(settings, url=url, nodes={}, on_lamp=lambda _: None)


@pytest.mark.parametrize(
    ("plc", "url", "kind"),
    [
        ("kind: simulated\n  security: none", "opc.tcp://127.0.0.1:1/", OpcUaHandshake),
        ("kind: opcua-client\n  url: opc.tcp://h:1/\n  security: none", "opc.tcp://h:1/", OpcUaHandshake),
        ("kind: opcua-server\n  security: none", "opc.tcp://127.0.0.1:4840/", VisionServer),
        (f"kind: opcua-server\n  {SECURED}", "opc.tcp://127.0.0.1:4840/", VisionServer),
        (
            "kind: opcua-server\n  security: none\n  vision_system: null",
            "opc.tcp://127.0.0.1:4840/",
            OpcUaServerHandshake,
        ),
        (f"kind: opcua-server\n  {SECURED}", "opc.tcp://127.0.0.1:7/", OpcUaHandshake),
        ("kind: modbus-tcp\n  host: h\n  security: none", "modbus://h:502", ModbusHandshake),
    ],
)
def test_each_kind(tmp_path: Path, plc: str, url: str, kind: type) -> None:
    assert type(built(line(tmp_path, plc), url)) is kind


def test_paths_lie_beside_the_file_and_the_password_comes_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plc = f"kind: opcua-client\n  url: opc.tcp://h:1/\n  {SECURED}  username: me\n  password_env: PLC_WORD"
    settings = line(tmp_path, plc)
    assert settings.plc.kind == "opcua-client"
    assert settings.plc.trust == tmp_path / "c" / "trusted"
    with pytest.raises(SettingsError, match=r"plc\.password_env.*PLC_WORD"):
        built(settings, "opc.tcp://h:1/")
    monkeypatch.setenv("PLC_WORD", "x")
    assert isinstance(built(settings, "opc.tcp://h:1/"), OpcUaHandshake)
