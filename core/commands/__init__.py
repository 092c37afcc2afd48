"""The command line by groups: each module declares the commands and options of one.

What a command does stands beside its options where it needs core alone. Else it is in the package that it works with
(`storage/commands_*.py`, `devices/commands.py`, `gui/documents/command.py`), and its options are here all the same:
declared there, they would load the catalogue and the camera before `--help` says a word.
"""
