"""The overview and the table of files with difficult names."""

import csv
import io

from echogan.archive import overview
from echogan.archive.overview import page_name, write_overview
from echogan.archive.summary import write_summary

NAMES = ('a"b<script>.gif', "=cmd().gif", "javascript:x.gif", "\udcff.gif", "d #%/e.gif")


def done(inside: str, frames: int = 3) -> dict:
    files = [inside + end for end in (".mp4", ".json", ".png")]
    facts = {"frames": frames, "fps": 25.0, "width": 8, "height": 6, "sector": "fan", "confidence": 0.9}
    return {
        "inside": inside,
        "state": "done",
        "outputs": files,
        "maps": {"difference": [1.25, 9.0]},
        "warnings": ["<b>"],
        **facts,
    }


def test_names_are_text_and_links_lead_to_their_files(tmp_path):
    entries = [*map(done, NAMES), {"inside": "<i>x", "state": "failed", "why": "<u>no"}]
    write_overview(tmp_path, entries)
    page = (tmp_path / "overview.html").read_text()
    for tag in ("<script", "<b>", "<i>", "<u>", '="javascript:', '"a"b'):
        assert tag not in page
    assert 'href="javascript%3Ax.gif.mp4"' in page
    assert 'src="%FF.gif.png"' in page
    assert 'href="d%20%23%25/e.gif.json"' in page
    assert "6 files, 15 frames; 1 failed" in page


def test_long_archives_have_several_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(overview, "ROWS", 2)
    write_overview(tmp_path, [done(f"{number}.gif") for number in range(5)])
    pages = [(tmp_path / page_name(number)).read_text() for number in (1, 2, 3)]
    assert [page.count("<img") for page in pages] == [2, 2, 1]
    assert all(page_name(3) in page for page in pages[:2])
    assert not (tmp_path / page_name(4)).exists()


def test_the_table_has_every_file_and_no_formula(tmp_path):
    entries = [*map(done, NAMES), {"inside": "x", "state": "failed", "why": "=no"}]
    write_summary(tmp_path, entries)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "summary.csv").read_bytes().decode())))
    assert [row["input"] for row in rows] == [
        *NAMES[:1],
        "'=cmd().gif",
        NAMES[2],
        "\\udcff.gif",
        NAMES[4],
        "x",
    ]
    assert {row["difference_mean"] for row in rows} == {"1.25", ""}
    assert rows[-1]["why"] == "'=no"
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "@"))]
