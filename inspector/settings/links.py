"""What the line writes to and who looks at it: record, MES and screen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from inspector.domain import SettingsError
from inspector.settings.base import HOST, EnvironmentName, FilePath, Items, Name, Port, Settings, TopicLevel
from inspector.settings.login import Login

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


class Store(Login):
    """The record of every inspection."""

    section: ClassVar[str] = "store"

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


class Sparkplug(Settings):
    """The line as a Sparkplug B 3.0 edge node on the same broker, for SCADA; its data is QoS 0 by the specification.

    The quality record is `inspection/result`; this is the live picture beside it.
    """

    primary_host: TopicLevel | None = Field(
        default=None,
        description="Id of the host that must be online. While it is not, inspections wait in the outbox and are told "
        "as historical afterwards. Default: the broker is enough.",
    )
    group: TopicLevel | None = Field(default=None, description="Group id; default: `site-line` of the identity.")
    node: TopicLevel | None = Field(default=None, description="Edge node id; default: the name of the station.")
    device: TopicLevel = Field(default="camera", description="Device id; it is dead while the camera is lost.")
    aliases: bool = Field(default=True, description="Data names metrics by number, as the birth has given them.")
    datatypes: bool = Field(
        default=True, description="Data repeats the type of each metric; some readers take it for null else."
    )
    keep_days: int = Field(
        default=7,
        ge=1,
        le=36500,
        description="Days that an inspection waits for the host; then only the record has it.",
    )
    templates: bool = Field(
        default=False, description="An inspection is one metric of a user defined type instead of plain ones."
    )


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
    commands: Items[Literal["hold", "release", "recipe", "query"]] = Field(
        default=("query",),
        description="Which commands the line takes from the MES; who may give them is for the broker's ACL to say. "
        "A line that the MES may hold should also be one that it may release.",
    )
    sparkplug: Sparkplug | None = Field(
        default=None, description="A Sparkplug B node beside the messages; default: none."
    )


class MqttMes(_Messages, Login):
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

SHORTEST_TOKEN = 20


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
    login: Literal["none", "required"] = Field(
        default="none",
        description="Whether people log in. `none`: whoever reaches the screen may act, and it says so; "
        "`required`: with the accounts of `inspector users`.",
    )
    idle_min: int = Field(default=15, ge=1, le=720, description="Minutes without a request after which a session ends.")
    metrics_token_env: EnvironmentName | None = Field(
        default=None,
        description="Name of the environment variable with a token of at least 20 characters that opens `/metrics` to "
        "Prometheus, and nothing else.",
    )

    def metrics_token(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """Return the token; None where the line names none. Raises ``SettingsError`` where it is missing or short."""
        name = self.metrics_token_env
        if name is None:
            return None
        token = environ.get(name, "")
        if len(token) < SHORTEST_TOKEN:
            raise SettingsError(
                f"screen.metrics_token_env: the environment variable {name} has fewer than {SHORTEST_TOKEN} characters",
                remedy=f"Set {name} to a random token before the start: openssl rand -hex 32",
            )
        return token
