"""Aravis's fake GigE Vision camera on 127.0.0.1: the real protocol, the real stream, no camera."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

__all__ = ["ADDRESS", "FakeGigE", "needs_fake_gige"]

ADDRESS = "127.0.0.1"
PROGRAM = shutil.which("arv-fake-gv-camera-0.8")
CONTROL_PORT = 3956  # fixed by GigE Vision
START_S = 20.0
SERIAL = "GV01"


def _binding() -> bool:
    try:
        import gi

        gi.require_version("Aravis", "0.8")
        from gi.repository import Aravis  # noqa: F401
    except (ImportError, ValueError):
        return False
    return True


needs_fake_gige = pytest.mark.skipif(
    PROGRAM is None or not _binding(),
    reason="Aravis is not installed (Debian: apt install gir1.2-aravis-0.8 aravis-tools-cli libgirepository1.0-dev; "
    "pip install 'line-inspector[genicam]')",
)


class FakeGigE:
    """The camera as a process; ``lost_per_mille`` of its packets never arrive.

    ``extra`` are further features by name, as GenICam XML; they appear in the category DeviceControl.
    """

    def __init__(self, folder: Path, *, lost_per_mille: int = 0, extra: Mapping[str, str] | None = None) -> None:
        self._command = [str(PROGRAM), "-i", ADDRESS, "-s", SERIAL, "-r", str(lost_per_mille)]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        if extra:
            description = folder / "camera.xml"
            description.write_text(_with(extra), encoding="utf-8")
            self.kill()
            self._command += ["-g", str(description)]
            self.start()

    def start(self) -> None:
        _wait_until(_free, "another camera is on the port of GigE Vision")
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_until(lambda: not _free(), "the fake camera did not start")

    def kill(self) -> None:
        """Take it off the network, as a pulled cable does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)

    def pause(self, paused: bool) -> None:
        """Let it fall silent, or go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)


def _free() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((ADDRESS, CONTROL_PORT))
        except OSError:
            return False
    return True


def _wait_until(condition: Callable[[], bool], problem: str) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, problem
        time.sleep(0.01)


def _with(extra: Mapping[str, str]) -> str:
    """Return the fake camera's own description with more features."""
    tool = ["arv-tool-0.8", "-a", ADDRESS, "genicam"]
    text = subprocess.run(tool, capture_output=True, text=True, check=True, timeout=30).stdout
    text = text[text.index("<?xml") :]
    first = "<pFeature>DeviceVendorName</pFeature>"
    assert first in text
    text = text.replace(first, first + "".join(f"<pFeature>{name}</pFeature>" for name in extra), 1)
    return text.replace("</RegisterDescription>", "".join(extra.values()) + "</RegisterDescription>")
