"""Fuzz one loader in this process: ``python -m tests.fuzz.run NAME SECONDS FINDINGS CORPUS``.

With Atheris (libFuzzer, guided by the coverage of our code); native parsers without guidance, in a child that may die.
A failure is saved once for each place that it comes from, and fuzzing goes on. The last line on stdout is JSON.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuzz.target import Target, documented, mutate

HANG_S = 30.0
"""What a native parser may take for one input."""
MAX_BYTES = 1 << 20


class Findings:
    """Failures by the place that they come from; each with the first input that led there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[str] = set()

    @property
    def count(self) -> int:
        """How many places."""
        return len(self._known)

    def add(self, what: str, story: str, data: bytes) -> None:
        """Keep it, if it is new."""
        if what in self._known:
            return
        self._known.add(what)
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(what.encode()).hexdigest()[:12]
        (self._folder / name).write_bytes(data)
        (self._folder / f"{name}.txt").write_text(f"{what}\n\n{story}", encoding="utf-8")
        print(f"finding {name}: {what}", file=sys.stderr, flush=True)


def place_of(error: BaseException) -> str:
    """Kind of error, and the last line of our own code that it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if any(f"/{p}/" in f.filename for p in ("core", "devices", "storage", "gui", "tests"))]
    last = ours[-1] if ours else frames[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.name}"


def guided(target: Target, seconds: float, findings: Findings, corpus: Path) -> None:
    """Until the time is up. libFuzzer never returns: the last execution tells the figures and ends the process."""
    import atheris

    with atheris.instrument_imports(include=["core", "devices", "storage", "gui"]):
        folder = Path(tempfile.mkdtemp())
        loader = target.prepare(folder)
        seeds = list(target.seeds())
        for seed in seeds:
            documented(loader, seed)
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    generator = random.Random(1)
    executions = 0

    def one(data: bytes) -> None:
        nonlocal executions
        executions += 1
        try:
            documented(loader, data)
        except Exception as error:  # noqa: BLE001 - an undocumented error is what we look for
            findings.add(place_of(error), traceback.format_exc(), data)
        if time.monotonic() - started > seconds:
            tell(target.name, executions, time.monotonic() - started, findings)
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        mutated = mutate(data, generator, seeds) if generator.random() < 0.5 else atheris.Mutate(data, max_size)
        return bytes(mutated[:max_size])

    options = [f"-max_len={MAX_BYTES}", "-timeout=30", "-rss_limit_mb=3000"]
    options += [f"-artifact_prefix={corpus.parent}/", "-verbosity=0", "-print_final_stats=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=change)
    started = time.monotonic()
    atheris.Fuzz()


def unguided(target: Target, seconds: float, findings: Findings) -> int:
    """The same for a native parser: random changes of the seeds, in a child that is started again when it dies."""
    seeds, generator = list(target.seeds()), random.Random(1)
    executions, child = 0, _Child(target.name)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutate(generator.choice(seeds), generator, seeds) if executions >= len(seeds) else seeds[executions]
        executions += 1
        said = child.load(data)
        if said:
            findings.add(*said, data)
    child.close()
    return executions


class _Child:
    """A process that loads what it is sent."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start()

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, self._name), daemon=True)
        self._process.start()
        theirs.close()

    def load(self, data: bytes) -> tuple[str, str] | None:
        """What went wrong, and its story; ``None`` when nothing did."""
        try:
            self._pipe.send_bytes(data)
            if self._pipe.poll(HANG_S):
                what, story = self._pipe.recv()
                return (what, story) if what else None
            what = f"hung for {HANG_S:.0f} s"
        except (EOFError, OSError):
            self._process.join(HANG_S)
            what = f"the process ended with {self._process.exitcode}"
        self.close()
        self._start()
        return what, ""

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, name: str) -> None:
    from tests.fuzz import TARGETS

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the SDK writes about every damaged file
    with tempfile.TemporaryDirectory() as folder:
        loader = TARGETS[name].prepare(Path(folder))
        while True:
            try:
                data = pipe.recv_bytes()
            except EOFError:
                return
            try:
                documented(loader, data)
            except Exception as error:  # noqa: BLE001 - an undocumented error is what we look for
                pipe.send((place_of(error), traceback.format_exc()))
            else:
                pipe.send(("", ""))


def tell(name: str, executions: int, seconds: float, findings: Findings) -> None:
    """The figures of this run."""
    said = {"name": name, "executions": executions, "seconds": round(seconds, 1), "findings": findings.count}
    print(json.dumps(said), flush=True)


def main() -> None:
    """See the module."""
    from tests.fuzz import TARGETS

    name, seconds, folder, corpus = sys.argv[1:5]
    target, findings = TARGETS[name], Findings(Path(folder))
    if not target.native:
        guided(target, float(seconds), findings, Path(corpus))
        return
    started = time.monotonic()
    executions = unguided(target, float(seconds), findings)
    tell(name, executions, time.monotonic() - started, findings)


if __name__ == "__main__":
    main()
