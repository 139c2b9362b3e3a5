"""Where a broker listens, and whom to trust there."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from inspector.domain import ConfigurationError

__all__ = ["Address", "trust"]

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker listens, and whether it speaks TLS."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read ``mqtt://host[:port]`` or ``mqtts://host[:port]``; raises ``ConfigurationError``."""
        remedy = "Write it as mqtt://host:port, for example mqtt://127.0.0.1:1883, or mqtts://host:port with TLS"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ConfigurationError(f"{url!r} is not a broker address: {error}", remedy=remedy) from error
        if parts.username or parts.password:
            raise ConfigurationError(
                f"the broker address of {host} carries credentials", remedy="Give user and password by their own keys"
            )
        if parts.scheme not in DEFAULT_PORTS or not host or parts.path.strip("/") or parts.query:
            raise ConfigurationError(f"{url!r} is not a broker address", remedy=remedy)
        return cls(host, DEFAULT_PORTS[parts.scheme] if port is None else port, tls=parts.scheme == "mqtts")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def trust(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    """Return whom to trust (None: whom this machine trusts) and who we are; raises ``ConfigurationError``."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"the certificates in {ca_file} cannot be used: {error.strerror or error}",
            remedy="Name a PEM file with the certificate authority of the broker",
        ) from error
    if cert_file is not None:
        try:
            # An answer instead of the library's question at the terminal where the key is encrypted.
            context.load_cert_chain(cert_file, key_file, password=lambda: b"")
        except OSError as error:
            raise ConfigurationError(
                f"the certificate {cert_file} with the key {key_file} cannot be used: {error.strerror or error}",
                remedy="Name PEM files that belong together; the key must not have a passphrase",
            ) from error
    return context
