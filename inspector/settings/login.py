"""User names and passwords: the name stands in the line's file, the password somewhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from inspector.domain import SettingsError
from inspector.settings.base import EnvironmentName, FilePath, Settings


class Secret(Settings):
    """A password that is named here and kept elsewhere."""

    section: ClassVar[str] = "mes"
    """Where in the file it stands, for messages."""

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
        key = self.section
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


class Login(Secret):
    """Who enters a server."""

    username: str | None = Field(default=None, min_length=1, max_length=128, description="User name at the server.")
