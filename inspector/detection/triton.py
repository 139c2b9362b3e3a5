"""A Triton Inference Server as a backend: gRPC, and shared memory where the server is on this machine."""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
import time
from multiprocessing.shared_memory import SharedMemory
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.detection.card import Model
from inspector.detection.triton_repository import HASH_PARAMETER, served_name
from inspector.domain import ConfigurationError, DetectionError, ModelError

__all__ = ["TritonBackend"]

_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_POLL_S = 0.1
_NOTHING: NDArray[np.float32] = np.empty(0, np.float32)
_REMEDY_SERVER = "Start the server, or correct `triton` under `detector` in the line's settings"


class TritonBackend:
    """Runs the weights of a model on a server that holds the same weights, proven by their hash.

    Parameters
    ----------
    url
        Host and port of the server's gRPC service.
    timeout_s
        Longest time for one call; a server that does not answer by then counts as gone.
    ready_s
        How long to wait for a server that is still starting.
    shared_memory
        Hand pixels and answers over in system shared memory; None tries it where the address is this machine's.

    Raises
    ------
    ConfigurationError
        The extra ``triton`` is not installed.
    ModelError
        The server holds no such model, or other weights under its name.
    DetectionError
        There is no server, or it does not become ready in time.
    """

    name = "triton"

    def __init__(
        self,
        model: Model,
        *,
        url: str = "127.0.0.1:8001",
        timeout_s: float = 2.0,
        ready_s: float = 30.0,
        shared_memory: bool | None = None,
    ) -> None:
        self._grpc = _client_library()
        self._served = served_name(model)
        self._url, self._timeout_s = url, timeout_s
        self._shape = model.card.input.shape
        self._regions: dict[str, SharedMemory] = {}
        self._pixels = self._answer = _NOTHING
        self._client: Any = self._grpc.InferenceServerClient(url)
        told = importlib.import_module("tritonclient.utils").InferenceServerException
        self._errors: tuple[type[Exception], ...] = (told, OSError)
        try:
            self._await_ready(ready_s)
            self._input, self._output = self._agree(model)
            self._answer_shape = self._first_answer(max(timeout_s, ready_s))
            if url.rpartition(":")[0] in _LOCAL if shared_memory is None else shared_memory:
                self._share(must=bool(shared_memory))
        except (ModelError, DetectionError):
            self.close()
            raise

    @property
    def shares_memory(self) -> bool:
        """Whether pixels go through shared memory; else they travel in the gRPC message."""
        return bool(self._regions)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw head output of (N, C, H, W); raises ``DetectionError``."""
        if self._client is None:
            raise DetectionError("triton: the detector is closed")
        if self._regions and batch.shape == (1, *self._shape):
            return self._run_shared(batch)
        entry = self._grpc.InferInput(self._input, batch.shape, "FP32")
        try:
            entry.set_data_from_numpy(batch)
            answer = self._infer(entry, self._grpc.InferRequestedOutput(self._output))
            output: NDArray[np.float32] | None = answer.as_numpy(self._output)
        except self._errors as error:
            raise self._failure(error, batch.shape) from error
        if output is None:
            raise DetectionError(f"triton at {self._url}: the answer has no {self._output}", remedy=_REMEDY_SERVER)
        return output

    def close(self) -> None:
        """Let server and memory go; safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            self._unshare(client)
            client.close()

    def _await_ready(self, ready_s: float) -> None:
        until = time.monotonic() + ready_s
        while True:
            try:
                if self._client.is_server_ready(client_timeout=self._timeout_s):
                    return
                told = "it is not ready"
            except self._errors as error:
                told = _told(error)
            if time.monotonic() >= until:
                raise DetectionError(
                    f"triton: no server is ready at {self._url} after {ready_s:.0f} s: {told}", remedy=_REMEDY_SERVER
                )
            time.sleep(_POLL_S)

    def _agree(self, model: Model) -> tuple[str, str]:
        """Return the names of input and output of a server that holds these weights."""
        try:
            config = self._client.get_model_config(self._served, as_json=True, client_timeout=self._timeout_s)["config"]
        except self._errors as error:
            raise ModelError(
                f"triton at {self._url} holds no model {self._served}: {_told(error)}",
                remedy="Write the repository with `inspector models triton` and give it to the server",
            ) from error
        held = config.get("parameters", {}).get(HASH_PARAMETER, {}).get("string_value", "")
        if held != model.card.sha256:
            raise ModelError(
                f"triton at {self._url} runs other weights as {self._served}: SHA-256 "
                f"{held[:12] or 'not told'}…, the card says {model.card.sha256[:12]}…",
                remedy="Write the repository again with `inspector models triton` and load it in the server",
            )
        return config["input"][0]["name"], config["output"][0]["name"]

    def _first_answer(self, patience_s: float) -> tuple[int, ...]:
        """Run an empty frame; the first one of a server's life takes far longer than the others."""
        timeout_s, self._timeout_s = self._timeout_s, patience_s
        try:
            return self.run(np.zeros((1, *self._shape), np.float32)).shape
        finally:
            self._timeout_s = timeout_s

    def _share(self, *, must: bool) -> None:
        """Make one region for the pixels and one for the answer; without ``must``, do without where it fails."""
        sizes = {"pixels": (1, *self._shape), "answer": self._answer_shape}
        try:
            for use, shape in sizes.items():
                key = f"inspector-{os.getpid()}-{secrets.token_hex(4)}-{use}"
                size = int(np.prod(shape)) * 4
                region = self._regions[use] = SharedMemory(key, create=True, size=size)
                self._client.register_system_shared_memory(
                    region.name, f"/{region.name}", size, client_timeout=self._timeout_s
                )
        except self._errors as error:
            # A server in a container may be on this machine and still not see its memory.
            self._unshare(self._client)
            if must:
                raise DetectionError(
                    f"triton at {self._url} does not share memory with this process: {error}",
                    remedy="Start the server's container with --ipc=host",
                ) from error
            return
        pixels, answer = self._regions["pixels"], self._regions["answer"]
        self._pixels = np.ndarray(sizes["pixels"], np.float32, pixels.buf)
        self._answer = np.ndarray(sizes["answer"], np.float32, answer.buf)
        self._shared_input = self._grpc.InferInput(self._input, self._pixels.shape, "FP32")
        self._shared_input.set_shared_memory(pixels.name, self._pixels.nbytes)
        self._shared_output = self._grpc.InferRequestedOutput(self._output)
        self._shared_output.set_shared_memory(answer.name, self._answer.nbytes)

    def _run_shared(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        np.copyto(self._pixels, batch)
        try:
            answer = self._infer(self._shared_input, self._shared_output)
            shape = tuple(answer.get_output(self._output).shape)
        except self._errors as error:
            # A call that was given up may still be answered, into memory that the next frame would read. The server
            # is not told: it may hang, and the frame has to go on to another backend within its deadline.
            self._unshare(None)
            raise self._failure(error, batch.shape) from error
        if shape != self._answer.shape:
            raise DetectionError(f"triton at {self._url}: the answer has shape {shape}, expected {self._answer.shape}")
        return self._answer.copy()

    def _infer(self, entry: object, output: object) -> Any:
        return self._client.infer(self._served, [entry], outputs=[output], client_timeout=self._timeout_s)

    def _unshare(self, client: Any | None) -> None:
        """Give the memory back, and tell the server where there is a client."""
        self._pixels = self._answer = _NOTHING
        regions, self._regions = self._regions, {}
        for region in regions.values():
            with contextlib.suppress(*self._errors):
                if client is not None:
                    client.unregister_system_shared_memory(region.name, client_timeout=self._timeout_s)
            region.close()
            region.unlink()

    def _failure(self, error: Exception, shape: tuple[int, ...]) -> DetectionError:
        return DetectionError(
            f"triton at {self._url} failed on an input of shape {shape}: {_told(error)}", remedy=_REMEDY_SERVER
        )


def _client_library() -> ModuleType:
    try:
        return importlib.import_module("tritonclient.grpc")
    except ImportError as error:
        raise ConfigurationError(
            "backend triton: its client is not installed", remedy="pip install 'line-inspector[triton]'"
        ) from error


def _told(error: Exception) -> str:
    """Return the first line of what the server or the connection says."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
