"""The connection to a broker that is absent, mute, encrypted or badly named."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from inspector.domain import BrokerLost, ConfigurationError, MesError
from inspector.mes import MqttLink
from inspector.mes.address import Address
from inspector.mes.embedded_broker import EmbeddedBroker
from tests.support.brokers import LINE, MOSQUITTO, PASSWORDS, Embedded, Mosquitto, eventually, free_port, running


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://127.0.0.1:18830", Address("127.0.0.1", 18830)),
        ("mqtt://broker", Address("broker", 1883)),
        ("mqtts://broker/", Address("broker", 8883, tls=True)),
        ("mqtt://[::1]:5", Address("::1", 5)),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert Address.parse(url) == address
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "url", ["", "broker:1883", "http://broker", "mqtt://", "mqtt://b:99999", "mqtt://b:x", "mqtt://b/path", "mqtt://[x"]
)
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a broker address.*mqtt://127\.0\.0\.1:1883"):
        MqttLink(url, client_id="line-1")


def test_credentials_in_the_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="by their own keys") as caught:
        MqttLink("mqtt://user:geheim@broker", client_id="line-1")
    assert "geheim" not in str(caught.value)


def test_an_absent_broker_is_named_with_its_remedy() -> None:
    link = MqttLink(f"mqtt://127.0.0.1:{free_port()}", client_id="line-1")
    link.start()
    try:
        assert eventually(lambda: link.lamp.good is False)
        with pytest.raises(BrokerLost, match=r"mqtt://127\.0\.0\.1:\d+ cannot be reached.*mes\.url"):
            link.wait_connected(0)
        with pytest.raises(BrokerLost, match="is not connected"):
            link.publish("t", b"")
    finally:
        link.close()


def test_an_unknown_host_is_named() -> None:
    link = MqttLink("mqtt://no-such-host.invalid", client_id="line-1")
    link.start()
    try:
        assert eventually(lambda: link.lamp.good is False)
        assert "no-such-host.invalid" in link.lamp.detail
    finally:
        link.close()


def test_a_port_that_is_no_broker_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        link = MqttLink(f"mqtt://127.0.0.1:{mute.getsockname()[1]}", client_id="line-1", protocol="3.1.1")
        link.start()
        try:
            assert eventually(lambda: link.lamp.good is False)
            assert "does not answer as an MQTT broker" in link.lamp.detail
        finally:
            link.close()


def test_a_broker_of_the_older_protocol_is_found_without_being_told(tmp_path: Path) -> None:
    with running(Embedded(tmp_path)) as broker:
        link = MqttLink(broker.url, client_id="line-1", protocol="auto", **broker.user(LINE))
        link.start()
        try:
            link.wait_connected(20)
        finally:
            link.close()


def test_closing_is_quick_and_may_be_repeated() -> None:
    link = MqttLink(f"mqtt://127.0.0.1:{free_port()}", client_id="line-1")
    link.close()
    link.close()


def test_the_embedded_broker_names_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MesError, match=rf"127\.0\.0\.1:{port}.*in use.*another port"):
            EmbeddedBroker(port, username=LINE, password=PASSWORDS[LINE])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    (folder / "key.pem").chmod(0o644)
    return folder


# The client library leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_tls_is_spoken_and_a_stranger_is_not_trusted(tmp_path: Path, certificates: Path) -> None:
    with running(Mosquitto(tmp_path / "broker", certificates=certificates)) as broker:
        trusting = MqttLink(broker.url, client_id="line-1", ca_file=certificates / "cert.pem", **broker.user(LINE))
        wary = MqttLink(broker.url, client_id="line-2", **broker.user(LINE))
        trusting.start()
        wary.start()
        try:
            trusting.wait_connected(20)
            assert eventually(lambda: wary.lamp.good is False)
            assert "certificate" in wary.lamp.detail
        finally:
            trusting.close()
            wary.close()


@pytest.fixture(scope="module")
def line_certificate(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> tuple[Path, Path]:
    """The line's own certificate, by the authority that the broker trusts; its name is the user's."""
    folder = tmp_path_factory.mktemp("line")
    for command in (
        ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={LINE}",
         "-keyout", "key.pem", "-out", "csr"],
        ["openssl", "x509", "-req", "-in", "csr", "-CA", str(certificates / "cert.pem"), "-days", "2",
         "-CAkey", str(certificates / "key.pem"), "-CAcreateserial", "-out", "cert.pem"],
    ):  # fmt: skip
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_a_line_with_a_certificate_gets_in_by_it_alone_and_a_line_without_is_told(
    tmp_path: Path, certificates: Path, line_certificate: tuple[Path, Path]
) -> None:
    authority = certificates / "cert.pem"
    cert, key = line_certificate
    broker = Mosquitto(tmp_path / "broker", certificates=certificates, client_certificate=line_certificate)
    with running(broker):
        known = MqttLink(broker.url, client_id="line-1", ca_file=authority, cert_file=cert, key_file=key)
        nameless = MqttLink(broker.url, client_id="line-2", ca_file=authority, **broker.user(LINE))
        known.start()
        nameless.start()
        try:
            known.wait_connected(60)
            known.publish("v1/acme/north/boards/line-1/cell-1/state", b"{}")  # the ACL knows it by that name
            assert eventually(lambda: nameless.lamp.good is False, 60)
            assert nameless.lamp.detail
            with pytest.raises(MesError):
                nameless.wait_connected(0)
        finally:
            known.close()
            nameless.close()


def test_a_certificate_and_a_key_that_do_not_belong_together_are_named(
    certificates: Path, line_certificate: tuple[Path, Path]
) -> None:
    with pytest.raises(ConfigurationError, match=r"cert\.pem with the key .*key\.pem cannot be used.*belong together"):
        MqttLink("mqtts://b", client_id="n", cert_file=line_certificate[0], key_file=certificates / "key.pem")


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for file in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        with pytest.raises(ConfigurationError, match=rf"{file.name} cannot be used.*PEM"):
            MqttLink("mqtts://broker", client_id="line-1", ca_file=file)
