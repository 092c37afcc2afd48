"""Qt translation from a readable table: a `QTranslator` that looks texts up in a JSON file.

Every text of the window passes through `tr`, so that a test can read the sources, list the texts and prove that the
German table is complete. Qt's own texts (file dialogs, standard buttons) come from the tables that Qt ships.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

CONTEXT = "Sallyport"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
_FOLDER = Path(__file__).parent


def tr(text: str, /, **values: object) -> str:
    """The text in the chosen language; ``{name}`` fields are filled from ``values`` after translation."""
    translated = QCoreApplication.translate(CONTEXT, text)
    return translated.format(**values) if values else translated


def tr_count(count: int, one: str, many: str, /) -> str:
    """``one`` or ``many`` in the chosen language, with ``{n}`` filled (both languages have two plural forms)."""
    return tr(one if count == 1 else many).format(n=count)


class TableTranslator(QTranslator):
    """Looks texts up in ``table``; a text that is not in it stays as it is."""

    def __init__(self, table: Mapping[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = dict(table)

    def isEmpty(self) -> bool:
        """Qt asks before it looks anything up."""
        return not self._table

    def translate(
        self, context: str, source_text: str, disambiguation: str | None = None, n: int = -1, /
    ) -> str | None:
        """The German text, or ``None`` to leave the source text."""
        return self._table.get(source_text) if context == CONTEXT else None


def load_table(language: str) -> dict[str, str]:
    """The tables of a language, the window's and the one of known errors; English is its own source and has none."""
    table: dict[str, str] = {}
    for path in (_FOLDER / f"{language}.json", _FOLDER / f"{language}_errors.json"):
        if path.exists():
            table |= json.loads(path.read_text(encoding="utf-8"))
    return table


_installed: list[QTranslator] = []


def install_language(app: QCoreApplication, language: str) -> str:
    """Switch the application to ``language`` (``system`` follows the locale); returns the language that is in use."""
    if language not in LANGUAGES:
        language = QLocale.system().name()[:2]
    if language not in LANGUAGES:
        language = "en"
    for translator in _installed:
        app.removeTranslator(translator)
    _installed.clear()
    QLocale.setDefault(QLocale(language))
    table = load_table(language)
    if table:
        qt_texts = QTranslator(app)
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if qt_texts.load(f"qtbase_{language}", folder):
            _installed.append(qt_texts)
        _installed.append(TableTranslator(table, app))
        for translator in _installed:
            app.installTranslator(translator)
    return language
