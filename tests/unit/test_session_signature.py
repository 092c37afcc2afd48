"""Exported sessions are signed: an import says by whom, and a byte that was changed is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.commandline import build_parser
from core.errors import InputError
from storage.catalogue import Catalogue
from storage.commands_sessions import SESSION_COMMANDS
from storage.export import export_session
from storage.importing import import_manifest, imported_from
from storage.session_signature import SIGNATURE, Provenance
from tests import site


@pytest.fixture
def manifest(there: Catalogue, tmp_path: Path) -> Path:
    """What the other lane exported."""
    there.subjects.add("ann")
    return export_session(there, site.take(there, "ann"), tmp_path / "out").manifest


def test_a_trusted_lane_is_named_and_it_is_noted(here: Catalogue, there: Catalogue, manifest: Path) -> None:
    key = there.lanes.own_key()
    here.lanes.trust(key, "lane 2", "told on the phone")
    report = import_manifest(here, manifest, "no_person", "lobby")
    assert report.provenance == Provenance(key, "lane 2")
    assert report.provenance.trusted
    assert imported_from(here, report.sessions[0]) == report.provenance
    here.lanes.forget("lane 2", "it was sold")
    assert imported_from(here, report.sessions[0]) == report.provenance, "what was known when it came in"
    again = import_manifest(there, manifest, "no_person", "back")
    assert again.provenance.own
    assert imported_from(there, again.sessions[0]) == again.provenance


def test_what_nobody_known_signed_comes_in_and_is_told_so(here: Catalogue, there: Catalogue, manifest: Path) -> None:
    unknown = import_manifest(here, manifest, "no_person", "unknown")
    assert unknown.provenance == Provenance(there.lanes.own_key())
    assert not unknown.provenance.trusted
    (manifest.parent / SIGNATURE).unlink()
    unsigned = import_manifest(here, manifest, "no_person", "unsigned")
    assert unsigned.provenance == Provenance()
    assert imported_from(here, unsigned.sessions[0]) == Provenance()


def test_a_byte_that_was_changed_is_refused(here: Catalogue, there: Catalogue, manifest: Path) -> None:
    here.lanes.trust(there.lanes.own_key(), "lane 2", "x")
    folder = manifest.parent
    files = [manifest, folder / "session.json", folder / SIGNATURE, sorted((folder / "images").iterdir())[0]]
    for path in files:
        content = path.read_bytes()
        for changed in (bytes([*content[:-3], content[-3] ^ 1, *content[-2:]]), content[:-3]):
            path.write_bytes(changed)
            with pytest.raises(InputError):
                import_manifest(here, manifest, "no_person", "lobby")
        path.write_bytes(content)
    files[-1].rename(folder / "images" / "other.png")
    with pytest.raises(InputError, match="is not as it was signed"):
        import_manifest(here, manifest, "no_person", "lobby")
    assert here.sessions.page()[0] == []


def test_a_signature_that_somebody_else_put_there_is_refused(here: Catalogue, there: Catalogue, manifest: Path) -> None:
    here.lanes.trust(there.lanes.own_key(), "lane 2", "x")
    path = manifest.parent / SIGNATURE
    told = json.loads(path.read_text())
    for forged in (
        {**told, "lane": here.lanes.own_key()},
        {**told, "files": {**told["files"], "manifest.csv": "0" * 64}},
        {**told, "form": "sallyport model"},
        {**told, "files": []},
        [told],
    ):
        path.write_text(json.dumps(forged))
        with pytest.raises(InputError, match="signature is not"):
            import_manifest(here, manifest, "no_person", "lobby")


def test_another_manifest_beside_the_signed_one_is_unsigned(here: Catalogue, manifest: Path) -> None:
    mine = manifest.with_name("mine.csv")
    mine.write_text(manifest.read_text())
    assert import_manifest(here, mine, "no_person", "mine").provenance == Provenance()


def test_the_command_says_who_signed(
    here: Catalogue, there: Catalogue, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = there.lanes.own_key()

    def load(catalogue: Catalogue, name: str) -> str:
        options = build_parser().parse_args(
            ["import", "--manifest", str(manifest), "--basis", "no_person", "--name", name]
        )
        assert SESSION_COMMANDS["import"](catalogue, options) == 0
        return capsys.readouterr().err

    assert f"Signed by the lane {key}, which nobody here trusts" in load(here, "a")
    here.lanes.trust(key, "lane 2", "told")
    assert "Signed by lane 2, and nothing was changed." in load(here, "b")
    assert "This lane had signed it itself" in load(there, "b")
    (manifest.parent / SIGNATURE).unlink()
    assert "Not signed: nobody can tell where it comes from" in load(here, "c")


@pytest.mark.parametrize("value", ['"\\ud800"', "NaN", "Infinity"])
def test_a_signature_that_holds_what_nobody_can_sign_is_refused(here: Catalogue, manifest: Path, value: str) -> None:
    path = manifest.parent / SIGNATURE
    path.write_text(path.read_text().replace('"schema":1', f'"note":{value},"schema":1'))
    with pytest.raises(InputError, match="not of this program"):
        import_manifest(here, manifest, "no_person", "lobby")
