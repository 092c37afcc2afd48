"""A picture sheet of the red team's finds: colour, depth and infrared of each, the boldest first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.benchmark.robustness.redteam import Find
from core.errors import HostError
from core.frames import FaceCrop
from core.surface import face_ellipse

_SIDE, _COLUMNS, _CAPTION, _GAP = 128, 3, 34, 8
Picture = NDArray[np.uint8]


def write_sheet(path: Path, finds: Sequence[Find]) -> None:
    """Write ``finds`` as one PNG.

    Raises:
        HostError: the file cannot be written.
    """
    ordered = sorted(finds, key=lambda find: -find.recipe.margin)
    tiles = [_tile(find) for find in ordered]
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    if not cv2.imwrite(str(path), np.vstack(rows)):
        raise HostError(f"The picture sheet {path.name} cannot be written.", "Choose another folder.")


def _tile(find: Find) -> Picture:
    images = np.hstack([cv2.resize(image, (_SIDE, _SIDE)) for image in _pictures(find.crop)])
    tile = np.full((_SIDE + _CAPTION + _GAP, images.shape[1] + _GAP, 3), 255, np.uint8)
    tile[:_SIDE, : images.shape[1]] = images
    recipe, person = find.recipe, f"a person {'passes' if find.person_passes else 'is refused'}"
    lines = (
        f"{recipe.species}, {recipe.domain.sensor}, {recipe.domain.distance_mm[0]:.0f} mm",
        f"{'PASSES' if find.passes else 'refused'} {recipe.margin:+.2f}; {person}",
    )
    for number, line in enumerate(lines):
        at = (4, _SIDE + 14 + 15 * number)
        cv2.putText(tile, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return tile


def _pictures(crop: FaceCrop) -> list[Picture]:
    """The modalities as colour pictures; an absent one is white."""
    white: Any = np.full((_SIDE, _SIDE, 3), 255, np.uint8)
    rgb: Picture = white if crop.rgb is None else np.ascontiguousarray(crop.rgb[..., ::-1])
    return [
        rgb,
        white if crop.depth is None else _depth_picture(crop.depth),
        white if crop.ir is None else _grey(crop.ir),
    ]


def _depth_picture(depth: NDArray[np.float32]) -> Picture:
    measured = depth > 0
    face = measured & face_ellipse(depth.shape[0])
    low, high = np.percentile(depth[face if face.any() else measured], (2, 98))
    near = np.clip((high - depth) / max(float(high - low), 1e-6), 0, 1)
    picture = np.asarray(cv2.applyColorMap((255 * near).astype(np.uint8), cv2.COLORMAP_INFERNO), np.uint8)
    picture[~measured] = 0
    return picture


def _grey(infrared: NDArray[np.float32]) -> Picture:
    top = max(float(np.percentile(infrared, 99)), 1e-3)
    grey = (255 * np.clip(infrared / top, 0, 1)).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
