"""A real Triton Inference Server on this machine's processor, from the wheel `nvidia-pytriton`.

The wheel wants numpy below 2 and a Python whose shared library is where the loader looks (Debian's), so it has an
environment of its own: `make triton` sets it up in .venv-triton.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from inspector.detection import Model, TritonServing, write_repository

ENVIRONMENT = Path(os.environ.get("INSPECTOR_TRITON_VENV", Path(__file__).parents[2] / ".venv-triton"))


def triton_packages() -> Path | None:
    """Return the packages of the server's environment, or None where it is not set up."""
    return next((path.parent for path in ENVIRONMENT.glob("lib/python3.*/site-packages/pytriton")), None)


def serve(model: Model, repository: Path) -> None:
    """Write a model into a repository for this server, whose wheel has the Python backend only."""
    write_repository(model, repository, TritonServing(engine="python", threads=1))


class TritonServer:
    """Serves a model repository on ports of its own until closed."""

    def __init__(self, repository: Path, work: Path) -> None:
        packages = triton_packages()
        assert packages is not None
        self._work = work
        self._repository = repository
        self._packages = packages
        self._backends = work / "backends"
        self._process: subprocess.Popen[bytes] | None = None
        self.grpc, self.http = _free_ports(2)
        wheel = packages / "pytriton" / "tritonserver"
        python = packages.parent.name.removeprefix("python")
        shutil.copytree(wheel / "backends", self._backends, symlinks=True, dirs_exist_ok=True)
        shutil.copy(wheel / "python_backend_stubs" / python / "triton_python_backend_stub", self._backends / "python")
        self.start()

    @property
    def url(self) -> str:
        """Address of its gRPC service."""
        return f"127.0.0.1:{self.grpc}"

    def start(self) -> None:
        """Start the server on the same ports and return when it is ready."""
        packages = self._packages
        environment = {
            "PATH": f"{ENVIRONMENT / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": str(packages),
            "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
            "HOME": str(self._work),
        }
        command = [
            str(packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"),
            f"--model-repository={self._repository}",
            f"--backend-directory={self._backends}",
            # A prefix of its own: servers of other test runs on this machine use the default one.
            f"--backend-config=python,shm-region-prefix-name=line{self.grpc}",
            f"--grpc-port={self.grpc}",
            f"--http-port={self.http}",
            "--grpc-address=127.0.0.1",
            "--http-address=127.0.0.1",
            "--allow-metrics=false",
            "--allow-gpu-metrics=false",
            "--exit-timeout-secs=5",
        ]
        with (self._work / "triton.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        until = time.monotonic() + 120
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.close()
                raise RuntimeError((self._work / "triton.log").read_text(encoding="utf-8")[-4000:])
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, as a power cut of its box would."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=60)
        # What the server and its Python interpreter shared outlives a kill.
        for left in Path("/dev/shm").glob(f"line{self.grpc}*"):  # noqa: S108 - where POSIX shared memory shows
            left.unlink(missing_ok=True)

    def pause(self) -> None:
        """Stop it without ending it: it takes connections and never answers."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def close(self) -> None:
        """End it; safe to call twice."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v2/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
