"""Odd paths, other locales, and a catalogue of a million rows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.codes import Outcome
from storage.catalogue import open_catalogue
from storage.repositories.sessions import SessionFilter
from storage.repositories.verdicts import VerdictFilter
from tests import stored
from tests.faults.invariants import check_after_restart
from tests.faults.ledger import Ledger
from tests.faults.nursery import run
from tests.faults.operations import OPERATIONS, Operation

LONG = bool(int(os.environ.get("SALLYPORT_KILLS", "0")))
ROOT = Path(__file__).resolve().parents[2]
NAMES = ("two words", "Prüfstelle 検問所", "it's 100% #1?&x=y", "n" * 240)

pytestmark = pytest.mark.faults


@pytest.mark.fault_row("paths")
@pytest.mark.parametrize("name", NAMES, ids=["spaces", "unicode", "signs", "long"])
@pytest.mark.parametrize("operation", OPERATIONS if LONG else OPERATIONS[:1], ids=lambda operation: operation.name)
def test_odd_paths_work(tmp_path: Path, ledger: Ledger, name: str, operation: Operation) -> None:
    root = tmp_path / name
    root.mkdir()
    operation.prepare(root)
    done = run(operation.work, root)
    assert done.error == ""
    check_after_restart(root / "data", done.told)
    ledger.add("paths", folders=1)


@pytest.mark.fault_row("paths")
@pytest.mark.parametrize("locale", ["C", "POSIX", "tr_TR.UTF-8"])
def test_a_locale_changes_no_file(tmp_path: Path, ledger: Ledger, locale: str) -> None:
    data = tmp_path / "Prüfstelle"
    environment = {**os.environ, "LC_ALL": locale, "LANG": locale}
    command = [sys.executable, "main.py", "sessions", "--json", "--data", str(data)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert (data / "catalogue.db").is_file()
    ledger.add("paths", locales=1)


SUBJECTS, VERDICTS = (100_000, 1_000_000) if LONG else (2_000, 20_000)


@pytest.mark.fault_row("huge")
def test_lists_of_a_huge_catalogue_are_read_in_slices(tmp_path: Path, ledger: Ledger) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        _fill(catalogue.file.execute, catalogue.verdicts.commit(stored.verdict(stored.open_session(catalogue))))

        def timed(name: str, query: object) -> None:
            started = time.monotonic()
            assert callable(query)
            query()
            ledger.at_most("huge", **{f"{name}_ms": 1000.0 * (time.monotonic() - started)})

        page, cursor = catalogue.verdicts.page()
        assert len(page) == 100
        timed("first_page", lambda: catalogue.verdicts.page())
        timed("next_page", lambda: catalogue.verdicts.page(after=cursor))
        timed("filtered_page", lambda: catalogue.verdicts.page(VerdictFilter(outcome=Outcome.REFER), sort="score"))
        timed("sessions_page", lambda: catalogue.sessions.page(SessionFilter(subject="p-77")))
        timed("subject", lambda: catalogue.subjects.get("p-99"))
        timed("valid_consent", lambda: catalogue.consents.valid("p-99"))
        timed("count_of_all_verdicts", lambda: catalogue.verdicts.count())
        timed("commit", lambda: catalogue.verdicts.commit(stored.verdict()))
        assert catalogue.verdicts.count() == VERDICTS + 2
        ledger.add("huge", subjects=SUBJECTS, verdicts=VERDICTS)


def _fill(execute: object, pattern: int) -> None:
    """Rows by SQL: a copy of one real verdict, with outcomes and scores spread."""
    assert callable(execute)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    execute(
        f"{numbers} INSERT INTO subjects (id, pseudonym, created_utc_s) SELECT 'p-' || i, 'p-' || i, i FROM n",
        (SUBJECTS,),
    )
    columns = "committed_utc_s, session, presentation, source_kind, t_s, reason, mask, threshold, rule, model"
    columns += ", duration_ms, trace"
    execute(
        f"{numbers} INSERT INTO verdicts ({columns}, outcome, score) SELECT {columns}, "
        "CASE i % 3 WHEN 0 THEN 'refer' WHEN 1 THEN 'attack' ELSE 'bona_fide' END, (i % 1000) / 1000.0 "
        "FROM n, verdicts WHERE id = ?",
        (VERDICTS, pattern),
    )
