"""The report as one HTML file: no script, nothing loaded from elsewhere, figures inside."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape

from echogan.study.analysis.section import Section, Table

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
.simulated { background: #b00020; color: #fff; font-weight: bold; padding: .5rem .8rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #e3e3e3; }
th { border-bottom: 2px solid #888; }
figure { margin: 1.2rem 0; } figcaption { color: #444; font-size: .9rem; } img { max-width: 100%; height: auto; }
@media print { figure, tr { break-inside: avoid; } h2 { break-after: avoid; } }
"""


def html_report(title: str, simulated: bool, parts: Sequence[Section]) -> str:
    """The whole page as text."""
    mark = '<p class="simulated">SIMULATED RATINGS: not read by anybody.</p>' if simulated else ""
    body = "\n".join(line for part in parts for line in _section(part))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n{mark}\n{body}\n</body>\n</html>\n"
    )


def _section(part: Section) -> Iterator[str]:
    yield f"<h2>{escape(part.title)}</h2>"
    for paragraph in part.paragraphs:
        yield f"<p>{escape(paragraph)}</p>"
    if part.table:
        yield from _table(part.table)
    for picture in part.pictures:
        data, caption = base64.b64encode(picture.png).decode(), escape(picture.caption)
        width = round(picture.size[0] * 96)
        yield f'<figure><img src="data:image/png;base64,{data}" width="{width}" alt="{caption}">'
        yield f"<figcaption>{caption}</figcaption></figure>"


def _table(table: Table) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    yield f'<div class="table"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>'
    for row in table.rows:
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
    yield "</tbody>\n</table></div>"
