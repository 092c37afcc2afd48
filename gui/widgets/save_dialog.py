"""Where does a file go? The one dialog behind every verb that writes one."""

from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

_SUFFIX = re.compile(r"\*\.(\w+)")


def ask_where(parent: QWidget, title: str, name: str, filters: str, save: Callable[[str], object]) -> QFileDialog:
    """Open the dialog; ``save`` is told the path that was chosen.

    Args:
        parent: the window that waits.
        title: what is saved.
        name: the file that is suggested; empty for none.
        filters: as Qt writes them (``HTML (*.html);;PDF (*.pdf)``). A name that was typed without a suffix gets that of
            the chosen one.
        save: writes it.
    """
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.filterSelected.connect(lambda chosen: _complete(dialog, chosen))
    _complete(dialog, dialog.selectedNameFilter())
    if name:
        dialog.selectFile(name)
    dialog.fileSelected.connect(save)
    dialog.open()
    return dialog


def _complete(dialog: QFileDialog, chosen: str) -> None:
    """A name without a suffix gets that of the filter."""
    suffix = _SUFFIX.search(chosen)
    dialog.setDefaultSuffix(suffix[1] if suffix else "")
