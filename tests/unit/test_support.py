"""The share-safe report: whatever is planted in the data folder, none of it is in the report."""

from __future__ import annotations

import io
import json
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import storage
from core.access import Actor, DeniedError, Role
from core.checks import Check, Finding
from core.clock import FakeClock
from core.codes import RecordMode, SessionPurpose, SourceKind
from core.scrubbing import DOT, scrub, vocabulary
from storage.catalogue import Catalogue, open_catalogue
from storage.support import Piece, privileged_report, safe_report, write_report
from tests import stored

SUBJECT = "Proband-0815"
SERIAL = "843112070915"
NAME = "Erika Mustermann"
HOME = "/home/erika.mustermann/checkpoint"
HOST = "gate7-frankfurt"
PLANTED = (
    SUBJECT,
    "Proband",
    "0815",
    SERIAL,
    "Erika",
    "erika",
    "Mustermann",
    "mustermann",
    "frankfurt",
    "gate7",
    "/home",
)
NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")
TIME = "2026-11-25 03:10:11,123 4711 MainThread"


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """Secrets in every column that takes a text, and in every log."""
    with open_catalogue(tmp_path / "data", FakeClock()) as opened:
        opened.subjects.add(SUBJECT, notes=NAME)
        opened.subjects.add("mask", notes="a pseudonym that is an ordinary word")
        opened.consents.add(SUBJECT, reference=NAME, guardian=NAME, operator=NAME, collection_site=HOST)
        live = (SessionPurpose.COLLECTION, RecordMode.FRAMES, SourceKind.LIVE)
        session = opened.sessions.open(*live, subject=SUBJECT, name=NAME, settings={"operator": NAME, "path": HOME})
        device = {"name": f"D435 of {NAME}", "serial": SERIAL, "asic_serial": SERIAL[::-1], "port": HOME}
        opened.sessions.describe(session, device=device, profiles=stored.profiles(64, 48))
        opened.artefacts.add("print_flat", NAME, maker=NAME, notes=SERIAL)
        take = opened.presentations.open(session, condition=HOME)
        verdict = stored.verdict(session, take)
        opened.verdicts.commit(replace(verdict, trace=replace(verdict.trace, notes=(NAME, SERIAL))))
        opened.sessions.close(session, problem=f"{HOME} is full, says {NAME}")
        logs = opened.folder.root / "logs"
        logs.mkdir()
        (logs / "window.log").write_text(log_text())
        (logs / "run.crash").write_text(crash_text())
        (logs / f"{NAME}.log").write_text("not ours")
        yield opened


def log_text() -> str:
    return "\n".join(
        (
            f"{TIME} WARNING storage.recorder: session of {SUBJECT} by {NAME} on camera {SERIAL} in {HOME}/a.db",
            f"{TIME} INFO core.station.following: champion is now {'ab' * 6}",
            f"{TIME} INFO erika.mustermann: champion",
            f"{TIME} ERROR gui.link: {NAME}@{HOST} C:\\Users\\Erika {HOST}.example 10.1.2.3 mask",
            f"free text with {NAME}, {SERIAL}",
        )
    )


def crash_text() -> str:
    return (
        "Traceback (most recent call last):\n"
        f'  File "{HOME}/core/station/station.py", line 120, in poll\n    x = "{NAME}"\n'
        f'  File "{HOME}/erika.py", line 1, in {SUBJECT}\nValueError: {SUBJECT} {SERIAL} {HOME}\n'
    )


CHECKS = [
    Check("cameras", Finding.GOOD, f"D435 {SERIAL}"),
    Check("data folder", Finding.BAD, f"{HOME} cannot be written", f"Ask {NAME}."),
]


def text_of(path: Path) -> str:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as file:
        return "\n".join(name + "\n" + file.read(name).decode() for name in file.namelist())


def test_nothing_that_was_planted_is_in_the_safe_report(catalogue: Catalogue, tmp_path: Path) -> None:
    out = tmp_path / "report.zip"
    pieces = safe_report(catalogue, catalogue.folder.root / "logs", CHECKS)
    write_report(catalogue, pieces, out)
    text = text_of(out)
    for secret in (*PLANTED, SERIAL[::-1], str(tmp_path), catalogue.sessions.page()[0][0].id):
        assert secret.casefold() not in text.casefold(), secret
    assert out.read_bytes().count(b"Erika") == 0


def test_the_safe_report_still_helps(catalogue: Catalogue) -> None:
    found = {p.name: p.text for p in safe_report(catalogue, catalogue.folder.root / "logs", CHECKS)}
    assert set(found) == {"versions.json", "checks.json", "figures.json", "logs/window.log", "logs/run.crash"}
    figures = json.loads(found["figures.json"])
    assert figures["counts"]["verdicts by outcome"] == {"attack": 1}
    assert figures["verdict_ms"] == {"n": 1, "p50": 250.0, "p95": 250.0, "p99": 250.0, "max": 250.0}
    assert figures["audit"]["intact"]
    said = json.loads(found["checks.json"])
    assert (said[1]["name"], said[1]["finding"], said[1]["detail"]) == (
        "data folder",
        "bad",
        f"{DOT} cannot be written",
    )
    first, second, *_ = found["logs/window.log"].splitlines()
    assert first.startswith("03:10:11 WARNING storage.recorder: session ")
    assert second.startswith("03:10:11 INFO core.station.following: champion is now")
    assert "core/station/station.py:120" in found["logs/run.crash"]
    assert "ValueError" in found["logs/run.crash"]
    assert json.loads(found["versions.json"])["sqlite"].startswith("3.")


def test_what_is_shown_is_what_is_written(catalogue: Catalogue, tmp_path: Path) -> None:
    pieces = safe_report(catalogue, catalogue.folder.root / "logs", CHECKS)
    write_report(catalogue, pieces, tmp_path / "report.zip")
    assert text_of(tmp_path / "report.zip") == "\n".join(p.name + "\n" + p.text for p in pieces)
    entry = catalogue.audit.entries(limit=1)[0]
    assert (entry.action, entry.object) == ("support", "safe")


def test_the_technician_gets_traces_and_cameras_but_no_pixels(catalogue: Catalogue) -> None:
    found = {p.name: p.text for p in privileged_report(catalogue, catalogue.folder.root / "logs", CHECKS)}
    assert json.loads(found["verdicts.json"])[0]["trace"]["rule"] == "T1_threshold"
    assert json.loads(found["cameras.json"])[0]["device"]["serial"] == SERIAL
    assert SERIAL in found["logs/window.log"]
    catalogue.clock.sleep_ms(3_600_000.0 * 25)
    later = {p.name: p.text for p in privileged_report(catalogue, catalogue.folder.root / "logs", CHECKS)}
    assert json.loads(later["verdicts.json"]) == json.loads(later["cameras.json"]) == []


def test_who_may_make_which_report(catalogue: Catalogue) -> None:
    logs = catalogue.folder.root / "logs"
    catalogue.actor = Actor.of("op7", [Role.OPERATOR])
    assert safe_report(catalogue, logs, [])
    with pytest.raises(DeniedError):
        privileged_report(catalogue, logs, [])
    catalogue.actor = Actor.of("co1", [Role.COLLECTOR])
    with pytest.raises(DeniedError):
        safe_report(catalogue, logs, [])


@given(st.text(min_size=1))
def test_only_words_of_the_program_and_short_numbers_pass(text: str) -> None:
    for token in re.findall(r"[\w.\-]*\w", scrub(text)):
        assert token in vocabulary() or NUMBER.fullmatch(token) or not re.search(r"[^\W_]", token), token


@given(st.from_regex(r"[A-Z]?[0-9]{5,12}|[A-Z]{1,3}-?[0-9]{3,8}", fullmatch=True))
def test_what_looks_like_a_serial_number_never_passes(serial: str) -> None:
    assert serial not in scrub(f"camera {serial} was lost")
    assert "camera" in scrub(f"camera {serial} was lost")


def test_what_is_taken_out_of_a_report_can_be_read(catalogue: Catalogue, tmp_path: Path) -> None:
    out = tmp_path / "report.zip"
    write_report(catalogue, [Piece("figures.json", "7" * 100_000)], out)
    with zipfile.ZipFile(out) as archive:
        entry = archive.getinfo("figures.json")
    assert stat.S_IMODE(entry.external_attr >> 16) == 0o600, "as `unzip` sets it"
    assert entry.compress_size < 1000
    assert out.stat().st_size < 2000


def test_the_report_holds_the_logs_of_every_command_that_writes_one(catalogue: Catalogue, tmp_path: Path) -> None:
    source = "\n".join(path.read_text() for path in Path(storage.__file__).parent.glob("commands_*.py"))
    names = re.findall(r'start_logging\([^"]*"logs", "(\w+)"\)', source)
    assert len(names) >= 4
    for name in names:
        (tmp_path / f"{name}.log").write_text("something\n")
    told = {piece.name for piece in safe_report(catalogue, tmp_path, [])}
    assert told >= {f"logs/{name}.log" for name in names}
