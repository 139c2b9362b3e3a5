"""The PLC: who triggers, who gets the verdict, and how the way between is secured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from inspector.settings.base import HOST, ClassName, FilePath, Items, Name, NodeId, Port, Settings
from inspector.settings.login import Login, Secret
from inspector.settings.triggers import NoPlc

DefectNumber = Annotated[int, Field(ge=1, le=65534)]
Optional = Literal[
    "PartId",
    "RecipeId",
    "ResultAck",
    "Reset",
    "HbPlc",
    "TriggerAck",
    "Busy",
    "ResultId",
    "DefectCode",
    "Disposition",
    "Fault",
    "FaultCode",
    "HbVision",
    "RecipeActive",
]
"""Registers that a PLC may do without."""


class PlcNodes(Settings):
    """Where each register of the handshake lies in the PLC's address space, as node ids (`ns=2;s=Name`).

    A register that is left out is looked for under `s=Handshake.REGISTER`, but for StartChallenge and ChallengeState.
    """

    Trigger: NodeId | None = Field(default=None, description="PLC -> line, Boolean: a part is in place.")
    PartId: NodeId | None = Field(None, description="PLC -> line, String: identity of the part.")
    SeqNo: NodeId | None = Field(None, description="PLC -> line, UInt32: number of the trigger.")
    RecipeId: NodeId | None = Field(None, description="PLC -> line, UInt16: number of the recipe wanted.")
    ResultAck: NodeId | None = Field(None, description="PLC -> line, Boolean: the result has been taken.")
    Reset: NodeId | None = Field(None, description="PLC -> line, Boolean: go back to idle, clear the fault.")
    HbPlc: NodeId | None = Field(None, description="PLC -> line, UInt16: the PLC's heartbeat.")
    StartChallenge: NodeId | None = Field(
        default=None, description="PLC -> line, Boolean: run the challenge test. Only where it is named here."
    )
    Ready: NodeId | None = Field(None, description="Line -> PLC, Boolean: triggers are taken.")
    TriggerAck: NodeId | None = Field(None, description="Line -> PLC, Boolean: the trigger has been seen.")
    Busy: NodeId | None = Field(None, description="Line -> PLC, Boolean: a part is being inspected.")
    ResultValid: NodeId | None = Field(default=None, description="Line -> PLC, Boolean: the result is complete.")
    ResSeqNo: NodeId | None = Field(default=None, description="Line -> PLC, UInt32: the trigger it belongs to.")
    ResultId: NodeId | None = Field(None, description="Line -> PLC, String: identity of the record.")
    Verdict: NodeId | None = Field(None, description="Line -> PLC, UInt16: 0 none, 1 OK, 2 NOK, 3 UNKNOWN.")
    DefectCode: NodeId | None = Field(
        default=None, description="Line -> PLC, UInt16: the worst finding's class; 0 none."
    )
    Disposition: NodeId | None = Field(None, description="Line -> PLC, UInt16: what is to happen to the part.")
    Fault: NodeId | None = Field(None, description="Line -> PLC, Boolean: the line cannot inspect.")
    FaultCode: NodeId | None = Field(None, description="Line -> PLC, UInt16: why.")
    HbVision: NodeId | None = Field(None, description="Line -> PLC, UInt16: the line's heartbeat.")
    RecipeActive: NodeId | None = Field(None, description="Line -> PLC, UInt16: recipe of the next part.")
    ChallengeState: NodeId | None = Field(
        default=None, description="Line -> PLC, UInt16: the answer to StartChallenge. Only where it is named here."
    )

    def as_mapping(self) -> dict[str, str]:
        """Return register -> node id for the registers that are named here."""
        return {name: str(node) for name, node in self if node is not None}


class _Handshake(Settings):
    poll_ms: float = Field(default=5, ge=1, le=1000, description="Time between two looks at the PLC's signals, in ms.")
    heartbeat_ms: float = Field(
        default=500, ge=50, le=5000, description="Period of both heartbeats, in ms; three missed ones are a loss."
    )
    timeout_s: float = Field(
        default=2, gt=0, le=60, description="How long one request to the PLC may take, in s, before it counts as lost."
    )
    defect_codes: Mapping[ClassName, DefectNumber] = Field(
        default={}, description="Number that the PLC gets for a defect class; without any, the model's classes from 1."
    )


class _Secured(Settings):
    """How a connection over OPC UA is secured."""

    security: Literal["none", "Basic256Sha256", "Aes256_Sha256_RsaPss"] = Field(
        description="Security policy. `none`: anybody on the network may listen and write; the screen says so."
    )
    messages: Literal["Sign", "SignAndEncrypt"] = Field(
        default="SignAndEncrypt", description="What is done to every message; with `security: none` nothing."
    )
    certificate: FilePath | None = Field(
        default=None, description="The line's own certificate, DER or PEM; relative to this file."
    )
    key: FilePath | None = Field(default=None, description="Its private key, PEM or DER; relative to this file.")
    trust: FilePath | None = Field(
        default=None, description="Folder of the certificates that are trusted; relative to this file."
    )


class OpcUaPlc(_Handshake, _Secured, Login):
    """A PLC with an OPC UA server; the line is its client."""

    section: ClassVar[str] = "plc"

    kind: Literal["opcua-client"] = Field(description="A PLC with an OPC UA server.")
    url: str = Field(description="Address of the PLC's OPC UA server: `opc.tcp://host:4840/path`.")
    namespace_uri: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="Namespace of the registers that `nodes` leaves out; without it, namespace 2.",
    )
    user_certificate: FilePath | None = Field(
        default=None, description="Certificate of the user, instead of name and password; relative to this file."
    )
    user_key: FilePath | None = Field(
        default=None, description="Private key of `user_certificate`; relative to this file."
    )
    updates: Literal["auto", "polling", "subscription"] = Field(
        default="auto",
        description="How changes are noticed. `auto`: by subscription where the PLC publishes at most twice as slowly "
        "as `poll_ms`, else by polling.",
    )
    nodes: PlcNodes = Field(default=PlcNodes(), description="Node ids of the handshake's registers.")
    absent: Items[Optional] = Field(
        default=(), description="Registers that the PLC does not have; docs/plc.md says what is different without each."
    )


class PlcUser(Secret):
    """Somebody who may connect to the line's server, known by a password, by certificates, or by either."""

    section: ClassVar[str] = "plc.users"

    role: Literal["plc", "observer"] = Field(
        default="plc", description="`plc`: reads, writes the PLC's registers, calls methods. `observer`: reads."
    )
    certificates: FilePath | None = Field(
        default=None, description="Folder of the certificates that are this user; relative to this file."
    )


class VisionSystem(Settings):
    """The line as `Objects/VisionSystem` of OPC 40100-1, beside the registers of the handshake."""

    section: ClassVar[str] = "plc.vision_system"

    start: Literal["automatic", "manual"] = Field(
        default="automatic",
        description="`automatic`: goes to Ready as soon as the line can. `manual`: waits for SelectModeAutomatic.",
    )
    results: int = Field(default=500, ge=1, le=100_000, description="How many results clients can ask for.")
    continuous_ms: float = Field(
        default=100, ge=0, le=3_600_000, description="Pause between two inspections of StartContinuous, in ms."
    )


class OpcUaServerPlc(_Handshake, _Secured):
    """A PLC that is an OPC UA client; the line is its server."""

    kind: Literal["opcua-server"] = Field(description="The line's own OPC UA server; the PLC connects to it.")
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        max_length=253,
        pattern=HOST,
        description="Address to listen on; 127.0.0.1 is this machine only, 0.0.0.0 every network it is in.",
    )
    port: Port = Field(default=4840, ge=1, description="TCP port.")
    users: Mapping[Name, PlcUser] = Field(
        default={}, description="Who may connect; without any, every client whose certificate is trusted."
    )
    vision_system: VisionSystem | None = Field(
        default=VisionSystem(), description="The machine vision server; null: the registers of the handshake only."
    )

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"opc.tcp://{self.host}:{self.port}/"


class ModbusPlc(_Handshake):
    """A PLC that is a Modbus TCP server; the line is its client."""

    kind: Literal["modbus-tcp"] = Field(description="A PLC with a Modbus TCP server.")
    security: Literal["none"] = Field(
        description="Modbus TCP knows no encryption and no users: keep it on a network of its own."
    )
    host: str = Field(min_length=1, max_length=253, pattern=HOST, description="Address of the PLC.")
    port: Port = Field(default=502, ge=1, description="TCP port.")
    device_id: int = Field(default=1, ge=0, le=255, description="Device (unit) id.")
    plc_address: int = Field(
        default=0, ge=0, le=65535, description="First holding register, from 0, of the block that the PLC writes."
    )
    line_address: int = Field(
        default=100, ge=0, le=65535, description="First holding register, from 0, of the block that the line writes."
    )
    challenge: bool = Field(
        default=False, description="StartChallenge and ChallengeState are at the ends of the blocks (docs/plc.md)."
    )

    @property
    def url(self) -> str:
        """The PLC in messages."""
        return f"modbus://{self.host}:{self.port}"


class SimulatedPlc(_Handshake):
    """A PLC that is simulated beside the line: a real OPC UA server that triggers parts and checks the answers."""

    kind: Literal["simulated"] = Field(description="A simulated PLC, started with the line.")
    security: Literal["none"] = Field(
        default="none", description="Neither encrypted nor authenticated: it is reached from this machine only."
    )
    port: Port = Field(default=0, description="TCP port of its OPC UA server on 127.0.0.1; 0: a free one.")
    cycle_ms: float = Field(
        default=0, ge=0, le=3_600_000, description="Time from trigger to trigger, in ms; 0: whenever the line is ready."
    )
    patience_ms: float = Field(
        default=0,
        ge=0,
        le=60_000,
        description="How long it leaves an UNKNOWN result standing for another Disposition, in ms; below `timeout_s`.",
    )


Plc = Annotated[OpcUaPlc | OpcUaServerPlc | ModbusPlc | SimulatedPlc | NoPlc, Field(discriminator="kind")]
