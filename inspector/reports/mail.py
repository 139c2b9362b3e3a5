"""A shift report by mail: a few words, and the report itself attached."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Literal

from inspector.domain import ReportError

__all__ = ["Postman"]

TIMEOUT_S = 30.0
KINDS = {".pdf": ("application", "pdf"), ".html": ("text", "html"), ".json": ("application", "json")}


@dataclass(frozen=True, slots=True)
class Postman:
    """Hands mail to one server.

    Parameters
    ----------
    security
        ``starttls`` or ``tls`` prove the server by its certificate; ``none`` sends in the clear.
    ca_file
        Authorities to trust instead of this machine's.
    """

    host: str
    port: int
    sender: str
    recipients: Sequence[str]
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def send(self, subject: str, text: str, files: Sequence[Path]) -> None:
        """Hand one mail over; raises ``ReportError``, and then nobody has it."""
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, self.sender, ", ".join(self.recipients)
        message["Date"], message["Message-ID"] = formatdate(localtime=True), make_msgid(domain="inspector.invalid")
        message.set_content(text)
        try:
            for file in files:
                main, sub = KINDS[file.suffix]
                message.add_attachment(file.read_bytes(), maintype=main, subtype=sub, filename=file.name)
            with self._server() as server:
                refused = server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise ReportError(
                f"the mail server {self.host}:{self.port} does not take the report: {error}",
                remedy="Check shifts.mail: address, security, user name and password",
            ) from error
        if refused:
            raise ReportError(f"the mail server {self.host}:{self.port} refuses {', '.join(refused)}")

    def _server(self) -> smtplib.SMTP:
        trust = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file is not None else None)
        server: smtplib.SMTP
        if self.security == "tls":
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=trust)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            if self.security == "starttls":
                server.starttls(context=trust)
            if self.username is not None:
                server.login(self.username, self.password or "")
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
        return server
