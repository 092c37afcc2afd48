"""The guarantees of the scenes benchmark (evaluation.md, section 2), measured by one command that fails when
one does not hold. Everything heavy is imported when `check` runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

DEFAULT_WORK = Path("build/guarantees")


def check(
    domain_files: Sequence[Path] | None = None,
    quick: bool = False,
    report: Callable[[str, float], None] = lambda _what, _share: None,
    canceled: Callable[[], bool] = lambda: False,
    work: Path = DEFAULT_WORK,
    processes: int = 1,
    seeds: Sequence[int] = (),
) -> dict[str, Any]:
    """Measure every guarantee on the frozen domains, or on domain files those that make sense for a domain by itself.

    A domain file is judged for leaks, relief, the shares of its species and its profile of missing modalities; the
    logistic of the relief check learns from the frozen domains.

    Args:
        domain_files: unseen domains; ``None`` = the frozen ones.
        quick: under ten minutes on two cores, with wide bounds.
        report: is told what is being done and the share of that which is finished.
        canceled: is asked often.
        work: rendered splits and trained networks are kept here; a run that was cut off goes on.
        processes: that render.
        seeds: of the references; none: the plan's own.

    Returns:
        ``name``, ``digest``, ``frozen`` (whether the digest is the frozen one), ``plan``, ``findings`` (each with
        value, bounds, required range, holds), ``guarantees`` (number, title, holds) and ``holds``.

    Raises:
        InputError: a domain file is wrong.
        CanceledError: the person asked to stop; finished pieces are kept.
    """
    from core.benchmark.guarantees.run import measure

    return measure(domain_files, quick, report, canceled, work, processes, seeds)
