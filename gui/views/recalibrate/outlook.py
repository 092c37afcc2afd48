"""What a plan over the chosen sessions would be, read in the background before anybody freezes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.adaptation.caps import Cap
from core.adaptation.plan import make_plan
from core.adaptation.settings import GateSettings
from storage.catalogue import Catalogue
from storage.lineage import people_learned
from storage.registry import ModelRegistry


@dataclass(frozen=True, slots=True)
class TooMany:
    """Of the ``of`` presentations of one person, ``count`` are beyond a cap (`core.adaptation.caps`)."""

    subject: str
    cap: Cap
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """``plan``: digest of the plan that these sessions would give; equal digests have the same power."""

    plan: str
    judging: int
    too_many: tuple[TooMany, ...]
    contested: int = 0
    """Presentations that are left out because their labels contradict each other."""


def read_outlook(catalogue: Catalogue, sessions: Sequence[str], seed: int, bpcer_margin: float) -> Outlook:
    """Make the plan without storing it; ``bpcer_margin`` as in `core.adaptation.settings.GateSettings`.

    Raises:
        KnownError: no plan can be made of these sessions, and why.
    """
    champion = ModelRegistry(catalogue).champion()
    gate = GateSettings(bpcer_margin=bpcer_margin)
    plan = make_plan(
        catalogue.material, sessions, champion.sha256, champion.name, seed, gate=gate,
        learned=people_learned(catalogue, champion.sha256),
    )  # fmt: skip
    all_of = Counter(one.subject for one in catalogue.material.presentations(sessions))
    found = Counter((one.subject, one.cap) for one in plan.left_out if one.cap is not None)
    too_many = tuple(TooMany(subject, cap, n, all_of[subject]) for (subject, cap), n in found.most_common())
    contested = sum(one.contested for one in plan.left_out)
    return Outlook(plan.sha256(), len(plan.split.judge), too_many, contested)
