"""Models between lanes: one signed file, taken from trusted lanes only, stored and not deployed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import main as program
from core.codes import ModelRole
from core.errors import InputError, UsageError
from storage.catalogue import Catalogue
from storage.commands_lanes import lane_actions
from storage.model_transfer import SIGNATURE, receive_model, send_model
from storage.registry import MANIFEST, WEIGHTS, ModelRegistry
from storage.repositories.proposals import ProposedError
from tests.people import PASSPHRASE, add_people, cheap_catalogue
from tests.unit.test_lineage import bundle


@pytest.fixture
def sent(there: Catalogue, tmp_path: Path) -> Path:
    """A model that the other lane has sent."""
    ModelRegistry(there).add(bundle(tmp_path, "site-1"))
    send_model(there, "site-1", tmp_path / "site-1.zip")
    return tmp_path / "site-1.zip"


def repacked(sent: Path, **changed: bytes | None) -> Path:
    """The same file with some of its entries changed, added or (``None``) left out."""
    with zipfile.ZipFile(sent) as archive:
        contents: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    names = {"manifest": MANIFEST, "weights": WEIGHTS, "signature": SIGNATURE}
    contents |= {names.get(name, name): content for name, content in changed.items()}
    path = sent.with_name(f"changed-{len(list(sent.parent.iterdir()))}.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def test_a_model_arrives_from_a_trusted_lane_and_is_not_deployed(here: Catalogue, there: Catalogue, sent: Path) -> None:
    here.lanes.trust(there.lanes.own_key(), "lane 2", "its people told me their key on the phone")
    record, lane = receive_model(here, sent)
    assert (record.name, record.origin, lane) == ("site-1", "foreign", "lane 2")
    assert record.roles == ()
    assert ModelRegistry(here).resolve("site-1").sha256 == ModelRegistry(there).resolve("site-1").sha256
    entries = here.audit.of("model", record.sha256)
    assert [(e.action, e.details.get("lane")) for e in entries if e.action == "receive_model"] == [
        ("receive_model", "lane 2")
    ]
    assert [e.action for e in there.audit.of("model", record.sha256)][-1] == "send_model"
    assert not list(here.folder.root.glob(".partial*"))
    assert receive_model(here, sent)[0].sha256 == record.sha256, "it may arrive twice"


def test_nothing_comes_from_a_lane_that_nobody_trusts(here: Catalogue, there: Catalogue, sent: Path) -> None:
    with pytest.raises(InputError, match="Nobody here trusts the lane"):
        receive_model(here, sent)
    here.lanes.trust(there.lanes.own_key(), "lane 2", "x")
    here.lanes.forget("lane 2", "it was moved")
    with pytest.raises(InputError, match="Nobody here trusts the lane"):
        receive_model(here, sent)
    assert receive_model(there, sent)[1] == "", "a lane trusts itself"


def test_trust_that_was_put_in_by_hand_counts_for_nothing(here: Catalogue, there: Catalogue, sent: Path) -> None:
    here.lanes.trust(here.lanes.own_key(), "another", "x")
    here.file.execute("UPDATE lanes SET public = ?", (there.lanes.own_key(),))
    assert here.lanes.all() == []
    with pytest.raises(InputError, match="Nobody here trusts the lane"):
        receive_model(here, sent)
    here.lanes.trust(there.lanes.own_key(), "another", "set anew")
    assert [lane.name for lane in here.lanes.all()] == ["another"]


def test_what_was_changed_on_its_way_is_refused_and_nothing_is_stored(
    here: Catalogue, there: Catalogue, sent: Path, tmp_path: Path
) -> None:
    here.lanes.trust(there.lanes.own_key(), "lane 2", "x")
    weights = b"other weights"
    manifest = json.dumps({"name": "evil", "sha256": hashlib.sha256(weights).hexdigest()}).encode()
    other = {"manifest": manifest, "weights": weights}
    with zipfile.ZipFile(sent) as archive:
        signature = json.loads(archive.read(SIGNATURE))
    resigned = {**signature, "files": {MANIFEST: hashlib.sha256(manifest).hexdigest()}}
    for changed, words in (
        (repacked(sent, **other), "not the one that was signed"),
        (repacked(sent, **other, signature=json.dumps(resigned).encode()), "is not good"),
        (repacked(sent, signature=b"{"), "cannot be read"),
        (repacked(sent, signature=b'{"schema": 9}'), "not of this program"),
        (repacked(sent, weights=None), "no model of another lane"),
        (repacked(sent, **{"../../outside": b"x"}), "no model of another lane"),
        (sent.with_name("none.zip"), "cannot be read"),
    ):
        with pytest.raises(InputError, match=words):
            receive_model(here, changed)
    assert ModelRegistry(here).all() == []
    assert not (tmp_path / "outside").exists()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    flips=st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 200),
)
def test_a_damaged_file_is_one_documented_error(
    here: Catalogue, there: Catalogue, sent: Path, flips: list[tuple[int, int]], cut: int
) -> None:
    if there.lanes.own_key() not in {lane.public for lane in here.lanes.all()}:
        here.lanes.trust(there.lanes.own_key(), "lane 2", "x")
    content = bytearray(sent.read_bytes())
    for place, change in flips:
        content[place % len(content)] ^= change
    damaged = sent.with_name("damaged.zip")
    damaged.write_bytes(bytes(content[: len(content) - cut]))
    try:
        record, _ = receive_model(here, damaged)
    except InputError:
        return
    assert record.sha256 == ModelRegistry(there).resolve("site-1").sha256, "only what was signed comes in"


def test_trust_needs_a_key_a_name_a_reason_and_two_people(here: Catalogue, there: Catalogue) -> None:
    key = there.lanes.own_key()
    for wrong, words in (((key[:-2], "n"), "no lane's key"), (("z" * 64, "n"), "no lane's key"), ((key, " "), "name")):
        with pytest.raises(UsageError, match=words):
            here.lanes.trust(*wrong, "x")
    with pytest.raises(InputError, match="reason"):
        here.lanes.trust(key, "lane 2", " ")
    add_people(here)
    here.log_ins.log_in("ada", PASSPHRASE)
    with pytest.raises(ProposedError) as told:
        here.lanes.trust(key, "lane 2", "x")
    here.log_ins.log_in("bea", PASSPHRASE)
    proposal = here.proposals.approve(told.value.proposal.id)
    lane_actions(here)[proposal.action](proposal.arguments, proposal.reason)
    assert [lane.name for lane in here.lanes.all()] == ["lane 2"]
    with pytest.raises(InputError, match="trusted already"):
        here.lanes.trust(key, "lane 3", "x")


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(lane: str, *arguments: str) -> tuple[int, str]:
        code = program.main(["lanes", *arguments, "--data", str(tmp_path / lane)])
        return code, capsys.readouterr().out.strip()

    code, key = run("there", "key")
    assert (code, len(key)) == (0, 64)
    out = str(tmp_path / "factory.zip")
    assert run("there", "send", "factory", "--out", out)[0] == 0
    assert run("there", "send", "factory", "--out", out)[0] == 3, "nothing is overwritten"
    assert run("here", "receive", out)[0] == 3
    assert run("here", "trust", key, "--name", "lane 2", "--reason", "told on the phone") == (0, "lane 2 is trusted")
    code, text = run("here", "receive", out)
    assert (code, text.endswith("from lane 2")) == (0, True)
    assert [row["name"] for row in json.loads(run("here", "list", "--json")[1])] == ["lane 2"]
    assert run("here", "forget", "lane 2", "--reason", "x")[0] == 0
    assert run("here", "list") == (0, "No other lane is trusted.")
    with cheap_catalogue(tmp_path / "here") as catalogue:
        assert ModelRole.CHAMPION in ModelRegistry(catalogue).resolve("factory").roles


def test_a_file_that_was_packed_otherwise_is_refused_before_it_is_unpacked(here: Catalogue, sent: Path) -> None:
    with zipfile.ZipFile(sent) as archive, zipfile.ZipFile(sent.with_name("packed.zip"), "w") as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name) * 20, zipfile.ZIP_DEFLATED)
    content = bytearray(sent.with_name("packed.zip").read_bytes())
    content[45:50] = b"\xff" * 5  # within what is packed
    sent.with_name("packed.zip").write_bytes(content)
    with pytest.raises(InputError, match="no model of another lane"):
        receive_model(here, sent.with_name("packed.zip"))
