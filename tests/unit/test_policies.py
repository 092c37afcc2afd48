"""The site policy: stored under a seal, changed by one or by two, and followed by the station."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import main as program
from core.checks import Finding
from core.codes import Reason, SourceKind
from core.errors import InputError, UsageError
from core.policy import PolicyInForce, SitePolicy
from storage.backup import back_up, restore
from storage.catalogue import Catalogue, open_catalogue
from storage.commands_policy import policy_actions
from storage.doctor import check_policy
from storage.paths import DataFolder
from storage.repositories.proposals import ProposedError
from tests.people import PASSPHRASE, add_people, cheap_catalogue
from tests.unit.test_shadow import ACCEPTED, Bench

REFUSED = PolicyInForce(refused=True)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with cheap_catalogue(tmp_path) as opened:
        yield opened


def by_hand(catalogue: Catalogue, *statements: str) -> None:
    """Edit the database as somebody who may write the file: past the triggers."""
    for name in ("policy_is_never_changed", "policy_is_never_removed"):
        catalogue.file.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        catalogue.file.execute(statement)


def test_before_anybody_sets_one_the_factory_policy_holds(catalogue: Catalogue) -> None:
    found = catalogue.policies.in_force()
    assert found == PolicyInForce()
    assert found.is_factory


def test_a_change_is_stored_with_who_why_and_what_was_before(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.policies.change({"abstain_margin": "0.8", "thresholds.ir+depth": "0.9"}, "a dark hall")
    catalogue.policies.change({"rgb_alone_refers": "false", "thresholds.depth+ir": "none"}, "a bright hall")
    wanted = SitePolicy(abstain_margin=0.8, rgb_alone_refers=False)
    with open_catalogue(tmp_path) as another:
        found = another.policies.in_force()
    assert (found.policy, found.refused, found.actor, found.reason) == (wanted, False, "local", "a bright hall")
    row = catalogue.file.row("SELECT previous FROM policies ORDER BY id DESC")
    before = SitePolicy(abstain_margin=0.8, thresholds={"depth+ir": 0.9})
    assert row is not None
    assert row["previous"] == before.sha256()
    (entry,) = catalogue.audit.of("policy", wanted.sha256())
    assert entry.details == {"changes": {"rgb_alone_refers": False, "thresholds": {}}, "previous": before.sha256()}


@pytest.mark.parametrize(
    "changes",
    [
        {"abstain_margin": "-1"},
        {"min_frame_sets": "0"},
        {"min_frame_sets": "40"},
        {"deadline_ms": "inf"},
        {"stale_ms": "nan"},
        {"shift_check": "sometimes"},
        {"threshold": "0.9"},
        {"thresholds.sonar": "0.9"},
        {"thresholds.none": "0.9"},
        {"thresholds.rgb": "1"},
        {"thresholds.rgb": "high"},
    ],
)
def test_what_no_policy_can_have_is_refused_and_nothing_is_stored(
    catalogue: Catalogue, changes: dict[str, str]
) -> None:
    with pytest.raises(UsageError):
        catalogue.policies.change(changes, "x")
    assert catalogue.policies.in_force() == PolicyInForce()


def test_a_change_needs_a_reason_and_has_to_change_something(catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match="reason"):
        catalogue.policies.change({"shift_hours": 8}, " ")
    with pytest.raises(InputError, match="already"):
        catalogue.policies.change({"shift_hours": 12}, "x")


@pytest.mark.parametrize(
    "edit",
    [
        """UPDATE policies SET policy = replace(policy, '"abstain_margin":0.8', '"abstain_margin":0.0') WHERE id = 2""",
        "UPDATE policies SET actor = 'bea' WHERE id = 2",
        "UPDATE policies SET policy = '{' WHERE id = 2",
        "DELETE FROM policies WHERE id = 2",
        "DELETE FROM policies",
        "UPDATE policies SET seal = zeroblob(32) WHERE id = 2",
        """INSERT INTO policies (policy, sha256, previous, actor, reason, utc_s, audit, seal)
           SELECT policy, sha256, previous, actor, reason, utc_s, (SELECT max(id) FROM audit), seal
           FROM policies WHERE id = 1""",
    ],
)
def test_what_is_edited_by_hand_is_refused_until_somebody_sets_the_policy_again(
    catalogue: Catalogue, edit: str
) -> None:
    catalogue.policies.change({"rgb_alone_refers": False}, "first")
    catalogue.policies.change({"abstain_margin": 0.8}, "second")
    catalogue.audit.append("unlock", "session", "s", actor="local", reason="x")
    by_hand(catalogue, edit)
    assert catalogue.policies.in_force() == REFUSED
    assert check_policy(catalogue).finding is Finding.BAD
    catalogue.policies.change({}, "the factory's again")
    assert check_policy(catalogue).finding is Finding.GOOD
    found = catalogue.policies.in_force()
    assert (found.is_factory, found.refused) == (True, False)


def test_a_lost_or_damaged_key_refuses_the_policy(catalogue: Catalogue) -> None:
    catalogue.policies.change({"abstain_margin": 0.8}, "x")
    key = catalogue.folder.audit_key
    kept = key.read_text()
    key.write_text("nonsense")
    assert catalogue.policies.in_force() == REFUSED
    key.unlink()
    assert catalogue.policies.in_force() == REFUSED
    key.write_text(kept)
    assert not catalogue.policies.in_force().refused


def test_a_restored_backup_has_no_key_and_asks_for_its_policy_again(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "old") as old:
        old.policies.change({"abstain_margin": 0.8}, "x")
        back_up(old, tmp_path / "backup")
    restore(tmp_path / "backup", DataFolder(tmp_path / "new"))
    with open_catalogue(tmp_path / "new") as new:
        assert new.policies.in_force() == REFUSED


def test_with_the_rule_on_two_people_change_it(catalogue: Catalogue) -> None:
    add_people(catalogue, "ada", "tim", "tom")
    catalogue.log_ins.log_in("tim", PASSPHRASE)
    proposals = []
    for margin in (0.8, 0.9):
        with pytest.raises(ProposedError) as told:
            catalogue.policies.change({"abstain_margin": margin}, "a dark hall")
        proposals.append(told.value.proposal)
    assert catalogue.policies.in_force().is_factory
    catalogue.log_ins.log_in("tom", PASSPHRASE)
    run = policy_actions(catalogue)
    for one in proposals:
        catalogue.proposals.approve(one.id)
    run[proposals[0].action](proposals[0].arguments, proposals[0].reason)
    assert catalogue.policies.in_force().policy == SitePolicy(abstain_margin=0.8)
    with pytest.raises(InputError, match="changed since"):
        run[proposals[1].action](proposals[1].arguments, proposals[1].reason)


def test_the_command_sets_and_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        code = program.main(["policy", *arguments, "--data", str(tmp_path)])
        return code, capsys.readouterr().out

    code, text = run("set", "shift_hours=8", "shift_check=always", "--reason", "short shifts", "--json")
    told = json.loads(text)
    wanted = SitePolicy.model_validate({"shift_hours": 8, "shift_check": "always"})
    assert (code, told["sha256"], told["factory"], told["refused"]) == (0, wanted.sha256(), False, False)
    assert json.loads(run("show", "--json")[1]) == told
    assert "shift_hours          8.0  (factory: 12.0)" in run("show")[1]
    assert run("set", "shift_hours=-8", "--reason", "x")[0] == 2
    assert run("set", "shift_hours", "--reason", "x")[0] == 2
    assert run("set", "--reason", "x")[0] == 2
    assert run("set", "--factory", "stale_ms=900", "--reason", "x")[0] == 0
    assert json.loads(run("show", "--json")[1])["policy"] == SitePolicy(stale_ms=900.0).model_dump(mode="json")


# --- the station ------------------------------------------------------------------------------------------------------


def test_the_station_follows_within_its_next_look(catalogue: Catalogue) -> None:
    from core.frames import ALL_MODALITIES
    from core.messages import SetPolicy, Standing

    bench = Bench()
    bench.ledger.of_camera = {"A": frozenset({ALL_MODALITIES})}
    bench.ledger.policy = catalogue.policies.in_force  # type: ignore[method-assign]
    bench.ledger.changes = catalogue.changes  # type: ignore[method-assign]
    bench.see("A")
    assert bench.answer(ACCEPTED).opens

    def look() -> Standing:
        bench.clock.advance(500.0)
        (standing,) = [event for event in bench.station.poll(0.0) if isinstance(event, Standing)]
        return standing

    catalogue.policies.change({"abstain_margin": 0.8}, "x")
    standing = look()
    assert (standing.own_policy, standing.withheld) == (True, Reason.NONE)
    told = []
    while bench.inference.poll():
        told.append(bench.inference.recv())
    assert SetPolicy(SitePolicy(abstain_margin=0.8)) in told
    assert bench.answer(ACCEPTED).opens

    by_hand(catalogue, "UPDATE policies SET policy = replace(policy, '0.8', '0.1')")
    standing = look()
    assert (standing.own_policy, standing.withheld) == (False, Reason.POLICY_REFUSED)
    assert bench.station.policy == SitePolicy()
    assert not bench.answer(ACCEPTED).opens
    catalogue.policies.change({}, "again")
    assert look().withheld is Reason.NONE
    assert bench.answer(ACCEPTED).opens


def test_every_kind_of_source_is_answered_without_a_verdict_while_it_is_refused() -> None:
    from core.codes import Outcome, Rule
    from core.frames import ALL_MODALITIES
    from tests.unit.test_shadow import show, window

    for kind in SourceKind:
        refused = window(ALL_MODALITIES)
        refused.withheld = Reason.POLICY_REFUSED
        verdict = show(refused, kind, 9.0)
        assert (verdict.outcome, verdict.reason) == (Outcome.NON_RESPONSE, Reason.POLICY_REFUSED)
        assert verdict.rule is Rule.POLICY_REFUSED


def test_a_change_at_this_moment_is_no_policy_that_is_refused(catalogue: Catalogue) -> None:
    """The station looks just then: it hears that somebody wrote."""
    catalogue.policies.change({"abstain_margin": 0.6}, "x")
    over, refused = threading.Event(), 0

    def change() -> None:
        for number in range(150):
            catalogue.policies.change({"abstain_margin": 0.61 + (number % 2) / 100}, "x")
        over.set()

    with ThreadPoolExecutor(1) as pool, open_catalogue(catalogue.folder) as station:
        changing = pool.submit(change)
        while not over.is_set() and not changing.done():
            refused += station.policies.in_force().refused
        changing.result()
    assert refused == 0
