"""What a wall shows of a camera, measured on the renderer whose errors are known, and the rules over it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import CameraFigure, Outcome, QualificationLack, SourceKind
from core.errors import InputError
from core.frames import ALL_MODALITIES, Frame, FrameSet, Modality, ModalityMask
from core.metrics.rate import clopper_pearson
from core.qualification.checks import LIMITS, checks, fall_off, needed, passed
from core.qualification.rules import (
    FULL,
    Requirements,
    Take,
    judge,
    more_without_error,
    one_sided_high,
)
from core.qualification.wall import Placement, measure
from core.scenes.live import LiveScene, SceneSpec
from core.scenes.sensors import SENSORS

NAME = "Intel RealSense D435"


@cache
def wall(scene: str) -> tuple[FrameSet, ...]:
    live = LiveScene(SceneSpec.parse(scene))
    sets = []
    for number in range(1, 13):
        time_ms = 1000.0 + number * 1000.0 / 30.0
        pixels = live.render(time_ms / 1000.0)
        frames = {m: Frame(m, pixels[m], number, time_ms, metadata={"exposure_us": 6500.0}) for m in Modality}
        sets.append(FrameSet(number, time_ms, frames, ALL_MODALITIES, live.profiles, 0.4))
    return tuple(sets)


def near_and_far() -> list[Placement]:
    return [measure(wall("wall_near")), measure(wall("wall_far"))]


def changed(frame_set: FrameSet, modality: Modality, pixels: np.ndarray) -> FrameSet:
    frames = {**frame_set.frames, modality: replace(frame_set.frames[modality], pixels=pixels)}
    return replace(frame_set, frames=frames)


def failing(placements: list[Placement], mask: ModalityMask = ALL_MODALITIES) -> set[CameraFigure]:
    return {check.figure for check in checks(placements, mask, NAME, SourceKind.LIVE) if not check.passed}


def test_the_renderers_own_error_is_found_again() -> None:
    judged = checks(near_and_far(), ALL_MODALITIES, NAME, SourceKind.LIVE)
    value = {check.figure: check.value for check in judged}
    assert passed(judged)
    assert value[CameraFigure.WALL_SUBPIXEL] == pytest.approx(SENSORS["d435"].subpixel, rel=0.15)
    assert value[CameraFigure.IR_EXPONENT] == pytest.approx(2.0, abs=0.15)
    assert value[CameraFigure.FRAME_RATE] == pytest.approx(1.0)
    assert near_and_far()[1].distance_mm == pytest.approx(1150.0, rel=0.01)


def test_each_fault_of_a_camera_fails_its_own_figure() -> None:
    near, far = wall("wall_near"), list(wall("wall_far"))
    rng = np.random.default_rng(0)
    holes = [s.frames[Modality.DEPTH].pixels.copy() for s in far]
    for pixels in holes:
        pixels[rng.random(pixels.shape) < 0.2] = 0
    blind = [changed(s, Modality.DEPTH, p) for s, p in zip(far, holes, strict=True)]
    assert failing([measure(near), measure(blind)]) == {CameraFigure.DEPTH_FILL}
    bent = [changed(s, Modality.DEPTH, _bent(s.frames[Modality.DEPTH].pixels)) for s in far]
    assert failing([measure(near), measure(bent)]) == {CameraFigure.WALL_SUBPIXEL}
    sun = [changed(s, Modality.IR, np.maximum(s.frames[Modality.IR].pixels, 80)) for s in far]
    assert failing([measure(near), measure(sun)]) == {CameraFigure.IR_EXPONENT}
    dark = [changed(s, Modality.RGB, s.frames[Modality.RGB].pixels // 8) for s in far]
    assert failing([measure(near), measure(dark)]) == {CameraFigure.RGB_LEVEL}
    late = [replace(s, skew_ms=45.0) for s in far]
    assert failing([measure(near), measure(late)]) == {CameraFigure.SKEW}
    slow = [
        replace(s, frames={m: replace(f, device_time_ms=2 * f.device_time_ms) for m, f in s.frames.items()})
        for s in far
    ]
    assert failing([measure(near), measure(slow)]) == {CameraFigure.FRAME_RATE}


def _bent(pixels: np.ndarray) -> np.ndarray:
    """A lens that lost its calibration: 40 mm of bulge in the middle."""
    v, u = np.indices(pixels.shape)
    bulge = 40.0 * np.exp(-(((u - 320) / 110.0) ** 2 + ((v - 240) / 110.0) ** 2))
    return np.where(pixels > 0, pixels - bulge, 0).astype(np.uint16)


def test_exposure_is_taken_out_of_the_fall_off() -> None:
    near, far = near_and_far()
    doubled = {**far.figures, "ir_level": 2 * far.figures["ir_level"], "ir_exposure": 2 * far.figures["ir_exposure"]}
    assert fall_off([near, replace(far, figures=doubled)]) == pytest.approx(fall_off([near, far]))
    assert fall_off([near, near]) is None


def test_a_figure_that_was_not_measured_fails() -> None:
    assert failing([measure(wall("wall_near"))]) == {CameraFigure.IR_EXPONENT}
    assert not passed(())
    depth_gone = [s.restricted(ModalityMask(5)) for s in wall("wall_near")]
    with pytest.raises(InputError, match="how far"):
        measure(depth_gone)
    by_hand = measure(depth_gone, 700.0)
    assert {CameraFigure.DEPTH_FILL, CameraFigure.WALL_SUBPIXEL} <= failing([by_hand])
    with pytest.raises(InputError, match="frame sets"):
        measure(wall("wall_near")[:3])


def test_only_what_the_mask_needs_is_asked() -> None:
    assert needed(ModalityMask(1), NAME) == (CameraFigure.RGB_LEVEL, CameraFigure.FRAME_RATE)
    assert CameraFigure.WALL_RMS in needed(ModalityMask(2), "Azure Kinect")
    assert failing([measure(wall("wall_near"))], ModalityMask(2)) == set()


def test_a_drift_from_commissioning_fails_although_the_limit_holds() -> None:
    before = {CameraFigure.WALL_SUBPIXEL: 0.02, CameraFigure.DEPTH_FILL: 0.96}
    judged = checks(near_and_far(), ALL_MODALITIES, NAME, SourceKind.LIVE, before)
    drifted = {check.figure: check for check in judged}[CameraFigure.WALL_SUBPIXEL]
    assert drifted.value is not None
    assert drifted.value < LIMITS[CameraFigure.WALL_SUBPIXEL].high
    assert not drifted.passed
    assert drifted.high == pytest.approx(0.03)


def test_the_machines_own_speed_binds_no_camera_that_is_not_live() -> None:
    slow = [replace(p, figures={**p.figures, "rgb_rate": 0.4}) for p in near_and_far()]
    assert not passed(checks(slow, ALL_MODALITIES, NAME, SourceKind.LIVE))
    assert passed(checks(slow, ALL_MODALITIES, NAME, SourceKind.SIMULATED))


def test_a_stream_that_runs_too_fast_is_not_hidden_by_the_others() -> None:
    fast = [replace(p, figures={**p.figures, "ir_rate": 1.5}) for p in near_and_far()]
    assert failing(fast) == {CameraFigure.FRAME_RATE}


# --- presentations --------------------------------------------------------------------------------------------------


def takes(*, people: int = 25, each: int = 2, species: int = 3, shown: int = 30, artefacts: int = 3) -> list[Take]:
    bona_fide = [
        Take(f"b{i}.{k}", f"P{i}", "", "", Outcome.BONA_FIDE, ALL_MODALITIES)
        for i in range(people)
        for k in range(each)
    ]
    attacks = [
        Take(f"a{s}.{k}", "", f"species {s}", f"pai {s}.{k % artefacts}", Outcome.ATTACK, ALL_MODALITIES)
        for s in range(species)
        for k in range(shown)
    ]
    return bona_fide + attacks


def lacks(found: list[Take], required: Requirements = FULL) -> dict[QualificationLack, int]:
    return {lack.what: lack.more for lack in judge(found, ALL_MODALITIES, required).missing}


def test_zero_of_thirty_still_means_up_to_nine_and_a_half_per_cent() -> None:
    assert one_sided_high(0, 30) == pytest.approx(0.095, abs=0.0005)
    assert clopper_pearson(0, 30)[1] == pytest.approx(0.116, abs=0.0005)
    judged = judge(takes(), ALL_MODALITIES, FULL)
    assert judged.enough
    assert judged.apcer["species 0"].high_one_sided == one_sided_high(0, 30)
    assert judged.people == 25


def test_what_is_missing_is_said_in_numbers() -> None:
    assert lacks(takes(people=24)) == {QualificationLack.BONA_FIDE: 2, QualificationLack.PEOPLE: 1}
    assert lacks(takes(people=10, each=5)) == {QualificationLack.PEOPLE: 15}
    assert lacks(takes(species=2)) == {QualificationLack.SPECIES: 1}
    assert lacks(takes(shown=29)) == {QualificationLack.PRESENTATIONS: 1}
    assert lacks(takes(artefacts=2)) == {QualificationLack.ARTEFACTS: 1}
    assert lacks([]) == {QualificationLack.BONA_FIDE: 50, QualificationLack.PEOPLE: 25, QualificationLack.SPECIES: 3}


def test_three_species_that_are_complete_are_enough_beside_one_shown_with_a_single_artefact() -> None:
    single = [Take(f"x{k}", "", "an early one", "pai", Outcome.ATTACK, ALL_MODALITIES) for k in range(30)]
    assert lacks(takes() + single) == {}
    assert lacks(takes(species=2) + single) == {QualificationLack.ARTEFACTS: 2}


def test_an_attack_that_got_in_asks_for_sixteen_more_without_another() -> None:
    found = takes()
    found[-1] = replace(found[-1], outcome=Outcome.BONA_FIDE)
    assert lacks(found) == {QualificationLack.APCER_BOUND: 16}
    more = [replace(found[-2], presentation=f"more {i}") for i in range(16)]
    assert lacks(found + more) == {}


def test_one_open_species_counts_however_many_others_are_shut() -> None:
    opened = [Take("x", "", "mask_rigid", "pai", Outcome.BONA_FIDE, ALL_MODALITIES)]
    assert lacks(takes() + opened)[QualificationLack.APCER_BOUND] > 0


def test_a_species_that_was_only_tried_takes_no_place_from_three_that_are_complete() -> None:
    """Of four species, the one with a single instrument comes first by its name; thirty times it did not get in."""
    tried = [Take(f"t{n}", "", "another species", "pai", Outcome.ATTACK, ALL_MODALITIES) for n in range(30)]
    assert lacks(takes() + tried) == {}
    assert lacks(takes(species=2) + tried) == {QualificationLack.ARTEFACTS: 2}


def test_who_is_not_let_in_is_an_error_whatever_the_answer_was() -> None:
    for outcome in (Outcome.ATTACK, Outcome.REFER, Outcome.NON_RESPONSE):
        found = [replace(take, outcome=outcome) if take.presentation.endswith(".1") else take for take in takes()]
        found = [take if not take.species else replace(take, outcome=Outcome.ATTACK) for take in found]
        assert QualificationLack.BPCER_BOUND in lacks(found)


def test_an_attack_without_response_is_no_trial() -> None:
    found = [replace(take, outcome=Outcome.NON_RESPONSE) if take.species == "species 2" else take for take in takes()]
    assert lacks(found) == {QualificationLack.SPECIES: 1}


def test_takes_under_another_mask_say_nothing_for_this_one() -> None:
    other = [replace(take, mask=ModalityMask(6)) for take in takes()]
    judged = judge(other, ALL_MODALITIES, FULL)
    assert not judged.enough
    assert judged.other_masks == len(other)
    assert judge(other, ModalityMask(6), FULL).enough


@given(st.integers(0, 20), st.integers(0, 200), st.floats(0.02, 0.5))
def test_the_power_line_is_exact(errors: int, extra: int, high: float) -> None:
    trials = errors + extra
    more = more_without_error(errors, trials, high)
    assert one_sided_high(errors, trials + more) <= high
    assert more == 0 or one_sided_high(errors, trials + more - 1) > high
