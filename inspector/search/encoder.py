"""Crops and descriptions -> unit vectors of one space; numpy over the feature network, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidProtobuf, NoSuchFile

from inspector.domain import ModelError
from inspector.search.card import SearchFiles
from inspector.search.crops import CROP_PX, GEOMETRY, Sighting, crop, geometry
from inspector.search.words import Reading

__all__ = ["SearchModel", "pooled"]

Vectors = NDArray[np.float32]

_GREY_MEAN, _GREY_STD = 127.0, 128.0
_BATCH = 16
_OUTPUTS = ("block2", "block4")


class SearchModel:
    """Both towers of the alignment.

    Parameters
    ----------
    files
        A folder that ``load_search`` has proven, and the weights of its feature network.

    Raises
    ------
    ModelError
        The weights do not fit each other.
    """

    def __init__(self, files: SearchFiles, *, threads: int = 1) -> None:
        self.card = files.card
        self._weights = files.arrays()
        self._numbers = {token: number for number, token in enumerate(files.tokens())}
        self.features = FeatureNetwork(str(files.features), threads=threads)
        wanted = len(self._weights["image.mean"])
        found = self.features.width + len(GEOMETRY)
        if wanted != found:
            raise ModelError(f"{files.folder}: made for {wanted} features, its feature network gives {found}")
        if len(self._weights["text.tokens"]) != len(self._numbers):
            raise ModelError(f"{files.folder}: its words and its weights do not belong together")

    @property
    def name(self) -> str:
        """Whose vectors these are: vectors of two models do not compare."""
        return f"{self.card.name} {self.card.version}"

    def of_findings(self, pixels: NDArray[np.uint8], seen: Sequence[Sighting]) -> Vectors:
        """Return one unit vector for each finding of a picture, float32 (n, d)."""
        crops = [crop(pixels, item.box) for item in seen]
        sizes = np.stack([geometry(item) for item in seen]) if seen else np.zeros((0, len(GEOMETRY)))
        return image_vectors(np.hstack([self.features(crops), sizes]), self._weights)

    def of_words(self, reading: Reading) -> Vectors:
        """Return the unit vector of a description, float32 (d,); zeros where no word of it is known."""
        known = [self._numbers[token] for token in reading.tokens if token in self._numbers]
        if not known:
            return np.zeros(self._weights["text.tokens"].shape[1], np.float32)
        return text_vector(known, self._weights)

    def close(self) -> None:
        """Release the feature network."""
        self.features.close()


class FeatureNetwork:
    """Crops -> pooled features of two resolutions, on onnxruntime."""

    def __init__(self, weights: str, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        try:
            self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidArgument, InvalidProtobuf, NoSuchFile) as error:
            raise ModelError(f"{weights} cannot be opened as a feature network: {error}") from error
        self.width = self([np.zeros((CROP_PX, CROP_PX), np.uint8)]).shape[1]

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> Vectors:
        """Return the features of grey crops, float32 (n, width)."""
        found = [self._run(crops[start : start + _BATCH]) for start in range(0, len(crops), _BATCH)]
        return np.concatenate(found) if found else np.zeros((0, self.width), np.float32)

    def _run(self, crops: Sequence[NDArray[np.uint8]]) -> Vectors:
        planes = (np.stack(crops).astype(np.float32) - _GREY_MEAN) / _GREY_STD
        images = np.repeat(planes[:, None], 3, axis=1)
        return np.concatenate([pooled(maps) for maps in self._session.run(list(_OUTPUTS), {"images": images})], axis=1)

    def close(self) -> None:
        """Release the session."""
        del self._session


def pooled(maps: NDArray[np.float32]) -> Vectors:
    """Return (n, c, h, w) as (n, 3 c): mean of the middle, mean of everything, largest of everything."""
    rows, columns = maps.shape[2:]
    middle = maps[:, :, rows // 3 : rows - rows // 3, columns // 3 : columns - columns // 3]
    parts = [middle.mean(axis=(2, 3)), maps.mean(axis=(2, 3)), maps.max(axis=(2, 3))]
    return np.concatenate(parts, axis=1).astype(np.float32)


def image_vectors(features: Vectors, weights: Mapping[str, Vectors]) -> Vectors:
    """Return the image tower's unit vectors: standardised features, one hidden layer."""
    x = (features - weights["image.mean"]) / weights["image.std"]
    hidden = np.maximum(x @ weights["image.w1"] + weights["image.b1"], 0)
    return _unit(hidden @ weights["image.w2"] + weights["image.b2"])


def text_vector(numbers: Sequence[int], weights: Mapping[str, Vectors]) -> Vectors:
    """Return the text tower's unit vector: the sum of the tokens' vectors, one hidden layer beside it."""
    summed = weights["text.tokens"][list(numbers)].sum(axis=0)
    hidden = np.maximum(summed @ weights["text.w1"] + weights["text.b1"], 0)
    return _unit(summed + hidden @ weights["text.w2"])


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)
