"""Physics only: a logistic regression on the figures that need no training (`core.model.evidence`), one a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from core.benchmark.maps import Maps
from core.benchmark.methods.base import MASKS, Base, Knobs, Schedule
from core.model.evidence import REQUIRED

_STRENGTH = 1.0
_ITERATIONS = 500


class PhysicsOnly:
    """Seven logistic regressions; the figures that need an absent modality are zero, as they are when unknown."""

    def __init__(self, base: Base, knobs: Knobs) -> None:
        del base
        self._strength = _STRENGTH * knobs.auxiliary
        self._models: list[LogisticRegression] = []

    @property
    def parameters(self) -> int:
        """See `Method.parameters`."""
        return len(MASKS) * (len(REQUIRED) + 1)

    def fit(self, train: Maps, dev: Maps, schedule: Schedule) -> None:
        """See `Method.fit`; every crop as it was cut, the classes alike."""
        del dev, schedule
        known = train.people.bona_fide[train.people.owner]
        self._models = []
        for mask in MASKS.numpy():
            model = LogisticRegression(C=self._strength, class_weight="balanced", max_iter=_ITERATIONS)
            self._models.append(model.fit(_visible(train, mask), known))

    def logits(self, maps: Maps) -> NDArray[np.float32]:
        """See `Method.logits`."""
        presence = np.asarray(maps.presence[:, 0])
        columns = []
        for mask, model in zip(MASKS.numpy(), self._models, strict=True):
            complete = (presence | ~mask).all(axis=1)
            columns.append(np.where(complete, model.decision_function(_visible(maps, mask)), np.nan))
        return np.stack(columns, axis=1).astype(np.float32)


def _visible(maps: Maps, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The figures of each crop that ``mask bool (3,)`` allows."""
    presence = np.asarray(maps.presence[:, 0]) & mask
    allowed = (presence[:, None, :] | ~REQUIRED[None]).all(axis=2)
    return np.where(allowed, np.asarray(maps.evidence[:, 0]), 0.0).astype(np.float32)
