"""The trust card as files: an HTML page and a PDF of one name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from echogan.core.atomic import output_errors, write_whole
from echogan.core.errors import OutputError
from echogan.trust.card.card import TrustCard
from echogan.trust.card.html import card_html
from echogan.trust.card.pdf import card_pdf
from echogan.trust.card.picture import png

SUFFIXES = (".html", ".pdf")


def card_paths(path: Path) -> tuple[Path, Path]:
    """Where page and PDF go, given the path of either. Raises OutputError for another suffix."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"A trust card is .html and .pdf, not '{path.name}'. Give a name with one of them.")
    page, document = (path.with_suffix(suffix) for suffix in SUFFIXES)
    return page, document


def write_card(path: Path, card: TrustCard, picture: np.ndarray) -> None:
    """Write both, each whole or not at all; `picture` is RGB uint8 (H, W, 3), here and below. Raises OutputError."""
    page, document = card_paths(path)
    write_card_page(page, card, picture)
    write_card_pdf(document, card, picture)


def write_card_page(path: Path, card: TrustCard, picture: np.ndarray) -> None:
    """Write the HTML page. Raises OutputError."""
    write_whole(path, card_html(card, png(picture)).encode())


def write_card_pdf(path: Path, card: TrustCard, picture: np.ndarray) -> None:
    """Write the PDF. Raises OutputError."""
    with output_errors(path):
        document = card_pdf(card, picture)
    write_whole(path, document)
