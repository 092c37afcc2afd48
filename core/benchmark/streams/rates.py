"""By what each method's learning rate is multiplied at a target, chosen on the site of `core.benchmark.streams.sites`.

`main.py benchmark --scenes --protocol streams-dev` weighs `FACTORS` for every method that updates, all alike.
"""

from __future__ import annotations

from collections.abc import Mapping

FACTORS = (1.0, 3.0, 10.0, 30.0)
CHOSEN: Mapping[str, Mapping[str, float]] = {
    "turnstile": {
        "ours": 10.0,
        "linear_probe": 3.0,
        "labels_replay": 10.0,
        "fine_tuning": 30.0,
        "adabn": 30.0,
        "tent": 30.0,
        "eata": 30.0,
        "cotta": 30.0,
        "rotta": 30.0,
        "three_a": 30.0,
        "pmc": 30.0,
        "naive": 30.0,
    },
    "lobby": {
        "ours": 10.0,
        "linear_probe": 10.0,
        "labels_replay": 3.0,
        "fine_tuning": 10.0,
        "adabn": 30.0,
        "tent": 30.0,
        "eata": 30.0,
        "rotta": 30.0,
        "read": 30.0,
        "three_a": 30.0,
        "pmc": 10.0,
        "naive": 3.0,
    },
    "archive": {
        "ours": 3.0,
        "linear_probe": 3.0,
        "labels_replay": 3.0,
        "fine_tuning": 30.0,
        "adabn": 30.0,
        "tent": 30.0,
        "eata": 30.0,
        "cotta": 30.0,
        "rotta": 30.0,
        "three_a": 30.0,
        "pmc": 30.0,
        "naive": 10.0,
    },
    "desk": {
        "ours": 10.0,
        "linear_probe": 30.0,
        "labels_replay": 10.0,
        "fine_tuning": 30.0,
        "adabn": 30.0,
        "tent": 30.0,
        "eata": 30.0,
        "cotta": 30.0,
        "rotta": 30.0,
        "read": 30.0,
        "three_a": 30.0,
        "pmc": 30.0,
        "naive": 10.0,
    },
}
"""By target and method (docs/benchmarks-scenes/streams-dev.md); a method that is not named has its own rate."""
_ALIKE = {"ours_bound": "ours", "oracle": "labels_replay"}
_ABLATION = "a_"


def rate_of(target: str, method: str) -> float:
    """The factor of a method at a target; what is ours with one thing changed has the factor of ours."""
    name = "ours" if method.startswith(_ABLATION) else _ALIKE.get(method, method)
    return CHOSEN.get(target, {}).get(name, 1.0)
