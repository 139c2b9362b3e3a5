"""A part's picture as the picture element takes it: source, marks, and what can be laid over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hmi.house import ImageUrl
from hmi.view import findings_of, marks_of
from hmi.words import Words
from inspector.domain import OverlayKind, RecordedPart

__all__ = ["scene_of"]


def scene_of(
    part: RecordedPart | None,
    words: Words,
    image_url: ImageUrl,
    *,
    empty: str = "picture_none",
    overlays: Sequence[OverlayKind] = (),
) -> Mapping[str, object]:
    """Return the scene; ``empty`` is the key of what stands there without a part."""
    if part is None:
        return {"src": None, "empty": words[empty], "marks": []}
    report = part.report
    return {
        "src": image_url(part),
        "report": str(report.id),
        "alt": f"{words['picture_alt']} {report.trigger.part_id}",
        "empty": words["picture_none"],
        "broken": words["picture_broken"],
        "marks": marks_of(findings_of(report, words), report),
        "overlays": [
            {"kind": kind.value, "name": words[f"overlay_{kind}"], "src": f"/api/v1/images/{report.id}/{kind}"}
            for kind in overlays
        ],
        "plain": words["overlay_none"],
        "strength": words["overlay_strength"],
        "unmade": words["overlay_broken"],
    }
