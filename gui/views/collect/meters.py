"""Live figures beside the pictures: skew, drops, depth fill, exposure, recorded frame sets."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QWidget

from core.frames import FrameSet, Modality
from core.messages import CameraHealth
from gui.i18n import tr
from gui.widgets.facts import Facts

_EXPOSURE_KEYS = ("actual_exposure", "exposure_us", "exposure")


class Meters(Facts):
    """What the collector watches."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        for name in (tr("Skew"), tr("Depth fill"), tr("Exposure"), tr("Dropped"), tr("Recorded")):
            self.set(name, "")

    def show_set(self, frame_set: FrameSet | None) -> None:
        """Figures of the newest frame set."""
        if frame_set is None:
            return
        self.set(tr("Skew"), f"{frame_set.skew_ms:.1f} ms")
        fill = depth_fill(frame_set)
        self.set(tr("Depth fill"), f"{fill:.0%}" if fill is not None else "")
        rgb = frame_set.frames.get(Modality.RGB)
        exposure = next((rgb.metadata[k] for k in _EXPOSURE_KEYS if k in rgb.metadata), None) if rgb else None
        self.set(tr("Exposure"), f"{exposure / 1000.0:.1f} ms" if exposure is not None else "")

    def show_health(self, health: CameraHealth) -> None:
        """Counters of the camera."""
        lost = health.dropped_capture + health.dropped_recorder
        self.set(tr("Dropped"), str(lost))
        self.set(tr("Recorded"), tr("{n} sets", n=health.recorded))


def depth_fill(frame_set: FrameSet) -> float | None:
    """Share of the middle of the depth picture that is no hole; ``None`` without depth."""
    if Modality.DEPTH not in frame_set.mask or Modality.DEPTH not in frame_set.frames:
        return None
    depth = frame_set[Modality.DEPTH].pixels
    height, width = depth.shape
    middle = depth[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4]
    return float(np.count_nonzero(middle)) / max(middle.size, 1)
