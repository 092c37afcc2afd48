"""Every method by name, in the order of the tables."""

from __future__ import annotations

from typing import Any

from core.benchmark.methods.base import Base, Entry, Knobs, Method, Peer
from core.benchmark.methods.constant_token import ConstantToken
from core.benchmark.methods.ctnet_style import CtnetStyle
from core.benchmark.methods.dadm_style import DadmStyle
from core.benchmark.methods.drop_renormalise import DropRenormalise
from core.benchmark.methods.fitting import NetworkMethod
from core.benchmark.methods.flexible_modal_style import FlexibleModalStyle
from core.benchmark.methods.if_mmin_style import IfMminStyle
from core.benchmark.methods.mma_fas_style import MmaFasStyle
from core.benchmark.methods.mmdg_style import MmdgStyle
from core.benchmark.methods.ours import Ours
from core.benchmark.methods.physics_only import PhysicsOnly
from core.benchmark.methods.separate import BestModality, LateFusion
from core.benchmark.methods.switched import OwnFeatures, ShuffledSources
from core.benchmark.methods.vp_fas_style import VpFasStyle
from core.benchmark.methods.zero_image import ZeroImage
from core.errors import UsageError

OURS = "ours"


def _network(name: str, title: str, peer: type[Peer]) -> Entry:
    return Entry(name, title, "peer", lambda base, knobs: NetworkMethod(peer(base, knobs)))


def _ours(name: str, title: str, kind: str, **switches: Any) -> Entry:
    def make(base: Base, knobs: Knobs) -> Method:
        return NetworkMethod(Ours(base, knobs, **switches))

    return Entry(name, title, kind, make)


ENTRIES: tuple[Entry, ...] = (
    _ours(OURS, "ours (complementary features, residuals, evidence)", "ours"),
    _ours("ours_without_evidence", "ours without physics evidence", "control", evidence=False),
    _ours(
        "drop_renormalise_evidence", "ours without complementary features", "control", complementary="none",
        residuals=False,
    ),
    _network("drop_renormalise", "drop and renormalise, modality dropout", DropRenormalise),
    _network("zero_image", "zero image", ZeroImage),
    _network("constant_token", "learned constant token", ConstantToken),
    Entry("physics_only", "physics only (logistic)", "peer", PhysicsOnly),
    Entry("best_modality", "per-modality models, best on source-dev", "peer", BestModality),
    Entry("late_fusion", "late fusion", "peer", LateFusion),
    _network("ctnet_style", "CTNet-style", CtnetStyle),
    _network("if_mmin_style", "IF-MMIN-style", IfMminStyle),
    _network("mma_fas_style", "MMA-FAS-style", MmaFasStyle),
    _network("flexible_modal_style", "Flexible-Modal-style", FlexibleModalStyle),
    _network("mmdg_style", "MMDG-style", MmdgStyle),
    _network("dadm_style", "DADM-style", DadmStyle),
    _network("vp_fas_style", "VP-FAS-style", VpFasStyle),
)  # fmt: skip
"""The tables of P1 to P5."""

ABLATION: tuple[Entry, ...] = (
    _ours(OURS, "ours", "ours"),
    _ours("none", "no complementary features (drop and renormalise)", "control", complementary="none"),
    _ours("substitute", "substitute only", "control", complementary="substitute"),
    _ours("enhance", "enhance only", "control", complementary="enhance"),
    _ours("shuffled", "sources shuffled across samples", "control", module=ShuffledSources),
    _ours("own_features", "equal parameters, no cross-modal input", "control", module=OwnFeatures),
    _ours("without_residuals", "without residuals", "control", residuals=False),
    _ours("without_evidence", "without physics evidence", "control", evidence=False),
    _ours("generate_all", "generators learn attacks too", "control", generate_all=True),
    _ours("none_without_evidence", "no complementary features, no evidence", "control", complementary="none",
          evidence=False),
)  # fmt: skip
"""The rows of the ablation (evaluation.md section 4)."""


def chosen(names: list[str], of: list[str]) -> tuple[str, ...]:
    """The named methods in the order of the table, all of them where none is named.

    Raises:
        UsageError: there is no such method.
    """
    for name in names:
        if name not in of:
            raise UsageError(f"There is no method {name!r}.", f"Name some of {', '.join(sorted(of))}.")
    return tuple(name for name in of if not names or name in names)
