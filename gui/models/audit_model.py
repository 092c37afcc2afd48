"""The audit log as a table: newest first, pages by number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from core.access import Permission
from gui.i18n import audit_codes, tr
from gui.models.paged import Page, PagedModel
from gui.tasks import Tasks
from storage.catalogue import Catalogue
from storage.repositories.audit import AuditEntry, AuditFilter

PAGE = 200


class AuditModel(PagedModel[AuditEntry]):
    """Entries that a filter lets through."""

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self._filters = AuditFilter()

    def show(self, filters: AuditFilter) -> None:
        """Begin anew with these filters."""
        self._filters = filters
        self.refresh()

    def row_of(self, entry: int) -> int | None:
        """Row of an entry, if it has been read."""
        return next((row for row, known in enumerate(self._rows) if known.id == entry), None)

    def _request(self, after: Any) -> Callable[[Catalogue], Page[AuditEntry]]:
        filters = self._filters

        def read(catalogue: Catalogue) -> Page[AuditEntry]:
            catalogue.require(Permission.AUDIT)
            found = catalogue.audit.entries(after, PAGE, filters)
            return found, found[-1].id if len(found) == PAGE else None

        return read

    def _columns(self) -> tuple[str, ...]:
        return tr("No."), tr("When"), tr("Who"), tr("What was done"), tr("To what"), tr("Why")

    def _cell(self, row: AuditEntry, column: int, role: int) -> object:
        """The same as text and as tool tip: a column may be too narrow."""
        return (
            str(row.id),
            datetime.fromtimestamp(row.utc_s).strftime("%Y-%m-%d %H:%M:%S"),
            row.actor,
            audit_codes.action(row.action),
            f"{audit_codes.kind(row.object_kind)} {short(row.object)}".strip(),
            row.reason,
        )[column]


def short(name: str) -> str:
    """A digest by its beginning; anything else as it is."""
    return f"{name[:12]}…" if len(name) == 64 else name
