"""The demonstration's line: a shipped YAML with the few things that the command line may change."""

from __future__ import annotations

from pathlib import Path

import cv2

from inspector.capture.board import golden_board
from inspector.domain import ConfigurationError
from inspector.runtime.wiring.cameras import build_virtual_camera
from inspector.settings import (
    ComparedImages,
    Detector,
    FolderCamera,
    GoldenSettings,
    LineSettings,
    SimulatedPlc,
    VirtualCamera,
    load_line,
    named_files,
)
from inspector.settings.detectors import AnyDetector

__all__ = ["copy_line", "demo_settings", "draw_golden", "shipped_lines"]


def shipped_lines() -> Path:
    """Return the folder of the YAML files that come with the product."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_shipped" / "line_configs"
    return installed if installed.is_dir() else package.parent / "line_configs"


def copy_line(like: str, file: Path) -> list[Path]:
    """Copy a shipped line and the pictures it names; return what was written.

    Raises
    ------
    ConfigurationError
        There is no such line, something is there already, or it cannot be written.
    """
    shipped = {path.stem: path for path in sorted(shipped_lines().glob("*.yaml"))}
    if like not in shipped:
        raise ConfigurationError(f"there is no shipped line {like!r}", remedy=f"Choose one of {', '.join(shipped)}")
    source = shipped[like]
    wanted = {file: source} | {
        file.parent / path.relative_to(source.parent): path
        for _, path in named_files(load_line(source))
        if path.is_relative_to(source.parent) and path.is_file()
    }
    for target, origin in wanted.items():
        if target.exists() and (target == file or target.read_bytes() != origin.read_bytes()):
            raise ConfigurationError(f"{target} is there already", remedy="Choose another name or folder")
    try:
        for target, origin in wanted.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(origin.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"{file}: cannot be written: {error.strerror}", remedy="Choose another folder"
        ) from error
    return list(wanted)


def demo_settings(
    data: Path,
    *,
    images: Path | None = None,
    golden: Path | None = None,
    cycle_ms: float = 0.0,
    port: int = 0,
    seed: int | None = None,
) -> LineSettings:
    """Return the virtual line, or the real-board line on a directory of images; raises ``SettingsError``.

    Parameters
    ----------
    golden
        Folder with the golden board of each image, under its name; without it, ``templates`` beside the images if
        there is one.
    cycle_ms
        Shortest time from trigger to trigger of the simulated PLC.
    port
        TCP port of the operator's page.
    """
    settings = load_line(shipped_lines() / ("real-boards.yaml" if images else "virtual-board.yaml"), data=data)
    camera, plc = settings.camera, settings.plc
    if images is not None and isinstance(camera, FolderCamera):
        # Somebody who shows a folder of ten boards wants to see more than ten parts.
        camera = camera.model_copy(update={"path": images.absolute(), "loop": True})
    detector = settings.detector
    templates = images.absolute().parent / "templates" if images is not None else None
    if golden is None and templates is not None and templates.is_dir():
        golden = templates
    if golden is not None and isinstance(detector, Detector):
        detector = detector.model_copy(update={"golden": ComparedImages(folder=golden.absolute())})
    if seed is not None and isinstance(camera, VirtualCamera):
        camera = camera.model_copy(update={"seed": seed})
        detector = _with_golden(settings, draw_golden(camera, data / "golden.png"))
    if isinstance(plc, SimulatedPlc):
        plc = plc.model_copy(update={"cycle_ms": cycle_ms})
    screen = settings.screen.model_copy(update={"port": port})
    return settings.model_copy(update={"camera": camera, "detector": detector, "plc": plc, "screen": screen})


def draw_golden(camera: VirtualCamera, path: Path) -> Path:
    """Draw the board of a virtual line of one design without defect or noise, as a PNG; return its path."""
    spec = build_virtual_camera(camera).spec
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), golden_board(camera.seed, 1, spec))
    return path


def _with_golden(settings: LineSettings, image: Path) -> tuple[AnyDetector, ...]:
    return tuple(_shown(each, image) for each in settings.detectors)


def _shown(detector: AnyDetector, image: Path) -> AnyDetector:
    if isinstance(detector, GoldenSettings):
        return detector.model_copy(update={"image": image})
    if isinstance(detector, Detector) and detector.golden is not None:
        return detector.model_copy(update={"golden": detector.golden.model_copy(update={"image": image})})
    return detector
