"""The audit log in a table that stays quick at 10^5 entries: pages by number, filtered in SQL."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from core.access import Permission
from gui.i18n import audit_codes, tr
from gui.tasks import Tasks
from storage.catalogue import Catalogue
from storage.repositories.audit import AuditEntry, AuditFilter

Index = QModelIndex | QPersistentModelIndex
PAGE = 200


class AuditModel(QAbstractTableModel):
    """Newest first; rows arrive page by page as one scrolls, a new filter begins anew."""

    loaded = Signal(int)
    """A page has arrived; the number of rows so far."""
    failed = Signal(object)

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self._tasks = tasks
        self._rows: list[AuditEntry] = []
        self._complete, self._loading = True, False
        self._generation = 0
        self._filters = AuditFilter()

    def show(self, filters: AuditFilter) -> None:
        """Begin anew with these filters."""
        self._filters = filters
        self._generation += 1
        self.beginResetModel()
        self._rows, self._complete, self._loading = [], False, False
        self.endResetModel()
        self.fetchMore()

    def refresh(self) -> None:
        """Read again."""
        self.show(self._filters)

    def entry(self, row: int) -> AuditEntry:
        """The entry of a row."""
        return self._rows[row]

    def canFetchMore(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008 - Qt's own signature
        """Whether the next page is worth asking for."""
        return not parent.isValid() and not self._complete and not self._loading

    def fetchMore(self, parent: Index = QModelIndex()) -> None:  # noqa: B008
        """Ask for the next page."""
        if not self.canFetchMore(parent):
            return
        self._loading = True
        generation, filters = self._generation, self._filters
        before = self._rows[-1].id if self._rows else None

        def read(catalogue: Catalogue) -> list[AuditEntry]:
            catalogue.require(Permission.AUDIT)
            return catalogue.audit.entries(before, PAGE, filters)

        self._tasks.run(read, lambda found: self._take(generation, found), self._fail, self)

    def _take(self, generation: int, found: list[AuditEntry]) -> None:
        if generation != self._generation:
            return
        self._loading, self._complete = False, len(found) < PAGE
        if found:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(found) - 1)
            self._rows.extend(found)
            self.endInsertRows()
        self.loaded.emit(len(self._rows))

    def _fail(self, error: BaseException) -> None:
        self._loading, self._complete = False, True
        self.failed.emit(error)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows that were read so far."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """See `headerData`."""
        return 0 if parent.isValid() else 6

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return (tr("No."), tr("When"), tr("Who"), tr("What was done"), tr("To what"), tr("Why"))[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell."""
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        entry = self._rows[index.row()]
        return (
            str(entry.id),
            datetime.fromtimestamp(entry.utc_s).strftime("%Y-%m-%d %H:%M:%S"),
            entry.actor,
            audit_codes.action(entry.action),
            f"{audit_codes.kind(entry.object_kind)} {short(entry.object)}".strip(),
            entry.reason,
        )[index.column()]


def short(name: str) -> str:
    """A digest by its beginning; anything else as it is."""
    return f"{name[:12]}…" if len(name) == 64 else name
