"""What the line is to make now, as the MES says it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from inspector.mes.topics import Message

__all__ = ["Order"]


class Order(Message):
    """The current order; a retained message of the MES. ``workorder`` null: no order."""

    schema_: Literal["order/1"] = Field(default="order/1", alias="schema")
    workorder: str | None = Field(min_length=1, max_length=128, description="null: there is no order now")
    product: str | None = Field(default=None, max_length=128)
    lot: str | None = Field(default=None, max_length=128)
    quantity: int | None = Field(default=None, ge=0, description="pieces ordered")
    due: AwareDatetime | None = None
