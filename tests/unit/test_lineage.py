"""The registry's lineages: where a model comes from, and which champion it may replace."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from storage.catalogue import Catalogue
from storage.registry import ModelRegistry
from tests.people import cheap_catalogue


def bundle(folder: Path, name: str, parent: str = "", **data: Any) -> Path:
    """A model of a few bytes: the registry looks at digests and manifests, not at networks."""
    path = folder / name
    path.mkdir()
    weights = name.encode() * 100
    (path / "model.safetensors").write_bytes(weights)
    manifest = {"name": name, "sha256": hashlib.sha256(weights).hexdigest(), "parent": parent, "data": data}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with cheap_catalogue(tmp_path) as opened:
        yield opened


@pytest.fixture
def registry(catalogue: Catalogue, tmp_path: Path) -> ModelRegistry:
    made = ModelRegistry(catalogue)
    factory = bundle(tmp_path, "factory")
    made.install_factory(factory, json.loads((factory / "manifest.json").read_text())["sha256"])
    return made


def deploy(registry: ModelRegistry, name: str) -> None:
    registry.promote(name, "better", lambda _: None)


def test_a_candidate_replaces_only_the_champion_that_it_was_judged_against(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    factory = registry.champion().sha256
    for name in ("first", "second"):
        registry.add(bundle(tmp_path, name, factory))
    deploy(registry, "first")
    with pytest.raises(InputError, match="second was not judged against the champion first"):
        deploy(registry, "second")
    assert registry.champion().name == "first"
    deploy(registry, "factory")
    deploy(registry, "second")
    registry.add(bundle(tmp_path, "third", registry.champion().sha256))
    deploy(registry, "third")
    deploy(registry, "second")
    assert registry.champion().name == "second", "an ancestor may always come back"


def test_a_champion_that_changes_during_the_self_test_stays(registry: ModelRegistry, tmp_path: Path) -> None:
    factory = registry.champion().sha256
    for name in ("first", "second"):
        registry.add(bundle(tmp_path, name, factory))
    with pytest.raises(InputError, match="not judged"):
        registry.promote("second", "better", lambda _: deploy(registry, "first"))
    assert registry.champion().name == "first"


def test_a_lineage_ends_with_what_was_not_adapted(registry: ModelRegistry, tmp_path: Path) -> None:
    factory = registry.champion().sha256
    trained = registry.add(bundle(tmp_path, "trained"), origin="training").sha256
    first = registry.add(bundle(tmp_path, "first", factory)).sha256
    second = registry.add(bundle(tmp_path, "second", first)).sha256
    assert [registry.root(one).name for one in (factory, first, second, trained)] == ["factory"] * 3 + ["trained"]
