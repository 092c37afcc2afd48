"""What proves the two mechanisms (evaluation.md section 4): uncertainty finds wrong labels, stability foresees harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.adaptation.early import late
from core.adaptation.pseudo import Unlabelled, label
from core.benchmark.streams.base import chunks
from core.benchmark.streams.folds import Fold, Opened
from core.benchmark.streams.material import Cached, Material
from core.benchmark.streams.methods.labels import trainer_of, unlabelled_of
from core.benchmark.streams.methods.registry import OURS
from core.benchmark.streams.runs import Stream
from core.metrics.ranking import auc
from core.model.network import PadNetwork
from core.model.uncertainty import Uncertainty, binary_entropy
from core.training.losses import cross_entropy

COVERAGES = (0.3, 0.5, 0.7)
HORIZON = 10
_HELD_OUT = 240
_EVERY = 2

Float = NDArray[np.float64]


def prove(opened: Opened, fold: Fold, streams: Sequence[Stream]) -> dict[str, Any]:
    """Both proofs over the streams of a fold, label-equal."""
    labels, weights = [], []
    for stream in streams:
        material = stream.material(opened, fold, OURS)
        name = {"cell": stream.cell.name}
        labels.append({**name, **of_labels(material)})
        weights.append({**name, **of_weight(material, opened.test)})
    return {"pseudo_labels": labels, "weight": weights}


@torch.no_grad()
def of_labels(material: Material) -> dict[str, Any]:
    """How well three orders of doubt separate wrong pseudo-labels from right ones, on the start network.

    ``auroc`` and ``aurc`` of each order; ``noise``: share of wrong labels at each coverage, by pseudo-class and order,
    beside an order by chance (the overall share) and one that knows (``oracle``). ``kept``: what the product's rule
    keeps of each pseudo-class, and how much of it is wrong.
    """
    network, early = material.source.start(), material.stream
    judge = Uncertainty(network.config, torch.device("cpu"))
    outputs = [late(network, early.rows(rows)) for rows in chunks(len(early.presence))]
    votes = [judge.vote(network, output) for output in outputs]
    vote = torch.cat([one.bona_fide for one in votes])
    fused = torch.cat([one.heads[3] for one in votes])
    unlabelled = unlabelled_of(material)
    bits = (early.presence * torch.tensor([1, 2, 4])).sum(dim=1) - 1
    decided = (vote >= unlabelled.limits.level[bits]).numpy()
    truth = material.hidden.people.bona_fide[material.hidden.people.owner]
    wrong = decided != truth
    orders = {
        "uncertainty": torch.cat([one.uncertainty for one in votes]).numpy().astype(np.float64),
        "fused_entropy": binary_entropy(fused).numpy().astype(np.float64),
    }
    kept = label(network, Unlabelled(early, unlabelled.limits)).kept.numpy()
    return {
        "wrong": float(wrong.mean()),
        "auroc": {name: _auc(doubt[wrong], doubt[~wrong]) for name, doubt in orders.items()},
        "aurc": {name: _aurc(doubt, wrong) for name, doubt in orders.items()},
        "noise": {
            kind: {
                str(coverage): {name: _noise(doubt[rows], wrong[rows], coverage) for name, doubt in orders.items()}
                | {"chance": _share(wrong[rows]), "oracle": max(0.0, (_share(wrong[rows]) - (1 - coverage)) / coverage)}
                for coverage in COVERAGES
            }
            for kind, rows in (("bona_fide", decided), ("attack", ~decided))
        },
        "kept": {
            kind: {"rows": int((kept & rows).sum()), "of": int(rows.sum()), "wrong": _share(wrong[kept & rows])}
            for kind, rows in (("bona_fide", decided), ("attack", ~decided))
        },
    }


def of_weight(material: Material, test: Cached) -> dict[str, Any]:
    """AUROC of 1 - S_t for "the loss on people who are not adapted on rises within ten steps", and S_t's range."""
    site = None if material.labelled is None else material.labelled.table
    trainer = trainer_of(material, site, unlabelled_of(material))
    rows = torch.from_numpy(np.random.default_rng(material.seed).permutation(len(test.early.presence))[:_HELD_OUT])
    bona_fide = torch.from_numpy(test.people.bona_fide[test.people.owner])[rows].float()
    stability, losses = [], []
    while not trainer.finished:
        told = trainer.step()
        if trainer.steps_done % _EVERY == 0:
            stability.append(told["stability"])
            losses.append(_loss(trainer.student, test, rows, bona_fide))
    ahead = HORIZON // _EVERY
    rises = np.array([losses[i + ahead] > losses[i] for i in range(len(losses) - ahead)])
    doubt = 1.0 - np.array(stability[: len(rises)])
    return {
        "auroc": _auc(doubt[rises], doubt[~rises]) if rises.any() and not rises.all() else None,
        "rises": float(rises.mean()) if rises.size else None,
        "stability": {"lowest": float(min(stability)), "mean": float(np.mean(stability))},
        "returns": trainer.returns,
    }


@torch.no_grad()
def _loss(network: PadNetwork, test: Cached, rows: torch.Tensor, bona_fide: torch.Tensor) -> float:
    network.eval()
    return float(cross_entropy(late(network, test.early.rows(rows)).fused, bona_fide, 0.0).mean())


def _auc(higher: Float, lower: Float) -> float | None:
    return auc(higher, lower)


def _aurc(doubt: Float, wrong: NDArray[np.bool_]) -> float:
    ordered = wrong[np.argsort(doubt, kind="stable")]
    return float(np.mean(np.cumsum(ordered) / np.arange(1, len(ordered) + 1)))


def _noise(doubt: Float, wrong: NDArray[np.bool_], coverage: float) -> float | None:
    count = round(coverage * len(doubt))
    return _share(wrong[np.argsort(doubt, kind="stable")[:count]]) if count else None


def _share(found: NDArray[np.bool_]) -> float:
    return float(found.mean()) if found.size else float("nan")
