"""Questions about accounts: a new one, other roles, a pass-phrase, the PIN."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QWidget

from core.access import Role
from gui.i18n import people_codes, tr
from gui.widgets.ask import Question
from gui.widgets.attempt import Attempt
from gui.widgets.forms import add_row, form_layout


class AccountDialog(Attempt):
    """Any of a name, roles and a new secret, which is typed twice."""

    def __init__(
        self,
        title: str,
        explanation: str,
        parent: QWidget,
        *,
        with_name: bool = False,
        roles: Iterable[Role] | None = None,
        secret: str = "",
    ) -> None:
        """``roles``: those that are chosen now, ``None`` = not asked for. ``secret``: its label, empty = not asked."""
        super().__init__(title, explanation, parent)
        form = form_layout()
        self.account = QLineEdit(self)
        self.roles = {role: QCheckBox(people_codes.person_role(role), self) for role in Role}
        self.secret, self.again = QLineEdit(self), QLineEdit(self)
        if with_name:
            add_row(form, tr("&Name"), self.account)
        if secret:
            add_row(form, secret, self.secret)
            add_row(form, tr("Once &more"), self.again)
        for field in (self.secret, self.again):
            field.setEchoMode(QLineEdit.EchoMode.Password)
        self._asks_name = with_name
        self.body.addLayout(form)
        for role, box in self.roles.items():
            box.setChecked(roles is not None and role in roles)
            box.setToolTip(people_codes.role_about(role))
            box.setVisible(roles is not None)
            if roles is not None:
                self.body.addWidget(box)
                box.toggled.connect(self._check)
        self._asks_roles, self._asks_secret = roles is not None, bool(secret)
        for field, shown in ((self.account, with_name), (self.secret, bool(secret)), (self.again, bool(secret))):
            field.setVisible(shown)
            field.textChanged.connect(self._check)
        self._check()

    @property
    def chosen_roles(self) -> list[Role]:
        """The roles that are ticked."""
        return [role for role, box in self.roles.items() if box.isChecked()]

    def _check(self) -> None:
        named = bool(self.account.text().strip()) or not self._asks_name
        trusted = bool(self.chosen_roles) or not self._asks_roles
        same = self.secret.text() == self.again.text() and bool(self.secret.text())
        self.allow(named and trusted and (same or not self._asks_secret))


class SecretDialog(Question):
    """One secret of somebody who is here: the PIN that leaves the full screen."""

    def __init__(self, title: str, explanation: str, parent: QWidget, answered: Callable[[str], object]) -> None:
        super().__init__(title, explanation, parent)
        self.secret = QLineEdit(self)
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)
        self.secret.setAccessibleName(title)
        self.secret.textChanged.connect(lambda text: self.allow(bool(text)))
        self.body.addWidget(self.secret)
        self.allow(False)
        self.accepted.connect(lambda: answered(self.secret.text()))


class CodeDialog(Question):
    """A recovery code, shown once."""

    def __init__(self, code: str, parent: QWidget, words: str = "") -> None:
        account = tr("It opens an administrator's account once. Write it down, seal it: it is not shown again.")
        super().__init__(tr("Recovery code"), words or account, parent)
        label = QLabel(code, self)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setAccessibleName(tr("Recovery code"))
        self.code = label
        self.body.addWidget(label)
