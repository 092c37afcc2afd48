"""Verdict events for a gate controller (docs/door.md): what the station says, and how a controller listens to it."""
