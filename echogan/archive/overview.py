"""overview.html: every file of an archive with its thumbnail, on pages that need nothing else."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any
from urllib.parse import quote

from echogan.archive.summary import SUMMARY, map_names
from echogan.core.atomic import write_whole
from echogan.core.notice import IN_FULL

ROWS = 500  # of a page
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #1b2430; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem; border-bottom: 1px solid #d8dee6 }
td.n { text-align: right; font-variant-numeric: tabular-nums }
img { display: block; height: 160px; background: #000 }
.why { color: #9b1c1c }
.small { color: #566272; font-size: 13px }
@media (prefers-color-scheme: dark) { body { color: #e6ebf1; background: #11161d } th, td { border-color: #2b3440 }
  a { color: #8ab8ff } .why { color: #ff9d94 } .small { color: #9aa7b6 } }
"""


def write_overview(out: Path, entries: list[dict[str, Any]]) -> None:
    """Write the pages; the first is overview.html. Raises OutputError."""
    maps = map_names(entries)
    parts = [entries[at : at + ROWS] for at in range(0, max(1, len(entries)), ROWS)]
    for number, part in enumerate(parts, 1):
        links = " ".join(_page_link(other, number) for other in range(1, len(parts) + 1))
        text = _page(part, entries, maps, links if len(parts) > 1 else "")
        write_whole(out / page_name(number), text.encode("utf-8", "backslashreplace"))


def page_name(number: int) -> str:
    """The file of a page; pages count from 1."""
    return "overview.html" if number == 1 else f"overview_{number}.html"


def _page(part: list[dict[str, Any]], entries: list[dict[str, Any]], maps: list[str], links: str) -> str:
    failed = sum(entry["state"] == "failed" for entry in entries)
    frames = sum(entry.get("frames", 0) for entry in entries)
    heads = "".join(f"<th scope=col>{html.escape(name.replace('_', ' '))}</th>" for name in maps)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Enhanced archive</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>
<h1>Enhanced archive</h1>
<p>{html.escape(IN_FULL)}</p>
<p>{len(entries)} files, {frames} frames; {failed} failed. Left of each pair the clip, right the result, black outside
the tissue. Maps are means over the tissue in grey levels; small numbers do not mean that a result can be believed.
<a href="{SUMMARY}">Table</a></p>
<p>{links}</p>
<table><thead><tr><th scope=col>First frame</th><th scope=col>File</th><th scope=col>Frames</th>
<th scope=col>Sector</th>{heads}</tr></thead><tbody>
{"".join(_row(entry, maps) for entry in part)}</tbody></table>
<p>{links}</p>
</body></html>
"""


def _row(entry: dict[str, Any], maps: list[str]) -> str:
    name = html.escape(entry["inside"])
    if entry["state"] == "failed":
        return f'<tr><td></td><td>{name}<br><span class="why">{html.escape(entry["why"])}</span></td></tr>\n'
    clip, report, thumbnail = (quote(path, errors="surrogateescape") for path in entry["outputs"])
    warnings = "".join(f'<br><span class="small">{html.escape(text)}</span>' for text in entry["warnings"])
    means = "".join(
        _number(entry["maps"][name][0]) if name in entry["maps"] else "<td></td>" for name in maps
    )
    return (
        f'<tr><td><img loading="lazy" src="{thumbnail}" alt="before and after"></td>'
        f'<td><a href="{clip}">{name}</a><br><a class="small" href="{report}">report</a>{warnings}</td>'
        f'<td class="n">{entry["frames"]}</td>'
        f"<td>{html.escape(entry['sector'])}, {entry['confidence']:.2f}</td>{means}</tr>\n"
    )


def _number(value: float) -> str:
    return f'<td class="n">{value:.1f}</td>'


def _page_link(number: int, here: int) -> str:
    return f"<b>{number}</b>" if number == here else f'<a href="{page_name(number)}">{number}</a>'
