"""By what each method's learning rate is multiplied at a target, chosen on the site of `core.benchmark.streams.sites`.

`main.py benchmark --scenes --protocol streams-dev` weighs `FACTORS` for every method that updates, all alike.
"""

from __future__ import annotations

from collections.abc import Mapping

FACTORS = (1.0, 3.0, 10.0)
CHOSEN: Mapping[str, Mapping[str, float]] = {
    "archive": {
        "ours": 10.0, "linear_probe": 3.0, "labels_replay": 3.0, "fine_tuning": 3.0, "adabn": 10.0, "tent": 10.0,
        "eata": 10.0, "pmc": 3.0, "naive": 10.0,
    },
    "desk": {
        "ours": 3.0, "labels_replay": 3.0, "fine_tuning": 3.0, "adabn": 10.0, "tent": 10.0, "eata": 10.0,
        "cotta": 10.0, "rotta": 10.0, "read": 10.0, "three_a": 10.0, "pmc": 10.0, "naive": 10.0,
    },
}  # fmt: skip
"""By target and method (docs/benchmarks-scenes/streams-dev.md); a method that is not named has its own rate."""
_ALIKE = {"ours_bound": "ours", "oracle": "labels_replay"}
_ABLATION = "a_"


def rate_of(target: str, method: str) -> float:
    """The factor of a method at a target; what is ours with one thing changed has the factor of ours."""
    name = "ours" if method.startswith(_ABLATION) else _ALIKE.get(method, method)
    return CHOSEN.get(target, {}).get(name, 1.0)
