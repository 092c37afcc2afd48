"""Do the pictures of bona fide presentations look as faces do? Depth that was turned and swapped colours are told.

Nothing is left out or changed here. Whoever turned depth by mistake would else only see that everybody is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.codes import Framing
from core.data.images import read_image
from core.data.manifest import ManifestRow
from core.errors import InputError
from core.frames import Modality
from core.surface import face_ellipse

LOOKED_AT = 40
"""Bona fide presentations whose pictures are looked at."""
AGREEMENT = 0.7
MIN_VOTES = 5
_SIZE = 64
_MIN_MEASURED = 0.2


def picture_warnings(name: str, rows: Sequence[ManifestRow]) -> list[str]:
    """Whether bona fide face crops look as faces do: the nose nearer than the rim, skin more red than blue.

    Args:
        name: what the warnings name, a collection or a manifest.
        rows: some of their first pictures are looked at; attacks and whole frames are not.
    """
    first = {row.presentation: row for row in reversed(rows) if row.bona_fide and row.framing is Framing.CROP}
    chosen = [first[name] for name in sorted(first)]
    chosen = chosen[:: max(1, len(chosen) // LOOKED_AT)]
    relief = [sign for row in chosen if (sign := _relief(row)) is not None]
    redness = [red for row in chosen if (red := _redness(row)) is not None]
    warnings = []
    if len(relief) >= MIN_VOTES and sum(sign < 0 for sign in relief) >= AGREEMENT * len(relief):
        warnings.append(f"{name}: depth seems to grow towards the camera; here larger is farther, or faces are refused")
    if len(redness) >= MIN_VOTES and sum(red < 0 for red in redness) >= AGREEMENT * len(redness):
        warnings.append(f"{name}: faces are more blue than red; red and blue may be swapped")
    return warnings


def relief_sign(depth: NDArray[Any]) -> float | None:
    """Relief of a face crop in its own spread: positive where the middle has smaller counts than the rim around it.

    A face is nearer in its middle, so a bona fide crop whose counts rise with distance is positive. ``None`` where
    too little of the face is measured or nothing stands out.
    """
    small = cv2.resize(depth, (_SIZE, _SIZE), interpolation=cv2.INTER_NEAREST).astype(np.float64)
    measured = small > 0
    face, middle = face_ellipse(_SIZE), face_ellipse(_SIZE, 0.45)
    rim = face & ~face_ellipse(_SIZE, 0.75) & measured
    middle = middle & measured
    if rim.sum() < _MIN_MEASURED * face.sum() * 0.3 or middle.sum() < _MIN_MEASURED * face.sum() * 0.2:
        return None
    values = small[face & measured]
    spread = float(np.percentile(values, 90) - np.percentile(values, 10))
    return None if spread <= 0.0 else (float(np.median(small[rim])) - float(np.median(small[middle]))) / spread


def _relief(row: ManifestRow) -> float | None:
    depth = _picture(row, Modality.DEPTH)
    return None if depth is None else relief_sign(depth)


def _redness(row: ManifestRow) -> float | None:
    """Mean of red minus blue on the face, or ``None`` where there is no colour."""
    picture = _picture(row, Modality.RGB)
    if picture is None:
        return None
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side].astype(np.float64)
    face = square[face_ellipse(side, 0.7)]
    return float(face[:, 0].mean() - face[:, 2].mean())


def _picture(row: ManifestRow, modality: Modality) -> NDArray[Any] | None:
    """A picture of ``row``; what does not decode is told of when it is judged."""
    path = row.images.get(modality)
    if path is None or not path.is_file():
        return None
    try:
        return read_image(path, modality)
    except InputError:
        return None
