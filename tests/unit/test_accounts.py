"""Accounts and log-in: who gets in, who waits how long, and what is written down about it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.access import LOCAL, NOBODY, DeniedError, Permission, Role
from core.clock import FakeClock
from core.errors import HostError, InputError, UsageError
from core.passphrase import Cost, check_passphrase, check_pin, make_code, read_code, seal
from core.throttle import (
    LONGEST_WAIT_S,
    MOST_FAILURES,
    WaitError,
    WrongSecretError,
    in_words,
    remaining_s,
    wait_after,
)
from storage.catalogue import Catalogue, open_catalogue
from storage.driver import DatabaseError
from storage.repositories.log_ins import TOKEN_S
from tests.people import CHEAP, PASSPHRASE, add_people, cheap_catalogue


class SettableClock(FakeClock):
    """A machine whose wall clock is set, and which is booted anew."""

    def set_by(self, seconds: float) -> None:
        self._utc_0_s += seconds

    def reboot(self) -> None:
        self._utc_0_s += self._now_ms / 1000.0
        self._now_ms = 0.0


def actions(catalogue: Catalogue) -> list[tuple[str, str, str]]:
    return [(entry.actor, entry.action, entry.object) for entry in reversed(catalogue.audit.entries())]


def fail(catalogue: Catalogue, name: str = "olga") -> None:
    with pytest.raises(WrongSecretError):
        catalogue.log_ins.log_in(name, "not the pass-phrase at all")


# --- pass-phrases ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["short one", "a" * 15, "abababababababab", "correct horse battery staple", "Passwort passwort 1",
     "0123456789012345", "qwertyuiopasdfgh", "anna anna anna anna", "sallyport anna 1", "abcdefghijklmnop", "x" * 300],
)  # fmt: skip
def test_what_is_tried_first_is_no_pass_phrase(text: str) -> None:
    with pytest.raises(InputError, match=r"pass-phrase|characters"):
        check_passphrase(text, "anna")


@pytest.mark.parametrize(
    "text", [PASSPHRASE, "vier fünf große Kühe", "1 word, 3 digits", "山川草木山川草木日月星辰雷雨風"]
)
def test_length_is_the_only_rule_of_composition(text: str) -> None:
    check_passphrase(text, "anna")


def test_a_pass_phrase_is_the_same_however_its_letters_are_encoded() -> None:
    assert seal("fünf große Kühe im Gras", CHEAP).matches("fu\u0308nf große Ku\u0308he im Gras")


@pytest.mark.parametrize("pin", ["12345", "123456", "654321", "111111", "121212", "12a456", "١٢٣٤٥٦", ""])
def test_a_pin_is_digits_without_a_pattern(pin: str) -> None:
    with pytest.raises(InputError, match="PIN"):
        check_pin(pin)


def test_a_recovery_code_may_be_typed_carelessly() -> None:
    code = make_code()
    assert len(code) == 39
    assert code != make_code()
    assert read_code(code.lower().replace("0", "o").replace("1", "l").replace("-", " ")) == code


# --- accounts -------------------------------------------------------------------------------------------------------


def test_a_station_without_accounts_is_open_and_the_first_account_closes_it(catalogue: Catalogue) -> None:
    assert catalogue.actor == LOCAL
    with pytest.raises(InputError, match="administrator"):
        catalogue.accounts.add("olga", [Role.OPERATOR], PASSPHRASE)
    assert catalogue.actor == LOCAL, "a refused account closes nothing"
    assert catalogue.accounts.add("ada", [Role.ADMINISTRATOR], PASSPHRASE)
    assert catalogue.actor == NOBODY
    with pytest.raises(DeniedError):
        catalogue.accounts.add("olga", [Role.OPERATOR], PASSPHRASE)
    assert actions(catalogue)[0] == ("local", "add", "ada")


def test_a_window_that_was_open_before_the_first_account_is_shut_out(catalogue: Catalogue, tmp_path: Path) -> None:
    with cheap_catalogue(tmp_path / "data") as other:
        assert catalogue.actor == LOCAL
        add_people(other, "ada")
        assert catalogue.actor == NOBODY


def test_roles_that_are_taken_away_are_gone_at_once(catalogue: Catalogue, tmp_path: Path) -> None:
    add_people(catalogue, "ada", "tim")
    catalogue.log_ins.log_in("tim", PASSPHRASE)
    catalogue.require(Permission.ADAPT)
    with cheap_catalogue(tmp_path / "data", catalogue.clock) as office:
        office.log_ins.log_in("ada", PASSPHRASE)
        office.accounts.set_roles("tim", [Role.OPERATOR])
        with pytest.raises(DeniedError, match="tim may not"):
            catalogue.require(Permission.ADAPT)
        office.accounts.remove("tim")
    assert catalogue.actor == NOBODY


def test_names_are_plain_unreserved_and_given_once(catalogue: Catalogue) -> None:
    add_people(catalogue, "ada", "olga")
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    for name in ("Ada", "a", "local", "nobody", "a b", "x" * 33, "station", "../x"):
        with pytest.raises(InputError, match="name"):
            catalogue.accounts.add(name, [Role.OPERATOR], PASSPHRASE)
    with pytest.raises(UsageError):
        catalogue.accounts.add("otto", [], PASSPHRASE)
    catalogue.accounts.remove("olga")
    with pytest.raises(InputError, match="given before"):
        catalogue.accounts.add("olga", [Role.OPERATOR], PASSPHRASE)
    assert [account.name for account in catalogue.accounts.all()] == ["ada"]


def test_the_last_administrator_stays(catalogue: Catalogue) -> None:
    add_people(catalogue, "ada", "bea")
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    catalogue.accounts.remove("bea")
    with pytest.raises(InputError, match="last administrator"):
        catalogue.accounts.remove("ada")
    with pytest.raises(InputError, match="last administrator"):
        catalogue.accounts.set_roles("ada", [Role.TECHNICIAN])


def test_people_set_their_own_pass_phrase_and_administrators_everybodys(catalogue: Catalogue) -> None:
    add_people(catalogue, "ada", "olga", "carl")
    catalogue.log_ins.log_in("olga", PASSPHRASE)
    catalogue.accounts.set_passphrase("olga", "nine loud green birds")
    with pytest.raises(DeniedError):
        catalogue.accounts.set_passphrase("carl", "nine loud green birds")
    with pytest.raises(WrongSecretError):
        catalogue.log_ins.log_in("olga", PASSPHRASE)
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    catalogue.accounts.set_passphrase("olga", PASSPHRASE)
    assert catalogue.log_ins.log_in("olga", PASSPHRASE).roles == {Role.OPERATOR}


def test_no_secret_stands_in_the_data_folder(catalogue: Catalogue, tmp_path: Path) -> None:
    code = add_people(catalogue, "ada")
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    token = catalogue.log_ins.make_token()
    catalogue.accounts.set_kiosk_pin("739154")
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (PASSPHRASE, code, token, "739154"):
        assert secret.encode() not in stored


# --- log-in ---------------------------------------------------------------------------------------------------------


def test_log_in_log_out_and_failures_are_written_down_without_what_was_typed(catalogue: Catalogue) -> None:
    add_people(catalogue, "ada")
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    catalogue.log_ins.log_out()
    assert catalogue.actor == NOBODY
    fail(catalogue, "ada")
    fail(catalogue, "my secret typed into the wrong field")
    assert actions(catalogue)[-4:] == [
        ("ada", "log_in", "ada"),
        ("ada", "log_out", "ada"),
        ("nobody", "log_in_failed", "ada"),
        ("nobody", "log_in_failed", "unknown"),
    ]


def test_the_wait_grows_is_told_and_ends(catalogue: Catalogue, clock: FakeClock) -> None:
    add_people(catalogue, "ada", "olga")
    waits = []
    for _ in range(12):
        fail(catalogue)
        with pytest.raises((WaitError, WrongSecretError)) as told:
            catalogue.log_ins.log_in("olga", "still not the right one")
        if isinstance(told.value, WaitError):
            assert told.value.wait_s is not None
            assert in_words(told.value.wait_s) in str(told.value)
            waits.append(told.value.wait_s)
            clock.advance(1000.0 * told.value.wait_s)
    assert waits[:4] == [30.0, 60.0, 120.0, 240.0]
    assert waits[-1] == LONGEST_WAIT_S
    catalogue.log_ins.log_in("olga", PASSPHRASE)
    assert catalogue.credentials.wait_s("account:olga") == 0.0, "a success forgets the failures"


@pytest.mark.parametrize("rebooted", [False, True])
def test_a_wait_survives_a_restart_and_a_clock_that_is_set_back_or_forth(tmp_path: Path, rebooted: bool) -> None:
    clock = SettableClock()
    with cheap_catalogue(tmp_path, clock) as first:
        add_people(first, "ada", "olga")
        for _ in range(3):
            fail(first)
    clock.set_by(-86_400.0)
    if rebooted:
        clock.reboot()
    with cheap_catalogue(tmp_path, clock) as second:
        assert second.credentials.time.clock_is_behind()
        with pytest.raises(WaitError, match="30 seconds"):
            second.log_ins.log_in("olga", PASSPHRASE)
        clock.advance(29_000.0)
        clock.set_by(2 * 86_400.0)
        with pytest.raises(WaitError, match="1 seconds"):
            second.log_ins.log_in("olga", PASSPHRASE)
        clock.advance(1000.0)
        assert second.log_ins.log_in("olga", PASSPHRASE).id == "olga"


def test_after_a_hundred_failures_only_somebody_else_opens_the_account(catalogue: Catalogue, clock: FakeClock) -> None:
    add_people(catalogue, "ada", "olga")
    for _ in range(MOST_FAILURES):
        fail(catalogue)
        clock.advance(1000.0 * LONGEST_WAIT_S)
    clock.advance(1e12)
    with pytest.raises(WaitError, match="administrator") as told:
        catalogue.log_ins.log_in("olga", PASSPHRASE)
    assert told.value.wait_s is None
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    catalogue.accounts.set_passphrase("olga", PASSPHRASE)
    assert catalogue.log_ins.log_in("olga", PASSPHRASE).id == "olga"


def test_a_try_counts_before_its_answer_so_that_pulling_the_plug_gains_nothing(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(catalogue, "ada")

    def pulled(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.passphrase.Sealed.matches", pulled)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            catalogue.log_ins.log_in("ada", PASSPHRASE)
    assert catalogue.credentials.wait_s("account:ada") == 30.0


def test_a_secret_is_sealed_again_when_the_cost_grew(catalogue: Catalogue) -> None:
    add_people(catalogue, "ada")
    catalogue.credentials.cost = Cost(memory_kib=64, iterations=2, lanes=1)
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    row = catalogue.file.row("SELECT * FROM credentials WHERE id = 'account:ada'")
    assert row is not None
    assert (row["memory_kib"], row["iterations"]) == (64, 2)
    catalogue.credentials.cost = CHEAP
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    assert catalogue.file.value("SELECT memory_kib FROM credentials WHERE id = 'account:ada'") == 64, "never lowered"


def test_the_real_cost_seals_and_opens(tmp_path: Path) -> None:
    with open_catalogue(tmp_path) as catalogue:
        catalogue.accounts.add("ada", [Role.ADMINISTRATOR], PASSPHRASE)
        fail(catalogue, "ada")
        assert catalogue.log_ins.log_in("ada", PASSPHRASE).id == "ada"
        assert catalogue.file.value("SELECT memory_kib FROM credentials WHERE id = 'account:ada'") == 65536


def test_a_token_acts_for_its_account_until_log_out_or_the_end_of_the_shift(
    catalogue: Catalogue, clock: FakeClock, tmp_path: Path
) -> None:
    add_people(catalogue, "ada", "tim")
    catalogue.log_ins.log_in("tim", PASSPHRASE)
    first, second = catalogue.log_ins.make_token(), catalogue.log_ins.make_token()
    with cheap_catalogue(tmp_path / "data", clock) as child:
        assert child.log_ins.log_in_with(first).roles == {Role.TECHNICIAN}
        catalogue.log_ins.log_out(first)
        with pytest.raises(HostError, match="over"):
            child.log_ins.log_in_with(first)
        clock.advance(1000.0 * TOKEN_S)
        with pytest.raises(HostError, match="over"):
            child.log_ins.log_in_with(second)
        with pytest.raises(HostError, match="over"):
            child.log_ins.log_in_with("")


# --- recovery and kiosk ---------------------------------------------------------------------------------------------


def test_the_recovery_code_opens_once_and_is_logged(catalogue: Catalogue) -> None:
    code = add_people(catalogue, "ada", "olga")
    for _ in range(3):
        fail(catalogue, "ada")
    with pytest.raises(WaitError):
        catalogue.log_ins.log_in("ada", PASSPHRASE)
    with pytest.raises(InputError, match="administrator"):
        catalogue.accounts.recover("olga", code, "nine loud green birds")
    following = catalogue.accounts.recover("ada", code.lower(), "nine loud green birds")
    assert catalogue.log_ins.log_in("ada", "nine loud green birds").id == "ada"
    with pytest.raises(WrongSecretError):
        catalogue.accounts.recover("ada", code, "ten loud green birds")
    assert catalogue.accounts.recover("ada", following, "ten loud green birds") != following
    assert [action for _, action, _ in actions(catalogue) if "recovery" in action] == [
        "use_recovery_code",
        "recovery_refused",
        "use_recovery_code",
    ]


def test_a_new_recovery_code_voids_the_one_before(catalogue: Catalogue) -> None:
    code = add_people(catalogue, "ada")
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    fresh = catalogue.accounts.new_recovery_code()
    with pytest.raises(WrongSecretError):
        catalogue.accounts.recover("ada", code, "nine loud green birds")
    catalogue.accounts.recover("ada", fresh, "nine loud green birds")


def test_the_kiosk_pin_is_checked_and_throttled(catalogue: Catalogue) -> None:
    add_people(catalogue, "ada")
    assert not catalogue.accounts.has_kiosk_pin()
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    catalogue.accounts.set_kiosk_pin("739154")
    catalogue.accounts.check_kiosk_pin("739154")
    for _ in range(3):
        with pytest.raises(WrongSecretError):
            catalogue.accounts.check_kiosk_pin("000000")
    with pytest.raises(WaitError):
        catalogue.accounts.check_kiosk_pin("739154")
    catalogue.accounts.set_kiosk_pin("")
    assert not catalogue.accounts.has_kiosk_pin()


# --- properties -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 200))
def test_a_wait_never_shrinks_with_more_failures(failures: int) -> None:
    assert 0.0 <= wait_after(failures) <= wait_after(failures + 1) <= LONGEST_WAIT_S


@given(st.integers(0, 200), st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_wait_never_grows_as_time_goes_by(failures: int, failed: float, later: float) -> None:
    then, now = remaining_s(failures, failed, failed + later), remaining_s(failures, failed, failed)
    assert (then is None) == (now is None) == (failures >= MOST_FAILURES)
    assert then is None or now is None or then <= now


class Guesser(RuleBasedStateMachine):
    """Guesses, waits, sets the clock back and forth, restarts and reboots; the time that really passed is known."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="sallyport-guesser-")
        self.clock = SettableClock()
        self.catalogue = cheap_catalogue(Path(self.folder.name), self.clock)
        add_people(self.catalogue, "ada")
        self.passed_s = 0.0
        self.tries: list[float] = []

    def teardown(self) -> None:
        self.catalogue.close()
        self.folder.cleanup()

    @rule()
    def guess(self) -> None:
        with pytest.raises((WrongSecretError, WaitError)) as told:
            self.catalogue.log_ins.log_in("ada", "not the pass-phrase at all")
        if isinstance(told.value, WrongSecretError):
            self.tries.append(self.passed_s)

    @rule(seconds=st.floats(1.0, 4000.0))
    def wait(self, seconds: float) -> None:
        self.clock.advance(1000.0 * seconds)
        self.passed_s += seconds

    @rule(seconds=st.floats(-1e6, 1e6))
    def set_the_clock(self, seconds: float) -> None:
        self.clock.set_by(seconds)
        self.guess()
        self.clock.set_by(-seconds)

    @rule(seconds=st.floats(1.0, 1e6))
    def set_the_clock_back_over_a_reboot(self, seconds: float) -> None:
        self.guess()
        self.clock.set_by(-seconds)
        self.clock.reboot()
        self.guess()
        self.clock.set_by(seconds)
        self.clock.reboot()

    @rule()
    def restart(self) -> None:
        self.catalogue.close()
        self.catalogue = cheap_catalogue(Path(self.folder.name), self.clock)

    @invariant()
    def no_try_came_before_its_time(self) -> None:
        for number, (before, after) in enumerate(zip(self.tries, self.tries[1:], strict=False), start=1):
            assert after - before >= wait_after(number) - 1e-3


TestGuesser = Guesser.TestCase
TestGuesser.settings = settings(max_examples=8, stateful_step_count=15, deadline=None)


def test_the_dummy_costs_as_much_as_the_real_one(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not exist is answered by the same work, not at once."""
    add_people(catalogue, "ada")
    derived: list[Cost] = []

    def derive(_secret: str, _salt: bytes, cost: Cost) -> bytes:
        derived.append(cost)
        return b"another"

    monkeypatch.setattr("core.passphrase._derive", derive)
    for name in ("ada", "eve"):
        fail(catalogue, name)
    assert derived == [CHEAP, CHEAP]


CHANGES: dict[str, Callable[[Catalogue], object]] = {
    "change_passphrase": lambda catalogue: catalogue.accounts.set_passphrase("ada", "nine other long brown sticks"),
    "renew_recovery_code": lambda catalogue: catalogue.accounts.new_recovery_code(),
    "set_pin": lambda catalogue: catalogue.accounts.set_kiosk_pin("528164"),
    "drop_pin": lambda catalogue: catalogue.accounts.set_kiosk_pin(""),
}


@pytest.mark.parametrize("action", CHANGES)
def test_no_secret_changes_without_its_entry_in_the_log(catalogue: Catalogue, action: str) -> None:
    add_people(catalogue, "ada")
    catalogue.log_ins.log_in("ada", PASSPHRASE)
    catalogue.accounts.set_kiosk_pin("739182")
    token = catalogue.log_ins.make_token()
    before = catalogue.file.rows("SELECT * FROM credentials ORDER BY id")
    refuse = f"WHEN NEW.action = '{action}' BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END"
    catalogue.file.execute(f"CREATE TEMP TRIGGER gone BEFORE INSERT ON main.audit {refuse}")
    with pytest.raises(DatabaseError):
        CHANGES[action](catalogue)
    assert catalogue.file.rows("SELECT * FROM credentials ORDER BY id") == before
    assert catalogue.log_ins.log_in_with(token).id == "ada"
