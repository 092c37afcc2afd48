"""Training data in shards: what comes back, where it may lie, and what is refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from core.codes import Species
from core.errors import HostError, InputError, UsageError
from core.frames import FaceCrop, ModalityMask
from core.training.config import SplitPlan, TrainConfig
from core.training.shards import SPLITS, open_shards, write_shards
from core.training.shards.form import Split, members_of, presentation_of
from core.training.sources import presentations, scene_recipes, with_shards
from core.training.table import LabelledCrops, write_table
from core.training.telling import with_hybrids
from tests.unit.faces import head, sheet

URL = "memory://shards"


@pytest.fixture(autouse=True)
def _empty_memory() -> Iterator[None]:
    yield
    fsspec.filesystem("memory").rm("/", recursive=True)


def _made(split: Split, count: int, domain: str = "bench", attacks: bool = True) -> list[tuple[Split, LabelledCrops]]:
    found = []
    for number in range(count):
        attack = attacks and number % 2
        make, species = (sheet, Species.PRINT_BENT) if attack else (head, Species.BONA_FIDE)
        crops = (make(10 * number), make(10 * number + 1).restricted(ModalityMask.parse("depth+ir")))
        found.append((split, LabelledCrops(f"{split}{number}", f"s{number}", str(species), domain, crops)))
    return found


def _all(*splits: Split) -> list[tuple[Split, LabelledCrops]]:
    return [one for split in splits or SPLITS for one in _made(split, 4)]


def _alike(one: FaceCrop, other: FaceCrop) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in ("rgb", "depth", "ir"))
    pixels = all((a is None) == (b is None) and (a is None or np.array_equal(a, b)) for a, b in pairs)
    widths = [np.float32(crop.face_mm or 0.0) for crop in (one, other)]
    return pixels and one.metric_depth == other.metric_depth and widths[0] == widths[1]


@pytest.mark.parametrize("place", ["memory", "folder"])
def test_presentations_come_back_bit_for_bit_and_in_order(tmp_path: Path, place: str) -> None:
    url = URL if place == "memory" else str(tmp_path / "räume mit Leerzeichen")
    index = write_shards(url, "bench", "captures", _all(), per_shard=3)
    assert [shard.presentations for shard in index.shards] == [3, 1] * 3
    sets = open_shards([url])
    for split in SPLITS:
        again = list(sets.presentations(split))
        wanted = [one for _, one in _made(split, 4)]
        assert [(a.id, a.subject, a.species, a.domain) for a in again] == [
            (w.id, w.subject, w.species, w.domain) for w in wanted
        ]
        assert all(
            _alike(*pair) for a, w in zip(again, wanted, strict=True) for pair in zip(a.crops, w.crops, strict=True)
        )
        assert sets.crops(split) == 8


def test_the_digest_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    write_shards(URL, "a", "captures", _all())
    write_shards(str(tmp_path), "b", "captures", _all())
    write_shards(str(tmp_path / "other"), "a", "captures", _all()[1:])
    here, there, other = (open_shards([url]).digest for url in (URL, str(tmp_path), str(tmp_path / "other")))
    assert here == there != other


def test_a_set_without_its_index_is_not_read_and_may_be_written_again(tmp_path: Path) -> None:
    def breaks() -> Iterator[tuple[Split, LabelledCrops]]:
        yield from _all("train")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(str(tmp_path), "bench", "captures", breaks(), per_shard=2)
    assert list(tmp_path.glob("*.tar"))
    with pytest.raises(InputError, match="no finished set"):
        open_shards([str(tmp_path)])
    write_shards(str(tmp_path), "bench", "captures", _all(), per_shard=2)
    assert len(list(open_shards([str(tmp_path)]).presentations("train"))) == 4
    with pytest.raises(UsageError, match="already has a set bench"):
        write_shards(str(tmp_path), "bench", "captures", _all())


def test_a_changed_byte_a_cut_file_and_a_foreign_shard_are_named(tmp_path: Path) -> None:
    write_shards(str(tmp_path), "bench", "captures", _all())
    shard = tmp_path / "bench-train-000000.tar"
    whole = shard.read_bytes()
    for damaged in (
        whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
        whole[: len(whole) // 2],
        (tmp_path / "bench-dev-000000.tar").read_bytes(),
        b"",
        b"no tar at all" * 100,
    ):
        shard.write_bytes(damaged)
        with pytest.raises(InputError, match=r"bench-train-000000\.tar"):
            list(open_shards([str(tmp_path)]).presentations("train"))
    shard.unlink()
    with pytest.raises(InputError, match="not there"):
        list(open_shards([str(tmp_path)]).presentations("train"))


def test_a_shard_with_more_crops_than_its_index_says_is_named_before_the_table_is_full(tmp_path: Path) -> None:
    write_shards(str(tmp_path), "bench", "captures", _all())
    index = tmp_path / "bench.json"
    index.write_text(index.read_text().replace('"crops": 8', '"crops": 1'))
    config = TrainConfig(work_dir=tmp_path / "work", out=tmp_path / "out")
    config = with_shards(config, [str(tmp_path)])
    for split in SPLITS:
        crops, made = presentations(config, split, lambda _: None, lambda: False)
        with pytest.raises(InputError, match="holds other numbers than its index"):
            write_table(tmp_path / "table", with_hybrids(made), 2 * crops)


def test_what_is_no_index_and_what_is_no_place_are_named(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("[]")
    with pytest.raises(InputError, match=r"notes\.json"):
        open_shards([str(tmp_path)])
    with pytest.raises(InputError, match="not there"):
        open_shards([str(tmp_path / "nowhere")])
    with pytest.raises(UsageError, match="gibberish"):
        open_shards(["gibberish://x/y"])
    with pytest.raises(UsageError, match="no name"):
        write_shards(str(tmp_path), "../up", "captures", _all())
    (tmp_path / "file").write_text("")
    with pytest.raises((HostError, InputError), match="file"):
        write_shards(str(tmp_path / "file"), "bench", "captures", _all())


def test_a_domain_of_one_class_is_not_trained_on() -> None:
    write_shards(URL + "/a", "a", "captures", _all())
    write_shards(URL + "/b", "b", "captures", _made("train", 2, "kiosk", attacks=False))
    open_shards([URL + "/a", URL + "/b"]).require_classes(SPLITS)  # with depth or infrared it brings hybrids of itself
    colour = [
        (split, replace(one, domain="web", crops=tuple(c.restricted(ModalityMask.parse("rgb")) for c in one.crops[:1])))
        for split, one in _made("train", 4)
    ]
    for name, kept, said in (("c", colour[::2], "colour only"), ("d", colour[1::2], "attacks only")):
        write_shards(f"{URL}/{name}", name, "captures", kept)
        with pytest.raises(InputError, match=f"web brings .*{said}"):
            open_shards([URL + "/a", f"{URL}/{name}"]).require_classes(SPLITS)
    with pytest.raises(InputError, match="no attack presentation for train"):
        open_shards([URL + "/b"]).require_classes(SPLITS)


def test_rendered_parts_of_two_machines_are_what_one_machine_renders(tmp_path: Path) -> None:
    plan = SplitPlan(per_domain=4, per_live_domain=0, frames=1)
    config = TrainConfig(
        work_dir=tmp_path / "w", out=tmp_path / "o", domains=("wide-d435",), live_domains=(), train=plan, processes=1
    )
    most, made = presentations(config, "train", lambda _: None, lambda: False)
    own = list(made)
    for part in (1, 2):
        todo = scene_recipes(config, "train", part, 2)
        assert {recipe.species == Species.BONA_FIDE for recipe in todo} == {True, False}
        write_shards(URL, f"part{part}", "scenes", (("train", own[recipe.index]) for recipe in todo))
    joined = open_shards([URL])
    assert sorted(one.id for one in joined.presentations("train")) == sorted(one.id for one in own)
    of_shards = config.model_copy(update={"shards": (URL,), "shards_digest": joined.digest})
    crops, stored = presentations(of_shards, "train", lambda _: None, lambda: False)
    again = {one.id: one for one in stored}
    assert all(_alike(*pair) for one in own for pair in zip(one.crops, again[one.id].crops, strict=True))
    assert crops == most == 4
    assert of_shards.table_digest("train") != config.table_digest("train")


def test_the_place_of_shards_is_no_part_of_a_run(tmp_path: Path) -> None:
    config = TrainConfig(work_dir=tmp_path / "w", out=tmp_path / "o")
    write_shards(URL, "a", "captures", _all())
    write_shards(str(tmp_path / "s"), "a", "captures", _all())
    one, other = with_shards(config, [URL]), with_shards(config, [str(tmp_path / "s")])
    assert one.digest() == other.digest() != config.digest()
    assert one.table_digest("dev") == other.table_digest("dev") != one.table_digest("train")
    write_shards(URL, "b", "captures", _all())
    with pytest.raises(InputError, match="changed since this run began"):
        presentations(one, "dev", lambda _: None, lambda: False)


def _with(arrays: bytes, **changed: Any) -> bytes:
    return save({**load(arrays), **changed})


def test_samples_that_nobody_writes_are_refused() -> None:
    found = members_of(_made("train", 1)[0][1])
    texts, arrays = found["json"], found["safetensors"]
    depth = load(arrays)["depth"]
    bad = depth.copy()
    bad[0, 0, 0] = np.nan
    for other, said in (
        (_with(arrays, depth=bad), "values that no sensor gives"),
        (_with(arrays, depth=-depth - 1), "values that no sensor gives"),
        (_with(arrays, depth=depth.astype(np.float64)), "depth has another shape or type"),
        (_with(arrays, depth=depth[:, :50]), "depth has another shape or type"),
        (_with(arrays, depth=depth[:1]), "another shape or type"),
        (_with(arrays, extra=depth), "not those of a presentation"),
        (_with(arrays, presence=np.zeros((2, 3), bool)), "without any modality"),
        (save({name: value[:0] for name, value in load(arrays).items()}), "0 crops"),
        (b"", "cannot be read"),
    ):
        with pytest.raises(ValueError, match=said):
            presentation_of(texts, other)
    for text, said in (
        (b"", "Expecting value"),
        (b"[]", "not one of a presentation"),
        (b'{"id": 1}', "not one of a presentation"),
        (texts.replace(b'"bench"', b"3"), "not one of a presentation"),
        (b"[" * 100_000, "nested too deeply"),
    ):
        with pytest.raises(ValueError, match=said):
            presentation_of(text, arrays)


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_any_bytes_in_a_sample_end_in_one_error(content: bytes, at: int) -> None:
    found = members_of(_made("train", 1)[0][1])
    arrays = found["safetensors"][:at] + content + found["safetensors"][at + len(content) :]
    for texts, changed in ((content, found["safetensors"]), (found["json"], arrays)):
        try:
            presentation_of(texts, changed)
        except ValueError:
            continue


def test_a_link_in_a_shard_is_no_member(tmp_path: Path) -> None:
    write_shards(str(tmp_path), "bench", "captures", _all())
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        entry = tarfile.TarInfo("00000000.json")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    (tmp_path / "bench-train-000000.tar").write_bytes(content.getvalue())
    with pytest.raises(InputError, match="no file"):
        list(open_shards([str(tmp_path)]).presentations("train"))
