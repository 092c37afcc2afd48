"""One face per frame set: detection, a cheap search around the last box, and the decision that there are several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Reason
from core.face.detect import Box, Face, FaceDetector

FULL_SEARCH_EVERY = 10
"""While a face is tracked, the whole picture is searched for others in every tenth frame set."""
MIN_CONFIDENCE = 0.2
OTHER_CONFIDENCE = 0.25
"""A second face must be as sure as this. Nine in ten real faces are; the cascade raised no false alarm of this
strength in 108 real infrared and 48 simulated colour pictures."""
OTHER_SIZE = 0.55
"""People who stand well behind are no second face: theirs is narrower than this share of the first."""
CONFIRMATIONS = 2
"""Full searches in a row that must see a second face, where frames follow each other."""
_MAX_OVERLAP = 0.3
_SMOOTHING = 0.6
"""Share of the new box in the tracked one; a jump beyond a third of the width is followed at once."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The face of one frame set, or the reason why there is none."""

    face: Face | None
    reason: Reason = Reason.NONE


class FaceFinder:
    """Detection with a memory of one box; `reset` forgets it.

    Single pictures (``tracking=False``) are searched in full every time, and a second face counts at once.
    """

    def __init__(self, detector: FaceDetector, tracking: bool) -> None:
        self._detector = detector
        self._tracking = tracking
        self._last: Face | None = None
        self._since_full_search = 0
        self._others_seen = 0

    def reset(self) -> None:
        """Forget the tracked face."""
        self._last = None
        self._since_full_search = 0
        self._others_seen = 0

    def find(
        self, picture: NDArray[np.uint8], instead: Callable[[], NDArray[np.uint8] | None] = lambda: None
    ) -> Finding:
        """The face in ``picture`` (8 bit, any modality).

        Where it shows none, ``instead`` is asked for another picture of the same pixels, which is then looked at with
        the same memory: what was tracked, and how often somebody else was seen.
        """
        finding = self._found(picture)
        if finding is None and (other := instead()) is not None:
            finding = self._found(other)
        if finding is None:
            self.reset()
            return Finding(None, Reason.NO_FACE)
        return finding

    def _found(self, picture: NDArray[np.uint8]) -> Finding | None:
        """What a picture shows; ``None`` where it shows no face."""
        if self._tracking and self._last is not None:
            if self._others_seen == 0 and self._since_full_search < FULL_SEARCH_EVERY:
                near = self._search_near(picture, self._last)
                if near is not None:
                    self._since_full_search += 1
                    self._last = near
                    return Finding(near)
            else:
                # Others matter only from a comparable size on, and larger faces make a cheaper search.
                width = self._last.box[2]
                faces = self._sure(picture, (OTHER_SIZE * width, 3.0 * width))
                if faces:
                    return self._judge(faces)
        faces = self._sure(picture)
        return self._judge(faces) if faces else None

    def _search_near(self, picture: NDArray[np.uint8], last: Face) -> Face | None:
        x, y, width, height = last.box
        left, top = max(0, x - width // 2), max(0, y - height // 2)
        window = picture[top : y + height + height // 2, left : x + width + width // 2]
        if min(window.shape[:2]) < width // 2:
            return None
        faces = self._detector.detect(window, (0.75 * width, 1.35 * width))
        if not faces or faces[0].confidence < MIN_CONFIDENCE:
            return None
        found = faces[0]
        moved = Face((found.box[0] + left, found.box[1] + top, *found.box[2:]), found.confidence, found.yaw_deg)
        return _smoothed(last, moved)

    def _sure(self, picture: NDArray[np.uint8], width_px: tuple[float, float] | None = None) -> list[Face]:
        return [face for face in self._detector.detect(picture, width_px) if face.confidence >= MIN_CONFIDENCE]

    def _judge(self, faces: list[Face]) -> Finding:
        """Choose the face among all that a search of the whole picture found."""
        self._since_full_search = 0
        face = self._choose(faces)
        self._others_seen = self._others_seen + 1 if _others(face, faces) else 0
        self._last = face
        if self._others_seen >= (CONFIRMATIONS if self._tracking else 1):
            return Finding(face, Reason.SEVERAL_FACES)
        return Finding(face)

    def _choose(self, faces: list[Face]) -> Face:
        """The tracked face, else the one that is wide and sure."""
        if self._tracking and self._last is not None:
            last = self._last
            best = max(faces, key=lambda face: overlap(face.box, last.box))
            if overlap(best.box, last.box) > _MAX_OVERLAP:
                return _smoothed(last, best)
        return max(faces, key=lambda face: face.box[2] * min(1.0, face.confidence / OTHER_CONFIDENCE))


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def _others(face: Face, faces: list[Face]) -> list[Face]:
    """Further faces: sure, of comparable size, and not the same place found twice (a face within a face, say)."""
    return [
        other
        for other in faces
        if other.confidence >= OTHER_CONFIDENCE
        and other.box[2] >= OTHER_SIZE * face.box[2]
        and not _same_place(face.box, other.box)
    ]


def _same_place(a: Box, b: Box) -> bool:
    """Whether the centre of one box lies in the other."""
    return _holds(a, b) or _holds(b, a)


def _holds(outer: Box, inner: Box) -> bool:
    x, y = inner[0] + inner[2] / 2, inner[1] + inner[3] / 2
    return outer[0] <= x <= outer[0] + outer[2] and outer[1] <= y <= outer[1] + outer[3]


def _smoothed(last: Face, new: Face) -> Face:
    jump: Any = np.abs(np.subtract(new.box, last.box)).max()
    if jump > last.box[2] / 3:
        return new
    mixed = _SMOOTHING * np.asarray(new.box) + (1.0 - _SMOOTHING) * np.asarray(last.box)
    x, y, width, height = (round(float(value)) for value in mixed)
    return Face((x, y, width, height), new.confidence, new.yaw_deg)
