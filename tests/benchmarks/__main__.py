"""`make bench`: every section in turn, then docs/benchmarks.md. Nothing here passes or fails (no timed tests)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks import capture, door, model, recorder, scenes, station, window
from tests.benchmarks.table import markdown

SECTIONS = {
    "Capture": capture.rows,
    "Recorder": recorder.rows,
    "Scenes": scenes.rows,
    "Model": model.rows,
    "Station, headless": station.rows,
    "Window": window.rows,
    "Door": door.rows,
}


def main() -> None:
    """Run the sections that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", choices=[name.split(",")[0].lower() for name in SECTIONS])
    options = parser.parse_args()
    found = {}
    for title, rows in SECTIONS.items():
        if options.only in (None, title.split(",")[0].lower()):
            print(f"{title} ...", file=sys.stderr)
            found[title] = rows()
    text = markdown(found)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
