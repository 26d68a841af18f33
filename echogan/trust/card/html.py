"""The trust card as one HTML page: nothing is loaded from elsewhere, and it can be printed."""

from __future__ import annotations

import base64
from html import escape

from echogan.trust.card.card import TITLE, Finding, TrustCard

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem;
  margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.4rem 0 .3rem; }
p { margin: .3rem 0; } .made { color: #444; } .notice { border-left: 4px solid #b45309; padding: .3rem .7rem;
  background: #fff7ed; } figure { margin: 1rem 0; } figcaption { color: #444; font-size: .9rem; }
img { width: 100%; image-rendering: auto; background: #000; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top;
  padding: .4rem .6rem .4rem 0; border-bottom: 1px solid #ddd; }
th { font-weight: 600; width: 24%; } td.value { white-space: nowrap; font-variant-numeric: tabular-nums;
  font-weight: 600; width: 14%; } .compared { color: #444; font-size: .9rem; }
li { margin: .2rem 0; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } tr, figure, li { break-inside: avoid; } }
@page { size: A4; margin: 15mm; }
"""


def card_html(card: TrustCard, picture: bytes) -> str:
    """The page; `picture` is that of the card, as PNG bytes."""
    rows = "\n".join(_row(one) for one in card.findings)
    data = base64.b64encode(picture).decode()
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}: {escape(card.model)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{TITLE}</h1>
<p class="made">{escape(card.made_by)}</p>
<p class="notice">{escape(card.notice)}</p>
<figure>
<img src="data:image/png;base64,{data}" alt="{escape(card.picture)}">
<figcaption>{escape(card.picture)}</figcaption>
</figure>
<h2>What was found</h2>
<p>{escape(card.strength)}</p>
<table>
{rows}
</table>
<h2>What the flags promise</h2>
{_list(card.guarantee.covers)}
<h2>What they do not</h2>
{_list(card.guarantee.does_not_cover)}
</body>
</html>
"""


def _row(finding: Finding) -> str:
    compared = f'<br><span class="compared">{escape(finding.compared)}</span>' if finding.compared else ""
    return (
        f'<tr data-name="{escape(finding.name)}"><th scope="row">{escape(finding.label)}</th>'
        f'<td class="value">{escape(finding.text) or "–"}</td>'
        f"<td>{escape(finding.sentence)}{compared}</td></tr>"
    )


def _list(sentences: tuple[str, ...]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{escape(one)}</li>" for one in sentences) + "\n</ul>"
