"""A table that stays quick at a million rows: pages by key, filtered and sorted in SQL (anchors.md section 4.3)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from gui.tasks import Tasks
from storage.catalogue import Catalogue

Index = QModelIndex | QPersistentModelIndex
Row = TypeVar("Row")
Page = tuple[list[Row], Any]
"""Rows in their order, and the key after which the next page begins; ``None`` where this page is the last one."""


class PagedModel(QAbstractTableModel, Generic[Row]):
    """Rows arrive page by page as one scrolls; what is asked for anew begins anew.

    A table gives `_request`, `_columns` and `_cell`. What an earlier question still brings is left out.
    """

    loaded = Signal(int)
    """A page has arrived; the number of rows so far."""
    failed = Signal(object)

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self._tasks = tasks
        self._rows: list[Row] = []
        self._complete, self._loading = True, False
        self._after: Any = None
        self._generation = 0

    @abstractmethod
    def _request(self, after: Any) -> Callable[[Catalogue], Page[Row]]:
        """What reads the page after this key (``None`` = the first), off the GUI thread."""

    @abstractmethod
    def _columns(self) -> tuple[str, ...]:
        """Names of the columns, in the window's language."""

    @abstractmethod
    def _cell(self, row: Row, column: int, role: int) -> object:
        """A cell as text or tool tip; ``None`` where a role has nothing."""

    def refresh(self) -> None:
        """Read again."""
        self._generation += 1
        self.beginResetModel()
        self._rows, self._complete, self._loading, self._after = [], False, False, None
        self.endResetModel()
        self.fetchMore()

    def at(self, row: int) -> Row:
        """What stands in a row."""
        return self._rows[row]

    def canFetchMore(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008 - Qt's own signature
        """Whether the next page is worth asking for."""
        return not parent.isValid() and not self._complete and not self._loading

    def fetchMore(self, parent: Index = QModelIndex()) -> None:  # noqa: B008
        """Ask for the next page."""
        if not self.canFetchMore(parent):
            return
        self._loading = True
        asked = self._generation
        self._tasks.run(
            self._request(self._after),
            lambda found: self._take(asked, found),
            lambda error: self._fail(asked, error),
            self,
        )

    def _take(self, asked: int, found: Page[Row]) -> None:
        if asked != self._generation:
            return
        rows, self._after = found
        self._loading, self._complete = False, self._after is None
        if rows:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
            self._rows.extend(rows)
            self.endInsertRows()
        self.loaded.emit(len(self._rows))

    def _fail(self, asked: int, error: BaseException) -> None:
        if asked != self._generation:
            return
        self._loading, self._complete = False, True
        self.failed.emit(error)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows that were read so far."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """See `headerData`."""
        return 0 if parent.isValid() else len(self._columns())

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return self._columns()[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell."""
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        return self._cell(self._rows[index.row()], index.column(), role)
