"""How a connection to the PLC is secured: policy, certificates, trust and user, and their way into the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties

from inspector.domain import PlcError
from inspector.plc.certificates import TrustList, load_pair

__all__ = ["CertificateUser", "ClientSecurity", "Mode", "PasswordUser", "Policy", "fetch_certificate", "secure"]

_BASIC = security_policies.SecurityPolicyBasic256Sha256
_PSS = security_policies.SecurityPolicyAes256Sha256RsaPss


class Policy(StrEnum):
    """The security policies in use; the older ones of the standard are withdrawn."""

    BASIC256SHA256 = "Basic256Sha256"
    AES256_SHA256_RSAPSS = "Aes256_Sha256_RsaPss"


class Mode(StrEnum):
    """What is done to every message."""

    SIGN = "Sign"
    SIGN_AND_ENCRYPT = "SignAndEncrypt"


POLICIES: Mapping[Policy, type[security_policies.SecurityPolicy]] = MappingProxyType(
    {Policy.BASIC256SHA256: _BASIC, Policy.AES256_SHA256_RSAPSS: _PSS}
)
MODES: Mapping[Mode, ua.MessageSecurityMode] = MappingProxyType(
    {Mode.SIGN: ua.MessageSecurityMode.Sign, Mode.SIGN_AND_ENCRYPT: ua.MessageSecurityMode.SignAndEncrypt}
)


@dataclass(frozen=True, slots=True)
class PasswordUser:
    """A user who proves himself by a password."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateUser:
    """A user who proves himself by a certificate and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ClientSecurity:
    """What our client insists on.

    Attributes
    ----------
    certificate, key
        Our own application certificate and its key.
    trust
        Folder of the server certificates that are trusted, each by itself.
    """

    certificate: Path
    key: Path
    trust: Path
    policy: Policy = Policy.BASIC256SHA256
    mode: Mode = Mode.SIGN_AND_ENCRYPT


async def secure(client: Client, security: ClientSecurity, user: PasswordUser | CertificateUser | None) -> str:
    """Prepare ``client`` to connect as ``security`` says; return what to tell the operator.

    The server's certificate is compared with the trust list before anything is sent over the secured channel,
    and the channel is made out to exactly that certificate.

    Raises
    ------
    ConfigurationError
        Our own certificate or key cannot be used.
    PlcError
        The server does not offer this security, is not trusted, or would get the password unencrypted.
    """
    own = load_pair(security.certificate, security.key)
    url = client.server_url.geturl()
    endpoint = _choose(await client.connect_and_get_server_endpoints(), security, url)
    certificate = _first(endpoint.ServerCertificate or b"")
    TrustList(security.trust).check(certificate, f"the PLC at {url}")
    client.application_uri = own.uri
    await client.set_security(
        POLICIES[security.policy],
        CertProperties(own.certificate_der, "der"),
        CertProperties(own.key_der, "der"),
        server_certificate=CertProperties(certificate, "der"),
        mode=MODES[security.mode],
    )
    if isinstance(user, PasswordUser):
        _check_password_is_hidden(endpoint, security, url)
        client.set_user(user.name)
        client.set_password(user.password)
    elif user is not None:
        pair = load_pair(user.certificate, user.key)
        await client.load_client_certificate(pair.certificate_der, "der")  # type: ignore[arg-type]
        await client.load_private_key(pair.key_der, None, "der")  # type: ignore[arg-type]
    return f"{security.policy}, {security.mode}"


async def fetch_certificate(url: str, *, timeout_s: float = 4.0) -> bytes:
    """Return the certificate (DER) that the server at ``url`` shows, without trusting it.

    Raises ``PlcError`` where it shows none; what the library raises where nobody answers.
    """
    for endpoint in await Client(url, timeout=timeout_s).connect_and_get_server_endpoints():
        if endpoint.ServerCertificate:
            return _first(endpoint.ServerCertificate)
    raise PlcError(f"the server at {url} shows no certificate", remedy="Give it one, and a secured endpoint.")


def _choose(offered: Sequence[ua.EndpointDescription], security: ClientSecurity, url: str) -> ua.EndpointDescription:
    wanted = POLICIES[security.policy].URI
    for endpoint in offered:
        if endpoint.SecurityPolicyUri == wanted and endpoint.SecurityMode == MODES[security.mode]:
            return endpoint
    names = {
        f"{str(endpoint.SecurityPolicyUri).rpartition('#')[2]} {endpoint.SecurityMode.name.strip('_')}"
        for endpoint in offered
    }
    raise PlcError(
        f"the PLC at {url} does not offer {security.policy} {security.mode}",
        remedy=f"It offers: {', '.join(sorted(names)) or 'nothing'}. Change the PLC, or plc.security and plc.messages.",
    )


def _check_password_is_hidden(endpoint: ua.EndpointDescription, security: ClientSecurity, url: str) -> None:
    """Refuse to send a password over a channel that is signed only, unless the PLC asks for it encrypted."""
    if security.mode is Mode.SIGN_AND_ENCRYPT:
        return
    for token in endpoint.UserIdentityTokens or ():
        if token.TokenType == ua.UserTokenType.UserName and token.SecurityPolicyUri in {_BASIC.URI, _PSS.URI}:
            return
    raise PlcError(f"the PLC at {url} would get the password unencrypted", remedy="Set plc.messages to SignAndEncrypt.")


def _first(chain: bytes) -> bytes:
    """Return the leading certificate of a chain, by the length in its outer DER header."""
    long_form = 0x82
    if len(chain) > 4 and chain[1] == long_form:  # noqa: PLR2004 - tag, form, two bytes of length
        return chain[: int.from_bytes(chain[2:4], "big") + 4]
    return chain
