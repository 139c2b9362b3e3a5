from __future__ import annotations

import subprocess
import sys

ASKED = """
import sys
from inspector.cli import main
sys.argv = ["inspector", *sys.argv[1:]]
try:
    main()
finally:
    print(sorted({"numpy", "pydantic", "sqlalchemy", "nicegui", "cv2", "inspector.domain"} & set(sys.modules)))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", ASKED, *arguments], capture_output=True, text=True, check=False)


def test_help_loads_nothing_that_makes_it_wait() -> None:
    told = run("--help")
    assert told.returncode == 0
    assert "Industrial visual inspection" in told.stdout
    assert told.stdout.splitlines()[-1] == "[]"


def test_an_error_of_ours_is_a_sentence_and_an_exit_code() -> None:
    told = run("run", "there-is-no-such.yaml")
    assert told.returncode == 2
    assert told.stderr.startswith("Error: there-is-no-such.yaml")
    assert "Traceback" not in told.stderr
