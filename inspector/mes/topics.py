"""Where the messages of one station go, in the order of ISA-95."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from inspector.domain import ConfigurationError

__all__ = ["Message", "Source", "Topics"]


class Message(BaseModel):
    """A part of a message: frozen, and without fields that nobody described."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Source(Message):
    """Where it comes from, in the order of ISA-95's equipment hierarchy."""

    enterprise: str
    site: str
    area: str
    line: str
    cell: str


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one station; raises ``ConfigurationError`` where a name cannot be part of a topic."""

    source: Source

    def __post_init__(self) -> None:
        for key, name in self.source.model_dump().items():
            # $ at the start is the broker's own tree; the others have a meaning of their own in MQTT.
            if not name or re.search(r"[/+#\x00]", name) or name.startswith("$"):
                raise ConfigurationError(
                    f"mes.identity.{key} {name!r} cannot be part of an MQTT topic",
                    remedy="Use a name without / + # and not starting with $",
                )

    @property
    def base(self) -> str:
        """``v1/{enterprise}/{site}/{area}/{line}/{cell}``."""
        source = self.source
        return f"v1/{source.enterprise}/{source.site}/{source.area}/{source.line}/{source.cell}"

    @property
    def result(self) -> str:
        """Where results go."""
        return f"{self.base}/inspection/result"

    @property
    def ack(self) -> str:
        """Where the consumer acknowledges results."""
        return f"{self.base}/inspection/ack"

    @property
    def event_ack(self) -> str:
        """Where the consumer acknowledges everything else that is numbered."""
        return f"{self.base}/event/ack"

    @property
    def fault(self) -> str:
        """Where it says that a part could not be inspected."""
        return f"{self.base}/event/fault"

    @property
    def override(self) -> str:
        """Where a person's decision against the verdict goes."""
        return f"{self.base}/event/override"

    @property
    def disposition(self) -> str:
        """Where it says what happens to a part."""
        return f"{self.base}/disposition"

    @property
    def text(self) -> str:
        """Where the report texts go."""
        return f"{self.base}/report/text"

    @property
    def shift(self) -> str:
        """Where the shift reports go."""
        return f"{self.base}/report/shift"

    @property
    def state(self) -> str:
        """Where the line says whether it is connected."""
        return f"{self.base}/state"

    @property
    def order(self) -> str:
        """Where the MES says what is to be made now."""
        return f"{self.base}/order/current"

    def command(self, name: str) -> str:
        """Return where the MES gives this command."""
        return f"{self.base}/cmd/{name}"

    @property
    def answer(self) -> str:
        """Where commands are answered that name no response topic."""
        return f"{self.base}/cmd/answer"
