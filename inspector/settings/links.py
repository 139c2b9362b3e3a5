"""What the line talks to and writes to: PLC, record, MES and screen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from inspector.domain import SettingsError
from inspector.settings.base import (
    HOST,
    ClassName,
    EnvironmentName,
    FilePath,
    Items,
    Name,
    NodeId,
    Port,
    Settings,
    TopicLevel,
)

DefectNumber = Annotated[int, Field(ge=1, le=65534)]

# --- PLC --------------------------------------------------------------------------------------------------


class PlcNodes(Settings):
    """Where each register of the handshake lies in the PLC's address space, as node ids (`ns=2;s=Name`).

    A register that is left out is looked for under `s=Handshake.REGISTER`.
    """

    Trigger: NodeId | None = Field(default=None, description="PLC -> line, Boolean: a part is in place.")
    PartId: NodeId | None = Field(None, description="PLC -> line, String: identity of the part.")
    SeqNo: NodeId | None = Field(None, description="PLC -> line, UInt32: number of the trigger.")
    RecipeId: NodeId | None = Field(None, description="PLC -> line, UInt16: number of the recipe wanted.")
    ResultAck: NodeId | None = Field(None, description="PLC -> line, Boolean: the result has been taken.")
    Reset: NodeId | None = Field(None, description="PLC -> line, Boolean: go back to idle, clear the fault.")
    HbPlc: NodeId | None = Field(None, description="PLC -> line, UInt16: the PLC's heartbeat.")
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


class OpcUaPlc(_Handshake):
    """A PLC with an OPC UA server; the line is its client."""

    kind: Literal["opcua-client"] = Field(description="A PLC with an OPC UA server.")
    url: str = Field(description="Address of the PLC's OPC UA server: `opc.tcp://host:4840/path`.")
    namespace_uri: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="Namespace of the registers that `nodes` leaves out; without it, namespace 2.",
    )
    nodes: PlcNodes = Field(default=PlcNodes(), description="Node ids of the handshake's registers.")


class SimulatedPlc(_Handshake):
    """A PLC that is simulated beside the line: a real OPC UA server that triggers parts and checks the answers."""

    kind: Literal["simulated"] = Field(description="A simulated PLC, started with the line.")
    port: Port = Field(default=0, description="TCP port of its OPC UA server on 127.0.0.1; 0: a free one.")
    cycle_ms: float = Field(
        default=0, ge=0, le=3_600_000, description="Time from trigger to trigger, in ms; 0: whenever the line is ready."
    )


Plc = Annotated[OpcUaPlc | SimulatedPlc, Field(discriminator="kind")]


# --- record -----------------------------------------------------------------------------------------------


class ImageArchive(Settings):
    """Which images are kept, where, and for how long."""

    folder: FilePath | None = Field(
        default=None, description="Folder of the images, relative to the data folder; default: `LINE/images`."
    )
    keep: Literal["all", "not_passed", "none"] = Field(
        default="all", description="Whose images are kept: all parts, those that did not pass, or none."
    )
    keep_days: int = Field(default=30, ge=1, le=36500, description="Days until an image is deleted; its record stays.")
    min_free_mb: int = Field(
        default=500,
        ge=0,
        le=10_000_000,
        description="Free room that must be left on the disk, in MB; below it, none is written.",
    )


class _Login(Settings):
    """Who enters a server; the password is named here and kept elsewhere."""

    username: str | None = Field(default=None, min_length=1, max_length=128, description="User name at the server.")
    password_env: EnvironmentName | None = Field(
        default=None, description="Name of the environment variable that holds the password."
    )
    password_file: FilePath | None = Field(
        default=None, description="File that holds the password, first line; relative to this file."
    )

    def password(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """Return the password from the environment or the file; None where the line names neither.

        Raises ``SettingsError`` where the named variable is not set or the file cannot be read.
        """
        key = "store" if isinstance(self, Store) else "mes"
        if self.password_env is not None:
            if not environ.get(self.password_env):
                raise SettingsError(
                    f"{key}.password_env: the environment variable {self.password_env} is not set",
                    remedy=f"Set {self.password_env} to the password before the start.",
                )
            return environ[self.password_env]
        if self.password_file is not None:
            try:
                return self.password_file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(
                    f"{key}.password_file: {self.password_file} cannot be read ({error})",
                    remedy="Write the password into this file, readable by the inspector's user only.",
                ) from error
        return None


class Store(_Login):
    """The record of every inspection."""

    url: str | None = Field(
        default=None,
        description="Database: `sqlite:///FILE`, relative to the data folder; default: `LINE/record.db`. Or "
        "`postgresql://HOST/DATABASE`, which many stations may share.",
    )
    images: ImageArchive = Field(default=ImageArchive(), description="The image archive.")
    keep_messages_days: int = Field(
        default=14, ge=0, le=36500, description="Days until a message that the MES has is removed from the outbox."
    )


# --- MES --------------------------------------------------------------------------------------------------


class Identity(Settings):
    """Where the line stands in the enterprise, in ISA-95 order; each is one level of the topic."""

    enterprise: TopicLevel = Field(description="Enterprise.")
    site: TopicLevel = Field(description="Site.")
    area: TopicLevel = Field(description="Area.")
    line: TopicLevel = Field(description="Production line.")
    cell: TopicLevel = Field(description="Work cell.")


class _Messages(Settings):
    identity: Identity = Field(description="First levels of every topic: `v1/enterprise/site/area/line/cell/…`.")
    operation: Name = Field(default="aoi", description="Name of this inspection in the route of the product.")
    delivery: Literal["ack", "puback"] = Field(
        default="puback",
        description="When a result counts as delivered. `ack`: when the MES has acknowledged it on the ack topic. "
        "`puback`: when the broker has it; a broker that dies with the MES away may lose it.",
    )
    events: Literal["ack", "puback"] = Field(
        default="puback", description="The same for dispositions, overrides, faults, report texts and shift reports."
    )
    send: Items[Literal["disposition", "override", "fault", "text", "shift"]] = Field(
        default=("disposition", "override", "fault", "text", "shift"),
        description="Which messages are sent beside the results.",
    )


class MqttMes(_Messages, _Login):
    """Results go to an MQTT broker of the plant."""

    kind: Literal["mqtt"] = Field(description="A broker of the plant.")
    url: str = Field(description="Address of the broker: `mqtt://host:1883`, with TLS `mqtts://host:8883`.")
    protocol: Literal["auto", "5", "3.1.1"] = Field(
        default="auto", description="Version of MQTT, in quotes; `auto` tries 5, then 3.1.1."
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="Certificates to trust instead of this machine's, PEM; relative to this file. For `mqtts://` only.",
    )
    cert_file: FilePath | None = Field(
        default=None, description="The line's own certificate for the broker, PEM; relative to this file."
    )
    key_file: FilePath | None = Field(
        default=None, description="Private key of `cert_file`, PEM, without a passphrase; relative to this file."
    )


class EmbeddedMes(_Messages):
    """Results go to a broker that is started with the line; for demonstrations and tests."""

    kind: Literal["embedded"] = Field(description="A broker that is started with the line.")
    port: Port = Field(default=0, description="TCP port of the broker on 127.0.0.1; 0: a free one.")


class NoMes(Settings):
    """No MES: results stay in the record."""

    kind: Literal["none"] = Field(description="No messages.")


Mes = Annotated[MqttMes | EmbeddedMes | NoMes, Field(discriminator="kind")]


# --- screen -----------------------------------------------------------------------------------------------


class Screen(Settings):
    """The operator's page."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        max_length=253,
        pattern=HOST,
        description="Address to listen on; 127.0.0.1 is this machine only, 0.0.0.0 every network it is in.",
    )
    port: Port = Field(default=8080, description="TCP port; 0: a free one.")
