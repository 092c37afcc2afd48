"""Erasing a person and the keys, in the window: what a person sees, types and gets."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from core.codes import SiteKeyMethod
from gui.app import Desk, SallyportApp
from gui.i18n import install_language
from gui.services import Services
from gui.views.collect.page import CollectPage
from gui.views.protection.erase_dialog import ASK, DONE, EraseDialog
from gui.views.protection.keys_dialog import KeysDialog
from gui.views.review.page import ReviewPage
from storage.catalogue import Catalogue, open_catalogue
from storage.erasure.job import resume_all
from storage.key_care import key_status, protect, recover
from tests import site
from tests.people import cheap_site_key

OpenDesk = Callable[[], Desk]
PASSPHRASE = "four quiet green herons"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_site_key(monkeypatch)


@pytest.fixture
def services(services: Services) -> Services:
    """Erasing is a process of its own: here it is the real one."""

    def command(arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "main.py", *arguments, "--data", str(services.data_dir)]

    return replace(services, command=command)


def ask(desk: Desk, qtbot: QtBot) -> EraseDialog:
    """Review is in front; the verb opens the question."""
    desk.window.go_to("review")
    page = desk.window.pages["review"]
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: page.opened is not None and not desk.tasks.busy)
    desk.window.actions_table["erase_person"].trigger()
    qtbot.waitUntil(lambda: bool(page.findChildren(EraseDialog)))
    dialog = page.findChildren(EraseDialog)[0]
    qtbot.waitUntil(lambda: dialog.inventory is not None)
    return dialog


def test_a_person_is_erased_in_the_window(
    services: Services, open_desk: OpenDesk, qtbot: QtBot, tmp_path: Path
) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        session = site.take(catalogue, "ann")
    desk = open_desk()
    dialog = ask(desk, qtbot)
    erase = dialog.buttons.button(dialog.buttons.StandardButton.Ok)
    assert dialog.chosen == "ann"
    assert "1 session is destroyed" in dialog.goes.text()
    qtbot.keyClicks(dialog.reason, "asked to")
    qtbot.keyClicks(dialog.again, "an")
    assert not erase.isEnabled()
    qtbot.keyClicks(dialog.again, "n")
    assert erase.isEnabled()
    dialog.accept()
    qtbot.waitUntil(lambda: dialog.stages.currentIndex() == DONE)
    assert "CERTIFICATE OF ERASURE" in dialog.text.toPlainText()
    dialog.save_to(str(tmp_path / "for the person.txt"))
    assert (tmp_path / "for the person.txt").read_text() == dialog.text.toPlainText()
    page = desk.window.pages["review"]
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: page.opened is not None and page.opened.store is None and not desk.tasks.busy)
    assert not (services.data_dir / "sessions" / f"{session}.db").exists()
    dialog.reject()
    assert desk.window.toasts.shown == []


def test_pages_read_on_while_a_person_is_erased(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        site.take(catalogue, "ann")
        site.take(catalogue, "bob", 10)
    desk = open_desk()
    dialog = ask(desk, qtbot)
    qtbot.keyClicks(dialog.reason, "asked to")
    qtbot.keyClicks(dialog.again, dialog.chosen)
    erased = dialog.chosen
    dialog.accept()
    read: list[bool] = []
    desk.tasks.run(lambda catalogue: catalogue.subjects.known(erased), lambda _known: read.append(desk.erasing.busy))
    qtbot.waitUntil(lambda: bool(read))
    assert read == [True], "the reading thread answered while the erasure ran"
    assert dialog.buttons.button(dialog.buttons.StandardButton.Cancel).text() == "Go on in the &background"
    dialog.reject()
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown))
    assert desk.window.toasts.shown[0].what == f"{erased} was erased."
    with open_catalogue(services.data_dir) as catalogue:
        assert catalogue.subjects.get(erased).state == "erased"


def test_a_window_that_ends_meanwhile_leaves_an_erasure_that_the_next_start_finishes(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        site.take(catalogue, "ann")
    desk = open_desk()
    dialog = ask(desk, qtbot)
    qtbot.keyClicks(dialog.reason, "asked to")
    qtbot.keyClicks(dialog.again, "ann")
    dialog.accept()
    qtbot.waitUntil(lambda: dialog.step.text() != "")
    desk.close()
    assert not desk.erasing.busy
    with open_catalogue(services.data_dir) as catalogue:
        resume_all(catalogue)
        assert catalogue.subjects.get("ann").state == "erased"


def test_a_hold_is_told_in_the_dialog_and_nothing_is_erased(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        site.take(catalogue, "ann")
        catalogue.holds.add("ann", "case 7", "counsel")
    dialog = ask(open_desk(), qtbot)
    qtbot.keyClicks(dialog.reason, "asked to")
    qtbot.keyClicks(dialog.again, "ann")
    dialog.accept()
    qtbot.waitUntil(lambda: "case 7" in dialog.goes.text())
    assert dialog.stages.currentIndex() == ASK
    dialog.reject()


def test_a_hold_is_told_in_german_also_where_the_dialog_is_gone(
    german: None, qapp: SallyportApp, services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        site.take(catalogue, "ann")
        catalogue.holds.add("ann", "case 7", "counsel")
    desk = open_desk()
    install_language(qapp, "de")  # the window has begun in its settings' language
    dialog = ask(desk, qtbot)
    for gone in (False, True):
        qtbot.keyClicks(dialog.reason, "asked to")
        qtbot.keyClicks(dialog.again, "ann")
        dialog.accept()
        if gone:
            dialog.reject()
        qtbot.waitUntil(lambda: not desk.erasing.busy)
        if not gone:
            assert dialog.goes.text().startswith("Für ann gilt eine Löschsperre: case 7.")
            dialog.again.clear()
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown))
    assert desk.window.toasts.shown[0].what == "Für ann gilt eine Löschsperre: case 7."


def test_why_a_site_is_locked_is_told_in_german(
    german: None, qapp: SallyportApp, services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        protect(catalogue, SiteKeyMethod.PASSPHRASE, PASSPHRASE)
    desk = open_desk()
    install_language(qapp, "de")
    desk.window.actions_table["site_keys"].trigger()
    dialog = desk.window.findChildren(KeysDialog)[0]
    qtbot.waitUntil(lambda: dialog.status is not None)
    assert "Den Standort mit seiner Passphrase entsperren" in dialog.problem.text()
    dialog.reject()


def test_a_passphrase_protects_and_a_locked_site_is_unlocked(
    services: Services, open_desk: OpenDesk, qtbot: QtBot
) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        site.take(catalogue, "ann")
        protect(catalogue, SiteKeyMethod.PASSPHRASE, PASSPHRASE)
    desk = open_desk()
    qtbot.waitUntil(lambda: bool(desk.window.toasts.shown))
    assert "decisions go on" in desk.window.toasts.shown[0].what
    desk.window.toasts.clear()
    desk.window.actions_table["site_keys"].trigger()
    dialog = desk.window.findChildren(KeysDialog)[0]
    qtbot.waitUntil(lambda: dialog.status is not None)
    assert dialog.status is not None
    assert dialog.status.locked
    qtbot.keyClicks(dialog.passphrase, "four quiet green heron")
    dialog.verb.click()
    qtbot.waitUntil(lambda: "does not open" in dialog.problem.text())
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE)
    dialog.verb.click()
    qtbot.waitUntil(lambda: dialog.status is not None and not dialog.status.locked)
    qtbot.keyClicks(dialog.passphrase, PASSPHRASE + "!")
    assert not dialog.verb.isEnabled()
    qtbot.keyClicks(dialog.again, PASSPHRASE + "!")
    dialog.verb.click()
    qtbot.waitUntil(lambda: dialog.code.text() != "")
    with open_catalogue(services.data_dir) as catalogue:
        assert key_status(catalogue).recovery
        catalogue.vault.unlock(PASSPHRASE + "!")
    dialog.reject()


def test_the_dialog_stays_until_the_recovery_code_that_is_being_made_is_on_screen(
    services: Services, open_desk: OpenDesk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slowly(catalogue: Catalogue, *order: Any) -> str:
        assert go_on.wait(60.0)
        return protect(catalogue, *order)

    monkeypatch.setattr("gui.views.protection.keys_dialog.protect", slowly)
    with open_catalogue(services.data_dir) as catalogue:
        site.take(catalogue, "ann")
    desk = open_desk()
    desk.window.actions_table["site_keys"].trigger()
    dialog = desk.window.findChildren(KeysDialog)[0]
    qtbot.waitUntil(lambda: dialog.status is not None)
    for field in (dialog.passphrase, dialog.again):
        qtbot.keyClicks(field, PASSPHRASE)
    dialog.verb.click()
    close = dialog.buttons.button(QDialogButtonBox.StandardButton.Close)
    assert not close.isEnabled()
    assert not dialog.verb.isEnabled()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    dialog.close()
    assert dialog.isVisible()
    go_on.set()
    qtbot.waitUntil(lambda: dialog.code.text() != "")
    with open_catalogue(services.data_dir) as catalogue:
        recover(catalogue, dialog.code.text().splitlines()[-1], SiteKeyMethod.FILE)
    close.click()
    assert not dialog.isVisible()


def test_collect_says_that_a_locked_site_records_nothing(services: Services, open_desk: OpenDesk, qtbot: QtBot) -> None:
    with open_catalogue(services.data_dir) as catalogue:
        site.take(catalogue, "ann")
        protect(catalogue, SiteKeyMethod.PASSPHRASE, PASSPHRASE)
    desk = open_desk()
    desk.window.go_to("collect")
    page = desk.window.pages["collect"]
    assert isinstance(page, CollectPage)
    qtbot.waitUntil(lambda: "locked" in page.consent.text())
    assert not page.allowed
    page.toggle_take()
    assert not page.recording
