"""Tables of the key hierarchy: a session's key is wrapped by its subject's, a subject's by the site key.

A session of nobody has a key that the site key wraps itself. The row in ``site_keys`` says how to come by the site key;
the key never stands there unwrapped.
"""

from __future__ import annotations

from storage.migrations import Migration

KEYS = Migration(
    "key hierarchy",
    (
        "ALTER TABLE keys ADD COLUMN parent TEXT REFERENCES keys (id)",
        "CREATE INDEX keys_subject ON keys (subject)",
        """
        CREATE TABLE site_keys (
            id TEXT PRIMARY KEY,
            method TEXT NOT NULL CHECK (method IN ('file', 'keyring', 'passphrase')),
            form TEXT NOT NULL DEFAULT '{}',
            proof BLOB NOT NULL,
            recovery BLOB,
            created_utc_s REAL NOT NULL
        ) STRICT
        """,
    ),
)
