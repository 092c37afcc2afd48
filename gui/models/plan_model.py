"""The collection plan as a table: species, condition, taken and wanted."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from gui.i18n import codes, tr
from gui.views.collect.plan import CollectionPlan, PlanRow, Taken

Index = QModelIndex | QPersistentModelIndex
_QUOTA = 3


class PlanModel(QAbstractTableModel):
    """Quotas can be edited; a change is handed to ``on_change``."""

    def __init__(self, plan: CollectionPlan, on_change: Callable[[CollectionPlan], None]) -> None:
        super().__init__()
        self.plan = plan
        self.taken: Taken = {}
        self._on_change = on_change

    def set_taken(self, taken: Taken) -> None:
        """New counts."""
        self.taken = taken
        self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))

    def row(self, index: int) -> PlanRow:
        """One row of the plan."""
        return self.plan.rows[index]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Rows of the plan."""
        return 0 if parent.isValid() else len(self.plan.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """See `headerData`."""
        return 0 if parent.isValid() else 4

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return (tr("Species"), tr("Condition"), tr("Taken"), tr("Wanted"))[section]

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The quota can be edited."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.isValid() and index.column() == _QUOTA else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell; a row whose quota is met says so with a tick."""
        if not index.isValid():
            return None
        row = self.plan.rows[index.row()]
        if role == Qt.ItemDataRole.EditRole and index.column() == _QUOTA:
            return row.quota
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        taken = self.taken.get((row.species, row.tag), 0)
        done = "✓ " if taken >= row.quota else ""
        cells = (codes.species(row.species), f"{tr(row.condition)}, {row.distance}", f"{done}{taken}", str(row.quota))
        return cells[index.column()]

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Change a quota."""
        wanted = str(value)
        if not index.isValid() or index.column() != _QUOTA or not wanted.isdecimal() or not 1 <= int(wanted) <= 999:
            return False
        rows = list(self.plan.rows)
        rows[index.row()] = rows[index.row()].model_copy(update={"quota": int(wanted)})
        self.plan = CollectionPlan(rows=tuple(rows))
        self.dataChanged.emit(self.index(index.row(), 0), self.index(index.row(), _QUOTA))
        self._on_change(self.plan)
        return True
