"""Fuzzing of every loader: `make fuzz`; what it found is in `regressions/` and replayed by `make test`."""

from tests.fuzz import files, shards, texts

TARGETS = {target.name: target for target in (*texts.TARGETS, *files.TARGETS, *shards.TARGETS)}
