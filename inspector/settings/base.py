"""What every settings model shares: strictness, and the small value types of a line's description."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
"""A name that is safe in file names, topics and node ids."""

ClassName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
"""A defect class as the model's card spells it."""

EnvironmentName = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Name of an environment variable."""

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
        validate_default=True,
        use_attribute_docstrings=False,
        protected_namespaces=(),
    )
