"""A promotion from the command line reaches a running station; a rollback brings the old model back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import torch

from core.model.bundle import FACTORY_BUNDLE, load_network, save_bundle
from storage.catalogue import open_catalogue
from storage.paths import data_folder
from storage.registry import ModelRegistry
from tests.integration.test_commands import ROOT, sallyport


def another_model(folder: Path) -> str:
    """The factory model with a slightly moved bias: another sha256, the same answers."""
    network, manifest = load_network(FACTORY_BUNDLE)
    with torch.no_grad():
        next(p for name, p in network.named_parameters() if name.endswith("bias")).add_(1e-4)
    return save_bundle(folder, network, manifest.model_copy(update={"name": "site", "parent": manifest.sha256})).sha256


def wait_for_verdict_of(model: str, running: subprocess.Popen[bytes]) -> None:
    with open_catalogue(data_folder()) as catalogue:
        while not any(stored.verdict.model == model for stored in catalogue.verdicts.page()[0]):
            assert running.poll() is None, "the run ended before the model answered"
            time.sleep(0.1)


def test_the_running_inference_switches_and_returns(tmp_path: Path) -> None:
    factory = json.loads((FACTORY_BUNDLE / "manifest.json").read_text(encoding="utf-8"))["sha256"]
    assert sallyport("models").returncode == 0
    site = another_model(tmp_path / "site")
    with open_catalogue(data_folder()) as catalogue:
        ModelRegistry(catalogue).add(tmp_path / "site")
    out = tmp_path / "run.json"
    command = [sys.executable, "main.py", "run", "--headless", "--source", "simulated", "--seconds", "90"]
    running = subprocess.Popen([*command, "--json", str(out)], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_for_verdict_of(factory, running)
        done = sallyport("promote", "site", "--reason", "")
        assert done.returncode in (2, 3), "a promotion without a reason is refused"
        assert sallyport("promote", "site", "--reason", "knows this place").returncode == 0
        wait_for_verdict_of(site, running)
        before = len(json.loads(sallyport("models", "--json").stdout))
        assert sallyport("rollback", "--reason", "try the old one again").returncode == 0
        assert len(json.loads(sallyport("models", "--json").stdout)) == before
        with open_catalogue(data_folder()) as catalogue:
            newest = catalogue.verdicts.page(limit=1)[0][0].id
            while not any(s.verdict.model == factory and s.id > newest for s in catalogue.verdicts.page()[0]):
                assert running.poll() is None
                time.sleep(0.1)
    finally:
        running.send_signal(2)
        running.wait(60)
    models = [verdict["model"] for verdict in json.loads(out.read_text(encoding="utf-8"))["verdicts"]]
    order = [model for i, model in enumerate(models) if i == 0 or models[i - 1] != model]
    assert order == [factory, site, factory]
