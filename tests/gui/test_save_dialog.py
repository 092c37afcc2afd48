"""The dialog behind every verb that writes a file: a name that was typed without a suffix gets the right one."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.save_dialog import ask_where

FORMS = "HTML (*.html);;PDF (*.pdf)"


@pytest.mark.parametrize(("chosen", "written"), [("HTML (*.html)", "told.html"), ("PDF (*.pdf)", "told.pdf")])
def test_a_name_without_a_suffix_gets_that_of_the_chosen_form(
    qtbot: QtBot, tmp_path: Path, chosen: str, written: str
) -> None:
    window = QWidget()
    saved: list[str] = []
    qtbot.addWidget(window)
    dialog = ask_where(window, "Save report", "job-1.html", FORMS, saved.append)
    dialog.setDirectory(str(tmp_path))
    assert [Path(path).name for path in dialog.selectedFiles()] == ["job-1.html"]
    dialog.selectNameFilter(chosen)
    dialog.filterSelected.emit(chosen)
    name = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(name, QLineEdit)
    name.setText("told")
    dialog.accept()
    assert saved == [str(tmp_path / written)]


def test_a_suffix_that_was_typed_stays(qtbot: QtBot, tmp_path: Path) -> None:
    window = QWidget()
    saved: list[str] = []
    qtbot.addWidget(window)
    dialog = ask_where(window, "Export", "", "*.jsonl", saved.append)
    dialog.setDirectory(str(tmp_path))
    name = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(name, QLineEdit)
    name.setText("log.txt")
    dialog.accept()
    assert saved == [str(tmp_path / "log.txt")]
