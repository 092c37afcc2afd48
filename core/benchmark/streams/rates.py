"""By what each method's learning rate is multiplied at a target, chosen on the site of `core.benchmark.streams.sites`.

`main.py benchmark --scenes --protocol streams-dev` weighs `FACTORS` for every method that updates, all alike.
"""

from __future__ import annotations

from collections.abc import Mapping

FACTORS = (1.0, 3.0, 10.0, 30.0)
TARGETS = ("turnstile", "lobby", "archive", "desk")
CHOSEN: Mapping[str, tuple[float, float, float, float]] = {
    "ours": (10.0, 10.0, 3.0, 10.0),
    "labels_replay": (10.0, 3.0, 3.0, 10.0),
    "linear_probe": (3.0, 10.0, 3.0, 30.0),
    "fine_tuning": (30.0, 10.0, 30.0, 30.0),
    "adabn": (30.0, 30.0, 30.0, 30.0),
    "tent": (30.0, 30.0, 30.0, 30.0),
    "eata": (30.0, 30.0, 30.0, 30.0),
    "cotta": (30.0, 1.0, 30.0, 30.0),
    "rotta": (30.0, 30.0, 30.0, 30.0),
    "read": (1.0, 30.0, 1.0, 30.0),
    "three_a": (30.0, 30.0, 30.0, 30.0),
    "pmc": (30.0, 10.0, 30.0, 30.0),
    "naive": (30.0, 3.0, 10.0, 10.0),
}
"""By method, at each of `TARGETS` (docs/benchmarks-scenes/streams-dev.md); who is not named has its own rate."""
_ALIKE = {"ours_bound": "ours", "oracle": "labels_replay"}
_ABLATION = "a_"


def factor_of(target: str, method: str) -> float:
    """The factor of a method at a target; what is ours with one thing changed has the factor of ours."""
    name = "ours" if method.startswith(_ABLATION) else _ALIKE.get(method, method)
    return dict(zip(TARGETS, CHOSEN.get(name, ()), strict=False)).get(target, 1.0)
