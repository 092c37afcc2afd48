"""The model: from a face crop to evidence, beside a vision transformer of the size that the field uses, in one run.

The peer has the shape of MMDG (CVPR 2024): one ViT-B/16 for three pictures of 224 px, with a bottleneck adapter after
the attention and after the MLP of each block. Its weights are random: speed does not depend on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.model.bundle import FACTORY_BUNDLE, load_network
from core.model.golden import golden_crop
from core.model.inputs import to_tensors
from core.model.scorer import NetworkScorer
from core.training.losses import source_loss
from tests.benchmarks.table import Row, percentiles, ratio

WIDTH, HEADS, BLOCKS, PATCH, SIDE, ADAPTER = 768, 12, 12, 16, 224, 64
BATCH = 32
SMOOTHING = 0.05
LIMIT_MS, CUDA_LIMIT_MS = 6.0, 3.0


class AdaptedBlock(nn.Module):
    """A block of ViT-B/16 with two bottleneck adapters."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.adapters = nn.ModuleList(
            nn.Sequential(nn.Linear(WIDTH, ADAPTER), nn.GELU(), nn.Linear(ADAPTER, WIDTH)) for _ in range(2)
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """``(B, T, WIDTH)``."""
        for adapter in self.adapters:
            tokens = tokens + adapter(tokens)
        after: torch.Tensor = self.block(tokens)
        return after


class MmdgShaped(nn.Module):
    """Three pictures through one adapted ViT-B/16, class tokens joined by a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.place = nn.Parameter(torch.zeros(1, (SIDE // PATCH) ** 2 + 1, WIDTH))
        self.blocks = nn.Sequential(*(AdaptedBlock() for _ in range(BLOCKS)))
        self.head = nn.Linear(3 * WIDTH, 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """``(B, 3, 3, 224, 224)`` to ``(B, 1)``."""
        tokens = self.patches(pictures.flatten(0, 1)).flatten(2).transpose(1, 2)
        whole = torch.cat([torch.zeros_like(tokens[:, :1]), tokens], dim=1) + self.place
        said: torch.Tensor = self.head(self.blocks(whole)[:, 0].reshape(len(pictures), -1))
        return said


def rows() -> list[Row]:
    """Rows of this section."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [*_latency(), *_throughput(), *_on_cuda()]
    finally:
        torch.set_num_threads(threads)


def _latency() -> list[Row]:
    network, manifest = load_network(FACTORY_BUNDLE)
    scorer, crop = NetworkScorer(network, manifest, torch.device("cpu")), golden_crop()
    score, explained = _times_ms(lambda: scorer.score([crop]), 200), _times_ms(lambda: scorer.explained(crop), 200)
    with torch.inference_mode():
        peer, pictures = MmdgShaped().eval(), torch.randn(1, 3, 3, SIDE, SIDE)
        theirs = _times_ms(lambda: peer(pictures), 8)
    times = float(np.median(theirs) / np.median(explained))
    parameters = sum(p.numel() for p in network.parameters()), sum(p.numel() for p in peer.parameters())
    return [
        Row("crop to evidence, one frame set, one thread", percentiles(score)),
        Row(
            "crop to evidence with all Shapley subsets, one frame set, one thread",
            percentiles(explained),
            f"{LIMIT_MS:.0f} ms",
            ratio(float(np.median(explained)), LIMIT_MS),
            "p50 below the limit",
        ),
        Row(
            "the same beside an MMDG-shaped ViT-B/16 (three pictures of 224 px, adapters, random weights)",
            f"p50 {np.median(explained):.1f} ms, {parameters[0] / 1e6:.1f} M parameters",
            f"p50 {np.median(theirs):.0f} ms, {parameters[1] / 1e6:.0f} M parameters",
            f"{times:.0f} times faster",
            "40 times",
        ),
    ]


def _on_cuda() -> list[Row]:
    """The same question to a GPU, recorded and kernel by kernel, in single floats and in bfloat16; none without one."""
    if not torch.cuda.is_available():
        return [Row("crop to evidence on CUDA", "no GPU in this run", aim=f"p50 at most {CUDA_LIMIT_MS:.0f} ms")]
    network, manifest = load_network(FACTORY_BUNDLE)
    crop, device = golden_crop(), torch.device("cuda")
    on_cpu = NetworkScorer(network, manifest, torch.device("cpu")).score([crop])[0].logit
    found = []
    for name, dtype in (("single floats", torch.float32), ("bfloat16", torch.bfloat16)):
        with torch.autocast("cuda", dtype=dtype, enabled=dtype != torch.float32, cache_enabled=False):
            scorer = NetworkScorer(network, manifest, device)
            recorded = _times_ms(lambda asked=scorer: asked.explained(crop), 400)  # type: ignore[misc]
            launched = _times_ms(lambda asked=scorer: asked.score([crop, crop]), 100)  # type: ignore[misc]
            off = abs(scorer.score([crop])[0].logit - on_cpu)
        found.append(
            Row(
                f"crop to evidence, all Shapley subsets, {scorer.device}, recorded, {name}; logit off by {off:.4f}",
                percentiles(recorded),
                f"{CUDA_LIMIT_MS:.0f} ms",
                ratio(float(np.median(recorded)), CUDA_LIMIT_MS),
                "p50 below the limit",
            )
        )
        found.append(Row(f"two crops on {scorer.device}, kernel by kernel, {name}", percentiles(launched)))
    return found


def _throughput() -> list[Row]:
    """Crops a second in batches, against the bare encoders on inputs that are ready."""
    network, manifest = load_network(FACTORY_BUNDLE)
    crops, inputs = [golden_crop()] * BATCH, to_tensors([golden_crop()] * BATCH).to(torch.device("cpu"))
    scorer = NetworkScorer(network, manifest, torch.device("cpu"))
    evaluated = _rate(lambda: scorer.score(crops))
    with torch.inference_mode():
        encoded = _rate(lambda: network.encode(inputs))
    bona_fide = torch.arange(BATCH) % 2 == 0

    def step(loss: Callable[[], torch.Tensor]) -> None:
        network.zero_grad(set_to_none=True)
        torch.autograd.backward(loss())

    network.train()
    drawn = inputs.presence & torch.tensor([True, False, True])

    def whole() -> torch.Tensor:
        full, subset = network.under_both(network.encode(inputs), drawn)
        return source_loss(full, subset, bona_fide, inputs.presence.float(), SMOOTHING).total

    trained = _rate(lambda: step(whole))
    bare = _rate(lambda: step(lambda: network.encode(inputs).maps.square().mean()))
    return [
        Row(
            f"batched evaluation, {BATCH} triples: pixels to evidence",
            f"{evaluated:.0f} triples/s",
            f"{encoded:.0f} triples/s (encoders alone)",
            ratio(evaluated, encoded),
            "near 1",
        ),
        Row(
            f"training step, {BATCH} triples: all heads and losses",
            f"{trained:.0f} triples/s",
            f"{bare:.0f} triples/s (encoders alone)",
            ratio(trained, bare),
            "near 1",
        ),
    ]


def _times_ms(work: Callable[[], object], repeats: int) -> NDArray[np.float64]:
    """Wall-clock times of single calls, after a few that warm up."""
    for _ in range(max(2, repeats // 20)):
        work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(1000.0 * (time.perf_counter() - started))
    return np.asarray(times)


def _rate(work: Callable[[], object], repeats: int = 8) -> float:
    """Triples a second of a call that handles `BATCH` of them: the median call."""
    return 1000.0 * BATCH / float(np.median(_times_ms(work, repeats)))
