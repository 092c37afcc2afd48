"""Guarantees 1 and 2: how hard the scenes are for the reference, and what each factor of the shift costs alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.benchmark.guarantees.figures import Bounded, bounded_hter, threshold_of
from core.benchmark.guarantees.finding import Finding
from core.benchmark.guarantees.study import Scored, Study
from core.frames import MODALITIES
from core.scenes.domain import Domain

SOURCE = (None, 0.03)
MEAN_TARGET, EACH_TARGET = (0.12, 0.25), (0.06, 0.35)
SINGLE = (0.20, 0.40)
ORACLE = (None, 0.04)

_SENSOR = (
    "sensor", "ir_gain", "dots", "hole_share", "face_px", "grain", "blur_px", "jpeg_quality", "jpeg_share",
    "registered_share", "registration_px", "framing",
)  # fmt: skip
_SITE = (
    "distance_mm", "blind_share", "yaw_deg", "pitch_deg", "roll_deg", "wall_mm", "lamp_strength", "lamp_azimuth_deg",
    "lamp_elevation_deg", "lamp_kelvin", "ambient", "exposure", "ambient_ir", "missing",
)  # fmt: skip
FIELDS: dict[str, frozenset[str]] = {
    "sensor": frozenset(_SENSOR),
    "site": frozenset(_SITE),
    "people": frozenset({"people", "melanin"}),
    "species": frozenset({"species", "craft", "inks", "pigment"}),
}
"""Which settings of a domain belong to which factor."""


def difficulty_findings(study: Study, names: Sequence[str]) -> list[Finding]:
    """Leave one domain out, source test, single modalities and the reference trained on the target, over the seeds."""
    source, target, oracle = [], {name: [] for name in names}, {name: [] for name in names}  # type: ignore[var-annotated]
    single: dict[str, list[Bounded]] = {str(modality): [] for modality in MODALITIES}
    species: dict[str, dict[str, float]] = {}
    for seed in study.plan.seeds:
        for name in names:
            others = [other for other in names if other != name]
            dev, judged = study.scored(others, seed, others, "dev"), study.scored(others, seed, [name], "test")
            source.append(hter(dev, study.scored(others, seed, others, "test")))
            target[name].append(hter(dev, judged))
            species[name] = apcer(dev, judged)
            for column, modality in enumerate(MODALITIES):
                single[str(modality)].append(hter(dev, judged, column))
            own = study.scored([name], seed, [name], "dev")
            oracle[name].append(hter(own, study.scored([name], seed, [name], "test")))
    found = [Finding(1, "source_test_hter", mean_of(source), SOURCE)]
    found.append(Finding(1, "leave_one_out_hter/mean", mean_of([mean_of(target[name]) for name in names]), MEAN_TARGET))
    for name in names:
        details = {"apcer": species[name], "seeds": [round(one.value, 4) for one in target[name]]}
        found.append(Finding(1, f"leave_one_out_hter/{name}", mean_of(target[name]), EACH_TARGET, details=details))
    found += [Finding(1, f"single_hter/{modality}", mean_of(many), SINGLE) for modality, many in single.items()]
    found += [Finding(1, f"trained_on_target_hter/{name}", mean_of(oracle[name]), ORACLE) for name in names]
    return found


def factor_findings(study: Study, base: str, variants: dict[str, Domain]) -> list[Finding]:
    """The reference trained on the base domain alone, judged where one factor differs, and beside it at home.

    A variant that differs in more than its factor does not hold: its figure is left out.
    """
    seed = study.plan.seeds[0]
    network, dev = study.late_fusion([base], seed), study.scored([base], seed, [base], "dev")
    home = hter(dev, study.scored([base], seed, [base], "test"))
    found = [Finding(2, "one_factor_hter/none", home, (0.0, 1.0))]
    for factor, domain in variants.items():
        strangers = sorted(differing(study.domains[base], domain) - FIELDS[factor])
        measured = hter(dev, Scored.of(network, [study.rows(domain, "factor")]))
        if strangers or domain.model_copy(update={"name": base}) == study.domains[base]:
            measured = Bounded(float("nan"), float("nan"), float("nan"))
        details = {"sensor": domain.sensor, **({"differs_also_in": strangers} if strangers else {})}
        found.append(Finding(2, f"one_factor_hter/{factor}", measured, (0.0, 1.0), details=details))
    return found


def differing(one: Domain, other: Domain) -> set[str]:
    """Names of the settings in which two domains differ, but for their name."""
    first, second = one.model_dump(), other.model_dump()
    return {name for name in first if name != "name" and first[name] != second[name]}


def hter(dev: Scored, judged: Scored, modality: int | None = None) -> Bounded:
    """Macro HTER at dev's threshold, of the fused logit or of one modality's own."""
    fixed = dev.fused if modality is None else dev.alone[:, modality]
    scores = judged.fused if modality is None else judged.alone[:, modality]
    return bounded_hter(scores, judged.species, judged.subjects, threshold_of(fixed, dev.species))


def apcer(dev: Scored, judged: Scored) -> dict[str, float]:
    """APCER of every species at dev's threshold."""
    accepted = np.nan_to_num(judged.fused, nan=-np.inf) >= threshold_of(dev.fused, dev.species)
    return {
        str(kind): round(float(accepted[judged.species == kind].mean()), 3)
        for kind in np.unique(judged.species)
        if kind
    }


def mean_of(many: Sequence[Bounded]) -> Bounded:
    """Mean of several figures; the bounds are those of a mean of independent figures around it."""
    values = np.array([one.value for one in many])
    below = np.array([one.value - one.low for one in many])
    above = np.array([one.high - one.value for one in many])
    mean, count = float(values.mean()), len(many)
    return Bounded(mean, mean - float(np.hypot.reduce(below)) / count, mean + float(np.hypot.reduce(above)) / count)
