"""Runs inside a Triton server, in its Python backend: an ONNX model in ONNX Runtime.

`inspector models triton --engine python` copies this file beside the weights. It imports nothing of this product,
because the server's interpreter has its own packages: it needs numpy and onnxruntime there.
"""

# mypy: ignore-errors
# The server brings its own module, which exists nowhere else.

import json
import os

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance of the model; Triton calls its methods by these names."""

    def initialize(self, args: dict) -> None:
        """Open the weights that lie beside this file."""
        config = json.loads(args["model_config"])
        facts = {key: value["string_value"] for key, value in config.get("parameters", {}).items()}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(facts.get("intra_op_thread_count", 1))
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.force_spinning_stop", "1")
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")  # noqa: PTH118
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.entry = self.session.get_inputs()[0].name
        self.exit = self.session.get_outputs()[0].name
        self.joins = config["max_batch_size"] > 1

    def execute(self, requests: list) -> list:
        """Answer all requests that the server joined, in one call where the model takes batches."""
        frames = [pb_utils.get_input_tensor_by_name(request, self.entry).as_numpy() for request in requests]
        try:
            if self.joins and len(frames) > 1:
                head = self.session.run([self.exit], {self.entry: np.concatenate(frames)})[0]
                heads = np.split(head, np.cumsum([len(frame) for frame in frames])[:-1])
            else:
                heads = [self.session.run([self.exit], {self.entry: frame})[0] for frame in frames]
        except Exception as error:  # noqa: BLE001 - the server must answer, and its client says what broke
            failed = pb_utils.TritonError(str(error).splitlines()[0])
            return [pb_utils.InferenceResponse(error=failed) for _ in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor(self.exit, np.ascontiguousarray(head))]) for head in heads]

    def finalize(self) -> None:
        """Let the session go."""
        self.session = None
