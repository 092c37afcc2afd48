from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from core.codes import Outcome, RecordMode, SessionPurpose, SourceKind
from core.errors import InputError
from core.frames import ALL_MODALITIES, Modality, ModalityMask
from gui.app import Desk, SallyportApp
from gui.main_window import MainWindow
from gui.models.presentations_model import PresentationsModel
from gui.models.sessions_model import PAGE, SessionsModel
from gui.services import Services
from gui.tasks import Tasks
from gui.views.review.origin import origin_words
from gui.views.review.page import ReviewPage
from gui.views.review.reading import open_session
from gui.views.review.replay_report import replay_summary
from gui.widgets.ask import ReasonDialog
from gui.widgets.toast import Level
from storage.catalogue import Catalogue, open_catalogue
from storage.export import export_session
from storage.frames import FrameStore
from storage.importing import import_manifest
from storage.repositories.sessions import SessionFilter
from storage.session_signature import Provenance
from tests import site
from tests.gui.fakes import evidence, frame_set, verdict

OpenDesk = Callable[[], Desk]


def fill(catalogue: Catalogue, sets: int = 6) -> str:
    """One session with two presentations, the second without infrared."""
    session = catalogue.sessions.open(SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.SIMULATED, name="demo")
    without_ir = ModalityMask.of([Modality.RGB, Modality.DEPTH])
    with FrameStore.create(catalogue.frames_path(session), session) as store:
        store.append([frame_set(n, ALL_MODALITIES if n <= sets // 2 else without_ir) for n in range(1, sets + 1)])
    for first, outcome in ((1, Outcome.BONA_FIDE), (sets // 2 + 1, Outcome.ATTACK)):
        numbers = tuple(range(first, first + sets // 2))
        take = catalogue.presentations.open(session, species="" if first == 1 else "print_flat")
        found = verdict(outcome, session=session, presentation=take)
        trace = replace(found.trace, frame_sets=numbers, evidence=tuple(evidence(ALL_MODALITIES) for _ in numbers))
        catalogue.verdicts.commit(replace(found, trace=trace))
        catalogue.presentations.close(take, numbers[0], numbers[-1], 1.0)
    catalogue.sessions.close(session)
    return session


@pytest.fixture
def page(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> ReviewPage:
    with open_catalogue(services.data_dir) as catalogue:
        fill(catalogue)
    desk = open_desk()
    desk.window.go_to("review")
    found = desk.window.pages["review"]
    assert isinstance(found, ReviewPage)
    qtbot.waitUntil(lambda: found.player.shown is not None and not desk.tasks.busy)
    return found


def test_the_newest_session_opens_with_its_first_verdict(page: ReviewPage) -> None:
    assert page.title.text() == "demo"
    assert page.trace.answer.text() == "BONA FIDE"
    assert page.player.position == 0
    assert sorted(page.player.timeline.scores) == [0, 1, 2]
    assert [view.message for view in page.player.views] == ["", "", ""]


def shows(page: ReviewPage, number: int) -> bool:
    return page.player.shown is not None and page.player.shown.number == number


def test_arrow_keys_go_frame_by_frame_in_lockstep(page: ReviewPage, qtbot: QtBot) -> None:
    for expected in (2, 3, 4):
        qtbot.keyClick(page, Qt.Key.Key_Right)
        qtbot.waitUntil(partial(shows, page, expected))
    rgb, depth, infrared = page.player.views
    assert rgb.message == depth.message == ""
    assert "Infrared" in infrared.message, "the stream that dropped is empty, not frozen"
    qtbot.keyClick(page, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: page.player.shown is not None and page.player.shown.number == 3)


def test_scrubbing_shows_the_newest_wish(page: ReviewPage, qtbot: QtBot) -> None:
    for position in (1, 4, 2, 5):
        page.player.timeline.chosen.emit(position)
    qtbot.waitUntil(lambda: page.player.position == 5)


def test_playing_ends_at_the_last_frame_set(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page, Qt.Key.Key_Space)
    assert page.player.playing
    qtbot.waitUntil(lambda: page.player.position == 5 and not page.player.playing)


def test_the_trace_follows_presentation_and_frame_set(page: ReviewPage, qtbot: QtBot) -> None:
    page.takes.selectRow(1)
    qtbot.waitUntil(lambda: page.trace.answer.text() == "ATTACK" and page.player.position == 3)
    assert page.trace._evidence_facts.value("Sensors") == "Colour + Depth + Infrared"


def test_a_label_changes_only_with_a_reason(page: ReviewPage, qtbot: QtBot) -> None:
    page.change_label()
    dialog = page.findChild(ReasonDialog)
    assert dialog is not None
    dialog.choice.setCurrentIndex(dialog.choice.findData("mask_rigid"))
    dialog.reason.setPlainText("seen on the second look")
    dialog.accept()
    qtbot.waitUntil(lambda: page.chosen is not None and page.chosen.species == "mask_rigid")
    with open_catalogue(page.context.services.data_dir) as catalogue:
        entry = catalogue.audit.entries(limit=1)[0]
    assert (entry.action, entry.reason) == ("relabel", "seen on the second look")


def test_filters_are_applied_in_sql(page: ReviewPage, qtbot: QtBot) -> None:
    page.kind.setCurrentIndex(page.kind.findData("live"))
    qtbot.waitUntil(lambda: page.count.text() == "0 sessions")
    assert page.rooms.currentIndex() == 0, "an empty filter is no empty page"
    page.kind.setCurrentIndex(0)
    qtbot.waitUntil(lambda: page.count.text() == "1 session")


def test_an_empty_catalogue_says_what_to_do(desk: Desk, qtbot: QtBot) -> None:
    desk.window.go_to("review")
    page = desk.window.pages["review"]
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: page.rooms.currentIndex() == 1)
    assert "Checkpoint" in page.empty.remedy.text()


def test_a_damaged_frame_set_is_told(page: ReviewPage, qtbot: QtBot) -> None:
    told: list[BaseException] = []
    page.player._context.show_error = told.append
    assert page.opened is not None
    store = page.opened.store
    assert store is not None
    store._file.execute("UPDATE frames SET payload = x'00' WHERE number = 4")
    page.player.go_to(3)
    qtbot.waitUntil(lambda: bool(told))
    assert isinstance(told[0], InputError)


def program(text: str) -> Callable[[Sequence[str]], list[str]]:
    return lambda _arguments: [sys.executable, "-c", text]


def test_a_replay_that_agrees_is_told(page: ReviewPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = json.dumps({"verdicts": [{"equal": True}, {"equal": True}]})
    page.context.services = replace(page.context.services, command=program(f"print({answer!r})"))
    said: list[str] = []
    page.context.notify = lambda what, _remedy, _level: said.append(what)
    page.replay_check()
    assert not page.context.actions["replay_check"].isEnabled()
    qtbot.waitUntil(lambda: said == ["2 verdicts recomputed."])
    qtbot.waitUntil(lambda: page.context.actions["replay_check"].isEnabled())


def test_a_command_that_fails_becomes_a_known_error(page: ReviewPage, qtbot: QtBot, tmp_path: Path) -> None:
    text = "import sys; print('The folder is read-only.', file=sys.stderr); sys.exit(3)"
    page.context.services = replace(page.context.services, command=program(text))
    told: list[BaseException] = []
    page.context.show_error = told.append
    page.export_to(str(tmp_path))
    qtbot.waitUntil(lambda: bool(told))
    assert isinstance(told[0], InputError)
    assert told[0].what == "The folder is read-only."


def test_a_replay_that_differs_is_a_warning() -> None:
    what, _remedy, level = replay_summary(json.dumps({"verdicts": [{"equal": True}, {"equal": False}]}))
    assert level is Level.WARNING
    assert what.startswith("1 verdict")


def test_sessions_are_read_page_by_page(services: Services, qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        for number in range(PAGE + 20):
            catalogue.sessions.open(
                SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.SIMULATED, name=f"{number:03}"
            )
    tasks = Tasks(services.open_catalogue)
    model = SessionsModel(tasks)
    with qtbot.waitSignal(model.loaded):
        model.show(SessionFilter())
    assert model.rowCount() == PAGE
    assert model.canFetchMore()
    with qtbot.waitSignal(model.loaded):
        model.fetchMore(QModelIndex())
    assert model.rowCount() == PAGE + 20
    assert not model.canFetchMore()
    with qtbot.waitSignal(model.loaded):
        model.sort(1, Qt.SortOrder.AscendingOrder)
    assert model.at(0).name == "000"
    qtmodeltester.check(model)
    tasks.close()


def test_the_presentations_model_keeps_qt_rules(services: Services, qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    model = PresentationsModel()
    with open_catalogue(services.data_dir) as catalogue:
        session = fill(catalogue)
        verdicts = {v.verdict.presentation: v for v in catalogue.verdicts.of_session(session)}
        model.show(catalogue.presentations.of_session(session), verdicts)
    assert model.rowCount() == 2
    assert model.data(model.index(1, 2)) == "ATTACK"
    qtmodeltester.check(model)


def test_an_imported_session_says_who_signed_it(services: Services, tmp_path: Path, qapp: SallyportApp) -> None:
    with services.open_catalogue() as catalogue:
        catalogue.subjects.add("ann")
        recorded = site.take(catalogue, "ann")
        manifest = export_session(catalogue, recorded, tmp_path / "out").manifest
        (imported,) = import_manifest(catalogue, manifest, "no_person", "back").sessions
        assert origin_words(open_session(catalogue, recorded).origin) == ""
        assert origin_words(open_session(catalogue, imported).origin) == "Signed by this lane itself"
    assert origin_words(Provenance("ab" * 32, "lane 2")) == "Signed by lane 2"
    unknown = origin_words(Provenance("ab" * 32))
    assert unknown == "Signed by a lane that nobody here trusted: abababababababab"
    assert origin_words(Provenance()) == "Imported without a signature"


def test_a_session_of_decisions_is_no_error_after_one_whose_frames_are_still_read(
    page: ReviewPage, qtbot: QtBot
) -> None:
    with open_catalogue(page.context.services.data_dir) as catalogue:
        bare = catalogue.sessions.open(SessionPurpose.CHECKPOINT, RecordMode.DECISIONS, SourceKind.SIMULATED)
        catalogue.sessions.close(bare)
        opened = open_session(catalogue, bare)
    page.player.step(1)  # its frame set is on the way
    page.player.show_session(opened)
    qtbot.waitUntil(lambda: not page.context.tasks.busy)
    window = page.window()
    assert isinstance(window, MainWindow)
    assert not window.toasts.shown


def test_a_session_is_shown_although_a_frame_set_of_the_one_before_was_damaged(
    page: ReviewPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = page.opened
    assert good is not None
    broken = replace(good, store=None)
    page.player.show_session(broken)  # its first frame set cannot be read
    page.player.show_session(good)
    qtbot.waitUntil(lambda: page.player.shown is not None)


def test_the_arrow_stands_where_rows_are_sorted(page: ReviewPage, qtbot: QtBot) -> None:
    header = page.table.horizontalHeader()
    state = QPoint(header.sectionPosition(3) + 10, 10)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=state)
    assert header.sortIndicatorSection() == 0, "there is no index over states"
    name = QPoint(header.sectionPosition(1) + 10, 10)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=name)
    assert (header.sortIndicatorSection(), page.sessions.sorted_by[0]) == (1, 1)


def test_a_long_name_is_told_in_full_and_widens_nothing(page: ReviewPage) -> None:
    page.title.setText("a name that is longer than any title has room " * 5)
    assert page.minimumSizeHint().width() <= 1180
    found = page.sessions.data(page.sessions.index(0, 1), Qt.ItemDataRole.ToolTipRole)
    assert str(found).startswith("demo")
