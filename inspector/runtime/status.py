"""What the line says of itself, kept up to date from several threads and told to the office."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from inspector.domain import CameraHealth, FaultCode, InspectionReport, Lamp, LampState, LineStatus

__all__ = ["StatusKeeper"]

CAMERA_FAULTS = frozenset({FaultCode.CAMERA_LOST, FaultCode.BAD_FRAME})


class StatusKeeper:
    """Holds one ``LineStatus``; a lamp keeps its *since* until it really changes.

    Parameters
    ----------
    tell
        Called with the new status after every change and by ``repeat``.
    """

    def __init__(self, status: LineStatus, tell: Callable[[LineStatus], None]) -> None:
        self._lock = threading.Lock()
        self._status, self._tell = status, tell
        self._loss = ""
        self._camera_ok, self._camera_detail = True, ""

    def lamp(self, lamp: Lamp, good: bool | None, detail: str = "") -> None:
        """Set one lamp."""
        with self._lock:
            if lamp is Lamp.MODEL and good and self._loss:
                good, detail = False, self._loss
            before = self._status.lamps[lamp]
            if (before.good, before.detail) == (good, detail):
                return
            since = before.since if before.good == good else datetime.now(UTC)
            lamps = {**self._status.lamps, lamp: LampState(good, since, detail)}
            self._status = replace(self._status, lamps=lamps)
        self.repeat()

    def camera(self, health: CameraHealth, *, hottest_c: float | None = None, seen: str = "") -> None:
        """Show how the camera fares; it is not well where it is away or warmer than ``hottest_c``.

        ``seen`` is what its pictures say of it.
        """
        warm = health.temperature_c is not None and hottest_c is not None and health.temperature_c > hottest_c
        before, self._camera_ok = self._camera_ok, health.connected and not warm
        self._camera_detail = "; ".join(filter(None, (seen, _detail(health, hottest_c if warm else None))))
        if not self._camera_ok or not before:
            self.lamp(Lamp.CAMERA, self._camera_ok, self._camera_detail)
        elif self._status.lamps[Lamp.CAMERA].good:
            self.lamp(Lamp.CAMERA, True, self._camera_detail)

    def lost(self, told: str) -> None:
        """Say that what ran the model is lost and another runs it: the lamp stays out until the next start."""
        self._loss = told
        self.lamp(Lamp.MODEL, False, told)

    def runs(self, model: str) -> None:
        """Say which model runs on what."""
        with self._lock:
            if self._status.model == model:
                return
            self._status = replace(self._status, model=model)
        self.repeat()

    def ready(self, ready: bool) -> None:
        """Say whether the line takes triggers."""
        with self._lock:
            if self._status.ready == ready:
                return
            self._status = replace(self._status, ready=ready)
        self.repeat()

    @property
    def active_recipe(self) -> str:
        """Recipe of parts for which the PLC asks for none."""
        return self._status.recipe

    def recipe(self, recipe: str) -> None:
        """Say which recipe is used for parts for which the PLC asks for none."""
        with self._lock:
            self._status = replace(self._status, recipe=recipe)
        self.repeat()

    def inspected(self, report: InspectionReport) -> None:
        """Read the camera's and the model's state off a finished part."""
        fault = report.verdict.fault
        if fault in CAMERA_FAULTS:
            self.lamp(Lamp.CAMERA, False, _note(report))
        elif fault is FaultCode.DETECTOR:
            self.lamp(Lamp.MODEL, False, _note(report))
        elif report.detections is not None:
            self.lamp(Lamp.CAMERA, self._camera_ok, self._camera_detail)
            self.lamp(Lamp.MODEL, True)
        self.repeat()

    def repeat(self) -> None:
        """Tell the status again; it is also the sign of life."""
        self._tell(self._status)


def _detail(health: CameraHealth, limit_c: float | None) -> str:
    """Return the figures somebody who looks at the lamp wants to know; counts only where something was lost."""
    said = [health.detail] if health.detail else []
    if health.temperature_c is not None:
        above = f", above {limit_c:g} °C" if limit_c is not None else ""
        said.append(f"{health.temperature_c:.0f} °C{above}")
    counts = {
        "frames not whole": health.incomplete,
        "frames missing": health.missing,
        "frames without trigger": health.unasked,
        "packets lost": health.packets_lost,
        "packets sent again": health.packets_resent,
        "reconnections": health.reconnections,
    }
    said += [f"{name}: {count}" for name, count in counts.items() if count]
    if health.last_frame_at is not None:
        said.append(f"last frame {health.last_frame_at.astimezone():%H:%M:%S}")
    return "; ".join(said)


def _note(report: InspectionReport) -> str:
    return next((reason.note for reason in report.verdict.reasons if reason.note), "")
