"""A small data folder with people in it, for the tests of keys, erasure and retention."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from core.clock import FakeClock
from core.codes import RecordMode, SessionPurpose, SourceKind
from core.daily import DAY_S
from core.frames import FrameSet
from storage.catalogue import Catalogue
from storage.clock_trust import confirm_date
from storage.frames import FrameStore
from tests import stored

WIDTH, HEIGHT = 64, 48


def take(
    catalogue: Catalogue, subject: str, first: int = 1, count: int = 3, *, sealed: bool = True, live: bool = False
) -> str:
    """A closed session of ``subject`` with one presentation and a verdict; frames are numbered from ``first``.

    The pixels depend on nothing but the number of the frame set: `pieces` knows them again. ``live``: with a consent.
    """
    kind = SourceKind.SIMULATED
    if live:
        catalogue.subjects.add(subject)
        if catalogue.consents.valid(subject) is None:
            catalogue.consents.add(subject)
        kind = SourceKind.LIVE
    session = catalogue.sessions.open(SessionPurpose.COLLECTION, RecordMode.FRAMES, kind, subject=subject)
    key = catalogue.vault.for_session(session) if sealed else None
    with FrameStore.create(catalogue.frames_path(session), session, key) as store:
        store.append([frame(number) for number in range(first, first + count)])
    presentation = catalogue.presentations.open(session, species="", name=f"take of {subject}")
    catalogue.presentations.close(presentation, first, first + count - 1, 0.1)
    catalogue.verdicts.commit(stored.verdict(session, presentation))
    catalogue.sessions.close(session)
    return session


def days_pass(catalogue: Catalogue, clock: FakeClock, days: float) -> None:
    """Time goes by at a station that is in use: its log has an entry every ten days at least."""
    while days > 0:
        clock.sleep_ms(min(days, 10.0) * DAY_S * 1000.0)
        catalogue.audit.append("used", "station", "", actor="station")
        days -= 10.0


def date_is_right(catalogue: Catalogue) -> None:
    """A person confirms the date of a station that was off for long, or whose past a test has made up."""
    confirm_date(catalogue, datetime.fromtimestamp(catalogue.clock.utc_s(), UTC).date(), "it was off")


def frame(number: int) -> FrameSet:
    """The frame set of that number."""
    return stored.frame_set(number, width=WIDTH, height=HEIGHT)


def stored_bytes(path: Path, step: int = 997) -> list[bytes]:
    """Pieces of 20 bytes of a file's content, every ``step`` bytes, of what looks random: not of the tables' text."""
    content = path.read_bytes()
    pieces = (content[at : at + 20] for at in range(0, len(content) - 20, step))
    return [piece for piece in pieces if len(set(piece)) >= 14 and max(piece) > 127]


def pixel_bytes(numbers: range) -> list[bytes]:
    """Pieces of the raw pixels of those frame sets."""
    found = []
    for number in numbers:
        for image in stored.pixels(number, WIDTH, HEIGHT).values():
            raw = image.tobytes()
            found += [raw[at : at + 20] for at in range(100, len(raw) - 20, 1009)]
    return [piece for piece in found if len(set(piece)) >= 10]


def holding(root: Path, pieces: list[bytes]) -> dict[str, int]:
    """Which files below ``root`` hold how many of the pieces: a search that shares nothing with the program's.

    The ballast is left out: 128 MiB of zeros.
    """
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != "ballast":
            content = path.read_bytes()
            if count := sum(piece in content for piece in pieces):
                found[path.relative_to(root).as_posix()] = count
    return found
