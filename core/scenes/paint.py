"""Paint: a picture in visible light and at 850 nm on the chart of a surface, and the strokes that draw on it.

Albedos are linear, 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.scenes.mesh import F32


@dataclass(frozen=True, slots=True, eq=False)
class Paint:
    """A picture on a chart: ``rgb (H, W, 3)``, ``ir (H, W)``, both linear float32; ``alpha`` < 0.5 = cut away;
    ``holes``: share that the depth sensor does not see there (lenses of glasses).

    The pixel ``(row, column)`` lies at chart ``X = left_mm + column * mm_per_px``, ``Y = top_mm - row * mm_per_px``.
    """

    rgb: NDArray[np.float32]
    ir: NDArray[np.float32]
    left_mm: float
    top_mm: float
    mm_per_px: float
    alpha: NDArray[np.float32] | None = None
    holes: NDArray[np.float32] | None = None

    def places(self, chart: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Column and row of chart points, for ``cv2.remap``."""
        scale = F32(1 / self.mm_per_px)
        return (chart[..., 0] - F32(self.left_mm)) * scale, (F32(self.top_mm) - chart[..., 1]) * scale

    def mesh(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Chart coordinates ``X (1, W)`` and ``Y (H, 1)`` of the pixels."""
        height, width = self.ir.shape
        x = self.left_mm + self.mm_per_px * np.arange(width, dtype=F32)
        y = self.top_mm - self.mm_per_px * np.arange(height, dtype=F32)
        return x[None, :].astype(F32), y[:, None].astype(F32)


def blend(paint: Paint, where: NDArray[np.float32], rgb: Any, ir: Any, rows: slice, columns: slice) -> None:
    """Mix a colour (or picture) into a window of the paint, ``where`` = 0..1."""
    part, part_ir = paint.rgb[rows, columns], paint.ir[rows, columns]
    part += where[..., None] * (np.asarray(rgb, dtype=F32) - part)
    part_ir += where * (np.asarray(ir, dtype=F32) - part_ir)


def window_of(paint: Paint, x0: float, x1: float, y0: float, y1: float) -> tuple[slice, slice, Any, Any]:
    """Rows, columns and chart coordinates of a rectangle (mm)."""
    scale = 1 / paint.mm_per_px
    columns = slice(int((x0 - paint.left_mm) * scale), int((x1 - paint.left_mm) * scale) + 1)
    rows = slice(int((paint.top_mm - y1) * scale), int((paint.top_mm - y0) * scale) + 1)
    x, y = paint.mesh()
    return rows, columns, x[:, columns], y[rows]


def step(distance: NDArray[np.float32], soft: float) -> NDArray[np.float32]:
    """1 where ``distance`` > 0, with an edge ``soft`` wide."""
    return np.asarray(np.clip(distance / F32(soft) + F32(0.5), 0, 1), dtype=F32)
