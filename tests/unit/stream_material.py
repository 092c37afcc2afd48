"""A tiny source, site and stream for the tests of the streams study: maps drawn around two class means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from core.benchmark.people import People
from core.benchmark.streams.cells import CELLS, StreamCell
from core.benchmark.streams.material import Cached, Material, Source, material_of
from core.model.evidence import EVIDENCE
from core.model.features import Features, not_crossed
from core.model.network import PadNetwork
from tests.unit.adaptation_site import TINY, tiny_network

CHANNELS, SIDE = 16, 4
_SURE = replace(TINY, hidden=32, dropout=0.05)
"""Eight hidden units under the product's dropout are too unsure of anything to be believed."""
BALANCED = CELLS[0]


def people(count: int, name: str) -> People:
    """Half bona fide of two takes each, half attacks of three species; one crop a presentation."""
    live = [i % 2 == 0 for i in range(count)]
    species = [
        "" if is_live else ("print_flat", "mask_rigid", "replay_phone")[i // 2 % 3] for i, is_live in enumerate(live)
    ]
    return People(
        np.arange(count),
        np.array([f"{name}-{i}" for i in range(count)]),
        np.array([f"{name}-s{i // 4}" for i in range(count)]),
        np.array(species, dtype=np.str_),
        np.array([name] * count),
    )


def cached(count: int, name: str, seed: int, shift: float = 0.0, gap: float = 2.0) -> Cached:
    """Maps whose mean is ``gap`` higher for bona fide, all moved by ``shift``."""
    who = people(count, name)
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand(count, 3, CHANNELS, SIDE, SIDE, generator=generator)
    maps = maps + gap * torch.from_numpy(who.bona_fide).float()[:, None, None, None, None] + shift
    presence = torch.ones(count, 3, dtype=torch.bool)
    return Cached(
        Features(maps.half(), presence, torch.ones(count, 3), torch.zeros(count, len(EVIDENCE)), not_crossed(presence)),
        who,
    )


def source_of(seed: int = 0) -> Source:
    """A network that was fitted on its source for a few steps."""
    network = fitted(tiny_network(seed, _SURE), cached(96, "source", seed))
    return Source(network, cached(96, "source", seed).table, cached(40, "dev", seed + 1), {})


def fitted(network: PadNetwork, known: Cached) -> PadNetwork:
    """Some steps of supervised training behind the stem."""
    table = known.table
    optimizer = torch.optim.Adam(network.late_parameters().values(), lr=1e-2)
    for _ in range(150):
        output = network.from_features(network.encode_rest(table.early.rows(torch.arange(len(table)))))
        wanted = table.bona_fide.float()
        losses = [torch.nn.functional.binary_cross_entropy_with_logits(output.fused, wanted)]
        losses += [
            torch.nn.functional.binary_cross_entropy_with_logits(output.modality[:, m], wanted) for m in range(3)
        ]
        optimizer.zero_grad()
        torch.autograd.backward(torch.stack(losses).sum())
        optimizer.step()
    return network.eval()


def stream(
    source: Source, labels: int = 0, seed: int = 0, cell: StreamCell = BALANCED, shift: float = 0.3, steps: int = 6
) -> Material:
    """A stream of a site whose maps are shifted."""
    return material_of(source, cached(60, "site", 7, shift), cell, labels, seed, steps=steps, rows=8)
