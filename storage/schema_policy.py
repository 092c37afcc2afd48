"""Site policies in the catalogue: every one that was ever set, the newest in force."""

from __future__ import annotations

from storage.migrations import Migration

POLICIES = Migration(
    "site policies",
    (
        """
        CREATE TABLE policies (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            policy TEXT NOT NULL,
            sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
            previous TEXT NOT NULL,
            actor TEXT NOT NULL,
            reason TEXT NOT NULL CHECK (reason <> ''),
            utc_s REAL NOT NULL,
            audit INTEGER NOT NULL UNIQUE REFERENCES audit (id),
            seal BLOB NOT NULL
        ) STRICT
        """,
        """
        CREATE TRIGGER policy_is_never_changed BEFORE UPDATE ON policies
        BEGIN SELECT RAISE(ABORT, 'a policy is replaced, never changed'); END
        """,
        """
        CREATE TRIGGER policy_is_never_removed BEFORE DELETE ON policies
        BEGIN SELECT RAISE(ABORT, 'a policy is replaced, never removed'); END
        """,
    ),
)
