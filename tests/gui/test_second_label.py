"""Labelling blind on the page Review, and the agreement of labels for technicians."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.access import Actor, Role
from gui.app import Desk, SallyportApp
from gui.services import Services
from gui.views.review.agreement_dialog import AgreementDialog
from gui.views.review.page import ReviewPage
from storage.catalogue import Catalogue
from tests.gui.logging_in import log_in
from tests.gui.test_review import fill
from tests.people import add_people

OpenDesk = Callable[[], Desk]


def given(catalogue: Catalogue) -> list[tuple[str, str]]:
    return [(row["actor"], row["species"]) for row in catalogue.file.rows("SELECT * FROM second_labels ORDER BY id")]


@pytest.fixture
def page(services: Services, qapp: SallyportApp, qtbot: QtBot) -> Iterator[ReviewPage]:
    """Two presentations that carl labelled, drawn; tim is here."""
    with services.open_catalogue() as catalogue:
        add_people(catalogue)
        catalogue.actor = Actor.of("carl", [Role.COLLECTOR])
        fill(catalogue)
        catalogue.actor = Actor.of("tim", [Role.TECHNICIAN])
        catalogue.second_labels.draw(1.0)
    desk = Desk(qapp, services)
    desk.open()
    qtbot.waitUntil(lambda: desk.door.asks and desk.link.connected)
    log_in(desk, qtbot, "tim")
    qtbot.waitUntil(lambda: desk.door.actor is not None)
    desk.window.go_to("review")
    found = desk.window.pages["review"]
    assert isinstance(found, ReviewPage)
    qtbot.waitUntil(lambda: found.player.shown is not None and not desk.tasks.busy)
    yield found
    desk.close()


def begin(page: ReviewPage, qtbot: QtBot) -> None:
    page.context.actions["second_label"].trigger()
    qtbot.waitUntil(lambda: page.blind.shown is not None)


def test_whoever_labels_sees_pictures_and_nothing_that_tells(page: ReviewPage, qtbot: QtBot) -> None:
    begin(page, qtbot)
    assert page.blind.views[0].isVisible()
    assert not page.table.isVisible()
    assert not page.trace.isVisible()
    words = " ".join(label.text() for label in page.blind.findChildren(QLabel) if label.isVisible())
    for hidden in ("demo", "print", "Print", "BONA FIDE", "ATTACK", "carl", "tim"):
        assert hidden not in words
    actions = page.context.actions
    for action_id in ("change_label", "export_session", "replay_check", "explain", "second_label", "label_agreement"):
        assert not actions[action_id].isEnabled()
    qtbot.keyClick(page, Qt.Key.Key_Right)
    assert page.blind.where.text() == "Moment 2 of 3"
    assert page.player.position == 0, "the session behind does not move"


def test_two_keys_answer_and_the_end_is_told(page: ReviewPage, services: Services, qtbot: QtBot) -> None:
    begin(page, qtbot)
    assert page.blind.counts.text() == "0 given, 2 left"
    qtbot.keyClick(page, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: page.blind.counts.text() == "1 given, 1 left")
    assert page.blind.progress.value() == 1
    qtbot.keyClick(page, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: page.blind.empty.isVisible())
    assert page.blind.empty.what.text() == "Only what you skipped is left"
    assert not page.context.actions["blind_attack"].isEnabled()
    qtbot.keyClick(page, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: page.table.isVisible())
    begin(page, qtbot)
    qtbot.keyClick(page, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: page.blind.empty.isVisible())
    assert page.blind.empty.what.text() == "Nothing is left for you to label"
    with services.open_catalogue() as catalogue:
        assert given(catalogue) == [("tim", ""), ("tim", "unknown")]


def test_a_technician_sees_what_is_contested_and_looks_at_it(
    page: ReviewPage, services: Services, qtbot: QtBot
) -> None:
    with services.open_catalogue() as catalogue:
        catalogue.actor = Actor.of("tom", [Role.TECHNICIAN])
        for number in (1, 2):
            catalogue.second_labels.give(number, "")
        (flipped,) = catalogue.second_labels.status().contested
    page.context.actions["label_agreement"].trigger()
    dialog = page.findChild(AgreementDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.status is not None)
    assert "2 of 2 labelled twice, 1 of them differently (Cohen's kappa 0.00, n = 2)" in dialog.summary.text()
    person = [dialog.people.index(0, column).data() for column in range(5)]
    assert person == ["carl", "2", "2", "50.0%  (1.3% … 98.7%; n 2)", "0"]
    assert dialog.contested.index(0, 0).data() == flipped.presentation
    dialog.contested_table.activated.emit(dialog.contested.index(0, 0))
    qtbot.waitUntil(lambda: page.chosen is not None and page.chosen.id == flipped.presentation)


def test_a_station_without_accounts_says_that_nobody_else_is_there(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    with services.open_catalogue() as catalogue:
        fill(catalogue)
    desk = open_desk()
    desk.window.go_to("review")
    found = desk.window.pages["review"]
    assert isinstance(found, ReviewPage)
    qtbot.waitUntil(lambda: not desk.tasks.busy)
    found.context.actions["second_label"].trigger()
    qtbot.waitUntil(lambda: found.blind.empty.isVisible())
    assert "this station has no accounts" in found.blind.empty.remedy.text()
