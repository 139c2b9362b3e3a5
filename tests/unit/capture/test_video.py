"""Video from files, over HTTP and over RTSP, each from a real encoder and a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.capture.reconnecting import ReconnectingCamera
from inspector.capture.video import LiveVideo, VideoFile
from inspector.domain import BadFrame, CameraLost, ConfigurationError, Trigger
from inspector.runtime.wiring.cameras import build_camera
from inspector.settings import load_line
from tests.support.rtsp import RtspCamera, needs_rtsp

SIZE = (320, 240)
PATIENCE_S = 60.0


def trigger(sequence: int = 1) -> Trigger:
    return Trigger(f"{sequence:04d}", "cell-1", sequence, datetime.now(UTC))


def picture(number: int) -> np.ndarray:
    """Return a picture whose grey level tells its number."""
    return np.full((SIZE[1], SIZE[0], 3), 20 + 20 * number, np.uint8)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "parts.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, SIZE)
    assert writer.isOpened()
    for number in range(5):
        writer.write(picture(number))
    writer.release()
    return file


class HttpCamera:
    """A server of motion JPEG; ``stop`` ends the pictures, the connection stays."""

    def __init__(self) -> None:
        self.level = 20
        self.silent = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
                self.end_headers()
                try:
                    while not camera.over.wait(0.02):
                        if camera.silent.is_set():
                            continue
                        content = cv2.imencode(".jpg", np.full((240, 320, 3), camera.level, np.uint8))[1].tobytes()
                        head = f"--part\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
                        self.wfile.write(head.encode() + content + b"\r\n")
                except OSError:
                    return

            def log_message(self, *args: object) -> None:
                pass

        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/video.mjpg"

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def http() -> Iterator[HttpCamera]:
    camera = HttpCamera()
    yield camera
    camera.close()


def test_a_file_gives_each_frame_once_and_then_is_lost(recording: Path) -> None:
    camera = VideoFile(recording, size=SIZE)
    means = [float(camera.grab(trigger(n)).pixels.mean()) for n in range(5)]
    assert means == pytest.approx([20, 40, 60, 80, 100], abs=3)
    with pytest.raises(CameraLost, match="at its end"):
        camera.grab(trigger(6))
    camera.close()


def test_a_file_may_begin_again(recording: Path) -> None:
    camera = VideoFile(recording, loop=True, grey=True)
    frames = [camera.grab(trigger(n)).pixels for n in range(7)]
    assert frames[0].shape == (240, 320)
    assert frames[5].mean() == pytest.approx(frames[0].mean(), abs=1)
    camera.close()
    with pytest.raises(CameraLost):
        camera.grab(trigger(8))


def test_what_is_no_video_is_named(tmp_path: Path, recording: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.avi"):
        VideoFile(tmp_path / "gone.avi")
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(ConfigurationError, match=r"text\.avi.*as a video"):
        VideoFile(tmp_path / "text.avi")
    camera = VideoFile(recording, size=(640, 480))
    with pytest.raises(BadFrame, match="320 x 240"):
        camera.grab(trigger())
    camera.close()


def test_a_live_picture_is_one_of_after_the_trigger(http: HttpCamera) -> None:
    camera = LiveVideo(http.url, name="hall camera", width=320, height=240, timeout_s=30, latency_s=0.5)
    assert camera.grab(trigger(1)).pixels.mean() == pytest.approx(20, abs=3)
    http.level = 200  # from here on everything that arrives later than the latency shows it
    frame = camera.grab(trigger(2))
    assert frame.pixels.mean() == pytest.approx(200, abs=3)
    assert (frame.camera, camera.health().frames) == ("hall camera", 2)
    camera.close()
    camera.close()


def test_a_picture_that_stops_is_a_lost_camera_that_comes_back(http: HttpCamera) -> None:
    camera = ReconnectingCamera(
        lambda: LiveVideo(http.url, name="hall camera", timeout_s=1.0),
        name="hall camera",
        check_every_s=0.05,
        back_off_s=(0.05,),
    )
    camera.grab(trigger(1))
    http.silent.set()

    def grab_what_is_under_way() -> None:
        for number in range(2, 1000):
            camera.grab(trigger(number))

    with pytest.raises(CameraLost, match="hall camera"):
        grab_what_is_under_way()
    assert not camera.health().connected
    http.silent.clear()
    deadline = time.monotonic() + PATIENCE_S
    while not camera.health().connected:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    camera.grab(trigger(3))
    camera.close()


def test_nobody_there_is_a_lost_camera() -> None:
    with pytest.raises(CameraLost, match="cannot be opened"):
        LiveVideo("http://127.0.0.1:9/video.mjpg", name="hall camera", timeout_s=1.0)
    with pytest.raises(CameraLost, match="/dev/video97"):
        LiveVideo("/dev/video97", name="/dev/video97")


@needs_rtsp
def test_an_rtsp_camera_with_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = RtspCamera("operator", "a b/c@d")
    monkeypatch.setenv("CAMERA_PASSWORD", "a b/c@d")
    text = (Path(__file__).resolve().parents[3] / "line_configs" / "gige-camera.yaml").read_text(encoding="utf-8")
    begin, end = text.index("camera:"), text.index("calibration:")
    camera = (
        f"camera: {{kind: video, url: '{served.url}', username: operator, password_env: CAMERA_PASSWORD, "
        "width: 320, height: 240, timeout_s: 20}\n"
    )
    file = tmp_path / "line.yaml"
    file.write_text(text[:begin] + camera + text[end:], encoding="utf-8")
    made = build_camera(load_line(file, data=tmp_path))
    asked = datetime.now(UTC)
    first, second = made.grab(trigger(1)), made.grab(trigger(2))
    assert asked <= first.captured_at < second.captured_at
    assert first.pixels.shape == (240, 320, 3)
    assert "a b" not in first.camera
    assert first.camera == served.url
    made.close()
    served.kill()
