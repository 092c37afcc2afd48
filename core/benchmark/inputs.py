"""Prepared inputs of a study's tables, once for all folds, seeds and methods.

Their planes are smaller than the product's crops: the study's trunk sees fewer pixels (evaluation.md section 7).
"""

from __future__ import annotations

import numpy as np
import torch

from core.benchmark.sizes import Size
from core.benchmark.work import Canceled, Work, stop_if
from core.frames import CROP_PX
from core.model.inputs import CropBatch, ModelInputs, normalise, shrunk
from core.training.augment import augment
from core.training.prepared import Change, Prepared, open_prepared, write_prepared
from core.training.table import CropTable


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
    rgb, depth, infrared = (
        torch.flip(x, dims=mirror).contiguous(memory_format=torch.channels_last) for x in inputs.images
    )
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
