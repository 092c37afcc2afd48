"""How far a candidate has gone from the model that its lineage began with (reliability.md section 5.1, point 5).

Every pass may move a little further in one direction, each step harmless beside the champion before it. So the gate
also holds the candidate against the root of the lineage: the factory model, or the model that was trained here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from core.adaptation.judging import Bars, Judged
from core.adaptation.report import Check, Holds
from core.adaptation.result import Distance
from core.adaptation.settings import GateSettings
from core.codes import GateReason
from core.model.network import PadNetwork


def parameter_distance(network: PadNetwork, root: PadNetwork) -> float:
    """|theta - theta_root| / |theta_root|; infinite where the two have not the same parameters."""
    theirs, ours = _tensors(root), _tensors(network)
    if {n: t.shape for n, t in theirs.items()} != {n: t.shape for n, t in ours.items()}:
        return float("inf")
    moved = sum(float((ours[name] - tensor).square().sum()) for name, tensor in theirs.items())
    return float((moved / sum(float(tensor.square().sum()) for tensor in theirs.values())) ** 0.5)


def decision_distance(sides: Sequence[tuple[Judged, Judged]], root: Bars, candidate: Bars) -> tuple[float, int]:
    """Share of the presentations that root and candidate (in this order) decide otherwise; and how many there are."""
    changed = [
        root.accepts(before.mask, before.logits[before.mask])
        != candidate.accepts(before.mask, after.logits[before.mask])
        for before, after in sides
    ]
    return (sum(changed) / len(changed) if changed else 0.0), len(changed)


def too_far(distance: Distance, settings: GateSettings) -> list[Check]:
    """What of the distance is beyond its limit; nothing where both are within."""
    found = (
        (GateReason.WEIGHTS_TOO_FAR, distance.parameters, settings.max_parameter_distance, 0),
        (GateReason.DECISIONS_TOO_FAR, distance.decisions, settings.max_decision_distance, distance.trials),
    )
    return [
        Check(reason=reason, holds=Holds.NO, mask="", after=value, limit=limit, trials=trials)
        for reason, value, limit, trials in found
        if not value <= limit
    ]


def _tensors(network: PadNetwork) -> Mapping[str, torch.Tensor]:
    return {name: tensor.detach().double() for name, tensor in network.late_parameters().items()}
