"""A plugin of pytest that writes the fault matrix: which rows were proved in this run, and what was measured.

``--fault-table FILE`` writes the rows that ran into the table of FILE; the other rows of the table stay, so that the
matrix may be run in parts.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.faults.matrix import ELSEWHERE, ROWS

BEGIN, END = "<!-- fault matrix: begin -->", "<!-- fault matrix: end -->"
_HEAD = ("row", "injected fault", "what must hold", "measured", "passed")


class Ledger:
    """Counts and worst values by row, and how many of its tests passed, failed or were skipped."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.worst: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self.results: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.skipped: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, row: str, **counts: int) -> None:
        """Add to the row's counts; an underscore in a name is a space in the table."""
        self.counts[row].update(counts)

    def at_most(self, row: str, **values: float) -> None:
        """Keep the largest of each value; the unit is the end of its name (``restart_s``)."""
        for name, value in values.items():
            self.worst[row][name] = max(value, self.worst[row].get(name, value))

    def measured(self, row: str) -> str:
        """The figures of a row as they stand in the table."""
        counts = [f"{count} {name.replace('_', ' ')}" for name, count in self.counts[row].items()]
        worst = []
        for name, value in self.worst[row].items():
            what, _, unit = name.rpartition("_")
            worst.append(f"{what.replace('_', ' ')} at most {value:.2f} {unit}")
        return "; ".join([*counts, *worst])

    def passed(self, row: str) -> str:
        """How the row's tests ended."""
        results = self.results[row]
        if results["failed"]:
            return f"**no**: {results['failed']} of {sum(results.values())} tests failed"
        if not results["passed"]:
            return f"not run: {'; '.join(sorted(self.skipped[row]))}"
        left = f", {results['skipped']} skipped" if results["skipped"] else ""
        tests = "1 test" if results["passed"] == 1 else f"{results['passed']} tests"
        return f"yes ({tests}{left}), {time.strftime('%Y-%m-%d')}"


_LEDGER = pytest.StashKey[Ledger]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--fault-table`."""
    parser.addoption("--fault-table", type=Path, help="write the fault matrix into this file")


def pytest_configure(config: pytest.Config) -> None:
    """One ledger for the run."""
    config.stash[_LEDGER] = Ledger()


@pytest.fixture
def ledger(pytestconfig: pytest.Config) -> Ledger:
    """The figures of this run."""
    return pytestconfig.stash[_LEDGER]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count the result of every test that proves a row."""
    report = yield
    told = report.when == "call" or (report.when == "setup" and not report.passed)
    for mark in item.iter_markers("fault_row") if told else ():
        for row in mark.args:
            found = item.config.stash[_LEDGER]
            found.results[row][report.outcome] += 1
            if report.skipped and isinstance(report.longrepr, tuple):
                found.skipped[row].add(str(report.longrepr[2]).removeprefix("Skipped: "))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark the tests elsewhere that prove a row; a row that nobody declared is a slip of the pen."""
    known = {row.id for row in ROWS}
    for item in items:
        for row, names in ELSEWHERE.items():
            if item.nodeid.removeprefix("tests/").startswith(names):
                item.add_marker(pytest.mark.fault_row(row))
        for mark in item.iter_markers("fault_row"):
            unknown = set(mark.args) - known
            if unknown or not mark.args:
                raise pytest.UsageError(f"{item.nodeid}: no such row of the fault matrix: {sorted(unknown)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell the figures, and write the table where one was asked for."""
    found = config.stash[_LEDGER]
    lines = {row.id: _line(found, row.id, row.fault, row.must_hold) for row in ROWS if found.results[row.id]}
    target: Path | None = config.getoption("--fault-table")
    if not lines or target is None:
        return
    target.write_text(rewritten(target.read_text(encoding="utf-8"), lines), encoding="utf-8")
    terminalreporter.section(f"fault matrix: {len(lines)} of {len(ROWS)} rows written to {target}")
    for line in lines.values():
        terminalreporter.write_line(line)


def _line(found: Ledger, row: str, fault: str, must_hold: str) -> str:
    return f"| {row} | {fault} | {must_hold} | {found.measured(row)} | {found.passed(row)} |"


def rewritten(text: str, lines: Mapping[str, str]) -> str:
    """``text`` with its table renewed: ``lines`` replace theirs, the others stay; rows in the order of the matrix."""
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    kept = {cells[1].strip(): line for line in table.splitlines() if len(cells := line.split("|")) > len(_HEAD)}
    kept.update(lines)
    rows = [kept.get(row.id, f"| {row.id} | {row.fault} | {row.must_hold} | | not run |") for row in ROWS]
    head = [f"| {' | '.join(_HEAD)} |", "|---" * len(_HEAD) + "|"]
    return "\n".join([before + BEGIN, *head, *rows, END + after])
