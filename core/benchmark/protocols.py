"""The protocols of the scenes benchmark as splits: which domains train, which are judged, which species are kept back.

P1 leave one domain out, complete; P2 the same folds under every mask; P3 limited sources (two domains train, the other
two are judged); P4 leave one family of species out; P5 the folds of P1 under corruptions and changing modalities
(issue 3, section 4; MMDG's protocols in method.md 2.4). ``ablation`` and ``whole`` judge on the first target only;
``joint`` trains and judges, on other people, on the domain whose species only modalities together tell: there
complementary features have something to find. ``early`` does the same with networks that are trained whole, from their
pixels on, and on presentations enough to find it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.codes import Species
from core.errors import UsageError

PROTOCOLS = ("P1", "P2", "P3", "P4", "P5", "ablation", "joint", "early", "whole")

FAMILIES: dict[str, tuple[Species, ...]] = {
    "prints": (Species.PRINT_FLAT, Species.PRINT_BENT, Species.PRINT_CUTOUT, Species.PRINT_WORN),
    "replays": (Species.REPLAY_PHONE, Species.REPLAY_TABLET, Species.REPLAY_MONITOR),
    "masks": (Species.MASK_PAPER, Species.MASK_RIGID, Species.MASK_FLEXIBLE, Species.MASK_HALF),
    "others": (Species.MANNEQUIN, Species.PARTIAL),
}
"""The four families of species that P4 leaves out in turn (evaluation.md section 7)."""


@dataclass(frozen=True, slots=True)
class Split:
    """One fold: trained on ``sources`` without the species ``unseen``, judged on ``targets``.

    Where ``unseen`` is not empty only those species and bona fide are judged: what was trained is another question.
    """

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    unseen: tuple[str, ...] = ()


def splits(
    protocol: str, domains: Mapping[str, Sequence[str]], unseen_domain: str = "", joint_domain: str = ""
) -> tuple[Split, ...]:
    """The folds of a protocol over ``domains``.

    Args:
        protocol: one of `PROTOCOLS`.
        domains: the frozen domains in their order, each with the species that it presents. P4 judges a family only
            where it is presented.
        joint_domain: the domain of ``joint`` and ``early``.
        unseen_domain: a further domain; then every domain of ``domains`` trains and this one alone is judged.

    Raises:
        UsageError: no such protocol, or one that a further domain cannot be judged under.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(f"There is no protocol {protocol!r}.", f"Use one of {', '.join(PROTOCOLS)}.")
    if unseen_domain:
        return _unseen(protocol, domains, unseen_domain)
    if protocol in ("joint", "early"):
        return (Split(f"in-{joint_domain}", (joint_domain,), (joint_domain,)),)
    if protocol == "P3":
        half = len(domains) // 2
        first, second = tuple(domains)[:half], tuple(domains)[half:]
        return Split("-".join(first), first, second), Split("-".join(second), second, first)
    if protocol == "P4":
        every = tuple(domains)
        shown = {name: tuple(d for d in domains if set(kinds) & set(domains[d])) for name, kinds in FAMILIES.items()}
        return tuple(
            Split(f"without-{name}", every, shown[name], tuple(kinds))
            for name, kinds in FAMILIES.items()
            if shown[name]
        )
    folds = tuple(Split(f"to-{d}", tuple(s for s in domains if s != d), (d,)) for d in domains)
    return folds[:1] if protocol in ("ablation", "whole") else folds


def _unseen(protocol: str, domains: Mapping[str, Sequence[str]], name: str) -> tuple[Split, ...]:
    if protocol in ("P3", "P4", "joint", "early"):
        raise UsageError(
            f"{protocol} fixes which domains are judged; a domain file cannot be judged under it.",
            "Give --domain with P1, P2, P5 or ablation.",
        )
    if name in domains:
        raise UsageError(
            f"The domain file is called {name!r}, which is the name of a frozen domain.", "Give it another name."
        )
    return (Split(f"to-{name}", tuple(domains), (name,)),)
