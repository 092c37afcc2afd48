"""Tables of erasure and retention: jobs with their certificates, flags on models, what was exported, terms, holds."""

from __future__ import annotations

from storage.migrations import Migration

ERASURE = Migration(
    "erasure and retention",
    (
        """
        CREATE TABLE erasures (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('subject', 'session')),
            target TEXT NOT NULL,
            reason TEXT NOT NULL,
            actor TEXT NOT NULL,
            step TEXT NOT NULL,
            inventory TEXT NOT NULL,
            canaries TEXT NOT NULL DEFAULT '[]',
            scan TEXT NOT NULL DEFAULT '{}',
            certificate TEXT NOT NULL DEFAULT '',
            requested_utc_s REAL NOT NULL,
            finished_utc_s REAL
        ) STRICT
        """,
        # One job per target at a time: whoever asks again goes on with it.
        "CREATE UNIQUE INDEX erasures_pending ON erasures (kind, target) WHERE step <> 'done'",
        """
        CREATE TABLE model_flags (
            sha256 TEXT NOT NULL REFERENCES models (sha256),
            erasure TEXT NOT NULL REFERENCES erasures (id),
            utc_s REAL NOT NULL,
            PRIMARY KEY (sha256, erasure)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE exports (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            session TEXT NOT NULL REFERENCES sessions (id),
            folder TEXT NOT NULL,
            utc_s REAL NOT NULL,
            actor TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX exports_session ON exports (session)",
        "CREATE TABLE retention (purpose TEXT PRIMARY KEY, days REAL NOT NULL CHECK (days > 0)) STRICT",
        """
        CREATE TABLE holds (
            id TEXT PRIMARY KEY,
            subject TEXT NOT NULL REFERENCES subjects (id),
            reason TEXT NOT NULL CHECK (reason <> ''),
            actor TEXT NOT NULL,
            created_utc_s REAL NOT NULL,
            released_utc_s REAL,
            released_by TEXT NOT NULL DEFAULT ''
        ) STRICT
        """,
        "CREATE INDEX holds_subject ON holds (subject) WHERE released_utc_s IS NULL",
    ),
)
