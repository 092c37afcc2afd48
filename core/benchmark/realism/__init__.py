"""How far rendered bona fide presentations are from real ones (evaluation.md, section 2, "Realism")."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

PRESENTATIONS = 160


def measure(
    manifest: Path,
    out_dir: Path,
    domain_file: Path | None = None,
    presentations: int = PRESENTATIONS,
    report: Callable[[str, float], None] = lambda _what, _share: None,
    canceled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Compare rendered with real bona fide: distances per statistic, a linear probe, and a sheet of pictures.

    Args:
        manifest: real captures; its bona fide rows are used.
        out_dir: gets ``realism.json`` and ``realism.png``, which shows real faces: never inside a repository.
        domain_file: what to render; ``None`` = a Kinect v2 at the distances of the shared captures.
        presentations: how many to render.
        report: is told what is being done and the share that is finished.
        canceled: is asked often.

    Returns:
        ``statistics`` (per name: medians, Kolmogorov-Smirnov distance, Wasserstein distance over the real spread),
        ``probe_auc`` with bounds, counts of captures and people, ``picture``.

    Raises:
        InputError: the manifest is wrong or holds no bona fide depth or infrared.
        UsageError: ``out_dir`` lies inside a repository.
        CanceledError: the person asked to stop.
    """
    from core.benchmark.realism.run import measure_realism

    return measure_realism(manifest, out_dir, domain_file, presentations, report, canceled)
