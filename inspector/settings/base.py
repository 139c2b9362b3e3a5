"""What every settings model shares: strictness, and the small value types of a line's description."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
CLASS_NAME = r"^[a-z][a-z0-9_]*$"
ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
NODE_ID = r"^(ns=\d+;|nsu=[^;]+;)?[isgb]=.+$"
TOPIC_LEVEL = r"^[^/+#\s]+$"
MODEL = r"^[^\\\s]+$"
HOST = r"^[A-Za-z0-9_.:-]+$"
HOST_AND_PORT = r"^([A-Za-z0-9_.-]+:[0-9]{1,5})?$"
ADDRESS = r"^[^@\s,;<>]+@[^@\s,;<>]+$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

FORMS = {
    NAME: "letters, digits, '_', '.' and '-', beginning with a letter or a digit",
    CLASS_NAME: "lower-case letters, digits and '_', beginning with a letter, such as 'pin_hole'",
    ENVIRONMENT_NAME: "the name of an environment variable, such as 'INSPECTOR_MQTT_PASSWORD'",
    NODE_ID: "an OPC UA node id, such as 'ns=2;s=Handshake.Trigger' or 'ns=2;i=1001'",
    TOPIC_LEVEL: "one level of a topic: no blank, no '/', '+' or '#'",
    MODEL: "the name of a model, or a path without blanks and with '/' between folders",
    CLOCK: "a time of day in quotes, hours and minutes, such as '06:00' or '22:30'",
    HOST_AND_PORT: "a host name or an IPv4 address, ':' and a port, without 'http://'",
    ADDRESS: "one mail address, such as 'quality@plant.example'",
    HOST: "a host name or an IP address, without port and without 'http://'",
}
"""What each pattern asks for, in words."""

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=NAME)]
"""A name that is safe in file names, topics and node ids."""

ClassName = Annotated[str, Field(min_length=1, max_length=64, pattern=CLASS_NAME)]
"""A defect class as the model's card spells it."""

EnvironmentName = Annotated[str, Field(max_length=128, pattern=ENVIRONMENT_NAME)]
"""Name of an environment variable."""

NodeId = Annotated[str, Field(max_length=256, pattern=NODE_ID)]
"""An OPC UA node id in its text form."""

TopicLevel = Annotated[str, Field(min_length=1, max_length=64, pattern=TOPIC_LEVEL)]
"""One level of an MQTT topic."""

ClockTime = Annotated[str, Field(pattern=CLOCK)]
"""A time of day on the clock on the wall."""

Address = Annotated[str, Field(max_length=254, pattern=ADDRESS)]
"""One mail address."""

Port = Annotated[int, Field(ge=0, le=65535)]
"""A TCP port; 0 takes a free one."""

# YAML knows lists and texts only, so these two may be converted; everything else is strict.
Items = Annotated[tuple[Item, ...], Field(strict=False)]
FilePath = Annotated[Path, Field(strict=False)]


class Settings(BaseModel):
    """A part of a line's description: frozen, strict, and without room for keys nobody reads."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # an input may be a password somebody wrote into the file
        validate_default=True,
        protected_namespaces=(),
    )
