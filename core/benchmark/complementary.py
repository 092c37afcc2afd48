"""How near the complementary features come to the hidden ones on a target (evaluation.md section 4).

A cosine alone says little, because features of one modality resemble each other: beside it stand the cosine of the same
prediction to another presentation's feature, and that of the mean bona fide feature of source-train.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from core.benchmark.maps import Maps
from core.benchmark.methods.ours import Ours
from core.frames import EVERY_MASK, MODALITIES
from core.model.features import Features
from core.model.masks import mask_rows

_BATCH = 128
_FIGURES = ("own", "another", "mean_feature")


def cosines(peer: Ours, train: Maps, target: Maps) -> list[dict[str, Any]]:
    """Mean cosines on ``target`` by predicted modality, sources and class; rows as plain data."""
    peer.eval()
    usual = _mean_feature(peer, train)
    found: dict[tuple[str, str, str], list[np.ndarray[Any, np.dtype[np.float32]]]] = {}
    for features, bona_fide in _features(peer, target):
        for mask in EVERY_MASK[:-1]:
            presence = mask_rows([mask]).expand_as(features.presence)
            predicted = peer.output(features.restricted(presence)).complemented.predicted
            for column in [i for i, m in enumerate(MODALITIES) if m not in mask]:
                usable = features.presence[:, column] & (features.presence | ~presence).all(dim=1)
                given, true = predicted[:, column], features.maps[:, column]
                another = true.roll(max(1, len(true) // 2), 0)
                each = torch.stack(
                    [_cosine(given, true), _cosine(given, another), _cosine(usual[column][None], true)], dim=1
                )
                for name, rows in (("bona fide", usable & bona_fide), ("attack", usable & ~bona_fide)):
                    found.setdefault((str(MODALITIES[column]), str(mask), name), []).append(each[rows].numpy())
    return [
        {"predicted": m, "sources": s, "class": c, **_means(np.concatenate(parts))}
        for (m, s, c), parts in sorted(found.items())
    ]


def mean_of(cells: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Rows of several seeds, averaged."""
    return [
        {**rows[0], **{name: round(float(np.mean([row[name] for row in rows])), 4) for name in _FIGURES}}
        for rows in zip(*cells, strict=True)
    ]


def _features(peer: Ours, maps: Maps) -> Iterator[tuple[Features, torch.Tensor]]:
    for start in range(0, len(maps), _BATCH):
        batch = maps.batch(np.arange(start, min(start + _BATCH, len(maps))))
        with torch.inference_mode():
            yield peer.features(batch), batch.bona_fide


def _mean_feature(peer: Ours, train: Maps) -> torch.Tensor:
    """Mean bona fide maps ``(3, C, h, w)`` over the rows that have the modality."""
    total: torch.Tensor | None = None
    count = torch.zeros(3)
    for features, bona_fide in _features(peer, train):
        part = features.maps[bona_fide].sum(dim=0)
        total = part if total is None else total + part
        count += features.presence[bona_fide].sum(dim=0)
    assert total is not None
    return total / count.clamp_min(1.0)[:, None, None, None]


def _cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean over positions of the cosine over channels; ``(B,)``."""
    return functional.cosine_similarity(a, b, dim=1).mean(dim=(1, 2))


def _means(values: np.ndarray[Any, np.dtype[np.float32]]) -> dict[str, float]:
    return {name: float(values[:, i].mean()) if len(values) else float("nan") for i, name in enumerate(_FIGURES)}
