"""Names and lists of the collections: every polarity, every line end, and whatever else a file may hold."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.codes import Species
from core.data.collections import cefa, hqwmca, mad3d, padisi, surf, wmca
from core.data.collections.lists import find_list, read_lines, read_names, read_pictures, read_table
from core.data.collections.species import idiap_species, padisi_species
from core.errors import InputError
from core.frames import Modality
from tests.unit.collection_files import write_list

FILES = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize(
    ("name", "species"),
    [
        ("035_01_000_0_00", Species.BONA_FIDE),
        ("005_01_000_0_01", Species.BONA_FIDE),
        ("512_01_008_1_01", Species.PARTIAL),
        ("101_06_067_1_02", Species.MASK_RIGID),
        ("101_06_067_1_14", Species.MASK_RIGID),
        ("101_06_067_1_09", "wig"),
        ("100_03_015_2_07", Species.MANNEQUIN),
        ("100_03_015_2_10", Species.MASK_PAPER),
        ("002_01_020_2_13", Species.MASK_RIGID),
        ("530_03_001_2_18", Species.MASK_FLEXIBLE),
        ("002_01_003_2_81", Species.MASK_FLEXIBLE),
        ("098_04_010_3_11", Species.PRINT_FLAT),
        ("098_04_010_3_15", Species.REPLAY_TABLET),
        ("005_04_004_4_09", Species.REPLAY_TABLET),
        ("005_04_004_5_10", "makeup"),
    ],
)
def test_a_wmca_name_says_who_and_how(name: str, species: str) -> None:
    parsed = wmca.parse_name(name)
    assert parsed is not None
    assert parsed.species == species
    assert parsed.client == name[:3]


def test_wmca_names_that_the_collection_does_not_define() -> None:
    for odd in ("100_03_015_2", "100_03_015_2_10_1", "a_03_015_2_10", ""):
        assert wmca.parse_name(odd) is None
    undefined = wmca.parse_name("100_03_015_2_50")
    assert undefined is not None
    assert undefined.species is None


@given(st.integers(1, 3), st.integers(0, 499), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4))
def test_a_cefa_name_gives_back_its_fields(race: int, person: int, device: int, session: int, pai: int) -> None:
    name = cefa.parse_name(f"{race}_{person:03d}_{device}_{session}_{pai}")
    assert name is not None
    assert (name.race, name.person, name.pai) == (race, person, pai)
    assert (name.species == "") == (pai == 1)
    assert name.split == ("train" if person < 200 else "dev" if person < 300 else "eval")


def test_cefa_masks_are_for_testing() -> None:
    printed, silicone = cefa.parse_name("1_002_1_1_2_1_3"), cefa.parse_name("2_001_1_1_2_1_3")
    assert printed is not None
    assert silicone is not None
    assert (printed.species, printed.split) == (Species.MASK_RIGID, "eval")
    assert (silicone.species, silicone.split) == (Species.MASK_FLEXIBLE, "eval")
    assert printed.subject != silicone.subject


def test_cefa_protocols_hold_what_the_paper_counts() -> None:
    """Per subject 1 bona fide, 2 cloth and 1 screen clip: the publisher counts 800 / 1,800 / 1,200 / 400 to train."""
    clips = [(race, person, pai) for race in (1, 2, 3) for person in range(500) for pai in (1, 2, 2, 4)]
    names = [cefa.CefaName("", person, race, pai) for race, person, pai in clips]
    counts = {
        protocol: [sum(rule.holds(name) for name in names if name.split == split) for split in ("train", "dev", "eval")]
        for protocol, rule in cefa.RULES.items()
    }
    assert counts["1_1"] == counts["1_2"] == counts["1_3"] == [800, 400, 1600]
    assert counts["2_1"] == [1800, 900, 1200]
    assert counts["2_2"] == [1200, 600, 1800]
    assert counts["4_1"] == counts["4_3"] == [400, 200, 1200]
    masks = [(str(cefa.RULES[f"3_{i}"].modalities), str(cefa.RULES[f"3_{i}"].test_modalities)) for i in (1, 2, 3)]
    assert masks == [("rgb+depth", "ir"), ("rgb+ir", "depth"), ("depth+ir", "rgb")]


def test_surf_clips_in_their_three_forms() -> None:
    real = surf.describe(PurePosixPath("CASIA-SURF-CROP/real_part/real_val_part/CLKJ_AS0010/real.rssdk/color/161.jpg"))
    cut = surf.describe(PurePosixPath("Training/fake_part/CLKJ_AS0005/05_enm_s.rssdk/color/31.jpg"))
    unnamed = surf.describe(PurePosixPath("Val/0000/000000-color.jpg"))
    assert real is not None
    assert cut is not None
    assert unnamed is not None
    assert (real.species, real.subject) == ("", "surf-CLKJ_AS0010")
    assert (cut.species, cut.subject) == (Species.PRINT_CUTOUT, "surf-CLKJ_AS0005")
    assert (unnamed.species, unnamed.subject, unnamed.clip) == (None, "", "Val/0000/000000")
    for wrong in ("fake_part/CLKJ/real.rssdk/color/1.jpg", "Training/real_part/CLKJ/09_x.rssdk/color/1.jpg", "a.jpg"):
        assert surf.describe(PurePosixPath(wrong)) is None


def test_other_names() -> None:
    assert padisi.parse_name("ID_79303a4a665a4919_nc72e9f7_FACE_WITHOUT_GLASS_1") == "nc72e9f7"
    assert padisi.parse_name("nc72e9f7") is None
    hq = hqwmca.parse_name("1_01_0064_0000_00_00_000-48a8d5a0")
    assert hq is not None
    assert (hq.client, hq.kind) == ("0064", 0)
    assert hqwmca.parse_name("1_01_0064") is None
    mad = mad3d.parse_name("13_03_05")
    assert mad is not None
    assert (mad.species, mad.split) == (Species.MASK_RIGID, "eval")
    assert mad3d.parse_name("18_01_01") is None
    assert mad3d.parse_name("01_04_01") is None


@given(st.text(max_size=40))
def test_any_name_is_read_or_refused(text: str) -> None:
    path = PurePosixPath(text or "x")
    for parse in (wmca.parse_name, cefa.parse_name, padisi.parse_name, hqwmca.parse_name, mad3d.parse_name):
        parse(text)
    for describe in (wmca.describe, surf.describe, cefa.describe):
        describe(path)
    idiap_species(text)
    padisi_species(text)


def test_publishers_codes() -> None:
    assert idiap_species("bonafide") == ""
    assert idiap_species("attack/3D/fakehead") == Species.MANNEQUIN
    assert idiap_species("attack/Tattoo") == "tattoo"
    assert idiap_species("attack/2D/hologram") is None
    assert [padisi_species(code) for code in ("m00000", "m50602", "m50301", "m5", "n50301")] == [
        "",
        "makeup",
        "pai_03",
        None,
        None,
    ]


LINE = "a/color/1.jpg a/depth/1.jpg a/ir/1.jpg"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [" ", "\t"])
def test_line_ends_and_separators_do_not_matter(tmp_path: Path, ends: str, separator: str) -> None:
    lines = [f"{LINE} 1".replace(" ", separator), "", f"{LINE.replace('1', '2')} 0".replace(" ", separator)]
    found = read_pictures(write_list(tmp_path / "W-test.txt", lines, ends))
    assert [(line.line, line.bona_fide) for line in found] == [(1, True), (3, False)]
    assert found[1].images[Modality.IR] == PurePosixPath("a/ir/2.jpg")


def test_names_with_a_label(tmp_path: Path) -> None:
    path = write_list(tmp_path / "P-test.txt", ["nc72e9f7.npz\t1", "e05bcfe9.npz\t0"], "\n")
    assert read_names(path) == [(1, "nc72e9f7.npz", True), (2, "e05bcfe9.npz", False)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{LINE} 2", "the label '2'"),
        (f"{LINE} live", "the label 'live'"),
        ("a/color/1.jpg a/depth/1.jpg", "2 fields"),
        ("a/color/1.jpg a/ir/1.jpg a/depth/1.jpg 1", "stands where depth is wanted"),
        ("a/depth/1.jpg a/color/1.jpg a/ir/1.jpg 1", "stands where rgb is wanted"),
        ("Val/0-color.jpg Val/0-ir.jpg Val/0-depth.jpg 1", "stands where depth is wanted"),
        ("../a/color/1.jpg a/depth/1.jpg a/ir/1.jpg 1", "leaves the collection's folder"),
        ("/etc/color/1.jpg a/depth/1.jpg a/ir/1.jpg 1", "leaves the collection's folder"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = write_list(tmp_path / "W-test.txt", [f"{LINE} 1", line])
    with pytest.raises(InputError, match=f"W-test.txt line 2: .*{said}"):
        read_pictures(path)


HEADED = [",client_id,filepath,group,label", "1,2,face-station/17.01.18/002_01_003_2_81,train,attack/3D/flexiblemask"]


def test_both_forms_of_idiaps_tables(tmp_path: Path) -> None:
    headed = read_table(
        write_list(tmp_path / "a.csv", [*HEADED, "9,2,face-station/01.02.18/002_01_000_0_00,dev,bonafide"])
    )
    plain = read_table(
        write_list(
            tmp_path / "b.csv",
            [
                "face-station/17.01.18/002_01_003_2_81.hdf5,1,attack/3D/flexiblemask,train",
                "face-station/01.02.18/002_01_000_0_00,0,bonafide,dev",
            ],
            "\n",
        )
    )
    assert [(line.path, line.attack, line.split) for line in headed] == [
        (line.path, line.attack, line.split) for line in plain
    ]
    assert headed[0].path == "face-station/17.01.18/002_01_003_2_81"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a/002_01_000_0_00,1,bonafide,train"], "line 1: label 1 stands beside 'bonafide'"),
        (["a/002_01_003_2_81,0,attack/3D/flexiblemask,train"], "line 1: label 0 stands beside"),
        (["a/002_01_000_0_00,0,bonafide,world"], "the group 'world'"),
        (["a/002_01_000_0_00,0,bonafide"], "3 cells"),
        ([HEADED[0], "1,2,3"], "line 2: 3 cells"),
        ([",client_id,filepath,label"], "lacks group"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_table(write_list(tmp_path / "grandtest.csv", lines))


def test_a_list_is_found_once_or_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no list for WMCA test"):
        find_list(tmp_path, r"w-test\.txt", "WMCA test")
    found = write_list(tmp_path / "lists" / "W-test.txt", [f"{LINE} 1"])
    assert find_list(tmp_path, r"w-test\.txt", "WMCA test") == found
    write_list(tmp_path / "others" / "W-test.txt", [f"{LINE} 0"])
    with pytest.raises(InputError, match="There are several lists for WMCA test"):
        find_list(tmp_path, r"w-test\.txt", "WMCA test")


def test_an_empty_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        read_lines(write_list(tmp_path / "W-test.txt", ["", " "]))


@FILES
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.txt"
    path.write_bytes(content)
    for read in (read_pictures, read_names, read_table):
        with contextlib.suppress(InputError):
            read(path)
