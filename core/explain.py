"""How much each modality moved a logit: exact Shapley values over three modalities (reliability.md section 6.2).

Three players need 2^3 = 8 values, so nothing is sampled. The value of a mask is the model's calibrated logit under that
mask, on features that are computed once (`core.model.scorer.NetworkScorer.mask_logits`); the value of the empty mask is
the logit of the prior, 0 = even odds. Contributions and base sum to the logit of the full mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, fsum

from core.frames import MODALITIES, Modality, ModalityMask

Pair = tuple[Modality, Modality]


@dataclass(frozen=True, slots=True)
class Explanation:
    """``base`` + the sum of ``contributions`` = ``logit``. Positive speaks for bona fide.

    ``interactions`` (Shapley interaction index) tell how much a pair says beyond what each says alone: strongly
    negative means that two modalities contradict each other when seen together.
    """

    logit: float
    base: float
    contributions: Mapping[Modality, float]
    interactions: Mapping[Pair, float]

    @property
    def mask(self) -> ModalityMask:
        """The modalities that took part."""
        return ModalityMask.of(self.contributions)

    @property
    def accused(self) -> Modality:
        """The modality that speaks most against bona fide: the one to name when an answer is questioned."""
        return min(self.contributions, key=self.contributions.__getitem__)

    @property
    def leading(self) -> Modality:
        """The modality that moved the logit most towards where it ended."""
        return self.accused if self.logit < self.base else max(self.contributions, key=self.contributions.__getitem__)


def explain(values: Mapping[ModalityMask, float], base: float = 0.0) -> Explanation:
    """Shapley values of the modalities in the largest mask of ``values``.

    Args:
        values: the logit under every non-empty sub-mask of the largest one.
        base: logit without any modality.

    Raises:
        ValueError: a sub-mask is missing.
    """
    whole = max(values, key=len)
    players = tuple(whole)
    known = {mask.bits: value for mask, value in values.items()} | {0: base}
    if missing := [bits for bits in _subsets(players) if bits not in known]:
        raise ValueError(f"no value for mask {ModalityMask(missing[0])}")
    contributions = {player: _contribution(player, players, known) for player in players}
    interactions = {(a, b): _interaction(a, b, players, known) for a, b in combinations(players, 2)}
    return Explanation(known[whole.bits], base, contributions, interactions)


def mean_explanation(explanations: Sequence[Explanation]) -> Explanation:
    """Explanation of a mean of logits, all under one mask: Shapley values are linear, so theirs are means too.

    Raises:
        ValueError: there is none, or their masks differ.
    """
    if len({explanation.mask for explanation in explanations}) != 1:
        raise ValueError("explanations of one mask can be averaged, and there must be at least one")
    count, first = len(explanations), explanations[0]
    return Explanation(
        fsum(e.logit for e in explanations) / count,
        fsum(e.base for e in explanations) / count,
        {m: fsum(e.contributions[m] for e in explanations) / count for m in first.contributions},
        {pair: fsum(e.interactions[pair] for e in explanations) / count for pair in first.interactions},
    )


def explanation_to_plain(explanation: Explanation) -> dict[str, object]:
    """Plain data for JSON; a pair is written as its mask (``rgb+depth``)."""
    return {
        "mask": str(explanation.mask),
        "logit": explanation.logit,
        "base": explanation.base,
        "contributions": {str(m): value for m, value in explanation.contributions.items()},
        "interactions": {f"{a}+{b}": value for (a, b), value in explanation.interactions.items()},
    }


def explanation_from_plain(content: Mapping[str, object]) -> Explanation:
    """Read what `explanation_to_plain` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    contributions, interactions = content["contributions"], content["interactions"]
    if not isinstance(contributions, Mapping) or not isinstance(interactions, Mapping):
        raise TypeError("contributions and interactions are tables")
    return Explanation(
        float(str(content["logit"])),
        float(str(content["base"])),
        {m: float(contributions[m]) for m in MODALITIES if m in contributions},
        {pair: float(value) for name, value in interactions.items() if (pair := _pair(str(name)))},
    )


def _pair(name: str) -> Pair:
    first, second = ModalityMask.parse(name)
    return first, second


def _contribution(player: Modality, players: tuple[Modality, ...], values: Mapping[int, float]) -> float:
    """Mean gain of ``player`` over all orders of arrival."""
    mine = ModalityMask.of([player]).bits
    others = tuple(p for p in players if p != player)
    return sum(
        _weight(bits.bit_count(), len(others)) * (values[bits | mine] - values[bits]) for bits in _subsets(others)
    )


def _interaction(a: Modality, b: Modality, players: tuple[Modality, ...], values: Mapping[int, float]) -> float:
    """Mean of what the pair adds beyond its members, over the masks of the others."""
    first, second = ModalityMask.of([a]).bits, ModalityMask.of([b]).bits
    others = tuple(p for p in players if p not in (a, b))
    return sum(
        _weight(bits.bit_count(), len(others))
        * (values[bits | first | second] - values[bits | first] - values[bits | second] + values[bits])
        for bits in _subsets(others)
    )


def _weight(size: int, others: int) -> float:
    """Share of a coalition of ``size`` among ``others`` players: 1 / ((others + 1) * C(others, size))."""
    return 1.0 / ((others + 1) * comb(others, size))


def _subsets(players: tuple[Modality, ...]) -> list[int]:
    """Bits of every subset, the empty one included."""
    return [ModalityMask.of(chosen).bits for size in range(len(players) + 1) for chosen in combinations(players, size)]
