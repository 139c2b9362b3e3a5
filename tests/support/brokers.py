"""Real brokers for tests: Mosquitto with the shipped configuration, and the embedded one; both can be killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from inspector.mes import MqttLink
from inspector.mes.embedded_broker import EmbeddedBroker

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto"
MOSQUITTO = shutil.which("mosquitto", path=f"/usr/sbin:/usr/local/sbin:{os.environ.get('PATH', '')}")
LINE, MES, SCADA = "inspector", "mes", "scada"
PASSWORDS = {LINE: "line-secret", MES: "mes-secret", SCADA: "scada-secret"}
UP_WITHIN_S = 20.0


class Broker(Protocol):
    """A broker under test; user names and passwords are the same for all."""

    url: str
    protocol: str

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...
    def user(self, name: str) -> dict[str, str]: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(holds: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Return True as soon as the condition holds, False when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def wait_until_up(broker: Broker, ca_file: Path | None, own: tuple[Path, Path] | None = None) -> None:
    files = {"ca_file": ca_file} | ({"cert_file": own[0], "key_file": own[1]} if own else {})
    link = MqttLink(broker.url, client_id="probe", **files, **broker.user(LINE))  # type: ignore[arg-type]
    link.start()
    try:
        link.wait_connected(UP_WITHIN_S)
    finally:
        link.close()


class Mosquitto:
    """``/usr/sbin/mosquitto`` under the shipped policy and ACL, with a listener and folders of its own."""

    protocol = "auto"

    def __init__(
        self, folder: Path, *, certificates: Path | None = None, client_certificate: tuple[Path, Path] | None = None
    ) -> None:
        assert MOSQUITTO is not None
        self.port = free_port()
        self.url = f"{'mqtts' if certificates else 'mqtt'}://127.0.0.1:{self.port}"
        self._ca_file = certificates / "cert.pem" if certificates else None
        self._own = client_certificate  # with one, the broker takes nobody without, and the name in it is the user
        self._process: subprocess.Popen[bytes] | None = None
        policy = folder / "conf.d"
        policy.mkdir(parents=True)
        shutil.copy(SHIPPED / "mosquitto.conf", policy / "inspector.conf")
        shutil.copy(SHIPPED / "acl", folder / "acl")
        passwords = folder / "passwd"
        passwords.touch(mode=0o600)
        for name, password in PASSWORDS.items():
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, password], check=True, capture_output=True)
        site = f"""
include_dir {policy}
persistence_location {folder}/
password_file {passwords}
acl_file {folder / "acl"}
log_dest file {folder / "log"}
user {"root" if os.geteuid() == 0 else ""}
listener {self.port} 127.0.0.1
"""
        if certificates is not None:
            site += (
                f"cafile {certificates}/cert.pem\ncertfile {certificates}/cert.pem\nkeyfile {certificates}/key.pem\n"
            )
        if client_certificate is not None:
            site += "require_certificate true\nuse_identity_as_username true\n"
        self._config = folder / "site.conf"
        self._config.write_text("\n".join(line for line in site.splitlines() if line.strip() != "user"))

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until_up(self, self._ca_file, self._own)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def user(self, name: str) -> dict[str, str]:
        return {"username": name, "password": PASSWORDS[name]}


class Embedded:
    """The broker of the demo; it knows one user."""

    protocol = "3.1.1"

    def __init__(self, _folder: Path) -> None:
        self.port = free_port()
        self._broker: EmbeddedBroker | None = None
        self.url = f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._broker = EmbeddedBroker(self.port, username=LINE, password=PASSWORDS[LINE])

    def kill(self) -> None:
        assert self._broker is not None
        assert self._broker.pid is not None
        os.kill(self._broker.pid, signal.SIGKILL)
        assert eventually(lambda: self._broker is not None and not self._broker.alive)

    def close(self) -> None:
        if self._broker is not None:
            self._broker.close()

    def user(self, name: str) -> dict[str, str]:
        return {"username": LINE, "password": PASSWORDS[LINE]}


@contextlib.contextmanager
def running(broker: Broker) -> Iterator[Broker]:
    try:
        broker.start()
        yield broker
    finally:
        broker.close()
