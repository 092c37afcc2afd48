"""`make fuzz`: every loader in turn, FUZZ_SECONDS each; a table, and exit code 1 where one failed as it should not.

Failing inputs are kept in ``build/fuzz/LOADER/findings``, each beside the story of its error. Put them into
``tests/fuzz/regressions/LOADER`` when you mend the loader: `make test` replays what lies there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fuzz import TARGETS

ROOT = Path(__file__).resolve().parents[2]
START_S, PATIENCE = 180.0, 3.0
"""A loader that is not done by then hangs on one input."""


def fuzz(name: str, seconds: float, out: Path) -> dict[str, Any]:
    """One loader in a process of its own."""
    folder = out / name.replace(" ", "_")
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.run",
        name,
        str(seconds),
        str(folder / "findings"),
        str(folder / "corpus"),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("w", encoding="utf-8") as log, (folder / "said.txt").open("w+") as said:
        # One thread for torch: others would wait actively for each other on a busy machine.
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=log, env=environment)
        try:
            code = process.wait(PATIENCE * seconds + START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        said.seek(0)
        lines = [line for line in said if line.startswith('{"name"')]
    # Out of memory, a time-out or a signal: libFuzzer has saved the input beside the log.
    blank = {"name": name, "executions": 0, "seconds": seconds, "findings": 0}
    found: dict[str, Any] = json.loads(lines[-1]) if lines else blank
    if code != 0:
        found["findings"] += 1
        print(f"{name}: ended with {code}; see {folder / 'log.txt'}", file=sys.stderr)
    return found


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("FUZZ_SECONDS", "600")))
    parser.add_argument("--only", metavar="A,B", default=",".join(TARGETS))
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    options = parser.parse_args()
    print("| loader | executions | seconds | per second | findings |\n|---|---|---|---|---|", flush=True)
    failed = 0
    for name in options.only.split(","):
        found = fuzz(name, options.seconds, options.out)
        executions, seconds = found["executions"], found["seconds"]
        rate = executions / max(seconds, 0.1)
        print(f"| {name} | {executions} | {seconds:.0f} | {rate:.0f} | {found['findings']} |", flush=True)
        failed += found["findings"]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
