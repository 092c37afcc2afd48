"""The collector's page."""
