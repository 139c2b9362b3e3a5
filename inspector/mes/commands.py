"""What the MES may ask of the line, and how it is answered."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field

from inspector.mes.topics import Message, Source

__all__ = ["COMMANDS", "Answer", "HoldCommand", "QueryCommand", "RecipeCommand", "ReleaseCommand"]


class _Command(Message):
    ts: AwareDatetime = Field(description="when it was given; one that is older than a minute is not carried out")
    by: str = Field(min_length=1, max_length=128, description="who gives it; written into the audit")
    correlation: str | None = Field(
        default=None, max_length=128, description="given back in the answer; for brokers without MQTT 5"
    )


class HoldCommand(_Command):
    """Take no more parts, or let no part of a lot pass, until released."""

    schema_: Literal["hold/1"] = Field(default="hold/1", alias="schema")
    reason: str = Field(default="", max_length=500)
    lot: str | None = Field(default=None, min_length=1, max_length=128, description="null: the line itself")


class ReleaseCommand(_Command):
    """Take parts again, or let those of a lot pass."""

    schema_: Literal["release/1"] = Field(default="release/1", alias="schema")
    lot: str | None = Field(default=None, min_length=1, max_length=128, description="null: the line itself")


class RecipeCommand(_Command):
    """Change the recipe for parts for which the PLC asks for none."""

    schema_: Literal["recipe/1"] = Field(default="recipe/1", alias="schema")
    recipe: str = Field(min_length=1, max_length=128, description="its name")


class QueryCommand(_Command):
    """Ask; nothing changes."""

    schema_: Literal["query/1"] = Field(default="query/1", alias="schema")
    what: Literal["status", "counts", "part"]
    part: str | None = Field(default=None, max_length=256, description="for what: part")


class Answer(Message):
    """What became of a command."""

    schema_: Literal["answer/1"] = Field(default="answer/1", alias="schema")
    ts: AwareDatetime
    source: Source
    command: str
    ok: bool
    detail: str = Field(description="why not, or what was done")
    data: dict[str, Any] | None = Field(default=None, description="the answer to a query")
    correlation: str | None = None


COMMANDS: Final[dict[str, type[_Command]]] = {
    "hold": HoldCommand,
    "release": ReleaseCommand,
    "recipe": RecipeCommand,
    "query": QueryCommand,
}
"""By the last level of the topic."""
