"""An erasure is killed at every step: whoever asks next finishes it, and the certificate is true."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.codes import ErasureStep, RecordMode, SessionPurpose, SourceKind
from storage.catalogue import open_catalogue
from storage.disk import Ballast
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import erase, resume_all
from storage.problems import DiskFullError
from storage.sealing import KeyMissingError
from tests import site

pytestmark = pytest.mark.faults
ANN = Target(TargetKind.SUBJECT, "ann")
MIB = 1 << 20

_CHILD = """
import sys, threading
from pathlib import Path
from storage.catalogue import open_catalogue
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import erase

def stand_still(step, done, total):
    if step == sys.argv[2] and not total:
        print(step, flush=True)
        threading.Event().wait()

erase(open_catalogue(Path(sys.argv[1])), Target(TargetKind.SUBJECT, "ann"), "asked to", stand_still)
"""


def kill_at(root: Path, step: ErasureStep) -> None:
    """Erase in a process of its own, and kill it as it enters ``step``."""
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(root), step], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == step
    child.kill()
    child.wait()
    child.stdout.close()


def test_an_erasure_that_is_killed_at_every_step_is_finished(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_catalogue(root) as catalogue:
        gone = [site.take(catalogue, "ann", 1), site.take(catalogue, "ann", 4, sealed=False)]
        kept = site.take(catalogue, "bob", 10)
        key = catalogue.sessions.get(gone[0]).key
        pieces = [piece for session in gone for piece in site.stored_bytes(catalogue.frames_path(session))]
    pieces += site.pixel_bytes(range(1, 7))
    steps = [step for step in ErasureStep if step is not ErasureStep.DONE]
    for number, step in enumerate(steps):
        kill_at(root, step)
        with open_catalogue(root) as catalogue:
            assert catalogue.file.quick_check() == "ok"
            assert catalogue.subjects.get("ann").state == "erasing"
            assert catalogue.file.value("SELECT step FROM erasures") == step
            if number > steps.index(ErasureStep.KEYS):
                with pytest.raises(KeyMissingError):
                    catalogue.vault.key(key)
            if number > steps.index(ErasureStep.FRAMES):
                assert not any(catalogue.frames_path(session).exists() for session in gone)
    with open_catalogue(root) as catalogue:
        certificate = resume_all(catalogue)[0]
        assert certificate["search"]["found"] == []
        assert len(certificate["sessions"]) == 2
        assert [entry.action for entry in catalogue.audit.of("subject", "ann")][-1] == "erase"
        with catalogue.material.session(kept) as store:
            assert len(list(store)) == 3
    assert site.holding(root, pieces) == {}
    print(f"\nerasure: {len(steps)} kills, finished; {len(pieces)} pieces of the subject searched, 0 found")


def test_a_full_disk_can_still_be_erased(small_disk: Callable[[int], Path]) -> None:
    root = small_disk(14_000)
    with open_catalogue(root) as catalogue:
        ballast = Ballast(catalogue.folder.ballast, 4 * MIB)
        assert ballast.ensure()
        session = site.take(catalogue, "ann", 1, 20)
        pieces = site.stored_bytes(catalogue.frames_path(session))
        catalogue.file.checkpoint()
        (root / "other").write_bytes(bytes(shutil.disk_usage(root).free))
        assert shutil.disk_usage(root).free == 0
        with pytest.raises(DiskFullError):
            catalogue.sessions.open(SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.SIMULATED, subject="bob")
        assert ballast.standing
        certificate = erase(catalogue, ANN, "asked to")
        assert certificate["search"]["found"] == []
        assert not catalogue.frames_path(session).exists()
        site.take(catalogue, "bob", 30, 2)
    assert site.holding(root, pieces) == {}
