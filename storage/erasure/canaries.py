"""A few bytes of what is to be erased, and the search for them afterwards.

They are kept masked with the job until the search is over: unmasked, the catalogue itself would be found.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import HostError, KnownError, sentence
from core.frames import FrameSet
from storage.catalogue import Catalogue
from storage.database import DatabaseFile, Mode
from storage.erasure.inventory import Inventory
from storage.frames import FORM
from storage.paths import DataFolder

CANARY_BYTES = 24
"""Random to 2^-192 where the payload is encrypted or compressed."""
_KEY_BYTES = 16
"""Of a wrapped key only its nonce and four bytes more: the key cannot be made again from its canary."""
_SESSIONS = 6
_MIN_DISTINCT = 12
"""A pixel canary needs so many different values: a flat stretch of picture lies in many files."""
_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class Search:
    """Result of the search: how much was read, and where something was still found."""

    files: int
    nbytes: int
    canaries: int
    found: tuple[str, ...]


def take_canaries(catalogue: Catalogue, inventory: Inventory) -> list[bytes]:
    """Slices of stored payloads as they lie on the disk, of the pixels behind them where the site is not locked, and of
    the wrapped keys.
    """
    found: list[bytes] = []
    for session in [one.id for one in inventory.sessions if one.nbytes][:_SESSIONS]:
        found += _stored(catalogue.frames_path(session))
        found += _pixels(catalogue, session)
    for take in inventory.foreign[:_SESSIONS]:
        found += _stored(catalogue.frames_path(take.session), take.first_set, take.last_set)
    for key in inventory.keys:
        wrapped = catalogue.file.value("SELECT wrapped FROM keys WHERE id = ?", (key,))
        if wrapped is not None:
            found.append(bytes(wrapped[:_KEY_BYTES]))
    return found


def mask(canaries: list[bytes]) -> str:
    """As they are kept in the catalogue."""
    return json.dumps([bytes(255 - byte for byte in canary).hex() for canary in canaries])


def unmask(text: str) -> list[bytes]:
    """Inverse of `mask`."""
    return [bytes(255 - byte for byte in bytes.fromhex(canary)) for canary in json.loads(text)]


def search(
    folder: DataFolder, canaries: list[bytes], progress: Callable[[int, int], None] = lambda done, total: None
) -> Search:
    """Read every file of the data folder (but the ballast, which is empty) and look for the canaries.

    Raises:
        HostError: a file cannot be read: what was not read is not proved.
    """
    paths = [path for path in sorted(folder.root.rglob("*")) if path.is_file() and path != folder.ballast]
    found, nbytes = [], 0
    for done, path in enumerate(paths, start=1):
        for chunk in _chunks(path):
            nbytes += len(chunk)
            if any(canary in chunk for canary in canaries):
                found.append(path.relative_to(folder.root).as_posix())
                break
        progress(done, len(paths))
    return Search(len(paths), nbytes, len(canaries), tuple(found))


def _stored(path: Path, first: int = 0, last: int = 1 << 62) -> list[bytes]:
    """From the first and the last frame set, at two places of each payload: one may straddle a page of the file."""
    if not path.is_file():
        return []
    sql = """
        SELECT substr(payload, 1 + length(payload) / 2, ?1) AS middle, substr(payload, -?1) AS end FROM frames
        WHERE number IN (SELECT min(number) FROM sets WHERE number BETWEEN ?2 AND ?3
            UNION SELECT max(number) FROM sets WHERE number BETWEEN ?2 AND ?3) AND length(payload) >= 4 * ?1
    """
    try:
        file = DatabaseFile(path, FORM, Mode.WRITE)
    except KnownError:  # a damaged file is erased all the same
        return []
    try:
        rows = file.rows(sql, (CANARY_BYTES, first, last))
    except KnownError:
        return []
    finally:
        file.close()
    return [bytes(row[place]) for row in rows for place in ("middle", "end")]


def _pixels(catalogue: Catalogue, session: str) -> list[bytes]:
    try:
        with catalogue.material.session(session) as store:
            frame_set = next(iter(store), None)
    except KnownError:  # locked, or damaged: the stored bytes are looked for in any case
        return []
    return [] if frame_set is None else list(_slices(frame_set))


def _slices(frame_set: FrameSet) -> Iterator[bytes]:
    for frame in frame_set.frames.values():
        row = frame.pixels[frame.pixels.shape[0] // 2].tobytes()
        middle = row[len(row) // 2 :][:CANARY_BYTES]
        if len(set(middle)) >= _MIN_DISTINCT:
            yield middle


def _chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces that overlap by less than a canary."""
    try:
        with path.open("rb") as file:
            rest = b""
            while block := file.read(_CHUNK):
                yield rest + block
                rest = block[1 - CANARY_BYTES :]
    except FileNotFoundError:  # a log that was emptied meanwhile
        return
    except OSError as error:
        raise HostError(
            sentence("{path} cannot be searched: {strerror}.", path=path, strerror=error.strerror),
            "Give this user permission, then erase again.",
        ) from error
