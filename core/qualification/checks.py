"""Measured figures against what a camera of this kind must do, and against what this camera did when commissioned.

Every limit and tolerance stands in `LIMITS` and is shown beside its figure. A tolerance is wider than what one camera
varies by from day to day, and narrower than what a knocked, dirty or wrongly configured one does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.codes import CameraFigure, SourceKind
from core.frames import Modality, ModalityMask
from core.qualification.wall import Placement

BASELINE_MM = {"D415": 55.0, "D435": 50.0, "D455": 95.0}
"""Stereo baselines by what the camera's name holds (scenes.md)."""
USUAL_SUBPIXEL = 0.049
"""Matching error of a D435 on an ordinary surface (scenes.md, median): what the wall is expected to show."""
FAR_OVER_NEAR = 1.3
"""Two placements tell a fall-off when the farther is at least so much farther."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The range of one figure.

    ``low`` and ``high`` hold for every camera; ``tolerance`` is how far it may be from its commissioning value: a share
    of that value, or in the figure's own unit where ``absolute``.
    """

    low: float
    high: float
    tolerance: float
    absolute: bool = False


LIMITS: Mapping[CameraFigure, Limit] = {
    CameraFigure.DEPTH_FILL: Limit(0.90, 1.0, 0.05, absolute=True),
    CameraFigure.WALL_SUBPIXEL: Limit(0.0, 0.12, 0.5),
    CameraFigure.WALL_RMS: Limit(0.0, 5.0, 0.5),
    CameraFigure.WALL_TILT: Limit(0.0, 15.0, math.inf, absolute=True),
    CameraFigure.IR_EXPONENT: Limit(1.5, 2.5, 0.3, absolute=True),
    CameraFigure.IR_SATURATED: Limit(0.0, 0.02, math.inf, absolute=True),
    CameraFigure.RGB_LEVEL: Limit(40.0, 215.0, 0.35),
    CameraFigure.SKEW: Limit(0.0, 20.0, 5.0, absolute=True),
    CameraFigure.FRAME_RATE: Limit(0.9, 1.1, 0.1),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One figure, what it was at commissioning (``None``: this is the commissioning), and the range it must lie in.

    ``value`` is ``None`` where it could not be measured. What is not ``binding`` is shown and holds nobody up.
    """

    figure: CameraFigure
    value: float | None
    commissioned: float | None
    low: float
    high: float
    binding: bool = True

    @property
    def passed(self) -> bool:
        """Whether the figure was measured and lies in its range."""
        return self.value is not None and self.low <= self.value <= self.high


def checks(
    placements: Sequence[Placement],
    mask: ModalityMask,
    camera_name: str,
    source_kind: SourceKind,
    commissioned: Mapping[CameraFigure, float] | None = None,
) -> tuple[Check, ...]:
    """The figures that ``mask`` needs, judged; a figure that could not be measured is there and fails.

    ``commissioned`` are the values of the first measurement of this camera that passed. The rate of a camera that is
    not live is that of the machine that renders or plays it: it binds nobody.
    """
    found = figures(placements, mask, camera_name)
    judged = []
    for figure in needed(mask, camera_name):
        limit, before = LIMITS[figure], (commissioned or {}).get(figure)
        low, high = limit.low, limit.high
        if figure is CameraFigure.SKEW:
            high = max(high, _half_period_ms(placements))
        if before is not None:
            margin = limit.tolerance if limit.absolute else limit.tolerance * abs(before)
            low, high = max(low, before - margin), min(high, before + margin)
        binding = figure is not CameraFigure.FRAME_RATE or source_kind is SourceKind.LIVE
        judged.append(Check(figure, found.get(figure), before, low, high, binding))
    return tuple(judged)


def passed(judged: Sequence[Check]) -> bool:
    """Whether everything that binds is as it should be; nothing measured is nothing passed."""
    return bool(judged) and all(check.passed for check in judged if check.binding)


def needed(mask: ModalityMask, camera_name: str) -> tuple[CameraFigure, ...]:
    """What has to be measured for ``mask``, in the order in which it is shown."""
    wanted: list[CameraFigure] = []
    if Modality.DEPTH in mask:
        noise = CameraFigure.WALL_SUBPIXEL if baseline_mm(camera_name) else CameraFigure.WALL_RMS
        wanted += [CameraFigure.DEPTH_FILL, noise, CameraFigure.WALL_TILT]
    if Modality.IR in mask:
        wanted += [CameraFigure.IR_EXPONENT, CameraFigure.IR_SATURATED]
    if Modality.RGB in mask:
        wanted.append(CameraFigure.RGB_LEVEL)
    if len(mask) > 1:
        wanted.append(CameraFigure.SKEW)
    return (*wanted, CameraFigure.FRAME_RATE)


def figures(placements: Sequence[Placement], mask: ModalityMask, camera_name: str) -> dict[CameraFigure, float]:
    """One value a figure: the worst placement's, and the fall-off over all of them."""
    found: dict[CameraFigure, float] = {}
    each = [placement.figures for placement in placements]
    worst = (
        (CameraFigure.DEPTH_FILL, "depth_fill", min),
        (CameraFigure.WALL_TILT, "wall_tilt_deg", max),
        (CameraFigure.IR_SATURATED, "ir_saturated", max),
        (CameraFigure.RGB_LEVEL, "rgb_level", _farthest_from_grey),
        (CameraFigure.SKEW, "skew_p95_ms", max),
    )
    for figure, name, pick in worst:
        values = [one[name] for one in each if name in one]
        if values:
            found[figure] = pick(values)
    rates = [one[f"{modality}_rate"] for one in each for modality in mask if f"{modality}_rate" in one]
    if rates:
        found[CameraFigure.FRAME_RATE] = max(rates, key=lambda rate: abs(rate - 1.0))
    baseline = baseline_mm(camera_name)
    noise = [_noise(placement, baseline) for placement in placements if "wall_rms_mm" in placement.figures]
    if noise:
        found[CameraFigure.WALL_SUBPIXEL if baseline else CameraFigure.WALL_RMS] = max(noise)
    exponent = fall_off(placements)
    if exponent is not None:
        found[CameraFigure.IR_EXPONENT] = exponent
    return found


def expected_rms_mm(distance_mm: float, focal_px: float, camera_name: str) -> float | None:
    """What the noise formula expects of a wall at that distance; ``None`` where the baseline is not known."""
    baseline = baseline_mm(camera_name)
    return distance_mm**2 * USUAL_SUBPIXEL / (focal_px * baseline) if baseline else None


def fall_off(placements: Sequence[Placement]) -> float | None:
    """Exponent ``n`` of infrared level over distance, ``level ~ 1 / Z^n``, exposure taken out; 2 = own light alone.

    Ambient infrared lowers it: it does not fall with distance. ``None`` until the wall was seen from near and far.
    """
    points = [
        (math.log(placement.distance_mm), math.log(placement.figures["ir_level"] / placement.figures["ir_exposure"]))
        for placement in placements
        if placement.figures.get("ir_level", 0.0) > 0.0
    ]
    if len(points) < 2 or max(points)[0] - min(points)[0] < math.log(FAR_OVER_NEAR):
        return None
    distance, level = np.array(points).T
    return float(-np.polyfit(distance, level, 1)[0])


def baseline_mm(camera_name: str) -> float | None:
    """The stereo baseline of a camera of that name."""
    return next((mm for model, mm in BASELINE_MM.items() if model in camera_name.upper()), None)


def _noise(placement: Placement, baseline: float | None) -> float:
    rms, distance = placement.figures["wall_rms_mm"], placement.distance_mm
    if baseline is None:
        return rms
    return rms * placement.figures["depth_focal_px"] * baseline / distance**2


def _farthest_from_grey(levels: Sequence[float]) -> float:
    return max(levels, key=lambda level: abs(level - 127.5))


def _half_period_ms(placements: Sequence[Placement]) -> float:
    """As in `core.pairing`: half the slowest period may lie within a frame set."""
    periods = [placement.figures.get("slowest_period_ms", 0.0) for placement in placements]
    return max(periods, default=0.0) / 2.0
