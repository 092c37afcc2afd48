"""Sessions in a table that stays quick at a million rows: pages by keyset, filter and sort in SQL (anchors.md 4.3)."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from gui.i18n import codes, tr
from gui.tasks import Tasks
from storage.repositories.paging import Cursor
from storage.repositories.sessions import Session, SessionFilter

Index = QModelIndex | QPersistentModelIndex
PAGE = 100
_SORTS = {0: "created_utc_s", 1: "name", 2: "recorded"}
"""Columns that SQL can sort by, thanks to an index."""

Slice = tuple[list[Session], Cursor | None]


class SessionsModel(QAbstractTableModel):
    """Rows arrive page by page as one scrolls; a new filter or order begins anew."""

    loaded = Signal(int)
    """A page has arrived; the number of rows so far."""
    failed = Signal(object)

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self._tasks = tasks
        self._rows: list[Session] = []
        self._next: Cursor | None = None
        self._complete = True
        self._loading = False
        self._generation = 0
        self._filters = SessionFilter()
        self._sort, self._descending = "created_utc_s", True

    # --- what is shown ------------------------------------------------------------------------------------------

    def show(self, filters: SessionFilter) -> None:
        """Begin anew with these filters."""
        self._filters = filters
        self._restart()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort in SQL; columns without an index are left alone."""
        if column in _SORTS:
            self._sort, self._descending = _SORTS[column], order == Qt.SortOrder.DescendingOrder
            self._restart()

    def refresh(self) -> None:
        """Read again."""
        self._restart()

    def session(self, row: int) -> Session:
        """The session of a row."""
        return self._rows[row]

    def row_of(self, session: str) -> int | None:
        """Row of a session, if it has been read."""
        return next((row for row, known in enumerate(self._rows) if known.id == session), None)

    def _restart(self) -> None:
        self._generation += 1
        self.beginResetModel()
        self._rows, self._next, self._complete, self._loading = [], None, False, False
        self.endResetModel()
        self.fetchMore()

    # --- paging -------------------------------------------------------------------------------------------------

    def canFetchMore(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008 - Qt's own signature
        """Whether the next page is worth asking for."""
        return not parent.isValid() and not self._complete and not self._loading

    def fetchMore(self, parent: Index = QModelIndex()) -> None:  # noqa: B008
        """Ask for the next page, off the GUI thread."""
        if not self.canFetchMore(parent):
            return
        self._loading = True
        generation, filters, after = self._generation, self._filters, self._next
        sort, descending = self._sort, self._descending
        self._tasks.run(
            lambda catalogue: catalogue.sessions.page(
                filters, sort=sort, descending=descending, after=after, limit=PAGE
            ),
            lambda found: self._take(generation, found),
            self._fail,
            self,
        )

    def _take(self, generation: int, found: Slice) -> None:
        if generation != self._generation:
            return
        rows, self._next = found
        self._loading, self._complete = False, self._next is None
        if rows:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
            self._rows.extend(rows)
            self.endInsertRows()
        self.loaded.emit(len(self._rows))

    def _fail(self, error: BaseException) -> None:
        self._loading, self._complete = False, True
        self.failed.emit(error)

    # --- cells --------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows that were read so far."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """See `headerData`."""
        return 0 if parent.isValid() else 4

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        names = (tr("Begun"), tr("Name"), tr("Sets"), tr("State"))
        return names[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell; the tool tip tells id and problem."""
        if not index.isValid():
            return None
        session = self._rows[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            kind = codes.source(session.source_kind)
            return "\n".join(p for p in (session.id, codes.purpose(session.purpose), kind, session.problem) if p)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        begun = datetime.fromtimestamp(session.created_utc_s).strftime("%m-%d %H:%M")
        return (
            begun,
            " ".join(part for part in (session.name, session.subject) if part) or codes.purpose(session.purpose),
            str(session.recorded),
            codes.session_state(session.state),
        )[index.column()]
