"""Methods without gradient: LAME, T3A, and prototypes moved by optimal transport to a few labels (method.md 4, 5)."""

from __future__ import annotations

import torch
from torch.nn import functional

from core.benchmark.streams.base import Answer, answer_by_features, joint_features
from core.benchmark.streams.material import Material

NEIGHBOURS, _LAME_STEPS = 5, 20
SUPPORTS = 20
_SHARPNESS = 10.0
_PROTOTYPES = 4
_ENTROPIC, _SINKHORN = 0.05, 50
_MOVED = 0.7


def lame(material: Material) -> Answer:
    """Neighbours in feature space pull each other's decisions; no weight changes (LAME, CVPR 2022)."""
    return answer_by_features(material.source.start(), laplacian)


def laplacian(features: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """The logits after the bound of LAME has been iterated over the symmetric kNN graph of a batch."""
    unit = functional.normalize(features, dim=1)
    near = unit @ unit.T
    near.fill_diagonal_(-2.0)
    count = min(NEIGHBOURS, len(near) - 1)
    graph = torch.zeros_like(near).scatter_(1, near.topk(count, dim=1).indices, 1.0 / max(1, count))
    graph = 0.5 * (graph + graph.T)
    own = torch.stack([functional.logsigmoid(-logits), functional.logsigmoid(logits)], dim=1)
    z = own.softmax(dim=1)
    for _ in range(_LAME_STEPS):
        z = (own + graph @ z).softmax(dim=1)
    z = z.clamp(1e-6, 1.0)
    return z[:, 1].log() - z[:, 0].log()


def t3a(material: Material) -> Answer:
    """Class centres from the source and the stream's surest rows replace the classifier (T3A, NeurIPS 2021)."""
    network = material.source.start()
    source, _ = joint_features(network, material.source.replay.early)
    stream, logits = joint_features(network, material.stream)
    centres = []
    for bona_fide in (False, True):
        own = source[material.source.replay.bona_fide == bona_fide].mean(dim=0, keepdim=True)
        decided = torch.nonzero((logits >= 0) == bona_fide)[:, 0]
        surest = decided[logits[decided].abs().argsort(descending=True)[:SUPPORTS]]
        parts = [own, stream[surest]]
        if material.labelled is not None:
            labelled, _ = joint_features(network, material.labelled.early)
            parts.append(labelled[material.labelled.table.bona_fide == bona_fide])
        centres.append(torch.cat(parts).mean(dim=0))
    return answer_by_features(network, lambda features, _: _towards(features, centres[1][None], centres[0][None]))


def prototypes(material: Material) -> Answer:
    """Source prototypes of each class, moved to the labelled rows by entropic transport (arXiv 2503.22984)."""
    assert material.labelled is not None
    network = material.source.start()
    source, _ = joint_features(network, material.source.replay.early)
    labelled, _ = joint_features(network, material.labelled.early)
    moved = []
    for bona_fide in (False, True):
        mine = source[material.source.replay.bona_fide == bona_fide]
        centres = _centres(mine, material.seed)
        theirs = labelled[material.labelled.table.bona_fide == bona_fide]
        moved.append(transported(centres, theirs) if len(theirs) else centres)
    return answer_by_features(network, lambda features, _: _towards(features, moved[1], moved[0]))


def transported(centres: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """``centres (K, C)``, most of the way to the barycentres of what transport gives each of ``rows (N, C)``."""
    cost = torch.cdist(functional.normalize(centres, dim=1), functional.normalize(rows, dim=1)).square()
    kernel = torch.exp(-cost / _ENTROPIC)
    u, v = torch.full((len(centres),), 1.0 / len(centres)), torch.full((len(rows),), 1.0 / len(rows))
    a, b = torch.ones_like(u), torch.ones_like(v)
    for _ in range(_SINKHORN):
        a = u / (kernel @ b).clamp_min(1e-12)
        b = v / (kernel.T @ a).clamp_min(1e-12)
    plan = a[:, None] * kernel * b
    share = plan / plan.sum(dim=1, keepdim=True).clamp_min(1e-12)
    return torch.lerp(centres, share @ rows, _MOVED)


def _centres(rows: torch.Tensor, seed: int) -> torch.Tensor:
    """k-means by a few rounds of Lloyd."""
    generator = torch.Generator().manual_seed(seed)
    centres = rows[torch.randperm(len(rows), generator=generator)[:_PROTOTYPES]].clone()
    for _ in range(10):
        nearest = torch.cdist(rows, centres).argmin(dim=1)
        for k in range(len(centres)):
            if bool((nearest == k).any()):
                centres[k] = rows[nearest == k].mean(dim=0)
    return centres


def _towards(features: torch.Tensor, bona_fide: torch.Tensor, attack: torch.Tensor) -> torch.Tensor:
    """Logits: how much nearer, by cosine, the nearest bona fide centre is than the nearest of an attack."""
    unit = functional.normalize(features, dim=1)
    near = [(unit @ functional.normalize(centres, dim=1).T).amax(dim=1) for centres in (bona_fide, attack)]
    return _SHARPNESS * (near[0] - near[1])
