"""Adaptation jobs: the catalogue side of `core.ports.JobStore`. Every call is one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping

from core.access import Permission
from core.clock import Clock
from core.codes import JobState
from core.errors import InputError, Sentence, sentence
from core.handing_over import packed, unpacked
from core.ports import JobRecord
from core.untrusted import json_value
from storage.acting import Acting
from storage.database import DatabaseFile, Row
from storage.forms import canonical, numbers_from_json, numbers_to_json
from storage.identifiers import timed_id
from storage.repositories.audit import AuditLog

_COLUMNS = (
    "id, state, plan, plan_sha256, progress, message, message_form, candidate, report, command, pid, "
    "created_utc_s, updated_utc_s"
)
COMMANDS = ("pause", "cancel", "resume")


class Jobs:
    """Implements `core.ports.JobStore`."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog, acting: Acting) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting

    def create(self, plan: str, plan_sha256: str) -> str:
        """See `core.ports.JobStore.create`."""
        self._acting.require(Permission.ADAPT)
        now = self._clock.utc_s()
        job = f"job-{timed_id(now)}"
        with self._file.transaction():
            row = {
                "id": job,
                "number": 1 + int(self._file.value("SELECT coalesce(max(number), 0) FROM jobs")),
                "state": str(JobState.QUEUED),
                "plan": plan,
                "plan_sha256": plan_sha256,
                "created_utc_s": now,
                "updated_utc_s": now,
            }
            self._file.insert("jobs", row)
            actor = self._acting.actor.id
            self._audit.append("plan", "job", job, actor=actor, details={"plan_sha256": plan_sha256})
        return job

    def get(self, job: str) -> JobRecord:
        """See `core.ports.JobStore.get`."""
        row = self._file.row(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job,))
        if row is None:
            raise InputError(sentence("There is no job {job!r}.", job=job), "Make one with `main.py adapt plan`.")
        return _record(row)

    def all(self) -> list[JobRecord]:
        """See `core.ports.JobStore.all`."""
        return [_record(row) for row in self._file.rows(f"SELECT {_COLUMNS} FROM jobs ORDER BY number DESC")]

    def update(
        self,
        job: str,
        *,
        state: JobState | None = None,
        progress: float | None = None,
        message: str | None = None,
        candidate: str | None = None,
        report: str | None = None,
        pid: int | None = None,
    ) -> None:
        """See `core.ports.JobStore.update`. A change of state is audited."""
        given: Row = {
            "state": None if state is None else str(state),
            "progress": progress,
            "message": None if message is None else str(message),
            "message_form": None if message is None else _form(message),
            "candidate": candidate,
            "report": report,
            "pid": pid,
        }
        values = {name: value for name, value in given.items() if value is not None}
        values["updated_utc_s"] = self._clock.utc_s()
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self._file.transaction():
            before = self.get(job).state
            self._file.change(f"UPDATE jobs SET {assignments} WHERE id = ?", [*values.values(), job])
            if state is not None and state is not before:
                details = {"from": str(before), "to": str(state)}
                actor = self._acting.actor.id
                self._audit.append("state", "job", job, actor=actor, reason=message or "", details=details)

    def request(self, job: str, command: str) -> None:
        """See `core.ports.JobStore.request`."""
        if command not in COMMANDS:
            raise ValueError(f"{command!r} is none of {COMMANDS}")
        self._acting.require(Permission.ADAPT)
        with self._file.transaction():
            self.get(job)
            self._file.change("UPDATE jobs SET command = ? WHERE id = ?", (command, job))
            self._audit.append(command, "job", job, actor=self._acting.actor.id)

    def take_request(self, job: str) -> str:
        """See `core.ports.JobStore.take_request`."""
        if not self.get(job).command:
            return ""
        with self._file.transaction():
            command = self.get(job).command
            self._file.change("UPDATE jobs SET command = '' WHERE id = ?", (job,))
        return command

    def append_event(self, job: str, step: int, values: Mapping[str, float]) -> None:
        """See `core.ports.JobStore.append_event`. A step that is computed again after a resume replaces the first."""
        sql = """
            INSERT INTO job_events (job, step, "values") VALUES (?, ?, ?)
            ON CONFLICT (job, step) DO UPDATE SET "values" = excluded."values"
        """
        self._file.execute(sql, (job, step, canonical(numbers_to_json(values))))

    def events(self, job: str, after_step: int = -1) -> list[tuple[int, dict[str, float]]]:
        """See `core.ports.JobStore.events`."""
        sql = 'SELECT step, "values" FROM job_events WHERE job = ? AND step > ? ORDER BY step'
        return [
            (row["step"], numbers_from_json(json.loads(row["values"])))
            for row in self._file.rows(sql, (job, after_step))
        ]


def _form(message: str) -> str:
    return json.dumps(packed(message)) if isinstance(message, Sentence) else ""


def _record(row: Row) -> JobRecord:
    form = row.pop("message_form")
    return JobRecord(**{**row, "state": JobState(row["state"]), "message": _message(row["message"], form)})


def _message(text: str, form: str) -> str:
    """The sentence that ``text`` is, where ``form`` comes to just that; else the text."""
    if not form:
        return text
    try:
        made = unpacked(json_value(form))
    except ValueError:
        return text
    return made if made == text else text
