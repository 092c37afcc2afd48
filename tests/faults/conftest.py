"""Counts of what was killed, acknowledged and lost, told at the end of the run."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

_COLUMNS = ("kills", "verdicts acknowledged", "frame sets acknowledged", "lost", "seconds to recover, worst")


class Tally:
    """One row for each kind of process; a test that fails is counted by pytest, not here."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.worst_s: defaultdict[str, float] = defaultdict(float)

    def add(
        self, process: str, *, verdicts: int = 0, frame_sets: int = 0, lost: int = 0, recovery_s: float = 0.0
    ) -> None:
        """One kill whose consequences were checked."""
        self.rows[process].update({_COLUMNS[0]: 1, _COLUMNS[1]: verdicts, _COLUMNS[2]: frame_sets, _COLUMNS[3]: lost})
        self.worst_s[process] = max(self.worst_s[process], recovery_s)


_TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TALLY] = Tally()


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Tally:
    """The table of this run."""
    return pytestconfig.stash[_TALLY]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[_TALLY]
    if not found.rows:
        return
    terminalreporter.section("kills")
    terminalreporter.write_line(f"| process | {' | '.join(_COLUMNS)} |")
    terminalreporter.write_line("|---" * (len(_COLUMNS) + 1) + "|")
    for process, counts in found.rows.items():
        figures = [str(counts[column]) for column in _COLUMNS[:-1]] + [f"{found.worst_s[process]:.1f}"]
        terminalreporter.write_line(f"| {process} | {' | '.join(figures)} |")
