"""The inference process: newest frame set -> evidence -> decision."""
