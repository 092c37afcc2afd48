"""The site policy: what is in force beside the factory's, and a change of it, with a reason."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QComboBox, QDialogButtonBox, QLineEdit, QPushButton, QWidget

from core.access import Permission
from core.errors import ExitCode, KnownError
from core.policy import THRESHOLDS, PolicyInForce, ShiftCheckFor, SitePolicy
from gui.context import PageContext
from gui.i18n import tr
from gui.i18n.errors import told_error
from gui.i18n.policy_codes import field_words, value_words
from gui.widgets.ask import Question
from gui.widgets.forms import add_row, combo_box, form_layout, quiet
from gui.widgets.toast import Level
from storage.catalogue import Catalogue

CHOICES: dict[str, tuple[Any, ...]] = {"rgb_alone_refers": (True, False), "shift_check": tuple(ShiftCheckFor)}


class PolicyDialog(Question):
    """A field for each value with the factory's beside it. Only what was changed here is sent."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(
            tr("Site policy"),
            tr("How evidence becomes an answer at this site. A threshold can only be raised above the model's."),
            parent,
        )
        self._context = context
        self.found: PolicyInForce | None = None
        self.fields: dict[str, QLineEdit | QComboBox] = {}
        self.reason = QLineEdit(self)
        self.factory = QPushButton(tr("Factory values"), self)
        self.state, self.notice, self.problem = quiet("", self), quiet("", self), quiet("", self)
        self._build()
        self._check()
        context.tasks.run(_read, self._show, context.show_error, self)

    def _build(self) -> None:
        form, factory = form_layout(), SitePolicy().model_dump()
        form.setVerticalSpacing(2)
        for name, words in field_words().items():
            field: QLineEdit | QComboBox
            if name in CHOICES:
                field = combo_box(self)
                for value in CHOICES[name]:
                    field.addItem(value_words(value), value)
                field.currentIndexChanged.connect(lambda _index: self._check())
            else:
                field = QLineEdit(self)
                field.textChanged.connect(lambda _text: self._check())
            field.setAccessibleName(words)
            usual = quiet(tr("factory: {value}", value=value_words(factory[name]) or tr("none")), self)
            usual.setFixedWidth(190)
            self.fields[name] = field
            add_row(form, words, field, usual)
        self.fields["thresholds"].setToolTip("depth+ir=0.9 ir=0.8")
        add_row(form, tr("&Reason"), self.reason)
        self.reason.textChanged.connect(lambda _text: self._check())
        self.factory.clicked.connect(lambda: self._fill(SitePolicy()))
        self.factory.setAutoDefault(False)
        self.buttons.addButton(self.factory, QDialogButtonBox.ButtonRole.ResetRole)
        self.body.addWidget(self.state)
        self.body.addLayout(form)
        self.body.addWidget(self.notice)
        self.body.addWidget(self.problem)
        self.problem.hide()
        self.setMinimumWidth(720)
        self.fields["min_frame_sets"].setFocus()

    def _show(self, read: tuple[PolicyInForce, bool]) -> None:
        self.found, second = read
        if self.found.refused:
            state = tr("The stored policy cannot be trusted: nobody gets a verdict until it is set again.")
        elif self.found.actor:
            state = tr("Set by {name}: {reason}", name=self.found.actor, reason=self.found.reason)
        else:
            state = tr("The factory policy is in force.")
        self.state.setText(state)
        self.notice.setText(tr("A second person has to approve a change.") if second else "")
        self.notice.setVisible(second)
        self._fill(self.found.policy)

    def _fill(self, policy: SitePolicy) -> None:
        for name, value in policy.model_dump().items():
            field = self.fields[name]
            if isinstance(field, QComboBox):
                field.setCurrentIndex(field.findData(value))
            else:
                field.setText(value_words(value))
        self._check()

    def changes(self) -> dict[str, Any]:
        """What differs from the policy in force, as `storage.repositories.policies.Policies.change` takes it."""
        if self.found is None:
            return {}
        changed: dict[str, Any] = {}
        for name, value in self.found.policy.model_dump().items():
            field = self.fields[name]
            if isinstance(field, QComboBox):
                if field.currentData() != value:
                    changed[name] = str(field.currentData())
            elif field.text().strip() != value_words(value):
                changed |= _bars(field.text(), value) if name == "thresholds" else {name: field.text().strip()}
        return changed

    def _check(self) -> None:
        again = self.found is not None and self.found.refused
        self.allow(bool(self.reason.text().strip()) and (again or bool(self.changes())))

    def accept(self) -> None:
        """Store the change, or propose it; the dialog stays open while it is refused."""
        if self.found is None:
            return
        changes, reason, of = self.changes(), self.reason.text().strip(), self.found.policy.sha256()
        self.allow(False)
        self._context.tasks.run(
            lambda catalogue: catalogue.policies.change(changes, reason, of), self._done, self._failed, self
        )

    def _done(self, _found: PolicyInForce) -> None:
        self._context.notify(tr("The site policy is changed."), tr("It holds from the next person on."), Level.INFO)
        super().accept()

    def _failed(self, error: BaseException) -> None:
        self._check()
        if not isinstance(error, KnownError):
            self._context.show_error(error)
        elif error.exit_code is ExitCode.DONE:
            self._context.notify(tr("Proposed."), tr("A second person has to approve it."), Level.INFO)
            super().accept()
        else:
            self.problem.setText(told_error(error))
            self.problem.show()


def _read(catalogue: Catalogue) -> tuple[PolicyInForce, bool]:
    catalogue.require(Permission.POLICY)
    return catalogue.policies.in_force(), catalogue.proposals.needed(Permission.POLICY)


def _bars(text: str, before: dict[str, float]) -> dict[str, str]:
    """Thresholds as they were typed; those that are gone are taken away."""
    typed = [part.partition("=") for part in text.replace(",", " ").split()]
    return {f"{THRESHOLDS}{mask}": "none" for mask in before} | {
        f"{THRESHOLDS}{mask}": value for mask, _, value in typed
    }
