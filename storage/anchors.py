"""The head of the audit log, anchored outside of the database (reliability.md section 2.6).

A chain cannot tell that its tail was cut, or that a whole old file was put back. A checkpoint can: the number and hash
of the newest entry, signed. Checkpoints are lines of JSON in the data folder, and as often in a second place that an
attacker of this machine may not reach: a folder (a USB stick, another disk), or the keystore of the operating system.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import HostError, InputError, KnownError, sentence
from storage.atomic import fsync_folder, write_atomically
from storage.audit_key import ChainKey, signed_by
from storage.forms import canonical
from storage.site_key_places import SERVICE, keystore_problem

log = logging.getLogger(__name__)

SCHEMA = 1
KEYRING = "keyring"
NONE = "none"
_FILE = "checkpoints.jsonl"
_PLACE = "second-place.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed statement: entry ``entry`` had ``head`` (hex) as its hash, and ``entries`` stood in the log.

    ``chain`` and ``public`` name the key; ``signature`` is its Ed25519 signature on the rest (hex).
    """

    schema: int
    chain: str
    entry: int
    entries: int
    head: str
    utc_s: float
    public: str
    signature: str = ""

    @classmethod
    def signed(cls, key: ChainKey, entry: int, entries: int, head: bytes, utc_s: float) -> Checkpoint:
        """A checkpoint with its signature."""
        made = cls(SCHEMA, key.id, entry, entries, head.hex(), utc_s, key.public)
        return cls(**{**asdict(made), "signature": key.sign(made._content())})

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """Read `to_json`; raises ``ValueError`` or ``TypeError`` on anything else."""
        made = cls(**json.loads(text))
        numbers, texts = (made.schema, made.entry, made.entries), (made.chain, made.head, made.public, made.signature)
        whole = all(isinstance(n, int) for n in numbers) and all(isinstance(t, str) for t in texts)
        if not whole or not isinstance(made.utc_s, int | float):
            raise TypeError("a field is of another type")
        if made.schema != SCHEMA:
            raise ValueError(f"schema {made.schema}")
        return made

    def to_json(self) -> str:
        """One line of canonical JSON."""
        return canonical(asdict(self))

    @property
    def name(self) -> str:
        """What it claims, in short."""
        return f"{self.entry}:{self.head}"

    @property
    def genuine(self) -> bool:
        """Whether the signature is that of ``public``; whether that key is ours is another question."""
        try:
            return signed_by(self.public, self._content(), self.signature)
        except ValueError:  # half a character, or no number: nobody signed that
            return False

    def _content(self) -> bytes:
        return canonical({**asdict(self), "signature": ""}).encode()


class Anchors:
    """The checkpoints of one data folder, and its second place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    # --- the second place ---------------------------------------------------------------------------------------

    @property
    def place(self) -> str:
        """Path of a folder, ``keyring``, or empty."""
        try:
            found = json.loads((self._folder / _PLACE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return found if isinstance(found, str) else ""

    def choose(self, place: str) -> None:
        """Keep checkpoints at ``place`` too: a folder that exists, ``keyring``, or ``none``.

        Raises:
            InputError: there is no such folder.
            HostError: there is no keystore that keeps secrets.
        """
        if place == KEYRING and (problem := keystore_problem()):
            raise HostError(
                sentence("Checkpoints cannot go to the keystore: {problem}.", problem=problem),
                "Choose a folder on another disk.",
            )
        if place not in (KEYRING, NONE):
            place = str(Path(place).expanduser().absolute())
            if not Path(place).is_dir():
                raise InputError(
                    sentence("{path} is no folder.", path=place), "Plug in the disk, or make the folder first."
                )
        self._make_folder()
        write_atomically(self._folder / _PLACE, canonical("" if place == NONE else place).encode())

    # --- writing ------------------------------------------------------------------------------------------------

    def write(self, checkpoint: Checkpoint) -> list[str]:
        """Keep ``checkpoint`` at every place; returns what went wrong, which is logged and stops nobody."""
        problems = []
        for name, keep in (("data folder", self._keep_here), ("second place", self._keep_elsewhere)):
            try:
                keep(checkpoint)
            except (OSError, KnownError) as error:
                text = error.what if isinstance(error, KnownError) else str(error.strerror)
                log.warning("no checkpoint of the audit log at its %s: %s", name, text)
                problems.append(f"{name}: {text}")
        return problems

    def _keep_here(self, checkpoint: Checkpoint) -> None:
        self._make_folder()
        _append(self._folder / _FILE, checkpoint)

    def _keep_elsewhere(self, checkpoint: Checkpoint) -> None:
        place = self.place
        if place == KEYRING:
            _to_keystore(checkpoint)
        elif place:
            _append(Path(place) / _file_elsewhere(checkpoint.chain), checkpoint)

    def _make_folder(self) -> None:
        self._folder.mkdir(exist_ok=True, mode=0o700)

    # --- reading ------------------------------------------------------------------------------------------------

    def here(self) -> list[Checkpoint]:
        """The checkpoints in the data folder, oldest first. Raises `InputError` when the file holds none."""
        return read_checkpoints(self._folder / _FILE) if (self._folder / _FILE).exists() else []

    def newest(self) -> tuple[int, float] | None:
        """Entry and time of the newest checkpoint in the data folder, if there is one that can be read."""
        with contextlib.suppress(InputError):
            return max(((one.entry, one.utc_s) for one in self.here()), default=None)
        return None

    def elsewhere(self, chain: str) -> list[Checkpoint]:
        """Those at the second place; empty when there is none, or it is not at hand (`problem` says so)."""
        place = self.place
        if place == KEYRING:
            return _from_keystore(chain)
        path = Path(place) / _file_elsewhere(chain) if place else None
        return read_checkpoints(path) if path is not None and path.exists() else []

    def problem(self, chain: str) -> str:
        """Why the second place does not help now; empty when it does, or none was chosen."""
        place = self.place
        if place == KEYRING and (problem := keystore_problem()):
            return problem
        if place and place != KEYRING and not Path(place).is_dir():
            return sentence("{place} is not there", place=place)
        return ""


def read_checkpoints(path: Path) -> list[Checkpoint]:
    """The checkpoints in a file, in order.

    A line that cannot be read is passed over: a crash tears one, and who could tear one could as well remove it.

    Raises:
        InputError: the file cannot be read, or no line of it is a checkpoint.
    """
    found = []
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                found.append(Checkpoint.from_json(line))
    except OSError as error:
        raise InputError(
            sentence("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror), "Check the path."
        ) from error
    if not found:
        raise InputError(
            sentence("{path} holds no checkpoint of an audit log.", path=path), "Give the file as it was written."
        )
    return found


def _append(path: Path, checkpoint: Checkpoint) -> None:
    """One line, durable. Short appends of several processes do not mix."""
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # On a line of its own, also after one that a crash tore.
        os.write(descriptor, b"\n" + checkpoint.to_json().encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        fsync_folder(path.parent)


def _file_elsewhere(chain: str) -> str:
    return f"sallyport-audit-{chain}.jsonl"


def _to_keystore(checkpoint: Checkpoint) -> None:
    import keyring
    from keyring.errors import KeyringError

    if problem := keystore_problem():
        raise HostError(problem)
    if any(kept.entry > checkpoint.entry for kept in _from_keystore(checkpoint.chain)):
        raise HostError("the keystore knows entries that the log no longer has")
    try:
        keyring.set_password(SERVICE, f"audit-{checkpoint.chain}", checkpoint.to_json())
    except KeyringError as error:
        raise HostError(sentence("the keystore refuses it: {error}", error=error)) from error


def _from_keystore(chain: str) -> list[Checkpoint]:
    import keyring
    from keyring.errors import KeyringError

    with contextlib.suppress(KeyringError, ValueError, TypeError):
        text = None if keystore_problem() else keyring.get_password(SERVICE, f"audit-{chain}")
        return [Checkpoint.from_json(text)] if text else []
    return []
