"""Keys under the two-person rule: what an approval does by itself, and what is left to one of the two."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.access import Role
from core.codes import SiteKeyMethod
from core.errors import ExitCode, UsageError
from storage.approved import left_to
from storage.catalogue import Catalogue
from storage.key_care import key_status, protect, recover, rotate
from storage.people_actions import PEOPLE_COMMANDS
from storage.repositories.proposals import ProposalState, ProposedError
from storage.sealing import LockedError
from tests import site
from tests.people import PASSPHRASE as LOG_IN
from tests.people import add_people, cheap_catalogue, cheap_site_key

PASSPHRASE = "four quiet green herons"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_site_key(monkeypatch)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Catalogue]:
    """A station with two administrators and a session; ada is there."""
    with cheap_catalogue(tmp_path / "two") as opened:
        site.take(opened, "ann")
        add_people(opened, "ada", "bea", "tim")
        opened.log_ins.log_in("ada", LOG_IN)
        yield opened


def proposed(catalogue: Catalogue, change: Callable[[], object]) -> Namespace:
    with pytest.raises(ProposedError) as told:
        change()
    return Namespace(proposal=told.value.proposal.id, json=False)


def approve(catalogue: Catalogue, options: Namespace) -> None:
    catalogue.log_ins.log_in("bea", LOG_IN)
    assert PEOPLE_COMMANDS["proposals approve"](catalogue, options) == ExitCode.DONE


def test_approving_a_rotation_rotates_and_gives_the_code_to_whoever_approved(
    two: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    before = two.file.value("SELECT id FROM site_keys")
    options = proposed(two, lambda: rotate(two, reason="yearly"))
    approve(two, options)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "approved and done: rotate_keys"
    assert two.file.value("SELECT id FROM site_keys") != before
    entry = two.audit.of("site_key", str(two.file.value("SELECT id FROM site_keys")))[-1]
    assert (entry.actor, entry.action, entry.reason) == ("bea", "rotate", "yearly")
    assert two.proposals.get(options.proposal).state is ProposalState.DONE
    recover(two, said[1], SiteKeyMethod.FILE)


def test_a_passphrase_is_typed_by_one_of_the_two_and_the_approver_is_told_by_whom_and_until_when(
    two: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    options = proposed(two, lambda: protect(two, SiteKeyMethod.PASSPHRASE, reason="the machine may be stolen"))
    approve(two, options)
    said = capsys.readouterr().out
    until = datetime.fromtimestamp(two.proposals.get(options.proposal).expires_utc_s, UTC)
    assert said == (
        f"approved, not done yet: ada or bea makes the change until {until:%Y-%m-%d %H:%M} UTC: "
        "page Keys, or `main.py keys protect --with passphrase`.\n"
    )
    PEOPLE_COMMANDS["proposals list"](two, options)
    assert "ada or bea makes the change until" in capsys.readouterr().out
    two.log_ins.log_in("ada", LOG_IN)
    with pytest.raises(UsageError, match="characters"):
        protect(two, SiteKeyMethod.PASSPHRASE, "short", "the machine may be stolen")
    assert [one.id for one in left_to(two)] == [options.proposal], "a mistyped one uses no approval up"
    protect(two, SiteKeyMethod.PASSPHRASE, PASSPHRASE, "the machine may be stolen")
    assert (left_to(two), key_status(two).method) == ([], SiteKeyMethod.PASSPHRASE)
    options = proposed(two, lambda: rotate(two, reason="yearly"))
    approve(two, options)
    assert "main.py keys rotate" in capsys.readouterr().out
    rotate(two, PASSPHRASE + "!")
    assert two.proposals.get(options.proposal).state is ProposalState.DONE


def test_an_approval_is_for_the_two_who_agreed_and_for_no_third(two: Catalogue) -> None:
    two.accounts.add("cleo", (Role.ADMINISTRATOR,), LOG_IN)
    approve(two, proposed(two, lambda: protect(two, SiteKeyMethod.PASSPHRASE, reason="theft")))
    two.log_ins.log_in("cleo", LOG_IN)
    assert left_to(two) == []
    with pytest.raises(ProposedError):
        protect(two, SiteKeyMethod.PASSPHRASE, PASSPHRASE, "mine now")
    assert key_status(two).method is SiteKeyMethod.FILE


def test_what_an_approval_could_not_make_is_still_to_be_made(
    two: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key is not at hand at the moment of the approval: that is told, and costs no approval."""
    options = proposed(two, lambda: rotate(two, reason="yearly"))
    path = two.folder.site_key(str(two.file.value("SELECT id FROM site_keys")))
    away = path.rename(path.with_suffix(".away"))
    two.vault.access.key = None
    with pytest.raises(LockedError):
        approve(two, options)
    assert "approved, not done yet: ada or bea" in capsys.readouterr().err
    away.rename(path)
    assert rotate(two)
