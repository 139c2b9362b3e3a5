"""The handshake is measured in every way of connecting, and no SeqNo is ever wrong."""

from __future__ import annotations

import json
import subprocess
import sys


def test_every_way_is_measured_and_no_sequence_number_is_wrong() -> None:
    command = [sys.executable, "-m", "inspector.cli", "bench", "plc", "--cycles", "20", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert [(found["updates"], found["security"]) for found in figures] == [
        ("polling", "none"),
        ("subscription", "none"),
        ("polling", "Basic256Sha256 SignAndEncrypt"),
        ("subscription", "Basic256Sha256 SignAndEncrypt"),
    ]
    assert all((found["cycles"], found["mismatches"]) == (20, 0) for found in figures)
    assert all(found["ratio_p50"] > 1 for found in figures), "a handshake is more than one write"
