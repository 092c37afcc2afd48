from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialogButtonBox
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from core.codes import RecordMode, SessionPurpose, SourceKind, Species
from core.errors import InputError
from core.station.ports import PresentationLabel, SessionOrder
from gui.app import Desk
from gui.i18n import codes
from gui.models.plan_model import PlanModel
from gui.views.collect.dialogs import SubjectDialog
from gui.views.collect.meters import depth_fill
from gui.views.collect.page import CollectPage
from gui.views.collect.plan import (
    DEFAULT_PLAN,
    CollectionPlan,
    PlanRow,
    count_takes,
    load_plan,
    next_row,
)
from gui.widgets.stream_view import StreamView
from storage.catalogue import Catalogue
from tests.gui.fakes import FakeFrames, FakeStation, frame_set, ready

OpenDesk = Callable[[], Desk]


@pytest.fixture
def page(desk: Desk, station: FakeStation, frames: FakeFrames, qtbot: QtBot) -> CollectPage:
    frames.push(frame_set(1))
    ready(station)
    desk.window.go_to("collect")
    found = desk.window.pages["collect"]
    assert isinstance(found, CollectPage)
    qtbot.waitUntil(lambda: not desk.tasks.busy and found.allowed)
    return found


def test_a_take_carries_its_label_and_is_recorded_with_frames(
    page: CollectPage, station: FakeStation, qtbot: QtBot
) -> None:
    page.species.setCurrentIndex(page.species.findData(str(Species.PRINT_WORN)))
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(station.named("begin_presentation")) == 1)
    order = station.named("open_session")[-1]
    assert isinstance(order, SessionOrder)
    assert (order.purpose, order.mode) == (SessionPurpose.COLLECTION, RecordMode.FRAMES)
    label = station.named("begin_presentation")[0]
    assert isinstance(label, PresentationLabel)
    assert label.species == Species.PRINT_WORN
    assert label.condition == "indoor, 0.4 m"
    assert page.recording
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.last_take == "p1")
    assert all(view.frame_number == -1 or view.message == "" for view in page.strip)
    assert station.named("end_presentation") == ["p1"]


def test_retake_discards_and_records_again(page: CollectPage, station: FakeStation, qtbot: QtBot) -> None:
    page.start_take()
    qtbot.waitUntil(lambda: len(station.named("begin_presentation")) == 1)
    page.stop_take()
    qtbot.waitUntil(lambda: page.last_take != "")
    qtbot.keyClick(page, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: len(station.named("begin_presentation")) == 2)
    assert station.named("discard_presentation") == ["p1"]
    page.stop_take()
    qtbot.waitUntil(lambda: page.last_take == "p2")


def test_discard_needs_a_take(page: CollectPage, station: FakeStation) -> None:
    page.discard()
    assert station.named("discard_presentation") == []
    assert not page.context.actions["discard_take"].isEnabled()


def test_leaving_the_page_closes_the_collection_session(
    page: CollectPage, desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    page.start_take()
    qtbot.waitUntil(lambda: len(station.named("begin_presentation")) == 1)
    desk.window.go_to("checkpoint")
    qtbot.waitUntil(lambda: desk.link.order_in_use.purpose is SessionPurpose.CHECKPOINT)
    assert station.named("end_presentation") == ["p1"]


def test_a_take_that_could_not_begin_is_none_and_the_one_before_it_stays_its_own(
    page: CollectPage, station: FakeStation, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.start_take()
    qtbot.waitUntil(lambda: page._take == "p1")
    page.stop_take()
    qtbot.waitUntil(lambda: page.last_take == "p1")

    def refused(_label: object) -> str:
        raise InputError("The consent was withdrawn.", "Choose another subject.")

    monkeypatch.setattr(station, "begin_presentation", refused)
    page.start_take()
    assert page.recording
    qtbot.waitUntil(lambda: not page.recording)
    assert page.context.actions["record_take"].text() == "Record"
    assert page.last_take == "p1"


def test_a_take_that_is_stopped_before_it_begins_never_does(
    page: CollectPage, station: FakeStation, qtbot: QtBot
) -> None:
    page.toggle_take()
    page.toggle_take()
    qtbot.waitUntil(lambda: page.context.link.order_in_use.purpose is SessionPurpose.COLLECTION)
    done: list[bool] = []
    page.context.link.order(lambda _station: True, done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert station.named("begin_presentation") == []
    assert (page.recording, page.last_take) == (False, "")


@pytest.mark.parametrize("presses", [1, 2])
def test_leaving_at_once_leaves_no_session_that_records(
    page: CollectPage, desk: Desk, station: FakeStation, qtbot: QtBot, presses: int
) -> None:
    for _ in range(presses):
        page.toggle_take()
    desk.window.go_to("review")  # while the collection session is still being opened
    qtbot.waitUntil(lambda: len(station.named("open_session")) == 3)
    qtbot.waitUntil(lambda: desk.link.order_in_use.purpose is SessionPurpose.CHECKPOINT and desk.link.session != "")
    assert station.named("begin_presentation") == []


def _shows_something(view: StreamView) -> bool:
    return view._image is not None or view._pending is not None


def test_nothing_of_somebody_who_may_be_erased_goes_on_being_shown(page: CollectPage, desk: Desk, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: desk.feed.newest is not None)
    page.start_take()
    qtbot.waitUntil(lambda: page._take == "p1")
    page.stop_take()
    qtbot.waitUntil(lambda: page.last_take == "p1" and not desk.tasks.busy)
    assert any(_shows_something(view) for view in page.strip)
    desk.erasing.erased.emit()
    qtbot.waitUntil(lambda: page.last_take == "")
    assert page._take_picture is None
    assert not any(_shows_something(view) for view in page.strip)


def test_a_person_before_a_live_camera_needs_a_consent(
    station: FakeStation, frames: FakeFrames, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    station.source_kind = SourceKind.LIVE
    desk = open_desk()
    frames.push(frame_set(1))
    ready(station, SourceKind.LIVE)
    desk.window.go_to("collect")
    page = desk.window.pages["collect"]
    assert isinstance(page, CollectPage)
    qtbot.waitUntil(lambda: not desk.tasks.busy and desk.link.source_kind is SourceKind.LIVE)
    assert not page.allowed
    page.toggle_take()
    assert not page.recording
    page.new_subject()
    dialog = page.findChild(SubjectDialog)
    assert dialog is not None
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    dialog.pseudonym.setText("walrus")
    assert not ok.isEnabled(), "no consent, no subject"
    dialog.reference.setText("form 17")
    dialog.confirmed.setChecked(True)
    assert ok.isEnabled()
    dialog.accept()
    qtbot.waitUntil(lambda: page.current_subject == "walrus" and page.allowed)
    assert "form 17" in page.consent.text()


def test_the_plan_leads_from_row_to_row() -> None:
    rows = (PlanRow(species="", quota=1), PlanRow(species="print_flat", quota=2))
    assert next_row(rows, {}) == 0
    assert next_row(rows, {("", rows[0].tag): 1}) == 1
    assert next_row(rows, {("", rows[0].tag): 1, ("print_flat", rows[1].tag): 2}) is None


def test_a_changed_quota_is_saved(page: CollectPage, qtbot: QtBot) -> None:
    index = page.plan_model.index(0, 3)
    assert page.plan_model.setData(index, "7")
    assert not page.plan_model.setData(index, "0")
    assert load_plan(page.context.services.data_dir / "plan.json").rows[0].quota == 7


def test_a_plan_file_that_cannot_be_read_is_told(page: CollectPage, desk: Desk) -> None:
    (page.context.services.data_dir / "plan.json").write_text("{")
    assert page._load_plan() == DEFAULT_PLAN
    assert any("plan.json" in toast.what for toast in desk.window.toasts.shown)


def test_takes_are_counted_over_all_sessions_of_a_subject(desk: Desk, qtbot: QtBot) -> None:
    def fill(catalogue: Catalogue) -> None:
        catalogue.subjects.add("a")
        for subject in ("", "a", "a"):
            session = catalogue.sessions.open(
                SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.SIMULATED, subject=subject
            )
            take = catalogue.presentations.open(session, species="", condition="indoor, 0.6 m")
            catalogue.presentations.close(take, 1, 5, 1.0)
            bad = catalogue.presentations.open(session, species="", condition="indoor, 0.6 m")
            catalogue.presentations.discard(bad)

    counts: list[object] = []
    desk.tasks.run(fill, lambda _nothing: None)
    for subject in ("a", ""):
        desk.tasks.run(partial(count_takes, subject=subject), counts.append)
    qtbot.waitUntil(lambda: len(counts) == 2)
    assert counts == [{("", "indoor, 0.6 m"): 2}, {("", "indoor, 0.6 m"): 1}]


def test_depth_fill_is_the_share_without_holes() -> None:
    one = frame_set(1)
    assert depth_fill(one) == 1.0


def test_the_plan_model_keeps_qt_rules(qtmodeltester: ModelTester, qtbot: QtBot) -> None:
    model = PlanModel(CollectionPlan(rows=DEFAULT_PLAN.rows), lambda _plan: None)
    qtmodeltester.check(model)


def test_a_window_that_is_renewed_while_a_take_runs_ends_it_and_nothing_breaks(
    page: CollectPage, desk: Desk, station: FakeStation, qtbot: QtBot
) -> None:
    """The answer of the station comes when the page is gone."""
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page._take != "")
    desk._renew_window()
    qtbot.waitUntil(lambda: bool(station.named("end_presentation")))
    qtbot.wait(100)
    assert not desk.crash.path.exists(), desk.crash.path.read_text()


def test_the_card_may_be_set_to_the_next_take_while_one_runs(page: CollectPage, qtbot: QtBot) -> None:
    page.species.setCurrentIndex(page.species.findData(str(Species.PRINT_WORN)))
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page._take != "")
    page.species.setCurrentIndex(page.species.findData(str(Species.MASK_RIGID)))
    page.refresh()
    assert page.card.text() == "Recording: print, worn on the face"
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.last_take != "")
    assert page.last.text().startswith("print, worn on the face")


def test_what_was_typed_stays_where_it_is_refused(
    page: CollectPage, desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> str:
        raise InputError("There is no such pseudonym.", "Give another one.")

    monkeypatch.setattr("gui.views.collect.page.add_subject", refuse)
    desk.window.actions_table["new_subject"].trigger()
    dialog = page.findChild(SubjectDialog)
    assert dialog is not None
    qtbot.keyClicks(dialog.pseudonym, "n-1")
    qtbot.keyClicks(dialog.reference, "folder 3")
    dialog.confirmed.setChecked(True)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    ok.click()
    qtbot.waitUntil(lambda: dialog.problem.isVisible())
    assert dialog.problem.text() == "There is no such pseudonym. Give another one."
    assert (dialog.pseudonym.text(), ok.isEnabled()) == ("n-1", True)
    dialog.reject()


def test_no_species_is_too_long_for_the_card(page: CollectPage, german: None) -> None:
    page._takes, page.recording = codes.species(Species.MAKEUP), True
    page.refresh()
    QApplication.processEvents()
    assert page.card.heightForWidth(page.card.width()) <= page.card.height()
    assert page.card.minimumSizeHint().width() <= page.card.width()
    page.recording = False
