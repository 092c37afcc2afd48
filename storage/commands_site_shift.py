"""`main.py adapt shift`: whether the evidence of each modality is still as it was when the champion began here."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import UTC, datetime

from core.adaptation.shift import FEWEST
from core.codes import Movement
from core.errors import ExitCode
from core.terminal import plain
from storage.catalogue import Catalogue
from storage.site_shift import Span, read_shift

_WORDS = {
    Movement.AS_BEFORE: "as before",
    Movement.MOVED: "moved",
    Movement.MOVED_FAR: "moved far",
    Movement.TOO_LITTLE: "too little to tell",
}


def shift(catalogue: Catalogue, options: Namespace) -> int:
    """One line for each modality, with the index and what chance alone reaches of it."""
    found = read_shift(catalogue)
    if options.json:
        print(json.dumps(plain(found), indent=2))
        return ExitCode.DONE
    if found.before is None or found.now is None:
        print("Nothing to compare: the champion has given fewer than two verdicts at a checkpoint.")
        return ExitCode.DONE
    print(f"Its first verdicts ({_told(found.before)}) against its newest ({_told(found.now)}), {found.kind}:")
    for one in found.shifts:
        compared = min(one.before, one.now) >= FEWEST
        figures = f"index {one.moved:.2f}, chance alone {one.chance:.2f}, " if compared else ""
        print(f"{one.modality:>6}  {_WORDS[one.movement]:<18}  {figures}{one.before} and {one.now} verdicts")
    return ExitCode.DONE


def _told(span: Span) -> str:
    first, last = (datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M") for t in (span.from_utc_s, span.to_utc_s))
    return f"{span.verdicts}, {first} to {last} UTC"
