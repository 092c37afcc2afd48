"""Other lanes whose models are taken here (`storage.repositories.lanes`)."""

from __future__ import annotations

from storage.migrations import Migration

LANES = Migration(
    "trusted lanes",
    (
        """
        CREATE TABLE lanes (
            public TEXT PRIMARY KEY CHECK (length(public) = 64),
            name TEXT NOT NULL UNIQUE CHECK (name <> ''),
            actor TEXT NOT NULL,
            reason TEXT NOT NULL CHECK (reason <> ''),
            utc_s REAL NOT NULL,
            seal BLOB NOT NULL
        ) STRICT
        """,
    ),
)
