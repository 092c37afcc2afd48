from __future__ import annotations

import ast
import json
import re
from enum import StrEnum
from pathlib import Path

import pytest

import gui
from gui.actions import PAGES, VERBS
from gui.app import SallyportApp
from gui.i18n import audit_codes, codes, install_language, tr, tr_count
from gui.i18n.translator import load_table
from gui.views.collect.plan import CONDITIONS
from gui.widgets.curves import TITLES
from storage.repositories.jobs import COMMANDS

ROOT = Path(gui.__file__).parent
NOTES = ("another face", "camera clock went back", "face lost from sight", "model changed")
STORED_WORDS = ("factory", "training", "adaptation", "foreign", "install", "promote", "rollback", *COMMANDS, *NOTES)
"""Values of the catalogue that are shown through ``tr``."""


def texts_in_sources() -> set[str]:
    found: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "tr_count"):
                found |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def all_texts() -> set[str]:
    tables = {text for tables in codes.TABLES.values() for table in tables for text in table.values() if text}
    return (
        texts_in_sources()
        | tables
        | {info.text for info in (*PAGES, *VERBS)}
        | {*CONDITIONS, *STORED_WORDS}
        | {*audit_codes.ACTIONS.values(), *audit_codes.OBJECTS.values()}
        | set(TITLES.values())
    )


def test_german_is_complete_and_holds_nothing_else() -> None:
    table = json.loads((ROOT / "i18n" / "de.json").read_text(encoding="utf-8"))
    assert sorted(all_texts() - load_table("de").keys()) == []
    assert sorted(table.keys() - all_texts()) == []


def test_german_keeps_every_field_and_mnemonic() -> None:
    for text, german in load_table("de").items():
        assert sorted(re.findall(r"{\w+", text)) == sorted(re.findall(r"{\w+", german)), text
        assert ("&" in text) == ("&" in german), text


@pytest.mark.parametrize("kind", codes.TABLES)
def test_every_code_has_its_text(kind: type[StrEnum]) -> None:
    for table in codes.TABLES[kind]:
        assert set(table) == set(kind)
        assert all(text or member.value in ("", "none") for member, text in table.items())


def test_texts_change_with_the_language(german: None) -> None:
    assert tr("Checkpoint") == "Kontrolle"
    assert tr_count(1, "{n} session", "{n} sessions") == "1 Sitzung"
    assert tr_count(3, "{n} session", "{n} sessions") == "3 Sitzungen"
    assert tr("Opening {source}", source="simulated") == "simulated wird geöffnet"


def test_a_text_without_translation_stays(german: None) -> None:
    assert tr("no such text") == "no such text"


def test_an_unknown_language_falls_back(qapp: SallyportApp) -> None:
    assert install_language(qapp, "xx") in ("en", "de")
    install_language(qapp, "en")


def test_free_species_are_shown_as_they_are() -> None:
    assert codes.species("wax_head") == "wax_head"
    assert codes.species("") == "bona fide"
    assert codes.species(None) == "not labelled"
