"""An OPC UA server that nobody enters unasked: policies, a trust list, users and small limits."""

from __future__ import annotations

import asyncio
import errno
import hmac
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto import security_policies
from asyncua.crypto.permission_rules import USER_TYPES, PermissionRuleset, User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.user_managers import UserManager
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from inspector.domain import PlcError
from inspector.plc.certificates import TrustList, application_uri, load_pair
from inspector.plc.security import MODES, POLICIES, Mode, Policy

__all__ = ["Account", "GuardedServer", "Role", "ServerSecurity", "check_free", "refused"]

_MAX_MESSAGE = 4 * 2**20
_CHUNK = 65535
_MAX_CONNECTIONS = 32
# A session outlives its connection for a while so that its client can come back; more of them than this are left over.
_MAX_SESSIONS = 48
_MAX_SUBSCRIPTIONS = 128
_SESSION_MS = 60_000

_READING = frozenset(ua.NodeId(ua.Int32(number)) for number in USER_TYPES)
_CHANGING = frozenset(
    {
        ua.NodeId(ua.Int32(ua.ObjectIds.WriteRequest_Encoding_DefaultBinary)),
        ua.NodeId(ua.Int32(ua.ObjectIds.CallRequest_Encoding_DefaultBinary)),
    }
)


class Role(StrEnum):
    """What a user may do."""

    PLC = "plc"
    """Read, write the PLC's registers, call methods."""

    OBSERVER = "observer"
    """Read and subscribe."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of our server: known by a password, by certificates, or by both."""

    role: Role
    password: str | None = field(default=None, repr=False)
    certificates: Path | None = None


@dataclass(frozen=True, slots=True)
class ServerSecurity:
    """What our server insists on.

    Attributes
    ----------
    certificate, key
        Our own application certificate and its key.
    trust
        Folder of the client certificates that may connect, each by itself; read at every connect.
    users
        By name; without any, a trusted client needs no user and may do what ``Role.PLC`` may.
    """

    certificate: Path
    key: Path
    trust: Path
    users: Mapping[str, Account] = field(default_factory=dict)
    policies: tuple[Policy, ...] = tuple(Policy)
    modes: tuple[Mode, ...] = tuple(Mode)


def check_free(url: str) -> None:
    """Find a taken port out before the library does, which would print a traceback of its own.

    Raises ``PlcError``.
    """
    parsed = urlparse(url)
    try:
        with socket.create_server((parsed.hostname or "", parsed.port or 0)):
            pass
    except OSError as error:
        raise refused(url, error) from error


def refused(url: str, error: OSError) -> PlcError:
    """Return why nobody can listen there."""
    if error.errno == errno.EADDRINUSE:
        return PlcError(
            f"the port of {url} is in use", remedy="Stop what listens there, or give this server another port."
        )
    return PlcError(f"cannot listen at {url}: {error}", remedy="Use an address of this machine.")


class GuardedServer(Server):
    """The library's server, closed.

    The library trusts what a client *says* its certificate is, and lets a session begin on a channel without
    security. So rights hang on the channel here: a channel whose own certificate is not in the trust list
    may ask for the endpoints and nothing else, whatever session it holds.

    Parameters
    ----------
    security
        None serves everybody, unencrypted and anonymous.
    """

    def __init__(self, security: ServerSecurity | None) -> None:
        super().__init__(_Sessions(user_manager=None if security is None else _Users(security)))
        self._security = security
        self.limits.max_message_size = _MAX_MESSAGE
        self.limits.max_chunk_count = _MAX_MESSAGE // _CHUNK + 1
        self.iserver.max_connections = _MAX_CONNECTIONS
        self.iserver.max_session_timeout_ms = _SESSION_MS
        self.iserver.max_subscriptions = _MAX_SUBSCRIPTIONS

    async def secure(self, application: str) -> None:
        """Load the certificate and say what is offered; after ``init``, before ``start``.

        Raises ``ConfigurationError`` where our own certificate or key cannot be used.
        """
        security = self._security
        if security is None:
            self.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            self.set_identity_tokens([ua.AnonymousIdentityToken])
            await self.set_application_uri(f"urn:line-inspector:application:{application}")
            return
        own = load_pair(security.certificate, security.key)
        await self.load_certificate(own.certificate_der, "der")
        await self.load_private_key(own.key_der, None, "der")
        await self.set_application_uri(own.uri)
        self.set_security_policy(
            [
                ua.SecurityPolicyType[f"{str(policy).replace('_', '')}_{mode}"]
                for policy in security.policies
                for mode in security.modes
            ]
        )
        self.set_identity_tokens(_tokens(security))
        self.set_certificate_validator(_ClientCheck(TrustList(security.trust)))

    async def _setup_server_nodes(self) -> None:
        await super()._setup_server_nodes()
        if self._security is not None:
            trust = TrustList(self._security.trust)
            policies: list[security_policies.SecurityPolicyFactory] = [
                _Factory(POLICIES[policy], MODES[mode], self.iserver.certificate, self.iserver.private_key, trust)
                for policy in self._security.policies
                for mode in self._security.modes
            ]
            policies.append(
                security_policies.SecurityPolicyFactory(  # type: ignore[no-untyped-call]
                    security_policies.SecurityPolicyNone,
                    ua.MessageSecurityMode.None_,
                    permission_ruleset=_Nothing(),
                )
            )
            self._policies = policies


class _Sessions(InternalServer):
    """Closes the sessions that were silent longest where clients that vanish leave too many behind; stops at once."""

    def __init__(self, user_manager: UserManager | None) -> None:
        super().__init__(user_manager)
        self._closing: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        clock, self.time_task = self.time_task, None
        if clock is not None:
            # Left to itself it sleeps out its second before it looks whether it is to end.
            clock.cancel()
            await asyncio.wait([clock])
        await super().stop()

    def register_external_session(self, session: InternalSession) -> None:
        super().register_external_session(session)
        silent = sorted(self._external_sessions.values(), key=lambda each: each._last_activity)  # noqa: SLF001
        for left in silent[: max(0, len(silent) - _MAX_SESSIONS)]:
            self.unregister_external_session(left)
            task = asyncio.get_running_loop().create_task(left.close_session())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _tokens(security: ServerSecurity) -> list[type]:
    if not security.users:
        return [ua.AnonymousIdentityToken]
    tokens: list[type] = []
    if any(account.password is not None for account in security.users.values()):
        tokens.append(ua.UserNameIdentityToken)
    if any(account.certificates is not None for account in security.users.values()):
        tokens.append(ua.X509IdentityToken)
    return tokens


class _Factory(security_policies.SecurityPolicyFactory):
    """Gives every channel the rights of the certificate that it was truly opened with."""

    def __init__(
        self,
        policy: type[security_policies.SecurityPolicy],
        mode: ua.MessageSecurityMode,
        certificate: Any,
        key: Any,
        trust: TrustList,
    ) -> None:
        super().__init__(policy, mode, certificate, key)  # type: ignore[no-untyped-call]
        self._trust = trust

    def create(self, peer_certificate: Any) -> Any:
        der = peer_certificate if isinstance(peer_certificate, bytes) else b""
        self.permission_ruleset = _Roles() if der and _valid(self._trust, der) else _Nothing()
        return super().create(peer_certificate)  # type: ignore[no-untyped-call]


def _valid(trust: TrustList, der: bytes) -> bool:
    try:
        trust.check(der, "a client")
    except (PlcError, ValueError):
        return False
    return True


class _Nothing(PermissionRuleset):
    """Nothing but discovery."""

    def check_validity(self, user: Any, action_type: Any, body: Any) -> bool:
        return False


class _Roles(PermissionRuleset):
    """The plc may change, the observer may look."""

    def check_validity(self, user: Any, action_type: Any, body: Any) -> bool:
        if user.role is UserRole.User:
            return action_type in _READING
        return action_type in _READING - _CHANGING


class _ClientCheck:
    """Answers the standard's status code for a certificate that may not connect."""

    def __init__(self, trust: TrustList) -> None:
        self._trust = trust

    async def __call__(self, certificate: x509.Certificate, application: ua.ApplicationDescription) -> None:
        der = certificate.public_bytes(Encoding.DER)
        if not self._trust.holds(der):
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)
        if not _valid(self._trust, der):
            raise ServiceError(ua.StatusCodes.BadCertificateTimeInvalid)
        if application_uri(certificate) != application.ApplicationUri:
            raise ServiceError(ua.StatusCodes.BadCertificateUriInvalid)


class _Users(UserManager):
    """Who is who; None is turned into BadUserAccessDenied by the library."""

    def __init__(self, security: ServerSecurity) -> None:
        self._security = security

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        """Return the user of this name and password, or of this certificate."""
        if not self._security.users:
            return User(UserRole.User, "trusted client") if certificate else None
        if username is not None:
            account = self._security.users.get(username)
            expected = account.password if account is not None else None
            right = hmac.compare_digest((expected or "").encode(), (password or "").encode())
            if account is None or expected is None or not right or not certificate:
                return None
            return _user(username, account.role)
        for name, account in self._security.users.items():
            if (
                account.certificates is not None
                and certificate
                and _valid(TrustList(account.certificates), certificate)
            ):
                return _user(name, account.role)
        return None


def _user(name: str, role: Role) -> User:
    return User(UserRole.User if role is Role.PLC else UserRole.Anonymous, name)
