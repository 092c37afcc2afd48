"""Adaptation on a manifest: subjects never on both sides, hybrids of the others' captures judged, passes kept."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.benchmark.adapted import Order, as_markdown, run
from core.data.manifest import COLUMNS, read_manifest
from core.errors import CanceledError, UsageError
from tests.unit.adaptation_site import QUICK, face, simulate, write_champion

SPECIES = ("", "", "print_flat")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four subjects, each twice bona fide and once with a print, depth and infrared."""
    folder = tmp_path_factory.mktemp("captures")
    lines = [",".join(COLUMNS)]
    for subject in range(4):
        for take, species in enumerate(SPECIES):
            name = f"p{subject}-{take}"
            crop = face(species, zlib.crc32(name.encode()))
            assert crop.depth is not None
            assert crop.ir is not None
            cv2.imwrite(str(folder / f"{name}-d.png"), crop.depth.astype(np.uint16))
            cv2.imwrite(str(folder / f"{name}-i.png"), (crop.ir * 65535.0).astype(np.uint16))
            row = {
                "presentation": name, "subject": f"s{subject}", "species": species, "depth": f"{name}-d.png",
                "ir": f"{name}-i.png", "depth_scale_m": "0.001", "framing": "crop",
            }  # fmt: skip
            lines.append(",".join(row.get(column, "") for column in COLUMNS))
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def order(manifest: Path, folder: Path, **changes: int) -> Order:
    champion = folder / "champion"
    if not champion.exists():
        write_champion(champion)
    return Order(
        read_manifest(manifest), champion, folder / "work", training=QUICK, simulate=simulate, **changes
    )  # fmt: skip


def never() -> bool:
    return False


def report(_what: str, _share: float) -> None:
    pass


def test_every_split_of_the_subjects_prints_each_of_them_and_is_kept(manifest: Path, tmp_path: Path) -> None:
    wanted = order(manifest, tmp_path, splits=2)
    result = run(wanted, report, never)
    assert [one["adapting"] for one in result["splits"]] == [["s0", "s1"], ["s0", "s2"]]
    first = result["splits"][0]
    assert first["labelled"] == {"bona_fide": 4, "attack": 2}
    assert set(first["subjects"]["after"]) == {"s2", "s3"}, "who adapts is not judged"
    assert set(first["subjects"]["after"]["s2"]) == {"bona_fide", "print_flat", "hybrid_sheet", "hybrid_mask"}
    assert first["after"]["bpcer"]["trials"] == 4
    assert {"bpcer", "hybrid_sheet", "hybrid_mask"} <= set(result["summary"]["after"])
    page = as_markdown(result)
    assert "## Pass 2\n\nAdapted by s0, s2.\n" in page
    assert "| s1 | " in page.split("## Pass 2")[1].split("## Pass 3")[0]
    assert "| macro HTER | " in page
    json.dumps(result)
    assert run(wanted, report, never) == result, "a finished pass is read, its seconds with it"
    with pytest.raises(CanceledError):
        run(order(manifest, tmp_path, splits=3), report, lambda: True)


def test_labels_are_drawn_from_those_who_adapt(manifest: Path, tmp_path: Path) -> None:
    result = run(order(manifest, tmp_path, labelled=3, draws=1), report, never)
    (draw,) = result["draws"]
    assert draw["labelled"] == {"bona_fide": 2, "attack": 1}
    assert not set(draw["adapting"]) & set(draw["subjects"]["after"])
    with pytest.raises(UsageError, match="labelled presentations were asked for"):
        run(order(manifest, tmp_path, labelled=40, draws=1), report, never)


def test_where_bona_fide_are_few_attacks_fill_the_labels(manifest: Path, tmp_path: Path) -> None:
    head, *rows = manifest.read_text(encoding="utf-8").splitlines()
    fewer = manifest.with_name("fewer.csv")
    fewer.write_text("\n".join([head, *(row for row in rows if "-0," not in row)]) + "\n", encoding="utf-8")
    (draw,) = run(order(fewer, tmp_path, labelled=4, draws=1), report, never)["draws"]
    assert draw["labelled"] == {"bona_fide": 2, "attack": 2}
