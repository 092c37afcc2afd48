"""Profiles of missing modalities: chance does not look at what is presented, the attacker does."""

from __future__ import annotations

import numpy as np
import pytest

from core.codes import Species
from core.frames import ALL_MODALITIES, CROP_PX, FaceCrop, Modality, ModalityMask
from core.scenes.missing import Cause, Loss, Missingness, apply_loss, draw_loss, hidden_by_attacker

PROFILE = Missingness(rgb=0.05, depth=0.1, ir=0.1, cover=0.1, sun=0.1, degraded=0.1)


def _crop() -> FaceCrop:
    random = np.random.default_rng(0)
    return FaceCrop(
        rgb=random.integers(60, 200, (CROP_PX, CROP_PX, 3)).astype(np.uint8),
        depth=np.full((CROP_PX, CROP_PX), 600, np.float32),
        ir=np.full((CROP_PX, CROP_PX), 0.4, np.float32),
        metric_depth=True,
        face_mm=220.0,
    )


def test_without_an_attacker_the_same_is_lost_whatever_is_presented() -> None:
    for i in range(300):
        drawn = [
            draw_loss(PROFILE, kind, np.random.default_rng(i))
            for kind in (Species.BONA_FIDE, Species.PRINT_FLAT, Species.MASK_RIGID)
        ]
        assert drawn[0] == drawn[1] == drawn[2]


def test_an_attacker_hides_what_would_give_the_instrument_away_and_people_hide_nothing() -> None:
    profile = Missingness(attacker=1.0)
    assert draw_loss(profile, Species.BONA_FIDE, np.random.default_rng(1)) == Loss()
    for kind, hidden in ((Species.PRINT_FLAT, Modality.DEPTH), (Species.MASK_RIGID, Modality.IR)):
        loss = draw_loss(profile, kind, np.random.default_rng(1))
        assert loss.cause is Cause.ATTACKER
        assert hidden not in loss.kept
        assert hidden_by_attacker(kind) == ModalityMask.of((hidden,))


def test_something_is_always_kept() -> None:
    profile = Missingness(rgb=1.0, depth=1.0, ir=1.0)
    assert all(draw_loss(profile, Species.BONA_FIDE, np.random.default_rng(i)).kept for i in range(20))


def test_a_cover_takes_depth_and_infrared_together() -> None:
    loss = draw_loss(Missingness(cover=1.0), Species.BONA_FIDE, np.random.default_rng(0))
    (crop,) = apply_loss([_crop()], loss, np.random.default_rng(0))
    assert crop.mask == ModalityMask.of((Modality.RGB,))


@pytest.mark.parametrize("modality", list(Modality))
def test_a_poor_modality_is_there_and_worth_less(modality: Modality) -> None:
    whole = _crop()
    (crop,) = apply_loss([whole], Loss(poor=ModalityMask.of((modality,))), np.random.default_rng(3))
    assert crop.mask == ALL_MODALITIES
    assert crop.rgb is not None
    assert crop.depth is not None
    assert crop.ir is not None
    assert whole.rgb is not None
    assert (crop.rgb.mean() < 0.3 * whole.rgb.mean()) == (modality is Modality.RGB)
    assert ((crop.depth == 0).mean() > 0.3) == (modality is Modality.DEPTH)
    assert (crop.ir.mean() > 0.5) == (modality is Modality.IR)
