"""Sessions that a plan may use, with a tick each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from gui.i18n import codes, tr
from gui.models.sessions_model import session_name
from gui.views.recalibrate.reading import Material

Index = QModelIndex | QPersistentModelIndex


class MaterialModel(QAbstractTableModel):
    """The first column is a check box."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Material] = ()
        self._chosen: set[str] = set()

    def show(self, rows: Sequence[Material]) -> None:
        """Show what was read; ticks are kept."""
        self.beginResetModel()
        self._rows = rows
        self._chosen &= {row.session.id for row in rows}
        self.endResetModel()

    @property
    def chosen(self) -> list[Material]:
        """Rows with a tick."""
        return [row for row in self._rows if row.session.id in self._chosen]

    def choose_all(self, chosen: bool) -> None:
        """Tick all rows, or none."""
        self._chosen = {row.session.id for row in self._rows} if chosen else set()
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, 0))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Sessions."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """See `headerData`."""
        return 0 if parent.isValid() else 6

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return (tr("Session"), tr("Source"), tr("Subjects"), tr("Bona fide"), tr("Attacks"), tr("No label"))[section]

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Rows can be ticked."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.isValid() and index.column() == 0 else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.CheckStateRole and index.column() == 0:
            return Qt.CheckState.Checked if row.session.id in self._chosen else Qt.CheckState.Unchecked
        session = row.session
        begun = datetime.fromtimestamp(session.created_utc_s).strftime("%Y-%m-%d %H:%M")
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(part for part in (session_name(session), begun, session.id) if part)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        attacks = sum(n for species, n in row.labels.items() if species)
        return (
            session_name(session) or begun,
            codes.source(session.source_kind),
            str(len(row.subjects)),
            str(row.labels.get("", 0)),
            str(attacks),
            str(row.labels.get(None, 0)),
        )[index.column()]

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Tick or untick."""
        if not index.isValid() or role != Qt.ItemDataRole.CheckStateRole or index.column() != 0:
            return False
        session = self._rows[index.row()].session.id
        if Qt.CheckState(value) == Qt.CheckState.Checked:
            self._chosen.add(session)
        else:
            self._chosen.discard(session)
        self.dataChanged.emit(index, index)
        return True
