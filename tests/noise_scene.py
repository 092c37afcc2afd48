"""A scene for tests of the cameras: noise that never repeats, at almost no cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.frames import Extrinsics, Intrinsics, Modality, StreamProfile

WIDTH, HEIGHT = 640, 480


def profile(modality: Modality, fps_hz: float = 30.0, width: int = WIDTH, height: int = HEIGHT) -> StreamProfile:
    focal = 613.2 if modality is Modality.RGB else 390.4
    return StreamProfile(
        modality=modality,
        width=width,
        height=height,
        fps_hz=fps_hz,
        intrinsics=Intrinsics(width, height, focal, focal, width / 2, height / 2),
        to_rgb=Extrinsics()
        if modality is Modality.RGB
        else Extrinsics((0.8, 0.0, 0.6, 0.0, 1.0, 0.0, -0.6, 0.0, 0.8), (0.0143, 0.0, 0.001)),
        depth_unit_m=0.001 if modality is Modality.DEPTH else None,
    )


class NoiseScene:
    """Has the interface of `core.scenes.live.LiveScene`."""

    def __init__(self, modalities: tuple[Modality, ...] = tuple(Modality)) -> None:
        rng = np.random.default_rng(7)
        self.profiles: Mapping[Modality, StreamProfile] = {m: profile(m) for m in modalities}
        self._images: dict[Modality, NDArray[Any]] = {
            Modality.RGB: rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8),
            Modality.DEPTH: rng.integers(500, 900, (HEIGHT, WIDTH), dtype=np.uint16),
            Modality.IR: rng.integers(0, 255, (HEIGHT, WIDTH), dtype=np.uint8),
        }
        self._turn = 0

    def render(self, t_s: float) -> Mapping[Modality, NDArray[Any]]:
        self._turn += 1
        by = (self._turn % HEIGHT, self._turn // HEIGHT)  # no two within hours are equal
        return {m: np.roll(self._images[m], by, axis=(0, 1)) for m in self.profiles}


class LitNoise(NoiseScene):
    """Shows what the projector does: infrared is dark and depth empty without it."""

    def __init__(self) -> None:
        super().__init__()
        self.emitter: bool | None = True

    def render(self, t_s: float) -> Mapping[Modality, NDArray[Any]]:
        images = dict(super().render(t_s))
        if self.emitter is False:
            images[Modality.IR] = images[Modality.IR] // 8
            images[Modality.DEPTH] = np.where(images[Modality.DEPTH] > 850, images[Modality.DEPTH], 0).astype(np.uint16)
        return images
