"""What a model beside the champion would have answered, verdict by verdict (`storage.repositories.shadow_answers`)."""

from __future__ import annotations

from storage.migrations import Migration

SHADOW_RUN = Migration(
    "answers of a shadow run",
    (
        """
        CREATE TABLE aliases_with_shadow (
            alias TEXT PRIMARY KEY CHECK (alias IN ('factory', 'champion', 'candidate', 'previous', 'shadow')),
            sha256 TEXT NOT NULL REFERENCES models (sha256),
            since_utc_s REAL NOT NULL
        ) STRICT
        """,
        "INSERT INTO aliases_with_shadow SELECT alias, sha256, since_utc_s FROM aliases",
        "DROP TABLE aliases",
        "ALTER TABLE aliases_with_shadow RENAME TO aliases",
        """
        CREATE TABLE shadow_answers (
            verdict INTEGER NOT NULL REFERENCES verdicts (id),
            model TEXT NOT NULL,
            outcome TEXT NOT NULL,
            PRIMARY KEY (model, verdict)
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
