"""The presentations of one session with their labels and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from gui.i18n import codes, tr
from storage.repositories.presentations import Presentation, PresentationState
from storage.repositories.verdicts import StoredVerdict

Index = QModelIndex | QPersistentModelIndex


class PresentationsModel(QAbstractTableModel):
    """One row per presentation; a session has hundreds at most."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Presentation] = ()
        self._verdicts: Mapping[str, StoredVerdict] = {}

    def show(self, presentations: Sequence[Presentation], verdicts: Mapping[str, StoredVerdict]) -> None:
        """Show another session; ``verdicts`` by presentation."""
        self.beginResetModel()
        self._rows, self._verdicts = presentations, verdicts
        self.endResetModel()

    def presentation(self, row: int) -> Presentation:
        """The presentation of a row."""
        return self._rows[row]

    def verdict(self, row: int) -> StoredVerdict | None:
        """Its verdict, if there is one."""
        return self._verdicts.get(self._rows[row].id)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Presentations."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """See `headerData`."""
        return 0 if parent.isValid() else 4

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return (tr("No."), tr("Label"), tr("Verdict"), tr("Sets"))[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.id
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        stored = self._verdicts.get(row.id)
        label = codes.species(row.species)
        if row.state is PresentationState.DISCARDED:
            label = tr("{label} (discarded)", label=label)
        sets = f"{row.first_set}–{row.last_set}" if row.last_set >= row.first_set > 0 else ""
        return (str(row.number), label, codes.outcome(stored.verdict.outcome) if stored else "", sets)[index.column()]
