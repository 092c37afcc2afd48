"""The catalogue's tables for accounts, log-ins and the two-person rule (reliability.md section 2.5)."""

from __future__ import annotations

from storage.migrations import Migration

PEOPLE = Migration(
    "accounts, log-ins, two-person rule, second-line results",
    (
        # A removed account keeps its row: its name stands in the audit log and is never given to somebody else.
        """
        CREATE TABLE accounts (
            name TEXT PRIMARY KEY CHECK (name <> ''),
            roles TEXT NOT NULL,
            created_utc_s REAL NOT NULL,
            created_by TEXT NOT NULL,
            last_log_in_utc_s REAL,
            removed_utc_s REAL
        ) STRICT
        """,
        # One row per secret: 'account:NAME', 'recovery', 'kiosk'.
        """
        CREATE TABLE credentials (
            id TEXT PRIMARY KEY,
            salt BLOB NOT NULL,
            derived BLOB NOT NULL,
            memory_kib INTEGER NOT NULL,
            iterations INTEGER NOT NULL,
            lanes INTEGER NOT NULL,
            failures INTEGER NOT NULL DEFAULT 0,
            failed_s REAL NOT NULL DEFAULT 0,
            changed_utc_s REAL NOT NULL
        ) STRICT
        """,
        # What log-ins know of time (`storage.repositories.trusted_time`).
        """
        CREATE TABLE last_seen (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            latest_utc_s REAL NOT NULL,
            passed_then_s REAL NOT NULL,
            passed_s REAL NOT NULL,
            now_ms REAL NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE log_ins (
            token_sha256 TEXT PRIMARY KEY,
            account TEXT NOT NULL REFERENCES accounts (name),
            created_utc_s REAL NOT NULL,
            expires_utc_s REAL NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE proposals (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            permission TEXT NOT NULL,
            action TEXT NOT NULL,
            arguments TEXT NOT NULL,
            reason TEXT NOT NULL,
            proposed_by TEXT NOT NULL,
            created_utc_s REAL NOT NULL,
            expires_utc_s REAL NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'declined', 'done')),
            decided_by TEXT NOT NULL DEFAULT '',
            decided_utc_s REAL,
            decided_reason TEXT NOT NULL DEFAULT ''
        ) STRICT
        """,
        "CREATE INDEX proposals_state ON proposals (state, id)",
        """
        CREATE TABLE two_person_rule (
            only INTEGER PRIMARY KEY CHECK (only = 1), active INTEGER NOT NULL, changed_utc_s REAL NOT NULL
        ) STRICT
        """,
        # What the second line found after REFER or ATTACK: the only honest source of a site's labels.
        """
        CREATE TABLE second_line (
            verdict INTEGER PRIMARY KEY REFERENCES verdicts (id) ON DELETE CASCADE,
            result TEXT NOT NULL CHECK (result IN ('confirmed', 'false_alarm', 'unknown')),
            actor TEXT NOT NULL,
            utc_s REAL NOT NULL
        ) STRICT
        """,
        "ALTER TABLE verdicts ADD COLUMN attended_by TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX verdicts_attended ON verdicts (attended_by) WHERE attended_by <> ''",
    ),
)
