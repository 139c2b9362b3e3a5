"""What the line sees with and where it looks: camera, calibration and zones."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from inspector.settings.base import ClassName, FilePath, Items, Name, Settings
from inspector.settings.cameras import GenICamCamera, VideoCamera

PxPerMm = Annotated[float, Field(ge=1, le=2000)]
Pixels = Annotated[int, Field(ge=32, le=16384)]
Millimetre = Annotated[float, Field(ge=0, le=10000)]
PlaceMm = Annotated[float, Field(ge=-10_000, le=10_000)]


class VirtualCamera(Settings):
    """A procedural bare-board line: boards are drawn with defects of known kind, place and size."""

    kind: Literal["virtual"] = Field(description="A drawn board instead of a camera.")
    seed: int = Field(default=7, ge=0, le=2**32 - 1, description="Start of the random numbers; same seed, same parts.")
    px_per_mm: PxPerMm = Field(
        default=48.0, description="Scale of the drawing, in pixels per mm; must equal `calibration.px_per_mm`."
    )
    width: Pixels = Field(default=640, description="Width of the image, in pixels; boards are square.")
    height: Pixels = Field(default=640, description="Height of the image, in pixels; boards are square.")
    designs: int = Field(
        default=4, ge=1, le=64, description="How many board designs come in turn; a golden part fits one of them."
    )
    defect_rate: float = Field(default=0.35, ge=0, le=1, description="Share of boards that get defects.")
    min_defect_mm: float = Field(
        default=0.15, gt=0, le=10, description="Extent of the smallest defect that is drawn, in mm."
    )
    max_defect_mm: float = Field(
        default=0.6, gt=0, le=10, description="Extent of the largest defect that is drawn, in mm."
    )


class ExpectedImage(Settings):
    """What an image must be like; anything else is a bad frame and its part is not passed."""

    width: Pixels = Field(description="Width of the image, in pixels.")
    height: Pixels = Field(description="Height of the image, in pixels.")


class FolderCamera(Settings):
    """Recorded images from a directory, one for each trigger."""

    kind: Literal["folder"] = Field(description="Images from a directory instead of a camera.")
    path: FilePath = Field(description="Directory of the images (PNG, JPEG, BMP, TIFF, WebP); relative to this file.")
    pace_s: float = Field(default=0.0, ge=0, le=3600, description="Shortest time between two images, in s; 0: no wait.")
    order: Literal["name", "time", "random"] = Field(
        default="name", description="By file name (board2 before board10), by the file's time of change, or shuffled."
    )
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="Start of the random numbers of `order: random`.")
    loop: bool = Field(default=False, description="Start again after the last image; else the camera is lost then.")
    expect: ExpectedImage | None = Field(default=None, description="Refuse images of any other size.")
    bits: int | None = Field(
        default=None,
        ge=8,
        le=16,
        description="How many of the 16 bits of deep images the camera used, such as 12; the eight highest of them are "
        "inspected. Without it, images of more than 8 bits are refused.",
    )


class RealSenseCamera(Settings):
    """An Intel RealSense depth camera: colour, and depth aligned to it."""

    kind: Literal["realsense"] = Field(description="Intel RealSense; needs `pip install 'line-inspector[realsense]'`.")
    serial: str = Field(
        default="", max_length=32, description="Serial number of the camera, in quotes; empty: the only one there is."
    )
    width: Pixels = Field(default=1280, description="Width of colour and depth, in pixels.")
    height: Pixels = Field(default=720, description="Height of colour and depth, in pixels.")
    fps: int = Field(default=30, ge=1, le=300, description="Frames per second.")
    average: int = Field(
        default=8, ge=1, le=64, description="Depth frames that are averaged per trigger; they take `average / fps` s."
    )
    depth_unit_mm: float = Field(
        default=0.1, gt=0, le=10, description="What one count of depth is, in mm; 0.1 for parts nearer than 6 m."
    )
    timeout_s: float = Field(default=1.0, gt=0, le=60, description="Longest wait for a frame, in s.")
    max_temperature_c: float | None = Field(
        default=None, ge=0, le=150, description="The camera's lamp goes off above this temperature, in degrees Celsius."
    )
    recording: FilePath | None = Field(
        default=None, description="A recording of the SDK to play instead of a camera; relative to this file."
    )


Camera = Annotated[
    VirtualCamera | FolderCamera | RealSenseCamera | GenICamCamera | VideoCamera, Field(discriminator="kind")
]


class Calibration(Settings):
    """How pixels become millimetres, and how well that is known."""

    px_per_mm: PxPerMm | None = Field(
        default=None, description="Scale in the plane of the part, in pixels per mm; either this or `file`."
    )
    file: FilePath | None = Field(
        default=None,
        description="Calibration that `inspector calibrate solve` wrote, relative to this file: lens, plane, scale and "
        "their uncertainty. The line does not start where it has expired or was made for another size of image.",
    )
    scale_uncertainty: float = Field(
        default=0.002,
        ge=0,
        le=0.2,
        description="Relative standard uncertainty of `px_per_mm`: 0.002 is 0.2 %; a `file` has its own.",
    )
    edge_uncertainty_px: float = Field(
        default=0.5, ge=0, le=20, description="Standard uncertainty of one edge of a finding, in pixels."
    )


class Gauging(Settings):
    """How findings are measured, and what their uncertainty has to count."""

    method: Literal["box", "subpixel"] = Field(
        default="box",
        description="`box`: the detector's box. `subpixel`: elongated findings are fitted on the raw image; what "
        "cannot be fitted is measured by its box, and the record says why.",
    )
    features: Features | None = Field(
        default=None, description="Circles, edges, distances and the part's datum; default: findings only."
    )
    edge_sigma_px: float | None = Field(
        default=None,
        ge=0.2,
        le=10,
        description="Effective edge blur of the camera (standard deviation), in pixels; a calibration file has one.",
    )
    edge_sigma_uncertainty_px: float | None = Field(
        default=None, ge=0, le=2, description="Its standard uncertainty, in pixels; 0.03 where nobody says."
    )
    repeatability_px: float = Field(
        default=0.0,
        ge=0,
        le=20,
        description="What placing and grabbing a part again adds to a fitted length, in pixels (standard uncertainty).",
    )
    off_plane_mm: float = Field(
        default=0.0, ge=0, le=100, description="Standard uncertainty of the part's height over its plane, in mm."
    )
    working_distance_mm: float | None = Field(
        default=None, gt=0, le=100_000, description="Lens to plane, in mm; a calibration file has its own."
    )
    depth_uncertainty: float = Field(
        default=0.01, ge=0, le=1, description="Relative standard uncertainty of a depth: 0.01 is 1 %; from a step."
    )
    depth_floor_mm: float = Field(
        default=0.005, ge=0, le=10, description="Standard uncertainty of a depth that averaging leaves, in mm."
    )
    temperature_span_k: float = Field(
        default=0.0, ge=0, le=200, description="The part's temperature is known to plus or minus this, in K."
    )
    expansion_ppm_per_k: float = Field(
        default=0.0,
        ge=0,
        le=500,
        description="Thermal expansion of the part, in 1e-6/K: FR-4 14, aluminium 23.",
    )


class Between(Settings):
    """A distance between two features of the part."""

    start: ClassName = Field(description="Label of the one.")
    end: ClassName = Field(description="Label of the other, which gets the `distance`.")


class Datum(Settings):
    """The part's own axes, by two circles, two edges or a picture; positions, angles and zones follow the part."""

    origin: ClassName | None = Field(default=None, description="Label of the circle whose centre is the origin.")
    towards: ClassName | None = Field(default=None, description="Label of the circle that x points to.")
    along: ClassName | None = Field(
        default=None, description="Instead: label of the edge that x runs along, from its corner with `across`."
    )
    across: ClassName | None = Field(default=None, description="Label of the other edge of that corner, the origin.")
    image: FilePath | None = Field(
        default=None,
        description="Instead: picture of a part in its place, relative to this file; its corner is the origin.",
    )
    search_mm: float = Field(
        default=1.0, gt=0, le=1000, description="How far a part may lie off the one on the `image`, in mm."
    )
    turn_deg: float = Field(default=3.0, ge=0, le=45, description="How far it may be turned against it, in degrees.")


class Features(Settings):
    """Features of the part that are measured by their edge, wherever a detector has found them."""

    circles: Items[ClassName] = Field(
        default=(), description="Labels measured as circles: `diameter`, `roundness`, `position_x`, `position_y`."
    )
    edges: Items[ClassName] = Field(
        default=(), description="Labels measured as straight edges along their box: `angle`, `straightness`."
    )
    distances: Items[Between] = Field(
        default=(), description="Distances between two of them, each found once: centres, or perpendicular to an edge."
    )
    datum: Datum | None = Field(
        default=None,
        description="Give positions, angles and zones in the part's own axes; default: those of the image.",
    )
    contrast: float = Field(default=20.0, ge=1, le=255, description="Least step in grey levels that is an edge.")
    edge_uncertainty_px: float = Field(
        default=0.1,
        ge=0,
        le=20,
        description="Standard uncertainty of an edge that all its points share (light, blur), in pixels.",
    )


class Zone(Settings):
    """A named rectangle of the part with limits of its own."""

    name: Name = Field(description="Name that rules refer to.")
    box_mm: Annotated[tuple[PlaceMm, PlaceMm, PlaceMm, PlaceMm], Field(strict=False)] = Field(
        description="Left, top, right, bottom in mm from the image's top-left corner; with a datum, in its axes."
    )
    critical: bool = Field(
        default=False,
        description="Functional area, for the reader; limits come from the rules that name it.",
    )
