"""Who is at the window, and whether a second person is asked: always in the status line."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from core.access import LOCAL, Actor
from gui.i18n import people_codes, tr


class WhoLine(QWidget):
    """Two short texts; the second is empty where there is nothing to warn of."""

    def __init__(self, actor: Actor | None, rule_is_on: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.who = QLabel(self)
        self.warning = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 3, 12, 3)
        row.setSpacing(14)
        row.addWidget(self.who)
        row.addWidget(self.warning)
        if actor is None:
            self.who.setText(tr("Nobody has logged in"))
        elif actor == LOCAL:
            self.who.setText(tr("Open station: no accounts"))
            self.who.setToolTip(tr("Everybody here may do everything. Add accounts on the page People."))
        else:
            roles = ", ".join(people_codes.person_role(role) for role in sorted(actor.roles))
            self.who.setText(f"{actor.id} ({roles})")
            self.show_rule(rule_is_on)
        self.setAccessibleName(tr("Who is here"))
        self._describe()

    def show_rule(self, rule_is_on: bool) -> None:
        """Somebody switched the two-person rule."""
        self.warning.setText("" if rule_is_on else tr("Two-person rule is off"))
        self._describe()

    def _describe(self) -> None:
        self.setAccessibleDescription(f"{self.who.text()} {self.warning.text()}".strip())
