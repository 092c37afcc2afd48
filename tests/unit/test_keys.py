"""The site key: kept in a file, a keystore or behind a passphrase; replaced, lost, recovered; and keys in transit."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import null
from keyring.errors import KeyringLocked, PasswordDeleteError

import main as program
from core.access import Actor, DeniedError, Role
from core.codes import SiteKeyMethod
from core.errors import ExitCode, HostError, InputError, UsageError
from storage import backup
from storage.catalogue import Catalogue, open_catalogue
from storage.database import DatabaseFile
from storage.encrypting import encrypt_plain
from storage.erasure.inventory import Target, TargetKind
from storage.erasure.job import erase
from storage.frames import FORM
from storage.key_care import key_status, protect, recover, rotate
from storage.key_transfer import export_keys, import_keys
from storage.sealing import KeyMissingError, LockedError, SealBrokenError
from storage.site_key import Argon2, SiteKey, new_recovery_code, unwrap_with_passphrase, wrap_with_passphrase
from storage.site_key_places import LostKeyError
from storage.vault import SiteAccess
from tests import site, stored
from tests.people import cheap_site_key

PASSPHRASE = "four quiet green herons"


class Keystore(KeyringBackend):
    """A keystore in memory, which a test can lock."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture
def keystore() -> Iterator[Keystore]:
    before, mine = keyring.get_keyring(), Keystore()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_site_key(monkeypatch)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "data") as opened:
        yield opened


def reads(root: Path, session: str, access: SiteAccess | None = None) -> int:
    """How many frame sets another process would read."""
    with open_catalogue(root, access=access) as fresh, fresh.material.session(session) as store:
        return len(list(store))


def test_a_new_folder_asks_nobody_and_keeps_its_key_in_a_private_file(catalogue: Catalogue) -> None:
    assert key_status(catalogue).method is None
    session = site.take(catalogue, "ann")
    path = next(catalogue.folder.root.glob("site-*.key"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    status = key_status(catalogue)
    assert (status.method, status.encrypted, status.plain, status.recovery) == (SiteKeyMethod.FILE, 1, 0, False)
    assert reads(catalogue.folder.root, session) == 3
    path.chmod(0o644)
    with pytest.raises(LockedError, match="Others may read"):
        reads(catalogue.folder.root, session)


def test_a_passphrase_opens_the_site_and_a_wrong_one_does_not(catalogue: Catalogue) -> None:
    root, session = catalogue.folder.root, site.take(catalogue, "ann")
    protect(catalogue, SiteKeyMethod.PASSPHRASE, PASSPHRASE)
    assert list(root.glob("site-*.key")) == []
    assert PASSPHRASE.encode() not in (root / "catalogue.db").read_bytes()
    assert site.take(catalogue, "ann") != session
    with pytest.raises(LockedError, match="locked"):
        reads(root, session)
    with pytest.raises(LockedError, match="does not open"):
        reads(root, session, SiteAccess(lambda: "four quiet green heron"))
    assert reads(root, session, SiteAccess(lambda: PASSPHRASE)) == 3
    access = SiteAccess()
    with open_catalogue(root, access=access) as window, open_catalogue(root, access=access) as station:
        assert window.vault.state().locked
        window.vault.unlock(PASSPHRASE)
        assert not station.vault.state().locked
    with pytest.raises(UsageError, match="at least 12"):
        protect(catalogue, SiteKeyMethod.PASSPHRASE, "short")
    assert reads(root, session, SiteAccess(lambda: PASSPHRASE)) == 3


def test_the_cost_of_a_passphrase_is_stored_beside_what_it_wrapped() -> None:
    key = SiteKey.generate()
    form = json.loads(json.dumps(wrap_with_passphrase(key, PASSPHRASE, Argon2(2, 2, 128))))
    assert (form["kdf"], form["iterations"], form["lanes"], form["memory_kib"]) == ("argon2id", 2, 2, 128)
    assert unwrap_with_passphrase(key.id, form, PASSPHRASE) == key
    for name, value in (("salt", "00" * 16), ("iterations", 3)):
        with pytest.raises(LockedError):
            unwrap_with_passphrase(key.id, {**form, name: value}, PASSPHRASE)
    with pytest.raises(LockedError):
        unwrap_with_passphrase("site-other", form, PASSPHRASE)


def test_the_keystore_keeps_the_key_and_its_loss_is_told(catalogue: Catalogue, keystore: Keystore) -> None:
    root, session = catalogue.folder.root, site.take(catalogue, "ann")
    code = protect(catalogue, SiteKeyMethod.KEYRING)
    assert list(root.glob("site-*.key")) == []
    assert reads(root, session) == 3
    keystore.locked = True
    with pytest.raises(LockedError, match="does not answer"):
        reads(root, session)
    keystore.locked = False
    keystore.kept.clear()
    with pytest.raises(LostKeyError, match="any more"):
        reads(root, session)
    with open_catalogue(root) as fresh:
        assert key_status(fresh).locked
        assert recover(fresh, code, SiteKeyMethod.KEYRING) != code
    assert reads(root, session) == 3
    assert len(keystore.kept) == 1


def test_a_keystore_that_keeps_nothing_is_refused(catalogue: Catalogue, keystore: Keystore) -> None:
    session = site.take(catalogue, "ann")
    before = sorted(path.name for path in catalogue.folder.root.iterdir())
    keyring.set_keyring(null.Keyring())  # type: ignore[no-untyped-call]
    with pytest.raises(HostError, match="no keystore"):
        protect(catalogue, SiteKeyMethod.KEYRING)
    assert sorted(path.name for path in catalogue.folder.root.iterdir()) == before
    assert reads(catalogue.folder.root, session) == 3


def test_a_recovery_code_opens_the_site_once(catalogue: Catalogue) -> None:
    root, session = catalogue.folder.root, site.take(catalogue, "ann")
    with pytest.raises(InputError, match="never gave out"):
        recover(catalogue, new_recovery_code(), SiteKeyMethod.FILE)
    code = protect(catalogue, SiteKeyMethod.PASSPHRASE, PASSPHRASE)
    with open_catalogue(root) as fresh:
        for wrong in ("", "AAAA", code[:-1] + ("A" if code[-1] != "A" else "B"), code.replace(code[0], "!", 1)):
            with pytest.raises(InputError, match="mistyped"):
                recover(fresh, wrong, SiteKeyMethod.FILE)
        with pytest.raises(LockedError, match="not the code"):
            recover(fresh, new_recovery_code(), SiteKeyMethod.FILE)
        newer = recover(fresh, code.lower().replace("-", " "), SiteKeyMethod.PASSPHRASE, PASSPHRASE + "!")
        assert fresh.audit.entries()[0].action == "recover"
    assert reads(root, session, SiteAccess(lambda: PASSPHRASE + "!")) == 3
    with open_catalogue(root) as fresh:
        with pytest.raises(LockedError):
            recover(fresh, code, SiteKeyMethod.FILE)
        recover(fresh, newer, SiteKeyMethod.FILE)
    assert reads(root, session) == 3


def test_after_a_rotation_the_old_key_opens_nothing(catalogue: Catalogue) -> None:
    root = catalogue.folder.root
    sessions = [site.take(catalogue, subject) for subject in ("ann", "bob", "ann")]
    old = next(root.glob("site-*.key"))
    secret = old.read_text()
    rotate(catalogue)
    new = next(root.glob("site-*.key"))
    assert new != old
    assert secret.strip() != new.read_text().strip()
    assert [reads(root, session) for session in sessions] == [3, 3, 3]
    new.write_text(secret)
    with pytest.raises(SealBrokenError, match="not the one"):
        reads(root, sessions[0])


def test_a_rotation_that_is_cut_off_changes_nothing(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    root, session = catalogue.folder.root, site.take(catalogue, "ann")
    with monkeypatch.context() as patched:
        patched.setattr("storage.key_care.wrap_for_recovery", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotate(catalogue)
    assert len(list(root.glob("site-*.key"))) == 2
    assert reads(root, session) == 3
    rotate(catalogue)
    assert len(list(root.glob("site-*.key"))) == 1
    assert reads(root, session) == 3


def test_keys_are_changed_by_administrators_only(catalogue: Catalogue) -> None:
    site.take(catalogue, "ann")
    catalogue.actor = Actor.of("tech", [Role.TECHNICIAN])
    changes: list[Callable[[], str]] = [
        lambda: protect(catalogue, SiteKeyMethod.FILE),
        lambda: rotate(catalogue),
        lambda: recover(catalogue, "x", SiteKeyMethod.FILE),
        lambda: export_keys(catalogue, catalogue.folder.root / "keys.json"),
    ]
    for change in changes:
        with pytest.raises(DeniedError):
            change()


# --- backups --------------------------------------------------------------------------------------------------------


def test_a_backup_opens_only_with_an_export_of_the_keys(catalogue: Catalogue, tmp_path: Path) -> None:
    session, nobody = site.take(catalogue, "ann"), site.take(catalogue, "")
    wrapped = [bytes(row["wrapped"]) for row in catalogue.file.rows("SELECT wrapped FROM keys")]
    key_file = next(catalogue.folder.root.glob("site-*.key")).read_bytes()
    backup.back_up(catalogue, tmp_path / "backup")
    assert site.holding(tmp_path / "backup", [*wrapped, *(piece[:16] for piece in wrapped), key_file]) == {}
    code = export_keys(catalogue, tmp_path / "keys.json")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    report = backup.restore(tmp_path / "backup", tmp_path / "restored")
    assert report.without_key == 2
    with pytest.raises(KeyMissingError, match="keys import"):
        reads(tmp_path / "restored", session)
    with open_catalogue(tmp_path / "restored") as restored:
        assert site.take(restored, "ann")
        with pytest.raises(LockedError):
            import_keys(restored, tmp_path / "keys.json", new_recovery_code())
        done = import_keys(restored, tmp_path / "keys.json", code)
        assert (done.taken, done.known, done.refused) == (3, 0, 0)
        assert import_keys(restored, tmp_path / "keys.json", code).known == 3
    assert [reads(tmp_path / "restored", one) for one in (session, nobody)] == [3, 3]


def test_an_export_never_brings_back_who_was_erased_here(catalogue: Catalogue, tmp_path: Path) -> None:
    site.take(catalogue, "ann")
    site.take(catalogue, "bob")
    code = export_keys(catalogue, tmp_path / "keys.json")
    certificate = erase(catalogue, Target(TargetKind.SUBJECT, "ann"), "asked to")
    assert [copy["what"] for copy in certificate["copies_elsewhere"]] == ["keys"]
    done = import_keys(catalogue, tmp_path / "keys.json", code)
    assert (done.taken, done.known, done.refused) == (0, 2, 2)
    assert catalogue.file.value("SELECT count(*) FROM keys WHERE subject = 'ann' AND wrapped IS NOT NULL") == 0


@pytest.mark.parametrize("text", ["", "{}", '{"form": "sallyport keys", "schema": 1}', '{"schema": 2}', "[]"])
def test_a_file_that_is_no_export_is_told(catalogue: Catalogue, tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(InputError):
        import_keys(catalogue, tmp_path / "keys.json", new_recovery_code())


# --- the command line -----------------------------------------------------------------------------------------------


def _pipe(*lines: str) -> int:
    reading, writing = os.pipe()
    os.write(writing, "".join(f"{line}\n" for line in lines).encode())
    os.close(writing)
    return reading


def test_the_commands_protect_lock_recover_and_erase(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(tmp_path / "data")
    with open_catalogue(tmp_path / "data") as catalogue:
        session = site.take(catalogue, "ann")

    def call(*arguments: str) -> tuple[int, str]:
        code = program.main([*arguments, "--data", root])
        said = capsys.readouterr()
        return code, said.out + said.err

    given = ["keys", "protect", "--with", "passphrase", "--new-passphrase-fd", str(_pipe(PASSPHRASE))]
    assert call(*given)[0] == ExitCode.DONE
    code, said = call("export", "--session", session, "--out", str(tmp_path / "out"))
    assert (code, "locked" in said) == (ExitCode.ENVIRONMENT, True)
    code, said = call("keys", "status", "--json")
    assert (code, json.loads(said)["locked"]) == (ExitCode.DONE, True)
    with_it = ["--passphrase-fd", str(_pipe(PASSPHRASE, PASSPHRASE + "!"))]
    code, said = call("keys", "rotate", *with_it, "--new-passphrase-fd", with_it[1])
    assert code == ExitCode.DONE
    recovery = said.splitlines()[0]
    wrong = ["export", "--session", session, "--out", str(tmp_path / "x"), "--passphrase-fd", str(_pipe(PASSPHRASE))]
    assert call(*wrong)[0] == ExitCode.ENVIRONMENT
    assert call("keys", "recover", "--with", "file", "--code-fd", str(_pipe(recovery)))[0] == ExitCode.DONE
    assert call("export", "--session", session, "--out", str(tmp_path / "again"))[0] == ExitCode.DONE
    code, said = call("erase", "--subject", "ann", "--reason", "asked to")
    assert (code, "CERTIFICATE OF ERASURE" in said) == (ExitCode.DONE, True)
    assert call("erase", "--subject", "nobody")[0] == ExitCode.INPUT


def test_a_verdict_needs_no_key(catalogue: Catalogue) -> None:
    session = site.take(catalogue, "ann")
    protect(catalogue, SiteKeyMethod.PASSPHRASE, PASSPHRASE)
    with open_catalogue(catalogue.folder.root) as locked:
        assert locked.verdicts.commit(stored.verdict(session)) > 0


def test_two_who_encrypt_a_session_at_once_use_one_key(tmp_path: Path) -> None:
    """An erasure of the session destroys that one key."""
    with open_catalogue(tmp_path / "data") as window, open_catalogue(tmp_path / "data") as command:
        session = site.take(window, "ann", 1, 30, sealed=False)
        frames = DatabaseFile(window.frames_path(session), FORM)
        with ThreadPoolExecutor(2) as pool:
            with frames.transaction():  # both have looked before either can begin
                running = [pool.submit(encrypt_plain, one, _slowly) for one in (window, command)]
                time.sleep(0.7)
            assert [one.result().left for one in running] == [(), ()]
        keys = [row["key"] for row in frames.rows("SELECT DISTINCT key FROM frames")]
        frames.close()
        assert keys == [window.sessions.get(session).key]
        assert [entry.action for entry in window.audit.of("session", session)].count("encrypt") == 1


def _slowly(_done: int, _total: int) -> None:
    """The other one has its turn between two steps."""
    time.sleep(0.2)
