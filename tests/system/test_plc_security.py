"""Who gets in and who does not: our client against a secured PLC, and strangers against our guarded server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties

from inspector.domain import ConfigurationError, LampState, Outcome, PlcError, Verdict
from inspector.plc.certificates import TrustList, create, load_certificate, load_pair, thumbprint
from inspector.plc.client import OpcUaHandshake
from inspector.plc.guarded_server import Account, Role, ServerSecurity
from inspector.plc.handshake import default_nodes
from inspector.plc.link import PlcLink
from inspector.plc.security import CertificateUser, ClientSecurity, Mode, PasswordUser, Policy, fetch_certificate
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import SimulationPlan

pytestmark = pytest.mark.timeout(60)

PASS = Verdict(Outcome.PASS, (), "default")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shop:
    """Certificates of a PLC, of our line, of its user and of a stranger; PLC and line trust each other."""

    folder: Path
    server: ServerSecurity
    client: ClientSecurity


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("plc", "line", "stranger", "user"):
        create(folder, name)
    create(folder, "expired", not_before=LONG_AGO, days=30)
    create(folder, "early", not_before=datetime.now(UTC) + timedelta(days=2))
    return folder


@pytest.fixture
def shop(keys: Path, tmp_path: Path) -> Shop:
    for trusting, trusted in (("plc-trusts", "line"), ("line-trusts", "plc"), ("users", "user")):
        TrustList(tmp_path / trusting).add(der(keys, trusted))
    users = {
        "line": Account(Role.PLC, "right", tmp_path / "users"),
        "viewer": Account(Role.OBSERVER, "look"),
    }
    server = ServerSecurity(keys / "plc.der", keys / "plc.key.pem", tmp_path / "plc-trusts", users)
    client = ClientSecurity(keys / "line.der", keys / "line.key.pem", tmp_path / "line-trusts")
    return Shop(keys, server, client)


def der(keys: Path, name: str) -> bytes:
    return (keys / f"{name}.der").read_bytes()


@asynccontextmanager
async def plc(security: ServerSecurity | None, parts: int = 3) -> AsyncIterator[SimulatedPlc]:
    plan = SimulationPlan(url="opc.tcp://127.0.0.1:0/", parts=parts, heartbeat_s=0.2, security=security)
    async with SimulatedPlc(plan) as running:
        yield running


RIGHT = PasswordUser("line", "right")


async def open_link(url: str, security: ClientSecurity | None, user: Any = RIGHT) -> PlcLink:
    return await PlcLink.open(url, default_nodes(), timeout_s=5.0, security=security, user=user)


# --- who gets in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("by", ["password", "certificate"])
async def test_parts_are_inspected_over_every_policy_and_mode(shop: Shop, policy: Policy, mode: Mode, by: str) -> None:
    user = {
        "password": PasswordUser("line", "right"),
        "certificate": CertificateUser(shop.folder / "user.der", shop.folder / "user.key.pem"),
    }[by]
    lamps: list[LampState] = []
    async with plc(shop.server) as running:
        source = OpcUaHandshake(
            running.url,
            station="cell-1",
            security=replace(shop.client, policy=policy, mode=mode),
            user=user,
            heartbeat_ms=200,
            on_lamp=lamps.append,
        )
        try:
            await source.set_ready(True)
            triggers = source.triggers()
            for sequence in (1, 2, 3):
                trigger = await anext(triggers)
                assert trigger.sequence == sequence
                await source.answer(trigger, PASS)
            await running.done()
        finally:
            await source.close()
        assert running.statistics.good == 3
    assert lamps[0].good
    assert f"{policy}, {mode}" in lamps[0].detail


async def test_an_open_connection_says_so(shop: Shop) -> None:
    async with plc(None) as running:
        link = await open_link(running.url, None, None)
        await link.close(good=True)
    assert link.detail == "not encrypted, anonymous (security: none)"


# --- what our client refuses, and what refuses our client -----------------------------------------------------

Change = Callable[[Shop], tuple[ServerSecurity | None, ClientSecurity | None, Any]]


def _own(shop: Shop, name: str) -> ClientSecurity:
    return replace(shop.client, certificate=shop.folder / f"{name}.der", key=shop.folder / f"{name}.key.pem")


def _trusted_but(shop: Shop, name: str) -> ServerSecurity:
    """A PLC whose own certificate is ``name``, which our line trusts."""
    TrustList(shop.client.trust).add(der(shop.folder, name))
    return replace(shop.server, certificate=shop.folder / f"{name}.der", key=shop.folder / f"{name}.key.pem")


REFUSALS: dict[str, tuple[Change, str]] = {
    "our certificate is not trusted by the PLC": (
        lambda shop: (shop.server, _own(shop, "stranger"), RIGHT),
        "BadCertificateUntrusted|refused",
    ),
    "the PLC's certificate is not trusted by us": (
        lambda shop: (
            replace(shop.server, certificate=shop.folder / "stranger.der", key=shop.folder / "stranger.key.pem"),
            shop.client,
            RIGHT,
        ),
        "not trusted",
    ),
    "the PLC's certificate expired": (
        lambda shop: (_unchecked(shop, "expired"), shop.client, RIGHT),
        "expired on 2020-01-31",
    ),
    "the PLC's certificate is not valid yet": (
        lambda shop: (_unchecked(shop, "early"), shop.client, RIGHT),
        "valid only from",
    ),
    "our own certificate expired": (lambda shop: (shop.server, _own(shop, "expired"), RIGHT), "expired on 2020-01-31"),
    "our key is another one's": (
        lambda shop: (shop.server, replace(shop.client, key=shop.folder / "plc.key.pem"), RIGHT),
        "does not belong to",
    ),
    "wrong password": (lambda shop: (shop.server, shop.client, PasswordUser("line", "wrong")), "BadUserAccessDenied|"),
    "no such user": (lambda shop: (shop.server, shop.client, PasswordUser("nobody", "right")), "User"),
    "empty password": (lambda shop: (shop.server, shop.client, PasswordUser("line", "")), "refused"),
    "no user where one is required": (lambda shop: (shop.server, shop.client, None), "refused"),
    "a user certificate that is not trusted": (
        lambda shop: (
            shop.server,
            shop.client,
            CertificateUser(shop.folder / "stranger.der", shop.folder / "stranger.key.pem"),
        ),
        "refused",
    ),
    "no security where it is required": (lambda shop: (shop.server, None, None), "refused|gone"),
    "security where the PLC has none": (
        lambda shop: (None, shop.client, RIGHT),
        "does not offer Basic256Sha256 SignAndEncrypt",
    ),
    "a policy that the PLC does not offer": (
        lambda shop: (
            replace(shop.server, policies=(Policy.AES256_SHA256_RSAPSS,)),
            shop.client,
            RIGHT,
        ),
        "does not offer",
    ),
    "a mode that the PLC does not offer": (
        lambda shop: (replace(shop.server, modes=(Mode.SIGN,)), shop.client, RIGHT),
        "does not offer",
    ),
}


def _unchecked(shop: Shop, name: str) -> ServerSecurity:
    return _trusted_but(shop, name)


@pytest.mark.parametrize("case", list(REFUSALS))
async def test_refused(shop: Shop, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, message = REFUSALS[case]
    server, client, user = change(shop)
    if "PLC's certificate" in case:
        # A PLC does not look at its own clock; ours would refuse to start with such a certificate.
        monkeypatch.setattr("inspector.plc.guarded_server.load_pair", _load_anyway)
    async with plc(server) as running:
        with pytest.raises((PlcError, ConfigurationError), match=message) as caught:
            await open_link(running.url, client, user)
        assert caught.value.remedy


def _load_anyway(certificate: Path, key: Path) -> Any:
    begin = load_certificate(certificate).not_valid_before_utc
    return load_pair(certificate, key, now=begin + timedelta(days=1))


async def test_a_password_never_goes_over_a_signed_channel_in_the_clear(shop: Shop) -> None:
    async with plc(replace(shop.server, modes=(Mode.SIGN,))) as running:
        link = await open_link(running.url, replace(shop.client, mode=Mode.SIGN))
        await link.close(good=True)


async def test_a_certificate_that_changed_is_refused_until_it_is_trusted(shop: Shop) -> None:
    swapped = replace(shop.server, certificate=shop.folder / "stranger.der", key=shop.folder / "stranger.key.pem")
    async with plc(swapped) as running:
        with pytest.raises(PlcError, match="not trusted"):
            await open_link(running.url, shop.client)
        shown = await fetch_certificate(running.url)
        assert thumbprint(shown) == thumbprint(der(shop.folder, "stranger"))
        kept = TrustList(shop.client.trust).add(shown)
        link = await open_link(running.url, shop.client)
        await link.close(good=True)
        kept.unlink()
        with pytest.raises(PlcError, match="not trusted"):
            await open_link(running.url, shop.client)


async def test_a_running_plc_follows_its_trust_list(shop: Shop) -> None:
    async with plc(shop.server) as running:
        stranger = _own(shop, "stranger")
        with pytest.raises(PlcError):
            await open_link(running.url, stranger)
        TrustList(shop.server.trust).add(der(shop.folder, "stranger"))
        link = await open_link(running.url, stranger)
        await link.close(good=True)


# --- the guarded server against clients that lie ----------------------------------------------------------------


async def _raw(url: str, keys: Path, name: str, *, claim: str = "") -> Client:
    """Return a client with the certificate of ``name`` that claims to be ``claim``; not connected."""
    client = Client(url, timeout=5)
    pair = load_pair(keys / f"{name}.der", keys / f"{name}.key.pem")
    client.application_uri = f"urn:line-inspector:application:{claim or name}"
    await client.set_security(
        security_policies.SecurityPolicyBasic256Sha256,
        CertProperties(pair.certificate_der, "der"),
        CertProperties(pair.key_der, "der"),
        server_certificate=CertProperties(der(keys, "plc"), "der"),
    )
    client.set_user("line")
    client.set_password("right")
    return client


async def test_a_borrowed_certificate_opens_nothing(shop: Shop) -> None:
    """The channel is a stranger's, the session claims the certificate of the line, which is public."""
    async with plc(shop.server) as running:
        client = await _raw(running.url, shop.folder, "stranger", claim="line")
        real = client.uaclient.create_session

        async def claim(parameters: ua.CreateSessionParameters) -> Any:
            parameters.ClientCertificate = der(shop.folder, "line")
            return await real(parameters)

        client.uaclient.create_session = claim  # type: ignore[method-assign]
        with pytest.raises((ua.UaError, ConnectionError, asyncio.TimeoutError)):
            async with client:
                await client.get_node("ns=2;s=Handshake.Ready").write_value(True)
        assert running._registers["Ready"] is False  # type: ignore[index]


async def test_a_session_without_security_can_do_nothing(shop: Shop) -> None:
    async with plc(shop.server) as running:
        client = Client(running.url, timeout=5)
        client.set_user("line")
        client.set_password("right")
        await client.connect_socket()
        try:
            await client.send_hello()
            await client.open_secure_channel()
            with pytest.raises(ua.UaError):
                await _use_session(client)
        finally:
            client.disconnect_socket()


async def _use_session(client: Client) -> None:
    """Do by hand what a careful client refuses to do."""
    parameters = ua.CreateSessionParameters()
    parameters.ClientNonce = bytes(32)
    parameters.EndpointUrl = client.server_url.geturl()
    parameters.RequestedSessionTimeout = ua.Double(60_000)
    await client.uaclient.create_session(parameters)
    activate = ua.ActivateSessionParameters()
    activate.UserIdentityToken = ua.UserNameIdentityToken()
    activate.UserIdentityToken.PolicyId = ua.String("username")
    activate.UserIdentityToken.UserName = ua.String("line")
    activate.UserIdentityToken.Password = b"right"
    activate.ClientSignature.Signature = b""
    await client.uaclient.activate_session(activate)
    await client.get_node("ns=2;s=Handshake.Ready").read_value()


async def test_an_observer_reads_and_does_not_write(shop: Shop) -> None:
    async with plc(shop.server) as running:
        client = await _raw(running.url, shop.folder, "line")
        client.set_user("viewer")
        client.set_password("look")
        async with client:
            node = client.get_node("ns=2;s=Handshake.Ready")
            assert await node.read_value() is False
            with pytest.raises(ua.uaerrors.BadUserAccessDenied):
                await node.write_value(True)


async def test_another_applications_name_is_refused(shop: Shop) -> None:
    async with plc(shop.server) as running:
        client = await _raw(running.url, shop.folder, "line", claim="somebody-else")
        with pytest.raises(ua.uaerrors.BadCertificateUriInvalid):
            await client.connect()
        client.disconnect_socket()
