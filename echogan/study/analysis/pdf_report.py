"""The report as a PDF of A4 pages, with text that can be searched; the layout is matplotlib's."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D

from echogan.study.analysis.figures import SIMULATED
from echogan.study.analysis.section import Picture, Section, Table

WIDTH, HEIGHT, MARGIN = 8.27, 11.69, 0.75  # inches, A4
TEXT, SMALL, HEADING, TITLE = 9.0, 7.5, 12.0, 16.0  # points
LINE = 1.35  # line spacing
CHARACTER = 0.53  # mean width of a character, as a share of the size of the type


def pdf_report(title: str, simulated: bool, parts: Sequence[Section]) -> bytes:
    """The PDF; equal sections give equal bytes."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}), PdfPages(buffer, metadata=_metadata(title)) as pdf:
        for page in lay_out(title, simulated, parts):
            pdf.savefig(page)
    return buffer.getvalue()


def lay_out(title: str, simulated: bool, parts: Sequence[Section]) -> list[Figure]:
    """The pages, as figures."""
    pages = _Pages(title, simulated)
    pages.text(title, TITLE, weight="bold")
    for part in parts:
        pages.heading(part)
        for paragraph in part.paragraphs:
            pages.text(paragraph, TEXT, after=0.07)
        if part.table:
            pages.table(part.table)
        for picture in part.pictures:
            pages.picture(picture)
    return pages.numbered()


def _metadata(title: str) -> dict[str, str | None]:
    return {"Title": title, "Creator": None, "Producer": None, "CreationDate": None}


class _Pages:
    """Pages that fill from top to bottom. Heights are in inches."""

    def __init__(self, title: str, simulated: bool) -> None:
        self.title, self.simulated = title, simulated
        self.pages: list[Figure] = []
        self.used = HEIGHT  # so that the first line begins a page

    def _room(self, height: float) -> float:
        """Where something of this height begins, from the top; on a new page where it does not fit."""
        if self.used + height > HEIGHT - MARGIN:
            page = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")
            FigureCanvasAgg(page)
            if self.simulated:
                page.text(
                    0.5, 1 - 0.4 / HEIGHT, SIMULATED, ha="center", size=SMALL, color="#b00020", weight="bold"
                )
            self.pages.append(page)
            self.used = MARGIN
        start = self.used
        self.used += height
        return start

    def _put(self, left: float, top: float, lines: Sequence[str], size: float, **style) -> None:
        """Lines of text on baselines of their own, so that cells of one row stand level."""
        for i, line in enumerate(lines):
            y = 1 - (top + (0.8 + i * LINE) * size / 72) / HEIGHT
            self.pages[-1].text(left / WIDTH, y, line, size=size, va="baseline", parse_math=False, **style)

    def _line(self, top: float, width: float, colour: str) -> None:
        y = 1 - top / HEIGHT
        line = Line2D([MARGIN / WIDTH, 1 - MARGIN / WIDTH], [y, y], lw=width, color=colour)
        self.pages[-1].add_artist(line)

    def text(self, text: str, size: float, after: float = 0.1, **style) -> None:
        """A paragraph."""
        lines = _wrapped(text, WIDTH - 2 * MARGIN, size)
        top = self._room(_height(len(lines), size) + after)
        self._put(MARGIN, top, lines, size, **style)

    def heading(self, part: Section) -> None:
        """The heading of a section, kept on one page with what comes first below it."""
        below = 0.6
        if not part.paragraphs and not part.table and part.pictures:
            below = _shown_size(part.pictures[0])[1]
        self._room(0.2 + _height(1, HEADING) + below)
        self.used -= _height(1, HEADING) + below
        self._put(MARGIN, self.used, [part.title], HEADING, weight="bold")
        self.used += _height(1, HEADING) + 0.05

    def table(self, table: Table) -> None:
        """A table; its head is repeated on each page."""
        total = sum(table.widths)
        widths = [(WIDTH - 2 * MARGIN) * width / total for width in table.widths]
        lefts = [MARGIN + sum(widths[:i]) for i in range(len(widths))]
        head = self._cells(table.heads, widths)
        pages = -1
        for row in table.rows:
            cells = self._cells(row, widths)
            height = max(_height(len(lines), SMALL) for lines in cells) + 0.08
            head_height = max(_height(len(lines), SMALL) for lines in head) + 0.08
            if self.used + height > HEIGHT - MARGIN or pages != len(self.pages):
                top = self._room(height + head_height)
                self.used -= height
                self._row(lefts, head, top, weight="bold")
                self._line(self.used - 0.02, 0.8, "#666666")
                pages = len(self.pages)
            top = self._room(height)
            self._row(lefts, cells, top)
            self._line(self.used - 0.02, 0.3, "#cccccc")
        self.used += 0.12

    def _row(self, lefts: list[float], cells: list[list[str]], top: float, **style) -> None:
        for left, lines in zip(lefts, cells, strict=True):
            self._put(left, top + 0.02, lines, SMALL, **style)

    def _cells(self, row: Sequence[str], widths: list[float]) -> list[list[str]]:
        return [_wrapped(cell, width - 0.08, SMALL) for cell, width in zip(row, widths, strict=True)]

    def picture(self, picture: Picture) -> None:
        """A figure a little below its own size, or as large as the page allows, with its caption below."""
        width, height = _shown_size(picture)
        top = self._room(height + _height(1, SMALL) + 0.2)
        box = (MARGIN / WIDTH, 1 - (top + height) / HEIGHT, width / WIDTH, height / HEIGHT)
        axes = self.pages[-1].add_axes(box)
        axes.imshow(imread(io.BytesIO(picture.png)), aspect="auto", interpolation="none")
        axes.set_axis_off()
        self._put(MARGIN, top + height + 0.04, [picture.caption], SMALL, color="#444444")

    def numbered(self) -> list[Figure]:
        """The pages with title and number at their foot."""
        for number, page in enumerate(self.pages, 1):
            foot = f"{textwrap.shorten(self.title, 90)}, page {number} of {len(self.pages)}"
            page.text(0.5, 0.4 / HEIGHT, foot, ha="center", size=SMALL, color="#666666", parse_math=False)
        return self.pages


def _wrapped(text: str, width: float, size: float) -> list[str]:
    """Lines of at most `width` inches at a type size in points."""
    return textwrap.wrap(text, max(4, int(72 * width / (CHARACTER * size)))) or [""]


def _height(lines: int, size: float) -> float:
    return lines * size * LINE / 72


def _shown_size(picture: Picture) -> tuple[float, float]:
    width, height = picture.size
    scale = min(0.85, (WIDTH - 2 * MARGIN) / width, (HEIGHT - 2 * MARGIN - 1.5) / height)
    return scale * width, scale * height
