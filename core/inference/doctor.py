"""What `doctor` says of the deployed model: it loads, and answers its golden inputs as it must."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.checks import Check, Finding
from core.errors import KnownError


def check_model(champion: Callable[[], Path]) -> Check:
    """Load the bundle that ``champion`` finds, and run the self-test that every promotion runs too."""
    from core.inference.selftest import self_test
    from core.model.bundle import load_scorer
    from core.processes import compute_with_one_thread

    compute_with_one_thread()
    try:
        scorer = load_scorer(champion())
        self_test(scorer)
    except KnownError as error:
        return Check("model", Finding.BAD, error.what, error.remedy or "Roll back with `main.py rollback`.")
    if not scorer.manifest.novelty:
        return Check(
            "model",
            Finding.WARNING,
            f"{scorer.name} has no limits of the unfamiliar: it may accept what no model was made for",
            "Roll back with `main.py rollback`, or make a new model with `main.py adapt`.",
        )
    return Check("model", Finding.GOOD, f"{scorer.name} answers its golden inputs")
