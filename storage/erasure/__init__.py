"""Erasing what was stored of a person or in a session: a job that is audited, idempotent and goes on after a kill."""
