"""The trust card as a PDF: A4, text that can be searched, as many pages as it takes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from textwrap import wrap

import matplotlib
import numpy as np
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure

from echogan.core.notice import MARK
from echogan.trust.card.card import TITLE, Finding, TrustCard

WIDTH, HEIGHT = 210, 297  # millimetres: A4
LEFT, TOP, BOTTOM = 15, 15, 15
VALUE, TEXT = 60, 88  # where the columns of a finding begin
INDENT = 4  # of a sentence after its bullet
SIZE = 9  # points
LEADING = 1.4
MM_PER_POINT = 25.4 / 72
CHARACTER = 0.5  # mean width of a letter in Helvetica, over its size


def card_pdf(card: TrustCard, picture: np.ndarray) -> bytes:
    """The document; `picture` is that of the card, RGB uint8 (H, W, 3). Same card, same bytes."""
    buffer = io.BytesIO()
    # The fonts that every reader has: small files, and text that can be found. The picture's axes look for one more
    # font, in vain, unless their numbers, which are not shown, are mathtext.
    with matplotlib.rc_context(
        {
            "pdf.use14corefonts": True,
            "font.family": "Helvetica",
            "font.weight": "medium",
            "axes.formatter.use_mathtext": True,
        }
    ):
        pages = _Pages()
        pages.line(TITLE, size=16, bold=True)
        pages.text(card.made_by, colour="#444444")
        pages.gap(1)
        pages.text(card.notice, bold=True)
        pages.gap(2)
        pages.image(picture)
        pages.text(card.picture, colour="#444444", size=8)
        pages.heading("What was found")
        pages.text(card.strength)
        pages.gap(2)
        for finding in card.findings:
            pages.finding(finding)
        for title, sentences in (
            ("What the flags promise", card.guarantee.covers),
            ("What they do not", card.guarantee.does_not_cover),
        ):
            pages.heading(title)
            for sentence in sentences:
                pages.bullet(sentence)
        facts = {"Title": f"{TITLE}: {card.model}", "Subject": MARK, "Creator": None, "Producer": None}
        with PdfPages(buffer, metadata=facts | {"CreationDate": None}) as document:
            for number, figure in enumerate(pages.figures, 1):
                figure.text(
                    LEFT / WIDTH, 8 / HEIGHT, f"{MARK} · page {number} of {len(pages.figures)}", fontsize=8
                )
                document.savefig(figure)
    return buffer.getvalue()


class _Pages:
    """A4 pages that are filled from top to bottom; positions in millimetres from the upper left corner."""

    def __init__(self):
        self.figures: list[Figure] = []
        self._new()

    def _new(self) -> None:
        figure = Figure(figsize=(WIDTH / 25.4, HEIGHT / 25.4))
        FigureCanvasPdf(figure)
        self.figures.append(figure)
        self._y = float(TOP)

    def _need(self, height: float) -> None:
        if self._y + height > HEIGHT - BOTTOM:
            self._new()

    def gap(self, height: float) -> None:
        self._y += height

    def heading(self, title: str) -> None:
        self._need(20)  # and what comes after it
        self.gap(4)
        self.line(title, size=12, bold=True)

    def line(self, text: str, size: float = SIZE, bold: bool = False) -> None:
        self._put([text], LEFT, size, bold=bold)
        self.gap(_height(1, size))

    def text(
        self, text: str, size: float = SIZE, colour: str = "black", bold: bool = False, indent: float = 0
    ) -> None:
        lines = _wrapped(text, WIDTH - 2 * LEFT - indent, size)
        self._need(_height(len(lines), size))
        self._put(lines, LEFT + indent, size, colour, bold)
        self.gap(_height(len(lines), size))

    def bullet(self, text: str) -> None:
        lines = _wrapped(text, WIDTH - 2 * LEFT - INDENT)
        self._need(_height(len(lines)))
        self._put(["•"], LEFT)
        self.text(text, indent=INDENT)

    def image(self, picture: np.ndarray) -> None:
        width = WIDTH - 2 * LEFT
        height = min(width * picture.shape[0] / picture.shape[1], 110)
        width = height * picture.shape[1] / picture.shape[0]
        self._need(height)
        box = (LEFT / WIDTH, 1 - (self._y + height) / HEIGHT, width / WIDTH, height / HEIGHT)
        axes = self.figures[-1].add_axes(box)
        axes.imshow(picture, interpolation="antialiased", aspect="auto")
        axes.axis("off")
        self.gap(height + 2)

    def finding(self, finding: Finding) -> None:
        said = _wrapped(finding.sentence, WIDTH - LEFT - TEXT)
        compared = _wrapped(finding.compared, WIDTH - LEFT - TEXT) if finding.compared else []
        label = _wrapped(finding.label, VALUE - LEFT - 3)
        height = _height(max(len(said) + len(compared), len(label)))
        self._need(height + 2)
        self._put(label, LEFT, bold=True)
        self._put([finding.text or "–"], VALUE, bold=True)
        self._put(said, TEXT)
        self.gap(_height(len(said)))
        self._put(compared, TEXT, colour="#444444")
        self.gap(height - _height(len(said)) + 1)

    def _put(
        self,
        lines: Iterable[str],
        x: float,
        size: float = SIZE,
        colour: str = "black",
        bold: bool = False,
    ) -> None:
        for number, line in enumerate(lines):
            self.figures[-1].text(
                x / WIDTH,
                1 - (self._y + _height(number, size) + size * MM_PER_POINT) / HEIGHT,
                line,
                fontsize=size,
                color=colour,
                weight="bold" if bold else "medium",
                va="baseline",
            )


def _height(lines: int, size: float = SIZE) -> float:
    """Millimetres."""
    return lines * size * LEADING * MM_PER_POINT


def _wrapped(text: str, width: float, size: float = SIZE) -> list[str]:
    """Lines that fit `width` millimetres."""
    return wrap(text, int(width / (CHARACTER * size * MM_PER_POINT)))
