"""A model that is damaged, foreign or dishonest is refused with one clear sentence."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import HostError, InputError
from core.frames import EVERY_MASK
from core.model.bundle import FACTORY_BUNDLE, load_network, load_scorer, save_bundle
from core.model.folded import folded
from core.model.golden import golden_crop
from core.model.manifest import MANIFEST_FILE, WEIGHTS_FILE, Manifest, read_manifest
from core.model.network import ARCHITECTURE, NetworkConfig, PadNetwork
from core.model.weights import to_bytes

SMALL = NetworkConfig(widths=(8, 8, 16, 16), bottleneck=8, hidden=8)


def _manifest(**values: Any) -> Manifest:
    return Manifest(name="test", sha256="0" * 64, architecture=ARCHITECTURE, **values)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    torch.manual_seed(5)
    folder = tmp_path / "model"
    save_bundle(folder, PadNetwork(SMALL), _manifest(thresholds={"depth": 0.6}, temperature={"depth": 2.0}))
    return folder


def _change_manifest(bundle: Path, **values: Any) -> None:
    path = bundle / MANIFEST_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def _replace_weights(bundle: Path, weights: bytes) -> None:
    (bundle / WEIGHTS_FILE).write_bytes(weights)
    _change_manifest(bundle, sha256=hashlib.sha256(weights).hexdigest())


def test_what_was_saved_is_loaded_and_scores_alike(bundle: Path) -> None:
    scorer = load_scorer(bundle, device="cpu")
    assert (
        scorer.sha256
        == read_manifest(bundle).sha256
        == hashlib.sha256((bundle / WEIGHTS_FILE).read_bytes()).hexdigest()
    )
    assert scorer.device == "cpu"
    promised = read_manifest(bundle).golden
    for mask in EVERY_MASK:
        logit = scorer.score([golden_crop().restricted(mask)])[0].logit
        assert logit * (2.0 if str(mask) == "depth" else 1.0) == pytest.approx(promised[str(mask)], abs=1e-4)


def test_one_flipped_bit_is_found(bundle: Path) -> None:
    weights = bytearray((bundle / WEIGHTS_FILE).read_bytes())
    weights[-100] ^= 1
    (bundle / WEIGHTS_FILE).write_bytes(bytes(weights))
    with pytest.raises(InputError, match="not the file that its manifest names"):
        load_scorer(bundle)


@pytest.mark.parametrize(("value", "word"), [(torch.nan, "NaN"), (torch.inf, "infinite")])
def test_weights_that_are_not_finite_are_refused(bundle: Path, value: float, word: str) -> None:
    network, _ = load_network(bundle)
    with torch.no_grad():
        network.fusion.mix.weight[0, 0] = value
    _replace_weights(bundle, to_bytes(network))
    with pytest.raises(InputError, match=f"The weights hold .*{word}"):
        load_scorer(bundle)
    with pytest.raises(InputError, match=word):
        save_bundle(bundle, network, _manifest())


def test_weights_of_another_architecture_are_named(bundle: Path) -> None:
    _change_manifest(bundle, architecture="resnet-18")
    with pytest.raises(InputError, match=f"another architecture: resnet-18; this program runs {ARCHITECTURE}"):
        load_scorer(bundle)


def test_tensors_of_another_network_are_named(bundle: Path) -> None:
    other = PadNetwork(NetworkConfig(widths=(8, 8, 16, 24), bottleneck=8, hidden=8))
    _replace_weights(bundle, to_bytes(other))
    with pytest.raises(InputError, match=r"another architecture: .* is \("):
        load_scorer(bundle)


def test_changed_weights_with_an_honest_digest_fail_the_self_test(bundle: Path) -> None:
    network, _ = load_network(bundle)
    with torch.no_grad():
        network.head.fused.out.bias.add_(3.0)
    _replace_weights(bundle, to_bytes(network))
    with pytest.raises(InputError, match="fails its self-test"):
        load_scorer(bundle)


def test_a_machine_that_computes_wrongly_what_decides_fails_the_self_test(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network as it was saved may come out right, and its folded copy, or a GPU, wrong."""

    def wrong(network: PadNetwork) -> PadNetwork:
        copy = folded(network)
        copy.head.fused.out.bias.add_(0.1)
        return copy

    monkeypatch.setattr("core.model.inference.folded", wrong)
    with pytest.raises(InputError, match="fails its self-test"):
        load_scorer(bundle, device="cpu")


def test_a_truncated_file_with_an_honest_digest_is_refused(bundle: Path) -> None:
    _replace_weights(bundle, (bundle / WEIGHTS_FILE).read_bytes()[:500])
    with pytest.raises(InputError, match="no safetensors file"):
        load_scorer(bundle)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"thresholds": {"depth": 1.5}}, "outside 0..1"),
        ({"thresholds": {"thermal": 0.5}}, "not a modality mask"),
        ({"temperature": {"ir": 0.0}}, "not positive"),
        ({"schema": 9}, "schema 9"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(bundle: Path, change: dict[str, Any], word: str) -> None:
    _change_manifest(bundle, **change)
    with pytest.raises(InputError, match=word):
        read_manifest(bundle)


@pytest.mark.parametrize(
    "config",
    [
        {"widths": [7]},
        {"widths": []},
        {"hidden": 10**9},
        {"depth": 3},
        {"widths": ["a"]},
        {"dropout": None},
        {"dropout": "0.3"},
    ],
)
def test_impossible_sizes_are_refused_before_anything_is_built(bundle: Path, config: dict[str, Any]) -> None:
    _change_manifest(bundle, config=config)
    with pytest.raises(InputError, match="sizes"):
        load_scorer(bundle)


@pytest.mark.parametrize("change", [{"evidence": 3}, {"residuals": "no"}, {"complementary": []}, {"trunk": 1}])
def test_a_switch_is_on_or_off(bundle: Path, change: dict[str, Any]) -> None:
    """One that is on three times passes the golden outputs, and multiplies what inference sees by three."""
    _change_manifest(bundle, config={**read_manifest(bundle).config, **change})
    with pytest.raises(InputError, match="switches are unknown"):
        load_scorer(bundle)


@pytest.mark.parametrize(
    "change",
    [
        {"limit": None},
        {"limit": 0.0},
        {"limit": 1e999},
        {"limit": 10**400},
        {"names": [], "centre": [], "precision": np.zeros((0, 0)).tolist()},
        {"names": ["charm"]},
        {"names": 4},
        {"centre": []},
        {"precision": [[1.0]]},
        {"precision": [["a"]]},
    ],
)
def test_limits_of_the_unfamiliar_that_cannot_be_taken_are_refused(bundle: Path, change: dict[str, Any]) -> None:
    """A distance over a limit that is no number is above nothing: nothing would be unfamiliar (M6)."""
    limits = read_manifest(FACTORY_BUNDLE).novelty
    _change_manifest(bundle, novelty={**limits, "depth": {**limits["depth"], **change}})
    with pytest.raises(InputError, match="limits of the unfamiliar in the manifest cannot be read"):
        load_scorer(bundle)


def test_a_distance_that_does_not_grow_is_refused(bundle: Path) -> None:
    limits = read_manifest(FACTORY_BUNDLE).novelty
    turned = (-np.array(limits["depth"]["precision"])).tolist()
    _change_manifest(bundle, novelty={**limits, "depth": {**limits["depth"], "precision": turned}})
    with pytest.raises(InputError, match="limits of the unfamiliar in the manifest cannot be read"):
        load_scorer(bundle)


@pytest.mark.parametrize("novelty", [{"depth": {}}, {"thermal": {}}])
def test_limits_that_are_none_or_nobodys_are_refused(bundle: Path, novelty: dict[str, Any]) -> None:
    _change_manifest(bundle, novelty=novelty)
    with pytest.raises(InputError, match="limits of the unfamiliar in the manifest cannot be read"):
        load_scorer(bundle)


def test_a_folder_without_a_model_says_what_a_model_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="A model is a folder with"):
        load_scorer(tmp_path)


@pytest.mark.parametrize("device", ["abacus", "hpu", "meta"])
def test_an_unknown_device_is_the_hosts_problem(bundle: Path, device: str) -> None:
    with pytest.raises(HostError, match="cannot be used on this machine"):
        load_scorer(bundle, device=device)


def test_the_factory_model_is_the_trusted_one() -> None:
    scorer = load_scorer(FACTORY_BUNDLE)
    assert scorer.name == "factory"
    assert sum(file.stat().st_size for file in FACTORY_BUNDLE.iterdir()) < 20_000_000


def test_manifests_are_read_without_torch() -> None:
    code = "import sys, core.model.bundle as b; b.read_manifest(b.FACTORY_BUNDLE); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=300)
