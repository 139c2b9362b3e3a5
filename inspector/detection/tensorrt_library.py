"""NVIDIA TensorRT or TensorRT for RTX, whichever is installed: one Python interface under several names."""

# mypy: disable-error-code="import-not-found, import-untyped"

from __future__ import annotations

import contextlib
import importlib
import logging
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from inspector.domain import ConfigurationError

__all__ = ["TensorRt", "load_tensorrt"]

_NAMES = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")
_RTX_LIBRARIES = "onnxruntime_ep_nv_tensorrt_rtx"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TensorRt:
    """The library: its module, which of the two it is, and its version."""

    module: Any
    name: str
    version: str

    def logger(self) -> Any:
        """Return a logger for the library that speaks through ours."""
        levels = {
            self.module.ILogger.Severity.INTERNAL_ERROR: logging.ERROR,
            self.module.ILogger.Severity.ERROR: logging.ERROR,
            self.module.ILogger.Severity.WARNING: logging.WARNING,
        }

        class Logger(self.module.ILogger):  # type: ignore[misc, name-defined]
            """Keeps the last error, because the library's calls answer None and say why only here."""

            def __init__(self) -> None:
                super().__init__()
                self.last = "it gives no reason"

            def log(self, severity: Any, message: str) -> None:
                """Take one message of the library."""
                level = levels.get(severity, logging.DEBUG)
                if level == logging.ERROR:
                    self.last = message
                _log.log(min(level, logging.WARNING), "TensorRT: %s", message)

        return Logger()


def load_tensorrt() -> TensorRt:
    """Return the installed library; raises ``ConfigurationError`` where there is none that loads."""
    with contextlib.suppress(ImportError, OSError):
        # The plug-in's wheel carries the libraries that the bindings of TensorRT for RTX are linked with.
        importlib.import_module(_RTX_LIBRARIES)
    told: Exception | None = None
    for name in _NAMES:
        try:
            module: ModuleType = importlib.import_module(name)
            return TensorRt(module, "tensorrt-rtx" if "rtx" in name else "tensorrt", str(module.__version__))
        except ModuleNotFoundError as error:
            told = told or error
        except (ImportError, OSError, AttributeError) as error:  # there, but without the vendor's libraries
            told = error
    raise ConfigurationError(
        f"backend tensorrt: TensorRT does not load: {told}",
        remedy="pip install 'line-inspector[gpu]' (TensorRT) or 'line-inspector[gpu-rtx]' (TensorRT for RTX)",
    ) from told
