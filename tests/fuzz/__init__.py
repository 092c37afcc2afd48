"""Fuzzing of every loader: `make fuzz`; what it found is in `regressions/` and replayed by `make test`."""

from tests.fuzz import files, texts

TARGETS = {target.name: target for target in (*texts.TARGETS, *files.TARGETS)}
