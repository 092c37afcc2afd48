"""Prepared inputs of a study's tables, once for all folds, seeds and methods.

Their planes are smaller than the product's crops: the study's trunk sees fewer pixels (evaluation.md section 7).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from core.benchmark.sizes import Size
from core.benchmark.work import Canceled, Work, stop_if
from core.frames import CROP_PX
from core.model.inputs import CropBatch, ModelInputs, normalise, shrunk
from core.training.augment import augment
from core.training.prepared import Change, Prepared, open_prepared, write_prepared
from core.training.table import CropTable

_SHIFT_PX = 2


def prepare(
    work: Work, piece: str, table: CropTable, size: Size, changes: tuple[Change | None, ...], canceled: Canceled
) -> Prepared:
    """The prepared inputs of ``table``, one version for every entry of ``changes`` (``None``: as it was cut)."""
    if not work.has(piece):
        with work.making(piece) as folder:
            stop_if(canceled)
            write_prepared(folder, table, size.pixels, changes, lambda _: stop_if(canceled))
    return open_prepared(work.path(piece))


def training_changes(size: Size) -> tuple[Change | None, ...]:
    """The versions of a training crop."""
    return (None, *[augment] * (size.variants - 1))


def mirrored(inputs: ModelInputs, random: np.random.Generator) -> ModelInputs:
    """The batch, mirrored in every modality with an even chance."""
    mirror = [3] if random.random() < 0.5 else []
    return _with_images(inputs, lambda planes: torch.flip(planes, mirror))


def moved(inputs: ModelInputs, random: np.random.Generator) -> ModelInputs:
    """The batch, moved in every modality alike by up to two pixels."""
    down, right = (int(n) for n in random.integers(-_SHIFT_PX, _SHIFT_PX + 1, 2))
    return _with_images(inputs, lambda planes: torch.roll(planes, (down, right), (2, 3)))


def _with_images(inputs: ModelInputs, change: Callable[[torch.Tensor], torch.Tensor]) -> ModelInputs:
    rgb, depth, infrared = (change(planes).contiguous(memory_format=torch.channels_last) for planes in inputs.images)
    return ModelInputs((rgb, depth, infrared), inputs.presence, inputs.quality, inputs.evidence)


def empty_inputs(pixels: int) -> ModelInputs:
    """What a black picture, a depth map without a measurement and a dark infrared image become; all present."""
    one = np.zeros((1, CROP_PX, CROP_PX), dtype=np.float32)
    presence = np.ones((1, 3), dtype=bool)
    colour, known = np.zeros((*one.shape, 3), dtype=np.uint8), np.zeros(1, dtype=bool)
    black = CropBatch(colour, one, one, presence, known, np.zeros(1, dtype=np.float32))
    given = normalise(black)
    rgb, depth, infrared = (shrunk(x, pixels) for x in given.images)
    return ModelInputs((rgb, depth, infrared), given.presence, given.quality, given.evidence)
