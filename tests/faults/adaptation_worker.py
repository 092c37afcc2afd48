"""The adaptation process of the kill test: ``python -m tests.faults.adaptation_worker DATA_DIR JOB``."""

from __future__ import annotations

import sys
from pathlib import Path

from core.adaptation.worker import Workplace, run_job
from core.model.bundle import read_manifest
from storage.catalogue import Catalogue, open_catalogue
from tests.unit.adaptation_site import SiteStore, crop_face, simulate


def workplace(catalogue: Catalogue, folder: Path) -> Workplace:
    """The job's workplace in ``folder``; registration is left to the test of the registry."""
    return Workplace(
        catalogue.jobs,
        SiteStore(),
        lambda _: folder / "champion",
        lambda: read_manifest(folder / "champion").sha256,
        folder / "job",
        crop_face,
        lambda bundle: read_manifest(bundle).sha256,
        simulate,
    )


if __name__ == "__main__":
    root = Path(sys.argv[1])
    with open_catalogue(root / "data") as opened:
        run_job(sys.argv[2], workplace(opened, root))
