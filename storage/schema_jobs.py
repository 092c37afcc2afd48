"""What the message of a job is made of, so that the window can say it in another language (`core.handing_over`)."""

from __future__ import annotations

from storage.migrations import Migration

MESSAGE_FORMS = Migration(
    "forms of job messages",
    # Empty: the message is a text alone, as all messages from before are.
    ("ALTER TABLE jobs ADD COLUMN message_form TEXT NOT NULL DEFAULT ''",),
)
