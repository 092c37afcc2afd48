"""The fault matrix (reliability.md section 4.2): every row with its injected fault and what must hold.

A test says by ``@pytest.mark.fault_row("kill-window")`` which row it proves; `tests.faults.ledger` counts the tests
and their figures, and writes the table of docs/reliability.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    id: str
    fault: str
    must_hold: str


ROWS = (
    Row(
        "kill-steps",
        "SIGKILL at every step (statement, commit, fsync, rename, removal) of record, decide, label, import, export, "
        "backup, restore, install, promote, rollback, job, migration, salvage",
        "the folder opens, all invariants hold, nothing acknowledged is lost, no half file stays, the command can be "
        "given again",
    ),
    Row(
        "kill-random",
        "SIGKILL at random moments of the same work, going on in one folder",
        "as above; no partial frame set",
    ),
    Row("kill-window", "SIGKILL of the real window", "its processes end; session salvaged; verdicts have audit rows"),
    Row("kill-capture", "SIGKILL of capture", "it comes back into the same session; set numbers go on"),
    Row("kill-inference", "SIGKILL of inference", "`non_response(model_error)`; the model is loaded again"),
    Row("kill-adaptation", "SIGKILL of adaptation", "`adapt resume` reaches the same candidate (within 1e-4)"),
    Row("kill-recorder", "SIGKILL of a process that only records", "no partial frame set, none lost"),
    Row("kill-catalogue", "SIGKILL of a process that only decides", "no verdict without its audit row, none lost"),
    Row(
        "disk-full",
        "small tmpfs filled before every command and while recording, committing, closing",
        "one known error, nothing half, the catalogue stays readable, the ballast lets verdicts and the close through",
    ),
    Row("disk-limit", "RLIMIT_FSIZE", "known error; what was committed is kept"),
    Row("read-only", "folder or file system read-only", "refused with a reason and a remedy"),
    Row(
        "replaced",
        "folder, catalogue or frames file vanished, emptied, replaced, while closed and while open; WAL deleted",
        "refused with a reason; never an empty database in its place; no verdict is told as stored that is not",
    ),
    Row(
        "bit-flip",
        "one bit flipped anywhere in a frames file or catalogue (page, blob, header)",
        "the same content, or a known error that names the damage; the other frame sets stay readable",
    ),
    Row("model-flip", "one bit flipped in weights or manifest of a model", "refused; the model before stays in use"),
    Row("unplug", "camera unplugged, plugged in again", "LOST is told, then it streams again"),
    Row("stall", "streams stop, freeze, hang in stop", "never an old frame as evidence; the process is replaced"),
    Row("stream-missing", "one of three streams stops", "mask, hint and threshold of the rest apply; it returns"),
    Row("frozen", "same pixels under new numbers and times", "counted as duplicates; the modality is absent"),
    Row("timestamps", "times repeat, go back, jump, lag", "rejected and counted; lagging frames are not evidence"),
    Row(
        "geometry",
        "wrong intrinsics, extrinsics, depth unit; swapped streams; other size",
        "the calibration digest differs; no bona fide by a picture that does not fit",
    ),
    Row("pixels", "all-zero, saturated, NaN, wrong dtype or shape", "`non_response` or a hint, no exception, no score"),
    Row("recording", "truncated, foreign, missing recording", "input error, exit code 3"),
    Row("clock", "wall clock one day forward and back", "order of rows, durations and liveness do not depend on it"),
    Row("gpu", "device lost, out of memory, NaN loss", "no score; the job fails; the champion is untouched"),
    Row("two-stations", "second station on one folder; processes that start together", "refused, naming the first"),
    Row("paths", "spaces, Unicode, quotes, 240-byte names; other locales", "everything works"),
    Row("huge", "10^5 subjects, 10^6 rows", "pages, filters and counts stay quick"),
    Row(
        "machine",
        "Hypothesis: record, stop, crash, salvage, label, adapt, promote, roll back in any order",
        "the invariants of reliability.md 4.1 after every step",
    ),
)
