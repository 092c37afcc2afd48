from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import HostError
from gui.settings import Settings, load_settings, save_settings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_a_missing_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.json") == (Settings(), [])


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    save_settings(Settings(language="de", theme="dark"), path)
    assert load_settings(path) == (Settings(language="de", theme="dark"), [])
    assert json.loads(path.read_text())["language"] == "de"
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


def test_good_keys_survive_bad_ones(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"theme": "dark", "language": "klingon", "colour": 3, "depth_far_m": -1}))
    settings, dropped = load_settings(path)
    assert settings == Settings(theme="dark")
    assert sorted(dropped) == ["colour", "depth_far_m", "language"]


@given(JSON)
def test_no_content_prevents_a_start(tmp_path_factory: pytest.TempPathFactory, content: object) -> None:
    path = tmp_path_factory.mktemp("settings") / "settings.json"
    path.write_text(json.dumps(content))
    settings, _dropped = load_settings(path)
    assert isinstance(settings, Settings)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{", b"[]", b'"dark"'])
def test_damaged_files_give_the_defaults_and_say_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    settings, dropped = load_settings(path)
    assert settings == Settings()
    assert dropped


def test_a_folder_that_cannot_be_made_is_a_known_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError):
        save_settings(Settings(), tmp_path / "file" / "settings.json")
