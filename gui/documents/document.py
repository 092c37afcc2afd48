"""A document of text, tables and drawings, written as one HTML file or as PDF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from core.errors import HostError, UsageError, sentence

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }
html { color-scheme: light dark } td, th { text-align: left; padding: .3em .7em; border: 1px solid #8888 }
table { border-collapse: collapse; margin: 1em 0 }
svg { max-width: 100%; height: auto } @media print { body { font-size: 11px } }
"""
_PIXELS_A_POINT = 3.0


@dataclass(frozen=True, slots=True)
class Document:
    """``body``: HTML whose pictures are ``<img src="NAME" alt="">``; ``pictures``: SVG by that name."""

    title: str
    body: str
    pictures: Mapping[str, str]


def write(document: Document, path: Path) -> None:
    """Write ``path`` as what its suffix says; a file that lies there already stays whole if writing fails.

    PDF needs a Qt application.

    Raises:
        UsageError: the suffix is neither ``.html`` nor ``.pdf``.
        HostError: the file cannot be written.
    """
    kinds = {".html": _html, ".pdf": _pdf}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            sentence("A report cannot be written as {kind}.", kind=path.suffix or sentence("a file without a suffix")),
            "Name a .html or .pdf file.",
        )
    partial = path.with_name(f".{path.name}.partial")
    try:
        kind(document, partial)
        partial.replace(path)
    except OSError as error:
        raise HostError(
            sentence("Cannot write {path}: {strerror}.", path=path, strerror=error.strerror),
            "Choose a folder with room and rights.",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def as_html(document: Document) -> str:
    """One self-contained page: it loads nothing."""
    body = document.body
    for name, svg in document.pictures.items():
        body = body.replace(f'<img src="{name}" alt="">', svg)
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{escape(document.title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _html(document: Document, path: Path) -> None:
    path.write_text(as_html(document), encoding="utf-8")


def _pdf(document: Document, path: Path) -> None:
    from PySide6.QtCore import QByteArray, QMarginsF, QUrl
    from PySide6.QtGui import QImage, QPageLayout, QPageSize, QPainter, QPdfWriter, QTextDocument
    from PySide6.QtSvg import QSvgRenderer

    writer = QPdfWriter(str(path))
    writer.setTitle(document.title)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(15, 15, 15, 15), QPageLayout.Unit.Millimeter)
    text = QTextDocument()
    sizes = {}
    for name, svg in document.pictures.items():
        drawing = QSvgRenderer(QByteArray(svg.encode()))
        size = drawing.defaultSize()
        image = QImage(size * _PIXELS_A_POINT, QImage.Format.Format_RGB32)
        image.fill(0xFFFFFFFF)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        text.addResource(QTextDocument.ResourceType.ImageResource, QUrl(name), image)
        sizes[name] = size
    body = document.body
    for name, size in sizes.items():
        width, height = round(size.width() * 0.6), round(size.height() * 0.6)
        body = body.replace(f'<img src="{name}" alt="">', f'<img src="{name}" width="{width}" height="{height}">')
    text.setDefaultStyleSheet("body, td, th { font-size: 8pt } h1 { font-size: 15pt } h2 { font-size: 11pt }")
    text.setHtml(f"<body>{body}</body>")
    text.print_(writer)
    if not path.is_file() or not path.stat().st_size:
        raise OSError(None, "the printer wrote nothing", str(path))
