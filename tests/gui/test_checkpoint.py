from __future__ import annotations

from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from core.clock import FakeClock
from core.codes import ConnectionState, Hint, Outcome, Reason, RecordMode, SessionPurpose, SourceKind
from core.frames import ALL_MODALITIES
from core.messages import LockOutChanged, ModelReady, ObservationMade, Standing, VerdictReached
from core.station.ports import PresentationLabel
from core.verdict import Verdict
from gui.app import Desk
from gui.theme import Tone
from gui.views.checkpoint.page import GONE_MS, CheckpointPage
from gui.views.checkpoint.state import UNWATCHED_MS, CheckpointState, Shape
from gui.widgets.ask import ReasonDialog
from gui.widgets.stream_view import LOST_MS
from tests.gui.fakes import (
    MODEL,
    FakeFrames,
    FakeStation,
    committed,
    frame_set,
    health,
    observation,
    ready,
    verdict,
)


@pytest.fixture
def page(desk: Desk) -> CheckpointPage:
    found = desk.window.pages["checkpoint"]
    assert isinstance(found, CheckpointPage)
    return found


def show_answer(station: FakeStation, frames: FakeFrames, outcome: Outcome) -> None:
    """Somebody stands there and was answered."""
    frames.push(frame_set(1))
    ready(station)
    station.say(committed(outcome))


def word(page: CheckpointPage) -> str:
    return page.banner.display.word


def test_the_window_waits_then_guides_then_decides(
    page: CheckpointPage, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    assert word(page) == "ONE MOMENT"
    frames.push(frame_set(1))
    ready(station)
    qtbot.waitUntil(lambda: word(page) == "HOLD STILL")
    station.say(ObservationMade(observation(2, (Hint.TOO_FAR,))))
    frames.push(frame_set(2))
    qtbot.waitUntil(lambda: word(page) == "MOVE CLOSER")
    station.say(committed(Outcome.BONA_FIDE))
    frames.push(frame_set(3))
    qtbot.waitUntil(lambda: word(page) == "BONA FIDE")
    assert page.banner.display.shape is Shape.TICK
    assert "T1" in page.why.text()


def test_a_verdict_that_is_not_stored_is_not_shown(
    page: CheckpointPage, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    frames.push(frame_set(1))
    ready(station)
    qtbot.waitUntil(lambda: word(page) == "HOLD STILL")
    station.say(VerdictReached(verdict(Outcome.ATTACK)), ObservationMade(observation(2, (Hint.TURNED,))))
    frames.push(frame_set(2))
    qtbot.waitUntil(lambda: word(page) == "LOOK AT THE CAMERA")
    assert not page.banner.display.final


def test_space_begins_the_next_presentation_and_forgets_the_answer(
    page: CheckpointPage, desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    frames.push(frame_set(1))
    ready(station)
    station.say(committed(Outcome.ATTACK))
    qtbot.waitUntil(lambda: word(page) == "ATTACK")
    assert page.banner.display.shape is Shape.CROSS
    desk.window.activateWindow()
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(station.named("begin_presentation")) == 1)
    assert word(page) != "ATTACK"


def test_what_is_not_live_carries_its_word(
    page: CheckpointPage, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    frames.push(frame_set(1))
    ready(station)
    qtbot.waitUntil(lambda: page.banner.watermark == "SIMULATED")
    assert page.rgb_view.watermark == page.depth_view.watermark == page.ir_view.watermark == "SIMULATED"


def test_a_live_camera_without_qualification_is_a_shadow(station: FakeStation, open_desk: object, qtbot: QtBot) -> None:
    station.source_kind = SourceKind.LIVE
    desk: Desk = open_desk()  # type: ignore[operator]
    page = desk.window.pages["checkpoint"]
    assert isinstance(page, CheckpointPage)
    qtbot.waitUntil(lambda: page.banner.watermark == "SHADOW")


def test_a_shadow_verdict_says_so_in_its_word_and_wears_no_colour(
    station: FakeStation, frames: FakeFrames, open_desk: object, qtbot: QtBot
) -> None:
    station.source_kind = SourceKind.LIVE
    desk: Desk = open_desk()  # type: ignore[operator]
    page = desk.window.pages["checkpoint"]
    assert isinstance(page, CheckpointPage)
    frames.push(frame_set(1))
    ready(station, SourceKind.LIVE)
    station.say(committed(Outcome.BONA_FIDE, source_kind=SourceKind.LIVE, shadow=True))
    qtbot.waitUntil(lambda: page.banner.display.word == "SHADOW: BONA FIDE")
    tones = [page.banner.display.tone]
    assert page.banner.watermark == "SHADOW"
    assert "not qualified" in page.why.text()
    station.say(
        Standing(frozenset({ALL_MODALITIES}), commissioned=True),
        committed(Outcome.BONA_FIDE, 2, source_kind=SourceKind.LIVE),
    )
    qtbot.waitUntil(lambda: page.banner.display.word == "BONA FIDE")
    assert [*tones, page.banner.display.tone] == [Tone.CALM, Tone.GOOD]
    assert page.banner.watermark == page.rgb_view.watermark == ""


def test_frames_that_stop_make_the_station_not_available(
    page: CheckpointPage, station: FakeStation, frames: FakeFrames, clock: FakeClock, qtbot: QtBot
) -> None:
    show_answer(station, frames, Outcome.BONA_FIDE)
    qtbot.waitUntil(lambda: word(page) == "BONA FIDE")
    clock.advance(LOST_MS + 1.0)
    qtbot.waitUntil(lambda: word(page) == "NOT AVAILABLE")
    qtbot.waitUntil(lambda: page.rgb_view.message == "NOT AVAILABLE")
    frames.push(frame_set(2))
    qtbot.waitUntil(lambda: word(page) == "BONA FIDE")


def test_an_override_needs_a_reason_and_is_stored(
    page: CheckpointPage, desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    row = _store(desk, verdict(Outcome.REFER, session="", presentation=""), qtbot)
    frames.push(frame_set(1))
    ready(station)
    station.say(committed(Outcome.REFER, row))
    qtbot.waitUntil(lambda: word(page) == "REFER")
    page.context.actions["override"].trigger()
    dialog = page.findChild(ReasonDialog)
    assert dialog is not None
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert not ok.isEnabled()
    dialog.reason.setPlainText("passport checked by hand")
    assert ok.isEnabled()
    ok.click()
    qtbot.waitUntil(lambda: word(page) == "BONA FIDE")
    assert "operator" in page.why.text()
    stored: list[str] = []
    desk.tasks.run(lambda catalogue: catalogue.verdicts.get(row), lambda found: stored.append(found.operator_reason))
    qtbot.waitUntil(lambda: stored == ["passport checked by hand"])


def _store(desk: Desk, one: Verdict, qtbot: QtBot) -> int:
    rows: list[int] = []
    desk.tasks.run(lambda catalogue: catalogue.verdicts.commit(one), rows.append)
    qtbot.waitUntil(lambda: bool(rows))
    return rows[0]


def test_a_lock_out_hides_the_verbs_until_a_supervisor_unlocks(
    page: CheckpointPage, desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot
) -> None:
    frames.push(frame_set(1))
    ready(station)
    station.say(LockOutChanged(SourceKind.SIMULATED, locked=True))
    qtbot.waitUntil(lambda: word(page) == "LOCKED")
    assert not page.context.actions["next_person"].isEnabled()
    page.context.actions["unlock"].trigger()
    dialog = page.findChild(ReasonDialog)
    assert dialog is not None
    dialog.reason.setPlainText("kit test by the supervisor")
    dialog.accept()
    qtbot.waitUntil(lambda: station.named("unlock") != [])
    station.say(LockOutChanged(SourceKind.SIMULATED, locked=False))
    qtbot.waitUntil(lambda: word(page) != "LOCKED")


@pytest.mark.parametrize(("outcome", "stays"), [(Outcome.BONA_FIDE, False), (Outcome.ATTACK, True)])
def test_an_answer_leaves_with_its_person_unless_it_asks_for_something(
    page: CheckpointPage,
    station: FakeStation,
    frames: FakeFrames,
    clock: FakeClock,
    qtbot: QtBot,
    outcome: Outcome,
    stays: bool,
) -> None:
    show_answer(station, frames, outcome)
    qtbot.waitUntil(lambda: page.state.committed is not None)
    link = page.context.link
    for number in (2, 3):
        station.say(ObservationMade(observation(number, (Hint.NO_FACE,), face=False)))
        seen = partial(lambda n: link.observation is not None and link.observation.frame_set == n, number)
        qtbot.waitUntil(seen)
        clock.advance(GONE_MS + 1.0)
    assert (page.state.committed is not None) is stays


@pytest.mark.parametrize(("outcome", "stays"), [(Outcome.BONA_FIDE, False), (Outcome.ATTACK, True)])
def test_no_green_answer_stays_while_nobody_is_looked_at(
    page: CheckpointPage,
    station: FakeStation,
    frames: FakeFrames,
    clock: FakeClock,
    qtbot: QtBot,
    outcome: Outcome,
    stays: bool,
) -> None:
    """Inference hangs: whoever stands there now may be somebody else than the one who was answered."""
    show_answer(station, frames, outcome)
    qtbot.waitUntil(lambda: page.banner.display.final)
    answer = word(page)
    clock.advance(UNWATCHED_MS + 1.0)
    frames.push(frame_set(2))
    qtbot.waitUntil(lambda: word(page) == (answer if stays else "NOT AVAILABLE"))
    assert page.state.mask == ALL_MODALITIES, "frames flow"
    if not stays:
        assert "does not answer" in page.why.text()
    station.say(ObservationMade(observation(3)))
    frames.push(frame_set(3))
    link = page.context.link
    qtbot.waitUntil(lambda: link.observation is not None and link.observation.frame_set == 3)
    qtbot.waitUntil(lambda: word(page) != "NOT AVAILABLE")
    assert (word(page) == answer) is stays, "a new look brings no old answer back"


def test_no_green_answer_comes_back_after_the_camera_was_away(
    page: CheckpointPage, station: FakeStation, frames: FakeFrames, clock: FakeClock, qtbot: QtBot
) -> None:
    show_answer(station, frames, Outcome.BONA_FIDE)
    qtbot.waitUntil(lambda: word(page) == "BONA FIDE")
    clock.advance(UNWATCHED_MS + 1.0)
    qtbot.waitUntil(lambda: word(page) == "NOT AVAILABLE")
    frames.push(frame_set(2))
    station.say(ObservationMade(observation(2)))
    qtbot.waitUntil(lambda: word(page) not in ("NOT AVAILABLE", "BONA FIDE"))


def test_the_technician_is_called_by_key(page: CheckpointPage, desk: Desk, qtbot: QtBot) -> None:
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: [t.what for t in desk.window.toasts.shown] == ["The technician is called."])


def test_the_state_before_anything_is_known_is_no_verdict() -> None:
    state = CheckpointState()
    assert state.display().word == "ONE MOMENT"
    state.health = health(ConnectionState.LOST, problem="The cable is out.")
    state.model = ModelReady(MODEL, "factory", "cpu")
    assert state.display().word == "NOT AVAILABLE"
    assert state.display().why == "The cable is out."


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_own_shape(outcome: Outcome) -> None:
    state = CheckpointState(committed=committed(outcome), frame_age_ms=10.0)
    shapes = {CheckpointState(committed=committed(o), frame_age_ms=10.0).display().shape for o in Outcome}
    assert state.display().final
    assert len(shapes) == len(Outcome)


def test_a_due_shift_check_takes_the_banner_and_is_done_with_two_keys(
    station: FakeStation, frames: FakeFrames, open_desk: object, qtbot: QtBot
) -> None:
    station.source_kind = SourceKind.PLAYBACK
    desk: Desk = open_desk()  # type: ignore[operator]
    page = desk.window.pages["checkpoint"]
    assert isinstance(page, CheckpointPage)
    frames.push(frame_set(1))
    ready(station, SourceKind.PLAYBACK)
    station.say(Standing(withheld=Reason.SHIFT_CHECK), committed(Outcome.BONA_FIDE, 7))
    qtbot.waitUntil(lambda: page.banner.display.word == "SHIFT CHECK DUE")
    page.context.actions["shift_check"].trigger()
    dialog = page.shift
    assert dialog is not None
    rows = []
    for number, (species, outcome) in enumerate((("", Outcome.BONA_FIDE), ("print_flat", Outcome.ATTACK)), start=1):
        qtbot.waitUntil(dialog.on.isEnabled)
        qtbot.waitUntil(dialog.isActiveWindow)
        qtbot.keyClick(dialog, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: len(station.named("begin_presentation")) == number)  # noqa: B023 - waited for here
        label = station.named("begin_presentation")[-1]
        assert isinstance(label, PresentationLabel)
        assert (label.species, label.test) == (species, True)
        qtbot.waitUntil(lambda: dialog._running != "")
        rows.append(_stored(desk, species, outcome))
        station.say(
            committed(outcome, rows[-1], presentation=dialog._running, shadow=True, source_kind=SourceKind.PLAYBACK)
        )
        qtbot.waitUntil(lambda: dialog._running == "")
    qtbot.waitUntil(lambda: dialog.passed is True)
    assert "passed" in dialog.todo.text()
    dialog.close()


def _stored(desk: Desk, species: str, outcome: Outcome) -> int:
    """The station's part: a presentation with its verdict in the catalogue; returns its row id."""
    with desk.services.open_catalogue() as catalogue:
        session = catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.PLAYBACK)
        shown = catalogue.presentations.open(session, species=species)
        made = verdict(outcome, session=session, presentation=shown, source_kind=SourceKind.PLAYBACK, shadow=True)
        return catalogue.verdicts.commit(made)
