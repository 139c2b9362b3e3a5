"""Which NVIDIA GPU this machine has, asked of the driver itself."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from inspector.domain import DetectionError

__all__ = ["Gpu", "find_gpu"]

_DRIVER = "libcuda.so.1"
_NAME_BYTES = 256
# CUdevice_attribute of the CUDA driver API
_MAJOR, _MINOR = 75, 76


@dataclass(frozen=True, slots=True)
class Gpu:
    """The first GPU: its name, compute capability such as ``8.9``, and the CUDA version of its driver."""

    name: str
    capability: str
    driver: str


def find_gpu() -> Gpu:
    """Return the machine's first GPU; raises ``DetectionError`` where there is none that works."""
    try:
        cuda = ctypes.CDLL(_DRIVER)
    except OSError as error:
        raise _none(f"the driver's {_DRIVER} cannot be loaded") from error
    count, device = ctypes.c_int(), ctypes.c_int()
    _check(cuda.cuInit(0), "cuInit")
    _check(cuda.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
    if not count.value:
        raise _none("the driver counts none")
    name = ctypes.create_string_buffer(_NAME_BYTES)
    major, minor, version = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    _check(cuda.cuDeviceGet(ctypes.byref(device), 0), "cuDeviceGet")
    _check(cuda.cuDeviceGetName(name, _NAME_BYTES, device), "cuDeviceGetName")
    _check(cuda.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device), "cuDeviceGetAttribute")
    _check(cuda.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device), "cuDeviceGetAttribute")
    _check(cuda.cuDriverGetVersion(ctypes.byref(version)), "cuDriverGetVersion")
    driver = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return Gpu(name.value.decode(errors="replace"), f"{major.value}.{minor.value}", driver)


def _check(result: int, call: str) -> None:
    if result:
        raise _none(f"{call} of the driver answered {result}")


def _none(why: str) -> DetectionError:
    return DetectionError(
        f"no NVIDIA GPU here: {why}", remedy="Check `nvidia-smi`, or choose a backend that runs on the processor"
    )
