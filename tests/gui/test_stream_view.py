from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from core.clock import FakeClock
from core.codes import SourceKind
from core.frames import ALL_MODALITIES, FrameSet, Modality, ModalityMask
from core.pictures import depth_colors, infrared_grey
from gui.feed import FrameFeed
from gui.widgets.stream_view import Freshness, StreamView
from tests.gui.fakes import frame_set, profiles


class Ring:
    """A ring whose newest set has an age."""

    def __init__(self) -> None:
        self.one: FrameSet | None = None
        self.age_ms = 0.0
        self.reads = 0

    def newest(self, after: int, timeout_ms: float) -> tuple[FrameSet, float] | None:
        assert timeout_ms == 0
        self.reads += 1
        return None if self.one is None or self.one.number <= after else (self.one, self.age_ms)

    def close(self) -> None:
        self.one = None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def ring() -> Ring:
    return Ring()


@pytest.fixture
def view(qtbot: QtBot) -> StreamView:
    made = StreamView(Modality.RGB)
    qtbot.addWidget(made)
    made.resize(320, 240)
    return made


@pytest.fixture
def feed(qtbot: QtBot, clock: FakeClock, ring: Ring, view: StreamView) -> FrameFeed:
    made = FrameFeed(clock)
    made.attach(ring)
    made.show_in(view)
    made._timer.stop()
    return made


def state_of(view: StreamView) -> Freshness:
    return view.freshness


def middle(view: StreamView) -> QColor:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return image.pixelColor(image.width() // 2, image.height() // 2)


def test_a_picture_turns_grey_after_250_ms_and_goes_after_a_second(
    view: StreamView, feed: FrameFeed, ring: Ring, clock: FakeClock
) -> None:
    ring.one = frame_set(1)
    feed.tick()
    assert state_of(view) is Freshness.FRESH
    fresh = middle(view)
    assert fresh.red() - fresh.blue() > 40, "skin colour"
    clock.advance(251)
    feed.tick()
    assert state_of(view) is Freshness.STALE
    assert view.message == "signal lost"
    image = view.grab().toImage()
    corner = image.pixelColor(image.width() // 2, image.height() // 3)
    channels = (corner.red(), corner.green(), corner.blue())
    assert max(channels) - min(channels) <= 4, "no colour in a stale picture"
    clock.advance(800)
    feed.tick()
    assert state_of(view) is Freshness.LOST
    assert view.message == "NOT AVAILABLE"
    ring.one = frame_set(2)
    feed.tick()
    assert view.freshness is Freshness.FRESH


def test_the_age_in_the_ring_counts(view: StreamView, feed: FrameFeed, ring: Ring) -> None:
    ring.one, ring.age_ms = frame_set(1), 400.0
    feed.tick()
    assert view.freshness is Freshness.STALE


def test_a_dropped_modality_grows_old_while_the_others_go_on(
    qtbot: QtBot, view: StreamView, feed: FrameFeed, ring: Ring, clock: FakeClock
) -> None:
    depth = StreamView(Modality.DEPTH)
    qtbot.addWidget(depth)
    feed.show_in(depth)
    ring.one = frame_set(1)
    feed.tick()
    for number in range(2, 12):
        clock.advance(33)
        ring.one = frame_set(number, ModalityMask.of([Modality.RGB, Modality.IR]))
        feed.tick()
    assert view.freshness is Freshness.FRESH
    assert depth.freshness is Freshness.STALE


def test_a_frame_number_that_repeats_is_not_painted_again(
    view: StreamView, feed: FrameFeed, ring: Ring, clock: FakeClock
) -> None:
    ring.one = frame_set(1)
    feed.tick()
    again = frame_set(2)
    ring.one = FrameSet(2, 66.0, frame_set(1).frames, ALL_MODALITIES, again.profiles)
    clock.advance(300)
    feed.tick()
    assert view.freshness is Freshness.STALE, "a duplicate frame is a stale modality"


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (SourceKind.LIVE, "SHADOW"),
        (SourceKind.SIMULATED, "SIMULATED"),
        (SourceKind.SCRIPTED, "SCRIPTED"),
        (SourceKind.PLAYBACK, "PLAYBACK"),
    ],
)
def test_every_source_has_its_watermark(view: StreamView, kind: SourceKind, word: str) -> None:
    before = view.grab().toImage()
    view.set_source_kind(kind)
    assert view.watermark == word
    assert view.grab().toImage() != before


def test_a_still_does_not_grow_old_and_says_what_it_lacks(qtbot: QtBot) -> None:
    depth = StreamView(Modality.DEPTH)
    qtbot.addWidget(depth)
    depth.show_still(frame_set(5))
    depth.tick(1e9)
    assert depth.freshness is Freshness.FRESH
    depth.show_still(frame_set(6, ModalityMask.of([Modality.RGB])))
    assert "Depth" in depth.message


def test_depth_near_is_warm_far_is_cold_and_holes_are_dark() -> None:
    depth = np.array([[0, 400, 1400, 60000]], np.uint16)
    colors = depth_colors(depth, profiles()[Modality.DEPTH], 0.3, 1.5)
    hole, near, far, beyond = colors[0].astype(int)
    assert max(hole[:3]) < 60
    assert near[2] > near[0], "near: more red than blue"
    assert far[0] > far[2], "far: more blue than red"
    assert beyond.tolist() == depth_colors(np.full((1, 1), 1500, np.uint16), profiles()[Modality.DEPTH])[0, 0].tolist()


def test_relative_depth_is_stretched_over_its_own_range() -> None:
    depth = np.array([[0, 10, 20]], np.uint16)
    colors = depth_colors(depth, None)[0].astype(int)
    assert colors[1, 2] > colors[1, 0]
    assert (colors[1] != colors[2]).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_infrared_of_any_depth_becomes_grey(dtype: type[np.uint8] | type[np.uint16]) -> None:
    pixels: NDArray[Any] = np.full((16, 16), 40, dtype)
    pixels[4:, 4:] = 200
    grey = infrared_grey(pixels)
    assert grey.dtype == np.uint8
    assert grey[8, 8] > 240


def test_painting_follows_the_device_pixel_ratio(view: StreamView) -> None:
    view.show_still(frame_set(1))
    picture = view.grab()
    assert picture.width() == round(view.width() * view.devicePixelRatioF())
