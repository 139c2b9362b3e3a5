"""People's decisions as labels: the pictures of reviewed parts as a data set to train on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from inspector.domain import ConfigurationError, Decision, MomentKind, RecordedPart
from inspector.settings import LineSettings
from inspector.store import Database, ImageArchive, RecordStore, ShiftRecord, who_decided
from inspector.training.dataset import Example, Manifest, content_hash, write_manifest, write_split

__all__ = ["ReviewedData", "export_reviewed"]

NOT_A_DEFECT = frozenset({"false_alarm"})
UNCLEAR = frozenset({"unclear"})


@dataclass(frozen=True, slots=True)
class ReviewedData:
    """What was written; ``unclear`` and ``without_picture`` are parts that were left out."""

    folder: Path
    images: int
    defects: int
    unclear: int
    without_picture: int


def export_reviewed(
    settings: LineSettings, target: Path, *, classes: Sequence[str], since: datetime, until: datetime
) -> ReviewedData:
    """Write the parts that people decided about into ``target/images/train`` and ``labels/train``, with a manifest.

    A false alarm is a picture without a defect; every other accepted, reworked or scrapped part keeps the boxes of its
    findings, because the defect is there, tolerated or not. What nobody could tell is left out.

    Parameters
    ----------
    classes
        Labels in the order of their numbers; a finding of another class, such as a mere difference, is no label.

    Raises
    ------
    ConfigurationError
        Nobody decided about a part whose picture is kept, the folder holds a data set already, or the station has
        several cameras: their pictures are kept side by side, which is not what the model of one view sees.
    StoreError
        The record cannot be read.
    """
    if settings.views:
        raise ConfigurationError(
            f"line {settings.line} has several cameras, whose pictures are kept side by side",
            remedy="Take pictures of one view with 'inspector camera snap --view', and label them",
        )
    if (target / "images").exists():
        raise ConfigurationError(f"{target} holds a data set already", remedy="Name another folder")
    left_out = {"unclear": 0, "without_picture": 0}
    examples = list(_examples(settings, tuple(classes), since, until, left_out))
    if not examples:
        raise ConfigurationError(
            "nobody decided about a part whose picture is kept in that time",
            remedy="See store.images.keep and keep_days; decide on the page /review",
        )
    count = write_split(target, "train", examples)
    files = sorted((target / "images" / "train").glob("*"))
    manifest = Manifest(
        name=f"{settings.line}: reviewed parts",
        licence="your own",
        source=f"decisions of people, {since.isoformat()} to {until.isoformat()}",
        classes=tuple(classes),
        counts={"train": count},
        content_sha256=content_hash(files),
    )
    write_manifest(target, manifest, {example.image.stem: example.group for example in examples})
    return ReviewedData(target, count, sum(len(example.labels) for example in examples), **left_out)


def _examples(
    settings: LineSettings, classes: tuple[str, ...], since: datetime, until: datetime, left_out: dict[str, int]
) -> Iterator[Example]:
    store = settings.store
    if store.url is None or store.images.folder is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    with closing(Database(store.url, username=store.username, password=store.password())) as database:
        images = ImageArchive(store.images.folder)
        record = RecordStore(database, images, line=settings.line, station=settings.station)
        decided = ShiftRecord(database, line=settings.line, station=settings.station).decisions(since, until)
        names = dict.fromkeys(item.part_id for item in decided if item.latest and _by_people(item.decided_by))
        for part_id in names:
            for part in record.part(part_id):
                if part.disposition is None or not since <= part.report.trigger.at < until:
                    continue
                if not _by_people(part.disposition.decided_by) or part.disposition.decision is Decision.HOLD:
                    continue
                if part.disposition.reason_code in UNCLEAR:
                    left_out["unclear"] += 1
                elif part.image is None:
                    left_out["without_picture"] += 1
                else:
                    yield _example(part, part.image, classes)


def _example(part: RecordedPart, image: Path, classes: tuple[str, ...]) -> Example:
    found = part.report.detections
    items = [item for item in found.items if item.label in classes] if found is not None else []
    if part.disposition is not None and part.disposition.reason_code in NOT_A_DEFECT:
        items = []
    boxes = np.array([[each.box.x0, each.box.y0, each.box.x1, each.box.y1] for each in items], np.float32)
    labels = np.array([classes.index(each.label) for each in items], np.int64)
    # Two pictures of one part must never stand on both sides of a division.
    return Example(image, boxes.reshape(-1, 4), labels, group=part.report.trigger.part_id or image.stem)


def _by_people(name: str) -> bool:
    return who_decided(name) is MomentKind.DECIDED
