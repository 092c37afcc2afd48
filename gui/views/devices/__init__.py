"""Cameras, their health and their settings."""
