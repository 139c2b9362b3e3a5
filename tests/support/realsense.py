"""Scenes for the RealSense SDK's software device: real SDK calls, no camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain import CameraLost

WIDTH, HEIGHT, FOCAL = 320, 240, 420.0
UNIT_MM = 0.1


@dataclass
class Scene:
    """Colour (H, W, 3) and true depth in mm (H, W), 0 where nothing is seen, with its noise per frame."""

    colour: NDArray[np.uint8]
    depth_mm: NDArray[np.float64]
    noise_mm: float = 0.1

    def counts(self, rng: np.random.Generator) -> NDArray[np.uint16]:
        noisy = self.depth_mm + rng.normal(0, self.noise_mm, self.depth_mm.shape)
        return np.where(self.depth_mm > 0, np.rint(noisy / UNIT_MM), 0).astype(np.uint16)


def plain(depth_mm: float = 200.0) -> Scene:
    return Scene(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), np.full((HEIGHT, WIDTH), depth_mm))


class SoftwareSource:
    """The SDK's software device as a source of frames.

    ``lose`` makes the next waits fail, as an unplugged camera does; ``repeat`` shows a frame again.
    """

    def __init__(self, scene: Scene, *, seed: int = 1, record: Path | None = None) -> None:
        import pyrealsense2 as sdk

        self._sdk, self.scene = sdk, scene
        self._rng = np.random.default_rng(seed)
        self._number = 0
        self.started = self.lose = self.refused = 0
        self.repeat = False
        self.without_depth = False
        device = sdk.software_device()
        self._sensors = [device.add_sensor(name) for name in ("Depth", "Color")]
        self._sensors[0].add_read_only_option(sdk.option.depth_units, UNIT_MM / 1000)
        self._sensors[0].add_read_only_option(sdk.option.asic_temperature, 41.5)
        self._profiles = [
            self._stream(self._sensors[0], sdk.stream.depth, sdk.format.z16, 2, 1),
            self._stream(self._sensors[1], sdk.stream.color, sdk.format.bgr8, 3, 2),
        ]
        same = sdk.extrinsics()
        same.rotation, same.translation = [1, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0]
        self._profiles[0].register_extrinsics_to(self._profiles[1], same)
        self._profiles[1].register_extrinsics_to(self._profiles[0], same)
        self._recorder = sdk.recorder(str(record), device) if record else None
        wrapped = self._recorder.query_sensors() if self._recorder else self._sensors
        self._queues = [sdk.frame_queue(8, keep_frames=True) for _ in wrapped]
        for sensor, profile, queue in zip(wrapped, self._profiles, self._queues, strict=True):
            sensor.open(profile)
            sensor.start(queue)
        self._wrapped, self._device = wrapped, device
        self._sets = sdk.frame_queue(8, keep_frames=True)

    def start(self) -> None:
        self.started += 1
        if self.refused:
            self.refused -= 1
            raise CameraLost("software: cannot be opened")

    def temperature_c(self) -> float | None:
        return float(self._sensors[0].get_option(self._sdk.option.asic_temperature))

    def stop(self) -> None:
        return

    def finish(self) -> None:
        """Close the streams, and with them the recording."""
        for sensor in self._wrapped:
            sensor.stop()
            sensor.close()
        self._recorder = None

    def next(self, timeout_s: float, *, fresh: bool) -> Any:
        if self.lose:
            self.lose -= 1
            raise CameraLost("software: no frame came")
        if not self.repeat or not self._number:
            self._number += 1
        parts = [self._shown(index) for index in ((1,) if self.without_depth else (0, 1))]
        block = self._sdk.processing_block(self._joined(parts))
        block.start(self._sets)
        block.invoke(parts[0])
        return self._sets.wait_for_frame(2000).as_frameset()

    def _joined(self, parts: list[Any]) -> Callable[[Any, Any], None]:
        return lambda _frame, source: source.frame_ready(source.allocate_composite_frame(parts))

    def _shown(self, index: int) -> Any:
        frame = self._sdk.software_video_frame()
        depth = index == 0
        frame.pixels = self.scene.counts(self._rng) if depth else self.scene.colour
        frame.bpp = 2 if depth else 3
        frame.stride = WIDTH * frame.bpp
        frame.timestamp, frame.domain = self._number * 33.3, self._sdk.timestamp_domain.hardware_clock
        frame.frame_number = self._number
        frame.profile = self._profiles[index].as_video_stream_profile()
        if depth:
            frame.depth_units = UNIT_MM / 1000
        self._sensors[index].on_video_frame(frame)
        return self._queues[index].wait_for_frame(2000)

    def _stream(self, sensor: Any, kind: Any, form: Any, size: int, number: int) -> Any:
        lens = self._sdk.intrinsics()
        lens.width, lens.height, lens.fx, lens.fy = WIDTH, HEIGHT, FOCAL, FOCAL
        lens.ppx, lens.ppy, lens.model, lens.coeffs = WIDTH / 2, HEIGHT / 2, self._sdk.distortion.none, [0.0] * 5
        stream = self._sdk.video_stream()
        stream.type, stream.index, stream.uid, stream.fps = kind, 0, number, 30
        stream.width, stream.height, stream.bpp, stream.fmt, stream.intrinsics = WIDTH, HEIGHT, size, form, lens
        return sensor.add_video_stream(stream)
