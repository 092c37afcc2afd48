"""What a CUDA graph records, without CUDA: nothing in it may ask the device, or bring tensors from the host anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from core.frames import EVERY_MASK, ModalityMask
from core.model.bundle import FACTORY_BUNDLE, read_manifest
from core.model.complement import MODES
from core.model.inference import Answer, Inference
from core.model.inputs import ModelInputs, to_tensors
from core.model.network import NetworkConfig, PadNetwork
from core.model.scorer import NetworkScorer
from tests.unit.faces import head, sheet

SMALL = NetworkConfig(widths=(8, 12, 16, 24), bottleneck=10, hidden=12)
CPU = torch.device("cpu")
CONFIGS = [
    *(replace(SMALL, complementary=mode) for mode in MODES),
    replace(SMALL, residuals=False, evidence=False),
    replace(SMALL, crossing=(8, 16, 24), pixels=48),
]
NAMES = [*MODES, "neither residuals nor evidence", "small planes that cross early"]


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator, and what a recording on CUDA would refuse of them.

    ``asked``: operators whose answer the host waits for. ``foreign``: tensors that no operator here has made: those of
    the network and its inputs, and any that are made of Python numbers, which on CUDA would be copied to the device.
    """

    ASKING = frozenset({"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique_dim"})

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.asked: list[str] = []
        self.foreign: dict[int, torch.Tensor] = {}
        self._made: dict[int, torch.Tensor] = {}  # kept, so that no address is given out twice

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        given = list(_tensors_in((args, kwargs)))
        if name in self.ASKING or (name.startswith("index") and any(one.dtype == torch.bool for one in given[1:])):
            self.asked.append(name)
        for tensor in given:
            if (at := _address(tensor)) not in self._made:
                self.foreign[at] = tensor
        done = func(*args, **(kwargs or {}))
        self._made |= {_address(tensor): tensor for tensor in _tensors_in(done)}
        return done


def _tensors_in(tree: object) -> Iterator[torch.Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor) and leaf.dim())


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


@pytest.fixture
def as_on_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the convolutions that oneDNN packs, which only the CPU has."""
    monkeypatch.setattr("core.model.folded._packable", lambda _: False)


@pytest.mark.usefixtures("as_on_cuda")
@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
@torch.no_grad()
def test_what_is_recorded_asks_the_device_nothing_and_copies_nothing_to_it(config: NetworkConfig) -> None:
    inference, inputs = Inference(PadNetwork(config).eval(), CPU), to_tensors([head()])
    with Watch() as first:  # as the passes before a recording: constants come to the device once
        inference.answer_all(inputs)
    with Watch() as recorded:
        inference.answer_all(inputs)
    assert recorded.asked == []
    assert recorded.foreign.keys() <= first.foreign.keys()


@pytest.mark.usefixtures("as_on_cuda")
@torch.no_grad()
def test_the_watch_sees_what_a_recording_refuses() -> None:
    network, inputs = PadNetwork(SMALL).eval(), to_tensors([head()])
    with Watch() as watch:
        network.encode(inputs)
    assert "_local_scalar_dense" in watch.asked
    with Watch() as watch:
        inputs.evidence[inputs.evidence > 0] = 1.0
    assert watch.asked == ["index_put_"]
    kept = []
    for _ in range(2):
        with Watch() as watch:
            inputs.evidence + torch.tensor([1.0] * inputs.evidence.shape[1])
        kept.append(watch)
    assert not kept[1].foreign.keys() <= kept[0].foreign.keys()


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
@pytest.mark.parametrize("mask", EVERY_MASK, ids=str)
def test_what_is_recorded_says_what_the_everyday_path_says(config: NetworkConfig, mask: ModalityMask) -> None:
    torch.manual_seed(5)
    inference = Inference(PadNetwork(config).eval(), CPU)
    inputs = to_tensors([head(0).restricted(mask), sheet(1).restricted(mask)])
    with torch.inference_mode():
        recorded = inference.answer_all(inputs)
    every = inference.ask(inputs, EVERY_MASK)
    for name in ("fused", "present", "modality", "pooled", "joint"):
        torch.testing.assert_close(getattr(recorded.output, name), getattr(every.output, name), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(recorded.uncertainty, every.uncertainty, atol=1e-5, rtol=1e-5)
    told = [column for column, other in enumerate(EVERY_MASK) if other & mask]
    torch.testing.assert_close(recorded.others[:, told], every.others[:, told], atol=1e-5, rtol=1e-5)


def test_what_lies_in_an_absent_modality_reaches_no_answer() -> None:
    inference = Inference(PadNetwork(SMALL).eval(), CPU)
    inputs = to_tensors([head().restricted(ModalityMask.parse("depth+ir"))])
    spoiled = replace(inputs, images=(torch.full_like(inputs.images[0], np.nan), *inputs.images[1:]))
    with torch.inference_mode():
        clean, after = inference.answer_all(inputs), inference.answer_all(spoiled)
    assert _tensors(after)
    for one, two in zip(_tensors(clean), _tensors(after), strict=True):
        torch.testing.assert_close(one, two, atol=0.0, rtol=0.0)


def test_a_recording_is_made_and_asked_on_the_device_of_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    current, seen = [torch.device("cuda", 0)], []

    @contextmanager
    def made_current(device: torch.device) -> Iterator[None]:
        current.append(device)
        yield
        current.pop()

    class Recorded:
        def __init__(self, answer: Callable[[ModelInputs], Answer], _: ModelInputs) -> None:
            seen.append(current[-1])
            self._answer = answer

        def __call__(self, inputs: ModelInputs) -> Answer:
            seen.append(current[-1])
            return self._answer(inputs)

    monkeypatch.setattr("torch.cuda.device", made_current)
    monkeypatch.setattr("core.model.inference._Recording", Recorded)
    inference = Inference(PadNetwork(SMALL).eval(), CPU)
    inference._records = True
    for _ in range(2):
        inference.ask(to_tensors([head()]))
    assert seen == [CPU] * 3, "recorded once, asked twice"
    assert len(current) == 1


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_on_cuda_a_scorer_computes_in_single_floats(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    manifest, network = read_manifest(FACTORY_BUNDLE), PadNetwork(SMALL)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(network, "to", lambda _: network)
    monkeypatch.setattr("core.model.scorer.Inference", lambda *_: None)
    NetworkScorer(network, manifest, torch.device(kind))
    assert torch.backends.cudnn.allow_tf32 is (kind == "cpu")


def _tensors(answer: Answer) -> list[torch.Tensor]:
    output = answer.output
    complemented = [getattr(output.complemented, field.name) for field in fields(output.complemented)]
    return [answer.others, answer.uncertainty, output.fused, output.present, output.joint, *complemented]
