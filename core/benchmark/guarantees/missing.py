"""Guarantee 6: modalities are missing at random, together, in part, by site, and by the attacker's choice.

What a profile draws is checked on many draws; what it costs is checked on rendered presentations: the reference under
the target's profile against the same presentations complete.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.benchmark.guarantees.figures import Bounded, Floats, bounded, threshold_of
from core.benchmark.guarantees.finding import Finding
from core.benchmark.guarantees.leaks import MAX_AUC, leak_auc
from core.benchmark.guarantees.study import Scored, Study
from core.codes import Species
from core.frames import MODALITIES
from core.scenes.domain import Domain
from core.scenes.missing import Cause, draw_loss

MIN_COUPLING, MIN_POOR, MIN_BETWEEN_SITES = 0.3, 0.05, 0.10
_DRAWS = 3000
_SEED = 30107


def missing_findings(study: Study, names: Sequence[str]) -> list[Finding]:
    """The profiles of the domains, and what they cost the reference of the first seed."""
    found, shares = [], []
    for name in names:
        drawn = profile_findings(study.domains[name])
        found += drawn
        shares.append(lost_shares(study.domains[name]))
    between = float(np.ptp(np.array(shares), axis=0).max())
    sites = {name: np.round(one, 3).tolist() for name, one in zip(names, shares, strict=True)}
    found.append(
        Finding(
            6, "missing/between_sites", Bounded(between, between, between), (MIN_BETWEEN_SITES, None), details=sites
        )
    )
    return [*found, *_cost(study, names)]


def profile_findings(domain: Domain) -> list[Finding]:
    """Coupling, degraded modalities, and that chance does not look at the class, over many draws of one profile."""
    lost, poor, people, attacker = drawn_losses(domain)
    bad = lost | poor
    subjects = np.array([str(i) for i in range(len(bad))])
    chance = ~attacker
    coupling = bounded(lambda at: correlation(bad[chance][at, 1], bad[chance][at, 2]), subjects[chance], 100)
    degraded = bounded(lambda at: float(poor[at].any(axis=1).mean()), subjects, 100)
    label = leak_auc(np.hstack([lost, poor])[chance].astype(np.float32), people[chance], subjects[chance])
    name = domain.name
    return [
        Finding(6, f"missing/coupling/{name}", coupling, (MIN_COUPLING, None)),
        Finding(6, f"missing/degraded/{name}", degraded, (MIN_POOR, None)),
        Finding(6, f"missing/chance_tells_label/{name}", label, (None, MAX_AUC)),
    ]


def drawn_losses(
    domain: Domain,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Lost and poor ``bool (N, 3)``, is a person, is the attacker's doing ``bool (N,)``, of many draws."""
    kinds = [Species(kind) for kind in domain.species if kind != "bona_fide"]
    presented = [kinds[i // 2 % len(kinds)] if i % 2 else Species.BONA_FIDE for i in range(_DRAWS)]
    losses = [draw_loss(domain.missing, kind, np.random.default_rng((_SEED, i))) for i, kind in enumerate(presented)]
    lost = np.array([[m not in loss.kept for m in MODALITIES] for loss in losses])
    poor = np.array([[m in loss.poor for m in MODALITIES] for loss in losses])
    people = np.array([kind is Species.BONA_FIDE for kind in presented])
    return lost, poor, people, np.array([loss.cause is Cause.ATTACKER for loss in losses])


def lost_shares(domain: Domain) -> Floats:
    """Share of presentations without each modality, or with a poor one ``(3,)``, but for the attacker's doing."""
    lost, poor, _, attacker = drawn_losses(domain)
    return np.asarray((lost | poor)[~attacker].mean(axis=0), dtype=np.float64)


def correlation(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Phi coefficient; 0 where one of them never or always happens."""
    if any(bool(given.all()) or not given.any() for given in (one, other)):
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _cost(study: Study, names: Sequence[str]) -> list[Finding]:
    """APCER that attackers gain by hiding a modality, and the part of all errors that the profiles add."""
    gained: list[NDArray[np.float64]] = []
    harm: list[NDArray[np.float64]] = []
    hidden: list[str] = []
    everyone: list[str] = []
    for name in names:
        others = [other for other in names if other != name]
        seed = study.plan.seeds[0]
        network, dev = study.late_fusion(others, seed), study.scored(others, seed, others, "dev")
        rows = study.rows(study.domains[name], "test")
        threshold = threshold_of(dev.fused, dev.species)
        before = np.nan_to_num(study.scored(others, seed, [name], "test").fused, nan=-np.inf) >= threshold
        after = np.nan_to_num(Scored.of(network, [rows.lossy()]).fused, nan=-np.inf) >= threshold
        chosen = rows.causes == str(Cause.ATTACKER)
        gained.append(after[chosen].astype(np.float64) - before[chosen])
        hidden += rows.subjects[chosen].tolist()
        people = rows.bona_fide
        harm.append((after != people)[~chosen].astype(np.float64) - (before != people)[~chosen])
        everyone += rows.subjects[~chosen].tolist()
    gain, cost = np.concatenate(gained), np.concatenate(harm)
    return [
        Finding(6, "missing/attacker_gain", _mean(gain, hidden), (0.0, None), details={"attacks": len(gain)}),
        Finding(6, "missing/chance_cost", _mean(cost, everyone), (0.0, None), details={"presentations": len(cost)}),
    ]


def _mean(values: NDArray[np.float64], subjects: Sequence[str]) -> Bounded:
    if not len(values):
        return Bounded(float("nan"), float("nan"), float("nan"))
    return bounded(lambda at: float(values[at].mean()), np.array(subjects))
