"""Who labelled a presentation, which ones are to be labelled twice, and what others said of them without seeing it."""

from __future__ import annotations

from storage.migrations import Migration

SECOND_LABELS = Migration(
    "second, blind labels",
    (
        "ALTER TABLE presentations ADD COLUMN labelled_by TEXT NOT NULL DEFAULT ''",
        # Of labels from before: whoever changed them last, else whoever opened the session, as the log has it.
        """
        UPDATE presentations SET labelled_by = coalesce(
            (SELECT actor FROM audit WHERE object_kind = 'presentation' AND object = presentations.id
                AND action = 'relabel' ORDER BY id DESC LIMIT 1),
            (SELECT s.actor FROM second_line AS s JOIN verdicts AS v ON v.id = s.verdict
                WHERE v.presentation = presentations.id AND presentations.label_source = 'second_line' LIMIT 1),
            (SELECT actor FROM audit WHERE object_kind = 'session' AND object = presentations.session
                AND action = 'open' ORDER BY id LIMIT 1),
            '')
        WHERE species IS NOT NULL
        """,
        # The number is what a labeller is shown: it tells neither session nor person.
        """
        CREATE TABLE second_label_draws (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            presentation TEXT NOT NULL UNIQUE REFERENCES presentations (id),
            actor TEXT NOT NULL,
            utc_s REAL NOT NULL
        ) STRICT
        """,
        # Nobody has two voices about one presentation.
        """
        CREATE TABLE second_labels (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            presentation TEXT NOT NULL REFERENCES presentations (id),
            species TEXT NOT NULL,
            actor TEXT NOT NULL,
            first TEXT NOT NULL,
            first_by TEXT NOT NULL,
            utc_s REAL NOT NULL,
            UNIQUE (presentation, actor),
            CHECK (actor <> first_by)
        ) STRICT
        """,
        """
        CREATE TRIGGER second_labels_are_never_changed BEFORE UPDATE ON second_labels
        BEGIN SELECT RAISE(ABORT, 'second labels are append-only'); END
        """,
        """
        CREATE TRIGGER second_labels_are_never_removed BEFORE DELETE ON second_labels
        BEGIN SELECT RAISE(ABORT, 'second labels are append-only'); END
        """,
    ),
)
