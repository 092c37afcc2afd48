"""The one SQLite driver of this process: the one that sqlite-utils chose (`pysqlite3` before the standard module).

Two copies of SQLite in a process drop each other's locks (reliability.md section 0, finding 2), so nothing else may
import a driver.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from sqlite_utils import utils

driver: ModuleType = vars(utils)["sqlite3"]
"""The module, for connecting. The two drivers' classes are unrelated, so it has no static type."""

DatabaseError: type[Exception] = driver.DatabaseError
"""What the driver raises when a statement fails."""

Connection: type[Any] = driver.Connection
"""Class of its connections."""
