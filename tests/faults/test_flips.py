"""One flipped bit, anywhere: what is read is what was stored, or a known error names the damage."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from core.errors import InputError, KnownError
from core.frames import FrameSet
from storage.catalogue import Catalogue, open_catalogue
from storage.frames import FrameStore
from storage.registry import ModelRegistry
from tests import stored
from tests.faults.ledger import Ledger
from tests.faults.operations import one_session, some_models

KILLS = int(os.environ.get("SALLYPORT_KILLS", "0"))
FLIPS = 100 * KILLS or 60

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600 if KILLS else 900)]


def _flip(path: Path, rng: random.Random) -> int:
    """Flip one bit of ``path``; returns where."""
    content = bytearray(path.read_bytes())
    where = rng.randrange(len(content))
    content[where] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return where


@pytest.mark.fault_row("bit-flip")
@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_a_flipped_bit_in_a_frames_file_is_found_or_harmless(tmp_path: Path, ledger: Ledger, sealed: bool) -> None:
    rng = random.Random(31)
    with open_catalogue(tmp_path / "data") as catalogue:
        session = stored.open_session(catalogue)
        path = catalogue.frames_path(session)
        key = catalogue.vault.for_session(session) if sealed else None
        with FrameStore.create(path, session, key) as store:
            store.append([stored.frame_set(number) for number in range(1, 7)])
        whole = path.read_bytes()
        found = harmless = 0
        for _ in range(FLIPS):
            path.write_bytes(whole)
            where = _flip(path, rng)
            try:
                told = _read_all(catalogue, session)
            except Exception as error:
                error.add_note(f"byte {where} of {len(whole)}")
                raise
            found += told
            harmless += not told
        path.write_bytes(whole)
    ledger.add("bit-flip", flips_in_frames=FLIPS, found=found, harmless=harmless, wrong_pixels=0)


def _read_all(catalogue: Catalogue, session: str) -> bool:
    """Whether damage was told; every frame set that is handed out is the one that was stored."""
    damaged: list[InputError] = []
    sets: list[FrameSet] = []
    try:
        with catalogue.material.session(session) as store:
            sets += store.frame_sets(on_damage=damaged.append)
    except KnownError:
        return True
    for frame_set in sets:
        stored.assert_equal(frame_set, stored.frame_set(frame_set.number))
    return bool(damaged) or len(sets) < 6


@pytest.mark.fault_row("bit-flip")
def test_a_flipped_bit_in_the_catalogue_ends_in_no_crash(tmp_path: Path, ledger: Ledger) -> None:
    rng = random.Random(32)
    one_session(tmp_path)
    data = tmp_path / "data"
    with open_catalogue(data) as catalogue:
        catalogue.file.checkpoint()
        wanted = _contents(catalogue)
    path = data / "catalogue.db"
    whole = path.read_bytes()
    found = same = other = 0
    for _ in range(FLIPS):
        path.write_bytes(whole)
        where = _flip(path, rng)
        try:
            with open_catalogue(data) as catalogue:
                told = catalogue.file.quick_check() != "ok"
                contents = _contents(catalogue)
        except KnownError:
            found += 1
        except Exception as error:
            error.add_note(f"byte {where} of {len(whole)}")
            raise
        else:
            found += told
            same += not told and contents == wanted
            other += not told and contents != wanted
        for log in data.glob("catalogue.db-*"):
            log.unlink()
    ledger.add("bit-flip", flips_in_catalogue=FLIPS, found=found, harmless=same, changed_text_in_a_row=other)


def _contents(catalogue: Catalogue) -> list[object]:
    sessions = catalogue.sessions.page()[0]
    return [
        sessions,
        catalogue.verdicts.page()[0],
        [catalogue.presentations.of_session(session.id) for session in sessions],
        catalogue.audit.entries(),
        catalogue.models.all(),
    ]


@pytest.mark.fault_row("model-flip")
def test_a_flipped_bit_in_a_model_is_refused_and_the_champion_stays(tmp_path: Path, ledger: Ledger) -> None:
    rng = random.Random(33)
    some_models(tmp_path)
    with open_catalogue(tmp_path / "data") as catalogue:
        registry = ModelRegistry(catalogue)
        folder = Path(registry.resolve("one").path)
        champion = registry.champion().sha256
        for name in ("model.safetensors", "manifest.json"):
            path = folder / name
            whole = path.read_bytes()
            for _ in range(FLIPS // 2):
                path.write_bytes(whole)
                _flip(path, rng)
                with pytest.raises(KnownError) as raised:
                    registry.promote("one", "better", lambda _: None)
                assert raised.value.remedy
                assert registry.champion().sha256 == champion
            path.write_bytes(whole)
        assert registry.promote("one", "better", lambda _: None).sha256 != champion
    ledger.add("model-flip", flips=2 * (FLIPS // 2), loaded=0)
