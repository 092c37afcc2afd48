"""The certificate of an erasure: what went, what stayed and why, and what nobody here can reach."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from storage.atomic import write_atomically
from storage.catalogue import Catalogue
from storage.database import Row
from storage.erasure.inventory import Inventory
from storage.paths import DataFolder
from storage.replay_sources import without_source

SCHEMA = 1


def make_certificate(catalogue: Catalogue, job: Row) -> dict[str, Any]:
    """The certificate of a job whose search found nothing, as plain data."""
    inventory = Inventory.from_json(json.loads(job["inventory"]))
    models = [found for sha256 in inventory.models if (found := catalogue.models.find(sha256)) is not None]
    return {
        "schema": SCHEMA,
        "erasure": job["id"],
        "kind": job["kind"],
        "target": job["target"],
        "reason": job["reason"],
        "actor": job["actor"],
        "requested_utc": _utc(job["requested_utc_s"]),
        "finished_utc": _utc(catalogue.clock.utc_s()),
        "keys_destroyed": list(inventory.keys),
        "sessions": [
            {"id": one.id, "frame_sets": one.frame_sets, "bytes": one.nbytes, "encrypted": not one.plain}
            for one in inventory.sessions
        ],
        "cut_out_of_other_sessions": [take.presentation for take in inventory.foreign],
        "presentations": len(inventory.presentations),
        "presentations_of_others": inventory.others,
        "verdicts_without_measurements": inventory.verdicts,
        "adaptation_jobs": list(inventory.jobs),
        "models_trained_on_it": [{"name": model.name, "sha256": model.sha256} for model in models],
        "copies_elsewhere": [
            {"what": copy.what, "where": copy.where, "utc": _utc(copy.utc_s)} for copy in inventory.copies
        ],
        "replays_of_unknown_source": without_source(catalogue),
        "search": json.loads(job["scan"]),
    }


def readable(form: dict[str, Any]) -> str:
    """The same for people; ends with a line feed."""
    search, sessions = form["search"], form["sessions"]
    lines = [
        "CERTIFICATE OF ERASURE",
        "",
        f"{form['kind']} {form['target']}",
        f"erasure {form['erasure']}, asked for by {form['actor']} at {form['requested_utc']}",
        f"reason: {form['reason']}",
        f"finished at {form['finished_utc']}",
        "",
        "Gone",
        f"- {len(form['keys_destroyed'])} data keys, destroyed first",
        *[f"- frames of session {one['id']}: {one['frame_sets']} frame sets, {one['bytes']} bytes" for one in sessions],
        *[f"- frames of {take}, cut out of another session" for take in form["cut_out_of_other_sessions"]],
        f"- measurements in {form['verdicts_without_measurements']} verdicts, check-points of "
        f"{len(form['adaptation_jobs'])} adaptation jobs",
        "",
        "Search of the data folder",
        f"- {search['canaries']} samples of what was stored, in {search['files']} files ({search['nbytes']} bytes): "
        f"found in {len(search['found'])}",
        "",
        "Kept",
        "- the pseudonym, outcomes of verdicts and the audit log, without measurements and without frames",
    ]
    return "\n".join(lines + _limits(form)) + "\n"


def _limits(form: dict[str, Any]) -> list[str]:
    """What the reader must know or do; only what applies."""
    found = []
    if form["models_trained_on_it"]:
        names = ", ".join(model["name"] for model in form["models_trained_on_it"])
        found.append(f"- trained on these frames, and flagged: {names}. Erasing takes nothing out of weights: replace")
        found.append("  them by a pass without these sessions, or record why they are kept.")
    if form["presentations_of_others"]:
        found.append(f"- {form['presentations_of_others']} presentations of other people were in the same sessions.")
    plain = sum(not one["encrypted"] for one in form["sessions"] if one["bytes"])
    if plain:
        found.append(f"- {plain} sessions were stored before encryption: no key protected them, and a disk may keep")
        found.append("  old sectors. Overwrite or destroy it where that matters.")
    unknown = form.get("replays_of_unknown_source", [])
    if unknown:
        found.append("- replays that do not say what they replay, and share no frame with what went that could be")
        found.append(f"  looked at: {', '.join(unknown)}. Look at them, and erase those that show the person.")
    open_ones = plain + len(form["cut_out_of_other_sessions"])  # the keys of other people's sessions stand
    for copy in form["copies_elsewhere"]:
        name = f"- {_COPIES[copy['what']]} of {copy['utc']} {copy['where']}".rstrip()
        found.append(name + _ADVICE[copy["what"]](open_ones))
    return ["", "Not reached by this erasure", *found] if found else []


_COPIES = {"export": "export", "backup": "backup", "keys": "export of the keys"}
_ADVICE: dict[str, Callable[[int], str]] = {
    "export": lambda _open_ones: ": readable. Delete it there.",
    "backup": lambda open_ones: (
        ": readable in part. Delete it." if open_ones else ": holds no keys, so nothing in it opens."
    ),
    "keys": lambda _open_ones: ": opens older backups. Destroy it, and export the keys anew.",
}


def write_certificate(folder: DataFolder, form: dict[str, Any]) -> None:
    """Keep it beside the data, as JSON and as text. Raises `HostError` when the folder cannot be written."""
    folder.certificates.mkdir(mode=0o700, exist_ok=True)
    path = folder.certificates / form["erasure"]
    write_atomically(path.with_suffix(".json"), (json.dumps(form, indent=1, ensure_ascii=False) + "\n").encode())
    write_atomically(path.with_suffix(".txt"), readable(form).encode())


def _utc(utc_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(utc_s))
