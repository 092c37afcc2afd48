"""Result files: the folder is made; what cannot be written is told with its remedy, by whatever command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ExitCode, HostError, UsageError
from core.results import beside, overwrites, result_file, write_json, writing
from main import main
from storage.catalogue import open_catalogue

ROOT = Path(__file__).parents[2]


def test_a_result_lands_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    write_json({"a": [1]}, tmp_path / "new" / "one.json", indent=None)
    assert (tmp_path / "new" / "one.json").read_text() == '{"a":[1]}\n'
    write_json({"a": [1]}, tmp_path / "two.json")
    assert json.loads((tmp_path / "two.json").read_text()) == {"a": [1]}


def test_what_cannot_be_written_is_a_known_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match=r"Cannot write .*x\.json"):
        write_json({}, tmp_path / "file" / "x.json")
    with pytest.raises(HostError, match="Cannot write"), writing(tmp_path / "y.json"):
        raise PermissionError(13, "Permission denied")


def test_files_that_would_be_one_are_known_by_any_of_their_names(tmp_path: Path) -> None:
    manifest, linked, hard = tmp_path / "m.csv", tmp_path / "linked.csv", tmp_path / "hard.csv"
    manifest.write_text("")
    linked.symlink_to(manifest)
    hard.hardlink_to(manifest)
    for other in (tmp_path / "sub" / ".." / "m.csv", linked, hard, tmp_path / "M.CSV"):
        assert overwrites(other, manifest)
    assert not overwrites(tmp_path / "n.csv", manifest)
    assert beside(tmp_path / "out.json", ".md") == tmp_path / "out.md"
    for name in ("out.md", "out.MD"):
        with pytest.raises(UsageError, match="would overwrite out"):
            beside(tmp_path / name, ".md")


def test_a_job_told_to_a_place_that_is_no_folder_ends_in_one_sentence(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "data") as catalogue:
        job = catalogue.jobs.create("{}", "00")
    (tmp_path / "file").write_text("")
    command = [sys.executable, "main.py", "--data", str(tmp_path / "data"), "adapt", "status", job]
    command += ["--json", str(tmp_path / "file" / "x.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.ENVIRONMENT
    assert "Cannot write" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "--manifest", "none.csv", "--json"],
        ["benchmark", "--adapt", "--manifest", "none.csv", "--splits", "--json"],
        ["run", "--headless", "--source", "none:", "--seconds", "1", "--json"],
        ["audit", "export", "--out"],
        ["adapt", "power", "--sessions", "none", "--json"],
    ],
)
@pytest.mark.parametrize("folder", [".", "there", "there/"])
def test_a_folder_as_result_is_refused_in_words_before_anything_is_done(
    command: list[str], folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    assert main(["--data", str(tmp_path / "data"), *command, folder]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        f"sallyport: {Path(folder)} is a folder.",
        "  Name the file that should be written.",
    ]
    assert not (tmp_path / "data").exists()


def test_a_folder_where_a_table_or_page_goes_beside_the_result_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.csv").mkdir()
    with pytest.raises(UsageError, match=r"report\.csv is a folder"):
        beside(tmp_path / "report.json", ".csv")
    with pytest.raises(UsageError, match="is a folder"):
        beside(Path(), ".md")


def test_a_result_in_a_place_that_takes_no_file_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match=r"Cannot write .*x\.json: .*file is not a folder"):
        result_file(str(tmp_path / "file" / "deep" / "x.json"))
    with pytest.raises(HostError, match="Cannot write"):
        result_file(str(tmp_path / ("long" * 100)))
    assert result_file(str(tmp_path / "new" / "x.json")) == tmp_path / "new" / "x.json"
    assert not (tmp_path / "new").exists(), "looking makes nothing"
