"""`main.py import|export|sessions|label|backup`: stored material in, out, listed and labelled."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping

from core.errors import ExitCode
from core.terminal import Interrupt, progress, say, show_rows, told_left_out
from storage.backup import back_up
from storage.catalogue import Catalogue
from storage.export import export_session
from storage.importing import import_manifest
from storage.labels_said import species_said
from storage.session_signature import Provenance

_LISTED = 1000


def bring_in(catalogue: Catalogue, options: Namespace) -> int:
    """One session per subject of a manifest; prints their ids, and on stderr who signed it."""
    with Interrupt() as canceled:
        report = import_manifest(
            catalogue, options.manifest, options.basis, options.name, progress("importing"), canceled
        )
    for session in report.sessions:
        print(session)
    say(*_origin(report.provenance))
    for warning in report.warnings:
        say(warning)
    if report.skipped:
        say(f"stored before: {', '.join(report.skipped)}")
    return told_left_out(report.left_out, "line")


def _origin(found: Provenance) -> tuple[str, str]:
    """Who signed what came in, and what to do about it."""
    if found.own:
        return "This lane had signed it itself, and nothing was changed.", ""
    if found.trusted:
        return f"Signed by {found.name}, and nothing was changed.", ""
    if found.lane:
        return (
            f"Signed by the lane {found.lane}, which nobody here trusts: whose it is is not known.",
            "An administrator trusts it with `main.py lanes trust`, after asking its people for their key.",
        )
    return "Not signed: nobody can tell where it comes from, or whether it was changed on its way.", ""


def take_out(catalogue: Catalogue, options: Namespace) -> int:
    """A session as images and a manifest, signed by this lane; prints the manifest's path."""
    report = export_session(catalogue, options.session, options.out)
    print(report.manifest)
    return told_left_out(report.left_out, "frame set")


def list_sessions(catalogue: Catalogue, options: Namespace) -> int:
    """The newest sessions, a line each."""
    found, more = catalogue.sessions.page(limit=_LISTED)
    show_rows(
        found,
        ("id", "name", "source_kind", "purpose", "mode", "state", "subject", "recorded"),
        "No session is stored.",
        as_json=options.json,
    )
    if more is not None and catalogue.sessions.count() > _LISTED:
        say(f"These are the newest {_LISTED} of {catalogue.sessions.count()} sessions.")
    return ExitCode.DONE


def label(catalogue: Catalogue, options: Namespace) -> int:
    """Another label for a presentation, with its reason."""
    catalogue.presentations.relabel(options.presentation, species_said(options.species), options.reason)
    return ExitCode.DONE


def backup(catalogue: Catalogue, options: Namespace) -> int:
    """A backup; prints where it lies."""
    print(back_up(catalogue, options.out))
    return ExitCode.DONE


SESSION_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "import": bring_in,
    "export": take_out,
    "sessions": list_sessions,
    "label": label,
    "backup": backup,
}
