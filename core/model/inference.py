"""A network on its device, asked for everything that a scorer wants to know at once; on CUDA by a recorded graph.

A network this small is over before a CPU has sent it kernel by kernel: one crop costs a GPU more in launches than in
arithmetic. So the question of a camera (one crop) is recorded once and then replayed as one launch. What can be
recorded asks the device nothing and copies nothing to it (tests/unit/test_inference_graph.py runs it on a device that
refuses both); every modality is encoded, and what is absent is put to zero afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from core.frames import EVERY_MASK, ModalityMask
from core.model.folded import MaskedHeads, folded
from core.model.inputs import ModelInputs
from core.model.masks import mask_rows
from core.model.network import ModelOutput, PadNetwork
from core.model.uncertainty import Uncertainty

_log = logging.getLogger(__name__)
_WARM_UPS = 3
"""Passes before the recording: libraries choose kernels and take memory (PyTorch's notes on CUDA graphs)."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """``output`` of ``B`` crops; ``others (B, R)``: safe logits under other masks; ``uncertainty (B,)`` in [0, 1]."""

    output: ModelOutput
    others: torch.Tensor
    uncertainty: torch.Tensor


class Inference:
    """The folded copy of a network, ready to answer.

    Args:
        network: lies on ``device``; stays as it is.
        device: where it computes.
    """

    def __init__(self, network: PadNetwork, device: torch.device) -> None:
        self._network = folded(network)
        self._heads = MaskedHeads(self._network)
        self._uncertainty = Uncertainty(network.config, device)
        self._device = device
        self._every = mask_rows(EVERY_MASK).to(device)
        self._recorded: _Recording | None = None
        self._records = device.type == "cuda"

    @torch.inference_mode()
    def ask(self, inputs: ModelInputs, masks: Sequence[ModalityMask] = ()) -> Answer:
        """What the network says of the crops as they are and under ``masks``.

        On CUDA the tensors of an answer about one crop are written over by the next: read them before you ask again.
        """
        if self._records and len(inputs.presence) == 1:
            answer = self._replayed(inputs)
            if answer is not None:
                columns = [EVERY_MASK.index(mask) for mask in masks]
                return Answer(answer.output, answer.others.cpu()[:, columns], answer.uncertainty)
        features = self._network.encode(inputs.to(self._device))
        output, others = self._heads(features, mask_rows(masks).to(self._device) if masks else None)
        return Answer(output, others, self._uncertainty.of(self._network, output))

    @torch.inference_mode()
    def output(self, inputs: ModelInputs) -> ModelOutput:
        """The network's raw output, in tensors of its own."""
        return self._heads(self._network.encode(inputs.to(self._device)))[0]

    def answer_all(self, inputs: ModelInputs) -> Answer:
        """`ask` under every mask as it can be recorded: ``inputs`` lie on the device, which is asked nothing."""
        output, others = self._heads(self._network.encode_unasked(inputs), self._every)
        return Answer(output, others, self._uncertainty.of(self._network, output))

    def _replayed(self, inputs: ModelInputs) -> Answer | None:
        """The answer of the recorded graph, which the first question records; ``None`` where it cannot be recorded."""
        with torch.cuda.device(self._device):  # streams and graphs are those of the current device
            if self._recorded is None:
                try:
                    self._recorded = _Recording(self.answer_all, inputs.to(self._device))
                except RuntimeError as error:
                    # An operator that this driver or card cannot record: slower, never silent.
                    _log.warning("The network runs without a recorded graph, which is slower: %s", error)
                    self._records = False
                    torch.cuda.synchronize(self._device)
                    return None
            return self._recorded(inputs)


class _Recording:
    """One question as a CUDA graph (Gray, *Getting Started with CUDA Graphs*, NVIDIA 2019), inputs copied in place.

    It is made and asked while the inputs' device is the current one.
    """

    def __init__(self, answer: Callable[[ModelInputs], Answer], inputs: ModelInputs) -> None:
        self._inputs = inputs
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UPS):
                answer(inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._answer = answer(inputs)

    def __call__(self, inputs: ModelInputs) -> Answer:
        """The answer to ``inputs``, shaped as those of the recording."""
        for kept, given in zip(_tensors(self._inputs), _tensors(inputs), strict=True):
            kept.copy_(given)
        self._graph.replay()
        return self._answer


def _tensors(inputs: ModelInputs) -> tuple[torch.Tensor, ...]:
    return (*inputs.images, inputs.presence, inputs.quality, inputs.evidence)
