"""Adaptation: a frozen plan, a guarded training pass, and a gate that a candidate has to pass (architecture.md 6)."""
