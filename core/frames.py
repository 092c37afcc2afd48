"""The currency of the program: modalities, frames, frame sets and their calibration.

Everything that travels from a sensor to a verdict is one of these value objects. They hold numpy arrays and plain
numbers only, so that they can be pickled, stored, replayed and tested without a camera, an SDK or a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Framing, Reason


class Modality(StrEnum):
    """One imaging modality. The declaration order is the order of every mask, tensor and report."""

    RGB = "rgb"
    DEPTH = "depth"
    IR = "ir"


MODALITIES: tuple[Modality, ...] = tuple(Modality)


@dataclass(frozen=True, slots=True, order=True)
class ModalityMask:
    """Which modalities are present, as bits (rgb 1, depth 2, ir 4); as text ``rgb+ir``, the empty mask ``none``."""

    bits: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.bits <= 7:
            raise ValueError(f"a modality mask has three bits, not {self.bits}")

    @classmethod
    def of(cls, modalities: Iterable[Modality]) -> ModalityMask:
        """The mask that holds exactly ``modalities``."""
        bits = 0
        for modality in modalities:
            bits |= 1 << MODALITIES.index(modality)
        return cls(bits)

    @classmethod
    def parse(cls, text: str, separator: str = "+") -> ModalityMask:
        """Read ``depth+ir`` (or, with ``separator=","``, ``depth,ir``). Raises ``ValueError`` on an unknown name."""
        if text in ("", "none"):
            return cls(0)
        return cls.of(Modality(name.strip()) for name in text.split(separator))

    @property
    def row(self) -> tuple[bool, ...]:
        """Whether it holds each of `MODALITIES`, as a row of an array."""
        return tuple(modality in self for modality in MODALITIES)

    def __iter__(self) -> Iterator[Modality]:
        return (m for i, m in enumerate(MODALITIES) if self.bits >> i & 1)

    def __contains__(self, modality: object) -> bool:
        return any(m == modality for m in self)

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __bool__(self) -> bool:
        return self.bits != 0

    def __and__(self, other: ModalityMask) -> ModalityMask:
        return ModalityMask(self.bits & other.bits)

    def __str__(self) -> str:
        return "+".join(self) or "none"


ALL_MODALITIES = ModalityMask(7)
EVERY_MASK: tuple[ModalityMask, ...] = tuple(ModalityMask(bits) for bits in range(1, 8))
"""The seven non-empty masks."""


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """Pinhole intrinsics in pixels; ``coeffs`` are the SDK's five distortion coefficients of ``model``."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    model: str = "none"
    coeffs: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Extrinsics:
    """Rigid transform ``x' = R x + t``; ``rotation`` is row-major (9 numbers), ``translation_m`` in metres."""

    rotation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    translation_m: tuple[float, ...] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class StreamProfile:
    """How one stream was captured: geometry, rate and, for depth, the unit of a count.

    ``depth_unit_m`` is metres per count; ``None`` on a depth stream means relative depth of unknown scale.
    ``to_rgb`` moves a point from this stream's camera to the colour camera.
    """

    modality: Modality
    width: int
    height: int
    fps_hz: float
    intrinsics: Intrinsics | None = None
    to_rgb: Extrinsics | None = None
    depth_unit_m: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image of one sensor.

    ``pixels``: rgb ``uint8 (H, W, 3)`` in R, G, B order; depth ``uint16 (H, W)``, 0 = hole, larger = farther;
    ir ``uint8`` or ``uint16 (H, W)``. ``device_time_ms`` is the device's own clock in ``time_domain``.
    ``metadata`` holds what the sensor said of this frame (exposure_us, gain, laser_power, emitter, ...), if anything.
    """

    modality: Modality
    pixels: NDArray[Any]
    number: int
    device_time_ms: float
    time_domain: str = "hardware_clock"
    metadata: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class FrameSet:
    """The frames that belong to one instant.

    ``frames`` holds every frame that was stored with the set; ``mask`` says which of them may be used for a decision
    (a frame beyond the allowed skew, stale or duplicated is stored but not in the mask).
    ``profiles`` describes each stream; a profile without intrinsics means the modalities are registered already.
    ``number`` counts frame sets within a session from 1; ``time_ms`` is the set's time on the device clock.
    ``flaw`` says why the set must not be judged although its pixels could be (`core.codes.TAMPERED`, a challenge).
    """

    number: int
    time_ms: float
    frames: Mapping[Modality, Frame]
    mask: ModalityMask
    profiles: Mapping[Modality, StreamProfile]
    skew_ms: float = 0.0
    framing: Framing = Framing.FRAME
    flaw: Reason = Reason.NONE

    def __getitem__(self, modality: Modality) -> Frame:
        return self.frames[modality]

    def restricted(self, mask: ModalityMask) -> FrameSet:
        """The same set with only the modalities of ``mask`` usable."""
        return replace(self, mask=self.mask & mask)

    @property
    def nbytes(self) -> int:
        """Bytes of pixel data."""
        return sum(frame.pixels.nbytes for frame in self.frames.values())


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrop:
    """One face, cut from a frame set: the same square region in every present modality, registered, resampled.

    ``rgb``: ``uint8 (S, S, 3)``; ``depth``: ``float32 (S, S)``, 0 = hole, millimetres if ``metric_depth`` else relative
    (scaled so that larger is farther); ``ir``: ``float32 (S, S)`` in the sensor's counts scaled to 0..1 of its range.
    A modality that is absent is ``None``: there is no magic image (method.md section 6.2).
    ``face_mm`` is the width of the region in millimetres, where depth is metric.
    """

    rgb: NDArray[np.uint8] | None = None
    depth: NDArray[np.float32] | None = None
    ir: NDArray[np.float32] | None = None
    metric_depth: bool = False
    face_mm: float | None = None

    @property
    def mask(self) -> ModalityMask:
        """The modalities that this crop holds."""
        present = zip(MODALITIES, (self.rgb, self.depth, self.ir), strict=True)
        return ModalityMask.of(m for m, pixels in present if pixels is not None)

    def restricted(self, mask: ModalityMask) -> FaceCrop:
        """The crop without the modalities that ``mask`` lacks."""
        return replace(
            self,
            rgb=self.rgb if Modality.RGB in mask else None,
            depth=self.depth if Modality.DEPTH in mask else None,
            ir=self.ir if Modality.IR in mask else None,
        )


CROP_PX = 96
"""Side of a face crop, in pixels (evaluation.md section 7)."""
