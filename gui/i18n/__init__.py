"""Text for people. English is the source; `de.json` holds the German; codes become sentences in `gui.i18n.codes`."""

from gui.i18n.translator import LANGUAGES, TableTranslator, install_language, tr, tr_count

__all__ = ["LANGUAGES", "TableTranslator", "install_language", "tr", "tr_count"]
