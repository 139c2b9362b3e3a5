"""ultralytics' own predict on the same weights, in a process of its own: what our detect call is measured against.

`python -m inspector.training.rival` runs in any interpreter that has ultralytics; it looks at a picture again for every
line on its standard input and answers with the seconds that one predict took.
"""

# mypy: disable-error-code="import-not-found, import-untyped"
# torch and ultralytics come with the train extra only.

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ConfigurationError

__all__ = ["Rival", "rival_python"]


def rival_python(named: str | None) -> str | None:
    """Return the interpreter that has ultralytics: the one that was named, or this one; None where there is none."""
    if named is not None:
        return named
    return sys.executable if importlib.util.find_spec("ultralytics") is not None else None


class Rival:
    """ultralytics' predict as its documentation calls it, on one picture, with as many threads as we have.

    Nothing of it is tuned: weights in, picture in, boxes out, as `YOLO(weights).predict(picture)` does it. Only the
    number of threads is held to ours, for torch and for ONNX Runtime alike.

    Parameters
    ----------
    python
        Interpreter that has ultralytics.
    pixels
        uint8 (H, W, channels), what the network's planes are made of.

    Raises
    ------
    ConfigurationError
        It does not start or cannot look at this picture.
    """

    def __init__(self, python: str, weights: Path, pixels: NDArray[np.uint8], *, floor: float, threads: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="inspector-rival-")
        picture = Path(self._folder.name) / "picture.npy"
        np.save(picture, pixels)
        task = {"weights": str(weights.absolute()), "picture": str(picture), "floor": floor, "threads": threads}
        paths = [str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter that the user named
            [python, "-m", "inspector.training.rival", json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder.name,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "OMP_NUM_THREADS": str(threads),
                "YOLO_VERBOSE": "false",
            },
        )
        try:
            self.about: Mapping[str, str] = self._answer()
        except ConfigurationError:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self.close()

    def predict(self) -> tuple[float, float]:
        """Return wall and processor time of one predict, in seconds; raises ``ConfigurationError``."""
        assert self._process.stdin is not None  # noqa: S101 - opened above
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("again\n")
            self._process.stdin.flush()
        took = self._answer()
        return float(took["wall_s"]), float(took["processor_s"])

    def close(self) -> None:
        """End the process; safe to call twice."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - opened above
        for line in self._process.stdout:
            if line.startswith("{"):  # its libraries print as well
                answer: dict[str, Any] = json.loads(line)
                return answer
        told = self._process.communicate()[1].strip().splitlines()
        raise ConfigurationError(
            f"ultralytics' predict ended: {told[-1] if told else 'without a word'}",
            remedy="Name an interpreter with ultralytics, and weights that it can run",
        )


def _serve(task: Mapping[str, Any]) -> None:
    """Predict once for every line on the standard input."""
    import torch
    import ultralytics

    threads = int(task["threads"])
    torch.set_num_threads(threads)
    _limit_onnx_runtime(threads)
    pixels = np.load(task["picture"])
    weights = Path(task["weights"])
    if weights.suffix == ".onnx":
        weights = _with_channels(weights, pixels.shape[2])
    model = ultralytics.YOLO(str(weights), task="detect")

    def predict() -> None:
        model.predict(
            pixels, imgsz=list(pixels.shape[:2]), conf=float(task["floor"]), verbose=False, device="cpu", save=False
        )

    predict()
    _say(ultralytics=ultralytics.__version__, torch=torch.__version__, weights=weights.suffix)
    for _ in sys.stdin:
        started, used = time.perf_counter(), time.process_time()
        predict()
        _say(wall_s=time.perf_counter() - started, processor_s=time.process_time() - used)


def _say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _limit_onnx_runtime(threads: int) -> None:
    """Give every session that ultralytics opens our number of threads; it leaves all other options alone."""
    import onnxruntime

    opened = onnxruntime.InferenceSession

    def limited(weights: Any, sess_options: Any = None, *more: Any, **named: Any) -> Any:
        options = sess_options or onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return opened(weights, options, *more, **named)

    onnxruntime.InferenceSession = limited


def _with_channels(weights: Path, channels: int) -> Path:
    """Return weights whose metadata say how many planes they want: ultralytics takes three without."""
    import onnx

    model = onnx.load(weights)
    if channels == 3 or any(each.key == "channels" for each in model.metadata_props):  # noqa: PLR2004
        return weights
    onnx.helper.set_model_props(
        model, {**{each.key: each.value for each in model.metadata_props}, "channels": str(channels)}
    )
    copy = Path.cwd() / weights.name
    onnx.save(model, copy)
    return copy


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
