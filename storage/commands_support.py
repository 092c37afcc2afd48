"""`main.py doctor|support`: whatever stands between this machine and a verdict, and a report for whoever helps."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable

from core.checks import Check, Finding
from core.errors import ExitCode
from core.inference.doctor import check_model
from core.terminal import plain, say
from storage.doctor import check_folder
from storage.opening import deployed_model, folder_of, opened
from storage.support import privileged_report, safe_report, write_report


def doctor(options: Namespace, cameras: Iterable[Check]) -> int:
    """Say what was found, each problem with its remedy; ``cameras``: what was found of them and of their SDK."""
    checks = _with_ours(options, cameras)
    if options.json:
        print(json.dumps(plain(checks), indent=2))
    else:
        for check in checks:
            print(f"{check.finding:<8} {check.name}: {check.detail}")
            if check.remedy:
                print(f"         {check.remedy}")
    return ExitCode.ENVIRONMENT if any(check.finding is Finding.BAD for check in checks) else ExitCode.DONE


def support(options: Namespace, cameras: Iterable[Check]) -> int:
    """Write the report that may be shared, or the privileged one."""
    checks, logs = _with_ours(options, cameras), folder_of(options).root / "logs"
    with opened(options) as (catalogue, _):
        if options.privileged:
            pieces = privileged_report(catalogue, logs, checks, options.hours)
        else:
            pieces = safe_report(catalogue, logs, checks)
        count = write_report(catalogue, pieces, options.out, options.privileged)
    print(f"{count} files in {options.out}")
    for piece in pieces:
        print(f"  {piece.name}")
    if options.privileged:
        say("This report tells of cameras and verdicts, and holds pseudonyms.", "Give it to the technician alone.")
    return ExitCode.DONE


def _with_ours(options: Namespace, cameras: Iterable[Check]) -> list[Check]:
    folder = folder_of(options)
    return [*cameras, *check_folder(folder), check_model(lambda: deployed_model(folder))]
