"""A lock-out outlives the station's restart, a killed inference process, and a clock that somebody set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.clock import FakeClock
from core.codes import Outcome, SourceKind
from core.frames import ALL_MODALITIES
from core.messages import Delay, LockOutChanged, SetSession, Unlock
from storage.catalogue import Catalogue, open_catalogue
from storage.database import DatabaseFile
from storage.registry import ModelRegistry
from storage.station_ledger import CatalogueLedger
from tests import audit_attack, stored
from tests.unit.test_shadow import ACCEPTED, Bench

WALL_UTC_S = 1_790_000_000.0
LIVE = SourceKind.LIVE


def opened(data: Path, clock: FakeClock | None = None) -> Catalogue:
    return open_catalogue(data, clock or FakeClock(utc_s=WALL_UTC_S))


def show(catalogue: Catalogue, outcome: Outcome, times: int = 1, kind: SourceKind = LIVE, **given: Any) -> None:
    for _ in range(times):
        catalogue.verdicts.commit(stored.verdict(source_kind=kind, outcome=outcome, **given))


def ledger_of(catalogue: Catalogue) -> CatalogueLedger:
    return CatalogueLedger(catalogue, ModelRegistry(catalogue))


def test_it_stands_after_a_restart_until_a_supervisor_ends_it(tmp_path: Path) -> None:
    with opened(tmp_path) as catalogue:
        show(catalogue, Outcome.ATTACK, 2)
        assert not catalogue.lock_outs.locked(LIVE)
        show(catalogue, Outcome.ATTACK)
        entry = next(one for one in catalogue.audit.entries() if one.action == "lock_out")
        assert (entry.object, entry.details["attacks"]) == ("live", 3)
    with opened(tmp_path) as catalogue:
        assert catalogue.lock_outs.locked(LIVE)
        assert not catalogue.lock_outs.locked(SourceKind.SIMULATED)
        ledger_of(catalogue).note_unlock("", "checked the person")
    with opened(tmp_path) as catalogue:
        assert not catalogue.lock_outs.locked(LIVE)
        show(catalogue, Outcome.ATTACK, 2)
        assert not catalogue.lock_outs.locked(LIVE), "the count began anew"
        show(catalogue, Outcome.ATTACK)
        assert catalogue.lock_outs.locked(LIVE)
        assert sum(one.action == "lock_out" for one in catalogue.audit.entries()) == 2


def test_it_counts_as_inference_does(tmp_path: Path) -> None:
    with opened(tmp_path) as catalogue:
        show(catalogue, Outcome.ATTACK, 2)
        show(catalogue, Outcome.NON_RESPONSE, 5)
        show(catalogue, Outcome.ATTACK, 5, shadow=True)
        show(catalogue, Outcome.ATTACK, 2, SourceKind.SIMULATED)
        show(catalogue, Outcome.BONA_FIDE, shadow=True)
        assert not catalogue.lock_outs.locked(LIVE)
        show(catalogue, Outcome.BONA_FIDE)
        show(catalogue, Outcome.ATTACK, 2)
        assert not catalogue.lock_outs.locked(LIVE)
        show(catalogue, Outcome.REFER)
        show(catalogue, Outcome.ATTACK)
        assert catalogue.lock_outs.locked(LIVE)


def test_attacks_far_apart_are_no_row_and_a_policy_may_ask_for_none(tmp_path: Path) -> None:
    clock = FakeClock(utc_s=WALL_UTC_S)
    with opened(tmp_path, clock) as catalogue:
        show(catalogue, Outcome.ATTACK, 2)
        clock.advance(300_001.0)
        show(catalogue, Outcome.ATTACK)
        assert not catalogue.lock_outs.locked(LIVE)
        catalogue.policies.change({"lock_out_attacks": 0}, "a demonstration")
        show(catalogue, Outcome.ATTACK, 9)
        assert not catalogue.lock_outs.locked(LIVE)


@pytest.mark.parametrize("jump_s", [-30 * 86_400.0, 30 * 86_400.0])
def test_a_clock_that_was_set_between_attacks_hides_none(tmp_path: Path, jump_s: float) -> None:
    clock = FakeClock(utc_s=WALL_UTC_S)
    with opened(tmp_path, clock) as catalogue:
        for _ in range(3):
            show(catalogue, Outcome.ATTACK)
            clock._utc_0_s += jump_s
        assert catalogue.lock_outs.locked(LIVE)
        found = ledger_of(catalogue).probing(LIVE)
        assert (found.steps, found.left_s) == (3.0, 5.0), "nor does it end a delay"
        clock.advance(5000.0)
        assert ledger_of(catalogue).probing(LIVE).left_s == 0.0


def test_an_end_that_nobody_with_the_key_wrote_ends_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as catalogue:
        show(catalogue, Outcome.ATTACK, 3)
    with audit_attack.opened(tmp_path / "catalogue.db") as connection:
        rows = audit_attack.rows(connection)
        forged = {**rows[-1], "id": rows[-1]["id"] + 1, "action": "unlock", "object_kind": "session", "object": ""}
        audit_attack.write(connection, [*rows, forged])
    with opened(tmp_path) as catalogue:
        assert catalogue.lock_outs.locked(LIVE)


def test_a_lock_out_is_stored_with_its_last_attack_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as catalogue:
        show(catalogue, Outcome.ATTACK, 2)
        insert = DatabaseFile.insert

        def refuse(file: DatabaseFile, table: str, row: dict[str, Any]) -> int:
            if row.get("action") == "lock_out":
                raise RuntimeError("killed")
            return insert(file, table, row)

        with monkeypatch.context() as patched:
            patched.setattr(DatabaseFile, "insert", refuse)
            with pytest.raises(RuntimeError):
                show(catalogue, Outcome.ATTACK)
        assert catalogue.verdicts.count() == 2
        show(catalogue, Outcome.ATTACK)
        assert catalogue.lock_outs.locked(LIVE)


def told(bench: Bench) -> list[object]:
    said: list[object] = []
    while bench.inference.poll():
        said.append(bench.inference.recv())
    return said


def bench_on(catalogue: Catalogue) -> Bench:
    bench, ledger = Bench(), ledger_of(catalogue)
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    for name in ("locked", "note_unlock", "probing", "raise_alarm", "commit_verdict", "changes"):
        setattr(bench.ledger, name, getattr(ledger, name))
    return bench


def test_a_station_that_starts_anew_is_locked_from_its_first_moment(tmp_path: Path) -> None:
    with opened(tmp_path) as catalogue:
        show(catalogue, Outcome.ATTACK, 4)
        bench = bench_on(catalogue)
        link = bench.station._inference
        link.start = lambda: None  # type: ignore[method-assign]  # its pipe is the test's
        bench.station.start_inference()
        assert LockOutChanged(LIVE, True) in bench.station.poll(0.0)
        assert SetSession("", LIVE, True) in told(bench)
        assert bench.station._doorway.view().locked
        bench.station.unlock("checked")
        assert not bench.station._doorway.view().locked
        assert {type(one) for one in told(bench)} >= {Unlock, Delay}
        assert not catalogue.lock_outs.locked(LIVE)


def test_a_lock_out_that_inference_does_not_know_of_is_told_to_it(tmp_path: Path) -> None:
    from core.messages import VerdictReached

    with opened(tmp_path) as catalogue:
        bench = bench_on(catalogue)
        bench.see("A")
        attack = stored.verdict(source_kind=LIVE, outcome=Outcome.ATTACK, mask=ACCEPTED.mask)
        events: list[object] = []
        for _ in range(3):
            bench.inference.send(VerdictReached(attack))
            events += bench.station.poll(0.0)
        assert events.count(LockOutChanged(LIVE, True)) == 1
        assert bench.station.locked
        assert SetSession("", LIVE, True) in told(bench)


def test_verdicts_of_before_count_for_probing_by_the_wall_clock(tmp_path: Path) -> None:
    with opened(tmp_path) as catalogue:
        show(catalogue, Outcome.ATTACK, 4)
        catalogue.file.change("UPDATE verdicts SET passed_s = NULL", ())
        assert ledger_of(catalogue).probing(LIVE).steps == 4.0
