"""A promotion from the command line reaches a running station; a rollback brings the old model back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import torch

from core.model.bundle import FACTORY_BUNDLE, load_network, save_bundle
from storage.catalogue import open_catalogue
from storage.paths import data_folder
from storage.registry import ModelRegistry
from tests.integration.test_commands import ROOT, sallyport
from tests.patience import PATIENCE_S, wait_until


def another_model(folder: Path) -> str:
    """The factory model with a slightly moved bias: another sha256, the same answers."""
    network, manifest = load_network(FACTORY_BUNDLE)
    with torch.no_grad():
        next(p for name, p in network.named_parameters() if name.endswith("bias")).add_(1e-4)
    return save_bundle(folder, network, manifest.model_copy(update={"name": "site", "parent": manifest.sha256})).sha256


ANSWER_S = 5.0 * PATIENCE_S
"""A station starts, loads its model and answers."""


def wait_for_verdict_of(model: str, after: int = 0) -> int:
    """Wait until a running station has stored a verdict of ``model`` with an id above ``after``; the newest id."""
    with open_catalogue(data_folder()) as catalogue:
        wait_until(
            lambda: any(s.verdict.model == model and s.id > after for s in catalogue.verdicts.page()[0]),
            "a verdict of the model",
            ANSWER_S,
        )
        return catalogue.verdicts.page(limit=1)[0][0].id


def test_the_running_inference_switches_and_returns(tmp_path: Path) -> None:
    factory = json.loads((FACTORY_BUNDLE / "manifest.json").read_text(encoding="utf-8"))["sha256"]
    assert sallyport("models").returncode == 0
    site = another_model(tmp_path / "site")
    with open_catalogue(data_folder()) as catalogue:
        ModelRegistry(catalogue).add(tmp_path / "site")
    out = tmp_path / "run.json"
    command = [sys.executable, "main.py", "run", "--headless", "--source", "simulated", "--seconds", "900"]
    running = subprocess.Popen([*command, "--json", str(out)], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_for_verdict_of(factory)
        done = sallyport("promote", "site", "--reason", "")
        assert done.returncode in (2, 3), "a promotion without a reason is refused"
        assert sallyport("promote", "site", "--reason", "knows this place").returncode == 0
        newest = wait_for_verdict_of(site)
        before = len(json.loads(sallyport("models", "--json").stdout))
        assert sallyport("rollback", "--reason", "try the old one again").returncode == 0
        assert len(json.loads(sallyport("models", "--json").stdout)) == before
        wait_for_verdict_of(factory, after=newest)
    finally:
        running.send_signal(2)
        running.wait(PATIENCE_S)
    models = [verdict["model"] for verdict in json.loads(out.read_text(encoding="utf-8"))["verdicts"]]
    order = [model for i, model in enumerate(models) if i == 0 or models[i - 1] != model]
    assert order == [factory, site, factory]
