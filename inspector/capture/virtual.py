"""The virtual bare-board line: drawn boards, one for each trigger, whose defects are known."""

from __future__ import annotations

from datetime import UTC, datetime

from inspector.capture.board import BoardSpec, DefectTruth, render_board
from inspector.domain import CameraLost, ConfigurationError, Frame, Trigger

__all__ = ["VirtualBoardCamera"]


class VirtualBoardCamera:
    """Virtual boards behind the ``Camera`` port; the trigger's sequence number is the part number.

    The same seed and sequence number always give the same pixels. ``truth`` tells what was planted; it is
    for tests and benchmarks and never part of the frame.

    Parameters
    ----------
    seed
        Start of the random numbers.
    px_per_mm
        Scale of the drawing.
    width, height
        Size of the image in pixels; boards are square, so both must be equal.
    defect_rate
        Share of boards with defects, 0 … 1.
    min_defect_mm, max_defect_mm
        Extent of the smallest and of the largest defect, in mm.
    most_defects
        Largest number of defects on one board.
    layouts
        How many board designs the line makes in turn.

    Raises
    ------
    ConfigurationError
        The sizes contradict each other or a number is out of range.
    """

    def __init__(
        self,
        *,
        seed: int = 7,
        px_per_mm: float = 48.0,
        width: int = 640,
        height: int = 640,
        defect_rate: float = 0.35,
        min_defect_mm: float = 0.15,
        max_defect_mm: float = 0.6,
        most_defects: int = 3,
        layouts: int = 4,
    ) -> None:
        if width != height:
            raise ConfigurationError(
                f"virtual boards are square, got {width} x {height} px",
                remedy="Give `camera: {width: ..., height: ...}` the same number",
            )
        try:
            self._spec = BoardSpec(
                size_px=width,
                px_per_mm=px_per_mm,
                layouts=layouts,
                defect_rate=defect_rate,
                most_defects=most_defects,
                defect_mm=(min_defect_mm, max(min_defect_mm, max_defect_mm)),
            )
        except ValueError as error:
            raise ConfigurationError(f"virtual boards: {error}", remedy="Correct `camera:` of the line") from error
        self._seed = seed
        self._closed = False

    @property
    def spec(self) -> BoardSpec:
        """What the line makes."""
        return self._spec

    def grab(self, trigger: Trigger) -> Frame:
        """Return the board of this trigger; raises ``CameraLost`` once the camera is closed."""
        if self._closed:
            raise CameraLost("virtual boards: the camera is closed")
        pixels, _ = render_board(self._seed, trigger.sequence, self._spec)
        return Frame(trigger, pixels, "virtual", datetime.now(UTC))

    def truth(self, sequence: int) -> tuple[DefectTruth, ...]:
        """Return the defects of the board of this trigger, empty for a good board; renders it again."""
        return render_board(self._seed, sequence, self._spec)[1]

    def warm_up(self) -> None:
        """Draw every design once, so that no trigger waits for it."""
        for part in range(self._spec.layouts):
            render_board(self._seed, part, self._spec)

    def close(self) -> None:
        """Refuse further triggers; safe to call twice."""
        self._closed = True
