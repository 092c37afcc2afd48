"""The rows of the two tables, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.benchmark.streams.base import AdaptationMethod, Answer
from core.benchmark.streams.material import Material
from core.benchmark.streams.methods import free, labels, norms, teachers

NONE, THRESHOLD, REPLAY, OURS, ORACLE = "none", "threshold_only", "labels_replay", "ours", "oracle"
OURS_BOUND, THRESHOLD_BOUND = "ours_bound", "threshold_only_bound"

METHODS = (
    AdaptationMethod(OURS, "ours: pseudo-labels, adaptive weight, replay", labels.ours),
    AdaptationMethod(OURS_BOUND, "ours, bound: thresholds within the champion's errors", labels.ours, True, bound=True),
    AdaptationMethod(NONE, "unadapted", labels.unadapted),
    AdaptationMethod(THRESHOLD, "threshold only", labels.unadapted, needs_labels=True),
    AdaptationMethod(
        THRESHOLD_BOUND, "threshold only, bound: within the champion's errors", labels.unadapted, True, bound=True
    ),
    AdaptationMethod("linear_probe", "linear probe", labels.linear_probe, needs_labels=True),
    AdaptationMethod("prototypes", "prototypes, optimal transport", free.prototypes, needs_labels=True),
    AdaptationMethod(REPLAY, "labels and replay (ours without pseudo-labels)", labels.labels_and_replay, True),
    AdaptationMethod("fine_tuning", "full fine-tuning", labels.fine_tuning, needs_labels=True),
    AdaptationMethod("adabn", "AdaBN", norms.adabn),
    AdaptationMethod("t3a", "T3A", free.t3a),
    AdaptationMethod("lame", "LAME", free.lame),
    AdaptationMethod("tent", "TENT", norms.tent),
    AdaptationMethod("eata", "EATA", norms.eata),
    AdaptationMethod("cotta", "CoTTA", teachers.cotta),
    AdaptationMethod("rotta", "RoTTA", teachers.rotta),
    AdaptationMethod("read", "READ", norms.read),
    AdaptationMethod("three_a", "3A-TTA (on maps)", teachers.three_a),
    AdaptationMethod("pmc", "PMC schedule", teachers.pmc),
    AdaptationMethod("naive", "naive pseudo-labels", teachers.naive),
    AdaptationMethod(ORACLE, "target oracle: every label", labels.oracle),
)

WITHOUT_RATE = (NONE, THRESHOLD, THRESHOLD_BOUND, "prototypes", "t3a", "lame")
"""What updates nothing by gradient."""

BY_NAME = {method.name: method for method in METHODS}


def together(methods: Iterable[AdaptationMethod]) -> list[tuple[AdaptationMethod, ...]]:
    """The methods in their order, those that share an adaptation side by side."""
    found: dict[Callable[[Material], Answer], list[AdaptationMethod]] = {}
    for method in methods:
        found.setdefault(method.adapt, []).append(method)
    return [tuple(alike) for alike in found.values()]


def table(labelled: bool) -> tuple[AdaptationMethod, ...]:
    """The rows of the label-equal or of the unlabelled table."""
    return METHODS if labelled else tuple(method for method in METHODS if not method.needs_labels)
