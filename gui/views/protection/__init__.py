"""Dialogs about people's stored material: erasing a person, and the keys."""
