"""Application certificates: making one, reading one, and the folder of those that are trusted."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from inspector.domain import ConfigurationError, PlcError

__all__ = ["KeyPair", "TrustList", "application_uri", "create", "load_certificate", "load_pair", "thumbprint"]

_KEY_BITS = 2048
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIXES = frozenset({".der", ".cer", ".crt", ".pem"})


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Our own certificate with its private key, both DER."""

    certificate: x509.Certificate
    certificate_der: bytes
    key_der: bytes

    @property
    def uri(self) -> str:
        """The ApplicationUri that the certificate is made out for."""
        return application_uri(self.certificate)


def thumbprint(certificate: x509.Certificate | bytes) -> str:
    """Return the SHA-1 thumbprint in hexadecimal: the name that OPC UA tools show for a certificate."""
    found = x509.load_der_x509_certificate(certificate) if isinstance(certificate, bytes) else certificate
    # The standard's own identifier for a certificate, compared by people; trust compares every byte.
    return found.fingerprint(hashes.SHA1()).hex()  # noqa: S303


def application_uri(certificate: x509.Certificate) -> str:
    """Return the URI in the subject's alternative names; empty where there is none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")


def create(
    folder: Path, name: str, *, hosts: Sequence[str] = (), days: int = 1825, not_before: datetime | None = None
) -> tuple[Path, Path]:
    """Make a key and a self-signed application certificate; return the paths of certificate and key.

    The certificate carries what OPC 10000-6, table "Application Instance Certificate", asks for. The key is
    readable by its owner only.

    Parameters
    ----------
    name
        Name of the application, in the subject, the URI ``urn:line-inspector:application:<name>`` and the file names.
    hosts
        Host names and IP addresses it is made out for; this machine's name where there are none.
    days, not_before
        How long it is valid, and from when (None: now).

    Raises
    ------
    ConfigurationError
        The name or a host cannot be written into a certificate, one of the files is there already, or the folder
        cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name for an application",
            remedy="Take 1 to 64 letters, digits, dots, dashes and underscores, such as board-line-3.",
        )
    certificate_file, key_file = folder / f"{name}.der", folder / f"{name}.key.pem"
    for file in (certificate_file, key_file):
        if file.exists():
            raise ConfigurationError(f"{file} is there already", remedy="Take another name, or move it away first.")
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    certificate = _signed(key, name, hosts or (socket.gethostname(),), not_before or datetime.now(UTC), days)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(secret)
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    except OSError as error:
        raise ConfigurationError(
            f"the certificate cannot be written to {folder}: {error}", remedy="Choose a folder that you may write."
        ) from error
    return certificate_file, key_file


def _signed(
    key: rsa.RSAPrivateKey, name: str, hosts: Sequence[str], not_before: datetime, days: int
) -> x509.Certificate:
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "line-inspector")]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .serial_number(x509.random_serial_number())
        .public_key(key.public_key())
        .not_valid_before(not_before)
        .not_valid_after(not_before + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_uri(name), *map(_host, hosts)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )


def _uri(name: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(f"urn:line-inspector:application:{name}")


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        pass
    try:
        return x509.DNSName(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} is neither an IP address nor a host name", remedy="Write a host name in its ASCII form."
        ) from error


def load_certificate(file: Path) -> x509.Certificate:
    """Return the certificate in a DER or PEM file; raises ``ConfigurationError``."""
    try:
        raw = file.read_bytes()
        return x509.load_pem_x509_certificate(raw) if raw.startswith(b"-----") else x509.load_der_x509_certificate(raw)
    except OSError as error:
        raise ConfigurationError(
            f"the certificate {file} cannot be read: {error.strerror}",
            remedy="Make one with: inspector plc certificates new",
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{file} is not a certificate", remedy="It has to be X.509, as DER or as PEM."
        ) from error


def load_pair(certificate_file: Path, key_file: Path, *, now: datetime | None = None) -> KeyPair:
    """Return our own certificate and key; raises ``ConfigurationError`` where they cannot be used."""
    certificate = load_certificate(certificate_file)
    _check_period(certificate, f"our own certificate {certificate_file}", now)
    try:
        raw = key_file.read_bytes()
        load = serialization.load_pem_private_key if raw.startswith(b"-----") else serialization.load_der_private_key
        key = load(raw, None)
    except OSError as error:
        raise ConfigurationError(
            f"the private key {key_file} cannot be read: {error.strerror}",
            remedy="It has to be readable by the inspector's user.",
        ) from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{key_file} is not a private key without a password", remedy="It has to be PKCS#8, as PEM or as DER."
        ) from error
    if key.public_key() != certificate.public_key():
        raise ConfigurationError(
            f"the key {key_file} does not belong to the certificate {certificate_file}",
            remedy="Name the two files that were made together.",
        )
    return KeyPair(
        certificate,
        certificate.public_bytes(serialization.Encoding.DER),
        key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _check_period(certificate: x509.Certificate, what: str, now: datetime | None) -> None:
    moment = now or datetime.now(UTC)
    if moment > certificate.not_valid_after_utc:
        raise ConfigurationError(
            f"{what} expired on {certificate.not_valid_after_utc:%Y-%m-%d}", remedy="Make a new one and trust it anew."
        )
    if moment < certificate.not_valid_before_utc:
        raise ConfigurationError(
            f"{what} is valid only from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on",
            remedy="Check the clocks of both machines.",
        )


class TrustList:
    """A folder of certificates, each trusted by itself, byte for byte; read again at every question.

    Nothing is trusted because of who signed it, so a certificate is withdrawn by deleting its file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self, der: bytes, whose: str) -> None:
        """Raise ``PlcError`` unless this certificate is in the folder and valid now."""
        certificate = x509.load_der_x509_certificate(der)
        if not self.holds(der):
            raise PlcError(
                f"the certificate of {whose} is not trusted (thumbprint {thumbprint(certificate)})",
                remedy=f"Compare the thumbprint with the one that it shows itself, then put it into {self.folder}"
                " with: inspector plc certificates trust",
            )
        try:
            _check_period(certificate, f"the certificate of {whose}", None)
        except ConfigurationError as error:
            raise PlcError(error.message, remedy=error.remedy) from error

    def holds(self, der: bytes) -> bool:
        """Return whether exactly this certificate is in the folder."""
        return any(found.public_bytes(serialization.Encoding.DER) == der for _, found in self.entries())

    def entries(self) -> list[tuple[Path, x509.Certificate]]:
        """Return every certificate of the folder with its file; files that are none are passed over."""
        found = []
        files = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        for file in files:
            if file.suffix.lower() in _SUFFIXES:
                try:
                    found.append((file, load_certificate(file)))
                except ConfigurationError:
                    continue
        return found

    def add(self, der: bytes) -> Path:
        """Trust this certificate and return its file; raises ``ConfigurationError``."""
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", str(names[0].value) if names else "certificate")[:64]
        file = self.folder / f"{name}-{thumbprint(certificate)[:8]}.der"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(der)
        except OSError as error:
            raise ConfigurationError(
                f"{file} cannot be written: {error.strerror}", remedy="Choose a folder that you may write."
            ) from error
        return file
