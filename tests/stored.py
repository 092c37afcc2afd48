"""Small frame sets and catalogues for the tests of storage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.codes import Outcome, Reason, RecordMode, Rule, SessionPurpose, SourceKind
from core.frames import (
    ALL_MODALITIES,
    Extrinsics,
    Frame,
    FrameSet,
    Intrinsics,
    Modality,
    ModalityMask,
    StreamProfile,
)
from core.verdict import Evidence, Trace, Verdict
from storage.catalogue import Catalogue

PERIOD_MS = 1000.0 / 30.0


def profiles(width: int, height: int) -> dict[Modality, StreamProfile]:
    """Native cameras, not registered: depth and infrared beside colour."""
    lens = Intrinsics(
        width, height, 1.1 * width, 1.1 * width, width / 2, height / 2, "brown_conrady", (0.1, 0, 0, 0, 0)
    )
    beside = Extrinsics(translation_m=(0.015, 0.0, 0.001))
    return {
        Modality.RGB: StreamProfile(Modality.RGB, width, height, 30.0, lens, Extrinsics()),
        Modality.DEPTH: StreamProfile(Modality.DEPTH, width, height, 30.0, lens, beside, 0.0010000000474974513),
        Modality.IR: StreamProfile(Modality.IR, width, height, 30.0, lens, beside),
    }


def pixels(number: int, width: int, height: int) -> dict[Modality, NDArray[Any]]:
    """Different in every frame set; depth has holes and jumps over the whole range of sixteen bits."""
    rng = np.random.default_rng(number)
    depth = (700 + np.arange(width) // 3 + rng.integers(0, 4, (height, width))).astype(np.uint16)
    depth[rng.random((height, width)) < 0.1] = 0
    depth[0, :2] = 65535, 1
    return {
        Modality.RGB: rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        Modality.DEPTH: depth,
        Modality.IR: rng.integers(0, 256, (height, width), dtype=np.uint8),
    }


def frame_set(
    number: int, mask: ModalityMask = ALL_MODALITIES, width: int = 32, height: int = 24, with_stale: bool = False
) -> FrameSet:
    """One frame set; ``with_stale`` keeps the frames that are not in the mask."""
    streams = profiles(width, height)
    frames = {
        modality: Frame(
            modality, image, number + 100, number * PERIOD_MS + 0.1, metadata={"gain": 16.0, "emitter": 1.0}
        )
        for modality, image in pixels(number, width, height).items()
        if with_stale or modality in mask
    }
    return FrameSet(number, number * PERIOD_MS, frames, mask, streams, skew_ms=1.5)


def registered(native: FrameSet) -> FrameSet:
    """The same frame set as if a manifest had brought it: no calibration."""
    streams = {m: replace(p, intrinsics=None, to_rgb=None) for m, p in native.profiles.items()}
    return replace(native, profiles=streams)


def assert_equal(one: FrameSet, other: FrameSet) -> None:
    """Bit-equal pixels, and everything else equal."""
    for name in ("number", "time_ms", "mask", "profiles", "skew_ms", "framing"):
        assert getattr(one, name) == getattr(other, name), name
    assert list(one.frames) == list(other.frames)
    for modality, frame in one.frames.items():
        twin = other[modality]
        assert frame.pixels.dtype == twin.pixels.dtype
        assert np.array_equal(frame.pixels, twin.pixels)
        for name in ("modality", "number", "device_time_ms", "time_domain", "metadata"):
            assert getattr(frame, name) == getattr(twin, name), name


def open_session(catalogue: Catalogue, mode: RecordMode = RecordMode.FRAMES, **given: Any) -> str:
    """A session of the simulated camera."""
    return catalogue.sessions.open(SessionPurpose.COLLECTION, mode, SourceKind.SIMULATED, **given)


def verdict(session: str = "", presentation: str = "", **given: Any) -> Verdict:
    """A verdict with a trace in which everything is filled in."""
    mask = ModalityMask.parse("depth+ir")
    evidence = Evidence(
        mask, -1.25, 0.2227, {"depth": 0.1}, {"ir": 0.5}, {"relief_mm": float("nan"), "ratio": 2.0}, 0.3
    )
    trace = Trace(
        frame_sets=(7, 8),
        evidence=(evidence,),
        hints={"ok": 2},
        masks={"depth+ir": 2},
        threshold=0.5,
        abstain_band=(0.4, 0.6),
        rule=Rule.THRESHOLD,
        model="a" * 64,
        policy_sha256="b" * 64,
        notes=("note",),
        boxes=((1, 2, 3, 4), None),
    )
    values: dict[str, Any] = {
        "presentation": presentation,
        "session": session,
        "source_kind": SourceKind.SIMULATED,
        "shadow": False,
        "t_s": 1.25,
        "outcome": Outcome.ATTACK,
        "reason": Reason.NONE,
        "mask": mask,
        "score": 0.2227,
        "threshold": 0.5,
        "rule": Rule.THRESHOLD,
        "model": "a" * 64,
        "trace": trace,
        "duration_ms": 250.0,
    }
    return Verdict(**{**values, **given})
