"""What all pages have in common."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.context import PageContext
from gui.widgets.forms import GAP, MARGIN


class Page(QWidget):
    """One page of the window; built when it is first shown."""

    name = ""

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self.column.setSpacing(GAP)
        context.actions.attach(self.name, self)

    def entered(self) -> None:
        """The page came to the front."""

    def left(self) -> None:
        """Another page came to the front."""

    def erased(self) -> None:
        """Stored frames may have been erased: nothing of them may go on being shown."""
