"""Sessions as a table: newest first, or sorted by what SQL has an index for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from PySide6.QtCore import Qt

from gui.i18n import codes, tr
from gui.models.paged import Page, PagedModel
from gui.tasks import Tasks
from storage.catalogue import Catalogue
from storage.repositories.sessions import Session, SessionFilter

PAGE = 100
_SORTS = {0: "created_utc_s", 1: "name", 2: "recorded"}
"""Columns that SQL can sort by, thanks to an index."""


class SessionsModel(PagedModel[Session]):
    """Sessions that a filter lets through; a new filter or order begins anew."""

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self._filters = SessionFilter()
        self._sort, self._descending = "created_utc_s", True

    def show(self, filters: SessionFilter) -> None:
        """Begin anew with these filters."""
        self._filters = filters
        self.refresh()

    @property
    def sorted_by(self) -> tuple[int, Qt.SortOrder]:
        """The column by which the rows are sorted, and its order."""
        column = next(number for number, name in _SORTS.items() if name == self._sort)
        return column, Qt.SortOrder.DescendingOrder if self._descending else Qt.SortOrder.AscendingOrder

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort in SQL; columns without an index are left alone."""
        if column in _SORTS and (column, order) != self.sorted_by:
            self._sort, self._descending = _SORTS[column], order == Qt.SortOrder.DescendingOrder
            self.refresh()

    def row_of(self, session: str) -> int | None:
        """Row of a session, if it has been read."""
        return next((row for row, known in enumerate(self._rows) if known.id == session), None)

    def _request(self, after: Any) -> Callable[[Catalogue], Page[Session]]:
        filters, sort, descending = self._filters, self._sort, self._descending
        return lambda catalogue: catalogue.sessions.page(
            filters, sort=sort, descending=descending, after=after, limit=PAGE
        )

    def _columns(self) -> tuple[str, ...]:
        return tr("Begun"), tr("Name"), tr("Sets"), tr("State")

    def _cell(self, row: Session, column: int, role: int) -> object:
        """The tool tip tells the whole name, id and problem."""
        if role == Qt.ItemDataRole.ToolTipRole:
            kind = codes.source(row.source_kind)
            return "\n".join(p for p in (session_name(row), row.id, codes.purpose(row.purpose), kind, row.problem) if p)
        return (
            datetime.fromtimestamp(row.created_utc_s).strftime("%m-%d %H:%M"),
            session_name(row) or codes.purpose(row.purpose),
            str(row.recorded),
            codes.session_state(row.state),
        )[column]


def session_name(session: Session) -> str:
    """Its name and whom it shows; an imported pseudonym begins with the collection's name already. May be empty."""
    if session.name and session.subject.startswith(f"{session.name}/"):
        return session.subject
    return " ".join(part for part in (session.name, session.subject) if part)
