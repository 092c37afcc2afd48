"""`main.py adapt report`: a job's report as a file, without a window."""

from __future__ import annotations

import os
from argparse import Namespace

from PySide6.QtGui import QGuiApplication

from core.errors import ExitCode
from gui.documents.adaptation_report import document_of
from gui.documents.document import write
from gui.i18n.translator import install_language
from storage.opening import opened


def report(options: Namespace) -> int:
    """Write the report of a stored job."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # fonts for the PDF, on a machine without a screen too
    app = QGuiApplication.instance() or QGuiApplication([])
    install_language(app, options.language)
    with opened(options) as (catalogue, _):
        write(document_of(catalogue.jobs.get(options.job)), options.out)
    print(options.out)
    return ExitCode.DONE
