"""A program of a test in a process of its own that says JSON lines, and is spoken to and ended by its stdin."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[1]


class TalkingProcess:
    """Starts Python with ``arguments`` at the repository's root and hears its stdout, also after its end."""

    def __init__(self, *arguments: str, quiet: bool = False) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def heard(self) -> list[dict[str, Any]]:
        """What it has said since the last call; half a line, of a process that was killed while it wrote, is left."""
        found: list[dict[str, Any]] = []
        while not self._lines.empty():
            line = self._lines.get()
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                assert not line.endswith("\n"), line
        return found

    def ask(self, text: str) -> None:
        """Say a line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def finish(self) -> int:
        """End it as a person would; returns its exit code when everything it said can be heard."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def close(self) -> None:
        """Whatever happened: no process and no pipe stays."""
        self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
