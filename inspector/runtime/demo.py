"""The demonstration's line: a shipped YAML with the few things that the command line may change."""

from __future__ import annotations

from pathlib import Path

from inspector.settings import FolderCamera, LineSettings, SimulatedPlc, VirtualCamera, load_line

__all__ = ["demo_settings", "shipped_lines"]


def shipped_lines() -> Path:
    """Return the folder of the YAML files that come with the product."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_shipped" / "line_configs"
    return installed if installed.is_dir() else package.parent / "line_configs"


def demo_settings(
    data: Path,
    *,
    images: Path | None = None,
    cycle_ms: float = 0.0,
    port: int = 0,
    seed: int | None = None,
) -> LineSettings:
    """Return the virtual line, or the real-board line on a directory of images; raises ``SettingsError``.

    Parameters
    ----------
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
    if seed is not None and isinstance(camera, VirtualCamera):
        camera = camera.model_copy(update={"seed": seed})
    if isinstance(plc, SimulatedPlc):
        plc = plc.model_copy(update={"cycle_ms": cycle_ms})
    screen = settings.screen.model_copy(update={"port": port})
    return settings.model_copy(update={"camera": camera, "plc": plc, "screen": screen})
