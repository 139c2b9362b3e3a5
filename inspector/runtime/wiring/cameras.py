"""The line's camera out of its settings."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from inspector.capture import FolderCamera, SeveralCameras
from inspector.capture.golden_state import ConditionWatch, load_golden_state
from inspector.capture.reconnecting import ReconnectingCamera
from inspector.capture.video import LiveVideo, VideoFile
from inspector.capture.virtual import VirtualBoardCamera
from inspector.domain import Camera, ConfigurationError, HoldLine, View, side_by_side
from inspector.runtime.camera_watch import HELD_BY, ConditionGuard
from inspector.runtime.control import Control
from inspector.settings import FolderCamera as FolderSettings
from inspector.settings import GenICamCamera as GenICamSettings
from inspector.settings import LineSettings, SeveralViews, image_size
from inspector.settings import RealSenseCamera as RealSenseSettings
from inspector.settings import VideoCamera as VideoSettings
from inspector.settings import VirtualCamera as VirtualSettings

__all__ = ["build_camera", "build_condition_guard", "build_virtual_camera", "places_of"]


def build_camera(settings: LineSettings) -> Camera:
    """Return the line's camera; raises ``ConfigurationError``."""
    match settings.camera:
        case FolderSettings() as camera:
            size = (camera.expect.width, camera.expect.height) if camera.expect else None
            return FolderCamera(
                camera.path,
                order=camera.order,
                seed=camera.seed,
                pace_s=camera.pace_s,
                loop=camera.loop,
                size=size,
                bits=camera.bits,
            )
        case RealSenseSettings() as camera:
            return _realsense(camera)
        case GenICamSettings() as camera:
            return _genicam(camera)
        case VideoSettings() as camera:
            return _video(camera)
        case VirtualSettings() as camera:
            virtual = build_virtual_camera(camera)
            virtual.warm_up()
            return virtual
        case SeveralViews():
            return SeveralCameras(
                {name: build_camera(view) for name, view in settings.views.items()}, places_of(settings)
            )


def places_of(settings: LineSettings) -> tuple[View, ...]:
    """Return where each view lies in the picture of all, empty where the line has one camera."""
    sizes = {}
    for name, view in settings.views.items():
        size = None if isinstance(view.camera, SeveralViews) else image_size(view.camera)
        if size is None:
            raise ConfigurationError(f"view {name}: the size of its images is not known", remedy="Add it to its camera")
        sizes[name] = size
    return side_by_side(sizes) if sizes else ()


def build_condition_guard(settings: LineSettings, data: Path) -> ConditionGuard | None:
    """Return who holds the camera against its golden state, None without one; raises ``ConfigurationError``."""
    wanted = settings.camera_watch
    if wanted is None:
        return None
    control = Control(data / settings.line)

    def hold(reason: str) -> None:
        if control.held() is None:
            control.apply(HoldLine(HELD_BY, reason))

    watch = ConditionWatch(load_golden_state(wanted.golden))
    return ConditionGuard(watch, warn=wanted.warn, hold=wanted.hold, on_hold=hold)


def build_virtual_camera(camera: VirtualSettings) -> VirtualBoardCamera:
    """Return a camera that draws boards; its designs are drawn at the first use."""
    return VirtualBoardCamera(
        seed=camera.seed,
        px_per_mm=camera.px_per_mm,
        width=camera.width,
        height=camera.height,
        defect_rate=camera.defect_rate,
        min_defect_mm=camera.min_defect_mm,
        max_defect_mm=camera.max_defect_mm,
        layouts=camera.designs,
    )


def _realsense(camera: RealSenseSettings) -> Camera:
    from inspector.capture.realsense import PipelineSource, RealSenseDevice

    size = (camera.width, camera.height)

    def opened() -> RealSenseDevice:
        source = PipelineSource(
            serial=camera.serial,
            size=size,
            fps=camera.fps,
            depth_unit_mm=camera.depth_unit_mm,
            recording=camera.recording,
        )
        return RealSenseDevice(source, average=camera.average, size=size, timeout_s=camera.timeout_s)

    return ReconnectingCamera(opened, name=f"RealSense {camera.serial or camera.recording or ''}".rstrip())


def _genicam(camera: GenICamSettings) -> Camera:
    from inspector.capture.genicam_setup import GenICamSetup, Region

    setup = GenICamSetup(
        device=camera.device,
        pixel_format=camera.pixel_format,
        region=Region(camera.width, camera.height, camera.offset_x, camera.offset_y),
        exposure_us=camera.exposure_us,
        gain_db=camera.gain_db,
        features=camera.features,
        trigger=camera.trigger,
        trigger_line=camera.trigger_line,
        trigger_activation=camera.trigger_activation,
        chunks=camera.chunks,
        timeout_s=camera.timeout_s,
        packet_size=camera.packet_size,
        resend=camera.resend,
        buffers=camera.buffers,
    )
    if camera.driver == "pylon":
        from inspector.capture.pylon import PylonDevice

        return ReconnectingCamera(partial(PylonDevice, setup), name=f"pylon camera {camera.device}".rstrip())
    from inspector.capture.genicam import GenICamDevice

    return ReconnectingCamera(partial(GenICamDevice, setup), name=f"GenICam camera {camera.device}".rstrip())


def _video(camera: VideoSettings) -> Camera:
    size = (camera.width, camera.height) if camera.width and camera.height else None
    if camera.file is not None:
        return VideoFile(camera.file, loop=camera.loop, size=size, grey=camera.grey)
    name = camera.device or camera.url or ""
    source = _with_login(camera) if camera.url else name

    def opened() -> LiveVideo:
        return LiveVideo(
            source,
            name=name,
            width=camera.width,
            height=camera.height,
            fps=camera.fps,
            latency_s=camera.latency_s,
            timeout_s=camera.timeout_s,
            grey=camera.grey,
        )

    return ReconnectingCamera(opened, name=name)


def _with_login(camera: VideoSettings) -> str:
    url, password = camera.url or "", camera.password()
    if camera.username is None:
        return url
    login = quote(camera.username, safe="") + (f":{quote(password, safe='')}" if password else "")
    return urlsplit(url)._replace(netloc=f"{login}@{urlsplit(url).netloc}").geturl()
