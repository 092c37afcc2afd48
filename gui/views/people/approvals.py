"""Changes that wait for a second person, and those that one of the two has still to make."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from core.access import Actor
from gui.i18n import people_codes, tr
from gui.i18n.errors import told
from gui.models.table_model import TextTable
from gui.widgets.forms import Plate, heading, quiet
from gui.widgets.tables import make_table
from storage.approved import left_to_do
from storage.key_care import PROTECT, ROTATE
from storage.repositories.proposals import Proposal, ProposalState


class Approvals(Plate):
    """The proposals, and buttons for the one that is selected: approve and decline, or ``make`` what was approved."""

    def __init__(
        self,
        approve: Callable[[Proposal], object],
        decline: Callable[[Proposal], object],
        make: Callable[[Proposal], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._proposals: Sequence[Proposal] = ()
        self._actor: Actor | None = None
        self.model = TextTable(
            (tr("Number"), tr("Change"), tr("Details"), tr("Reason"), tr("Proposed by"), tr("Approved by"))
        )
        self.table = make_table(tr("Changes that wait for a second person"), self)
        self.table.setModel(self.model)
        self.table.setFixedHeight(96)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        self.rule, self.left = quiet("", self), quiet("", self)
        self.approve = QPushButton(tr("Approve"), self)
        self.decline = QPushButton(tr("Decline"), self)
        self.make = QPushButton(tr("Make the change"), self)
        self.approve.clicked.connect(lambda: self._with_selected(approve))
        self.decline.clicked.connect(lambda: self._with_selected(decline))
        self.make.clicked.connect(lambda: self._with_selected(make))
        row = QHBoxLayout()
        row.addWidget(self.rule, 1)
        for verb in (self.make, self.approve, self.decline):
            row.addWidget(verb)
        self.column.addWidget(heading(tr("Changes that wait for a second person"), self))
        self.column.addWidget(self.table)
        self.column.addWidget(self.left)
        self.column.addLayout(row)
        self._enable()

    def show_proposals(self, proposals: Sequence[Proposal], actor: Actor, rule: str) -> None:
        """Show what waits; ``rule``: how the two-person rule stands, in words.

        Whoever has chosen a change has chosen it until it is gone: then nothing is chosen.
        """
        before, selected = self._proposals, self.selected
        self._proposals, self._actor = proposals, actor
        self.rule.setText(rule)
        if list(before) != list(proposals):
            self.model.show([_row(one) for one in proposals])
            places = [at for at, one in enumerate(proposals) if selected is not None and one.id == selected.id]
            if places or not before:
                self.table.selectRow((places or [0])[0])
        self._enable()

    @property
    def selected(self) -> Proposal | None:
        """The proposal that is selected."""
        row = self.table.currentIndex().row()
        return self._proposals[row] if 0 <= row < len(self._proposals) else None

    def _with_selected(self, do: Callable[[Proposal], object]) -> None:
        if self.selected is not None:
            do(self.selected)

    def _enable(self) -> None:
        one, actor = self.selected, self._actor
        may = one is not None and actor is not None and actor.may(one.permission)
        waits = one is not None and one.state is ProposalState.OPEN
        self.decline.setEnabled(may and waits)
        own = waits and one is not None and actor is not None and one.proposed_by == actor.id
        self.approve.setEnabled(may and waits and not own)
        self.left.setText(told(left_to_do(one)) if one is not None else "")
        self.left.setVisible(one is not None and not waits)
        one_of_two = one is not None and actor is not None and actor.id in (one.proposed_by, one.decided_by)
        self.make.setVisible(may and one_of_two and not waits and one is not None and one.action in (PROTECT, ROTATE))
        self.approve.setToolTip(tr("This is your own proposal: another one approves it.") if own else "")


def _row(one: Proposal) -> tuple[str, ...]:
    told = {**one.arguments, **one.arguments.get("changes", {})}
    details = ", ".join(
        f"{name} {str(value)[:12]}"
        for name, value in told.items()
        if name not in ("changes", "of") and (name in one.arguments.get("changes", {}) or not isinstance(value, bool))
    )
    return (str(one.id), people_codes.change(one.action), details, one.reason, one.proposed_by, one.decided_by)
