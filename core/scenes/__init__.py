"""Simulated scenes: one renderer for the simulated camera and for training presentations (design page scenes.md)."""
