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
        "erase, encrypt, rotate keys, backup, restore, install, promote, rollback, job, migration, salvage",
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
    Row(
        "gpu",
        "device lost, out of memory, NaN loss",
        "no score; the job fails or waits; the champion is untouched",
    ),
    Row("two-stations", "second station on one folder; processes that start together", "refused, naming the first"),
    Row("door", "SIGKILL of the station, faults while the door is open", "the door closes and stays closed"),
    Row("paths", "spaces, Unicode, quotes, 240-byte names; other locales", "everything works"),
    Row("huge", "10^5 subjects, 10^6 rows", "pages, filters and counts stay quick"),
    Row(
        "machine",
        "Hypothesis: record, stop, crash, salvage, label, adapt, promote, roll back in any order",
        "the invariants of reliability.md 4.1 after every step",
    ),
)

ELSEWHERE: dict[str, tuple[str, ...]] = {
    "kill-steps": ("faults/test_erasure_kill.py::test_", "faults/test_encrypting_kill.py::test_"),
    "disk-full": ("faults/test_erasure_kill.py::test_a_full_disk",),
    "read-only": ("unit/test_storage_database.py::test_a_folder_that_is_missing",),
    "model-flip": ("unit/test_bundle.py::test_one_flipped_bit", "unit/test_bundle.py::test_changed_weights"),
    "unplug": (
        "integration/test_capture_process.py::test_an_unplugged",
        "unit/test_connection.py::test_silence_is_lost",
    ),
    "stall": (
        "integration/test_capture_process.py::test_a_stop_that_never_returns",
        "unit/test_supervisor.py::test_silence_is_told",
        "unit/test_inference.py::test_a_camera_that_falls_silent",
        "unit/test_inference.py::test_a_frame_set_that_waited",
    ),
    "stream-missing": (
        "integration/test_capture_process.py::test_a_stream_that_drops",
        "integration/test_commands.py::test_a_stream_that_drops",
        "unit/test_decision.py::test_losing_a_modality",
    ),
    "frozen": (
        "integration/test_realsense_software.py::test_a_frozen_stream",
        "unit/test_pairing.py::test_repeated_numbers",
    ),
    "timestamps": (
        "integration/test_realsense_software.py::test_a_lag",
        "integration/test_realsense_software.py::test_jumping_times",
        "unit/test_pairing.py::test_no_timestamp_breaks_it",
        "unit/test_decision.py::test_a_camera_clock_that_goes_back",
    ),
    "geometry": (
        "unit/test_camera_identity.py::test_another_lens",
        "unit/test_camera_identity.py::test_every_field_counts",
        "unit/test_qualification_states.py::test_a_change_revokes",
        "unit/test_qualification_measure.py::test_each_fault_of_a_camera",
    ),
    "pixels": (
        "integration/test_realsense_software.py::test_dark_is_dark",
        "unit/test_inference.py::test_the_engine_never_lets_a_broken_score",
        "unit/test_inference.py::test_the_engine_answers_for_frames",
        "unit/test_decision.py::test_broken_numbers",
        "unit/test_quality.py::test_",
    ),
    "recording": (
        "integration/test_commands.py::test_a_truncated_recording",
        "integration/test_commands.py::test_a_missing_recording",
        "integration/test_realsense_playback.py::test_files_that_are_no_recordings",
    ),
    "clock": (
        "unit/test_accounts.py::test_a_wait_survives",
        "unit/test_decision.py::test_a_camera_clock_that_goes_back",
        "unit/test_clock_trust.py::test_a_clock_that",
    ),
    "gpu": (
        "unit/test_adaptation_job.py::test_a_loss_that_is_not_finite",
        "unit/test_adaptation_job.py::test_a_pass_that_runs_out_of_memory",
        "unit/test_bundle.py::test_an_unknown_device",
    ),
    "two-stations": (
        "integration/test_commands.py::test_only_one_station",
        "unit/test_storage_files.py::test_a_second_station",
        "unit/test_storage_catalogue.py::test_processes_that_start_together",
    ),
    "door": (
        "integration/test_door_processes.py::test_a_killed_station",
        "integration/test_door_processes.py::test_what_goes_wrong",
    ),
}
"""Tests beside those of this folder that prove a row: beginnings of their names."""
