"""The results of a study as a folder: report, figures, tables for other programs, and a manifest of hashes.

`analyse_study` is what a command calls. All files appear in the folder together, or none does.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from echogan.core.atomic import moving_into, output_errors
from echogan.study.analysis.analysis import Analysis, analyse, as_json
from echogan.study.analysis.exports import write_exports
from echogan.study.analysis.figures import as_png, power_curve
from echogan.study.analysis.html_report import html_report
from echogan.study.analysis.pdf_report import pdf_report
from echogan.study.analysis.planner import PowerPoint
from echogan.study.analysis.section import Section
from echogan.study.analysis.sections import sections
from echogan.study.analysis.tables import StudyTables

MANIFEST = "manifest.json"


def analyse_study(tables: StudyTables, folder: Path) -> Analysis:
    """Analyse a study and write report, results and exports into a folder. Raises OutputError."""
    analysis = analyse(tables)
    parts = sections(analysis)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with moving_into(folder) as part:
            _write(analysis, parts, part)
            write_exports(tables, part)
            _write_manifest(part)
    return analysis


def write_report(analysis: Analysis, folder: Path) -> None:
    """Write report.html, report.pdf, analysis.json, a PNG of each figure and the manifest. Raises OutputError."""
    parts = sections(analysis)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with moving_into(folder) as part:
            _write(analysis, parts, part)
            _write_manifest(part)


def write_plan(points: list[PowerPoint], folder: Path) -> None:
    """Write power.csv and power.png of a sample-size plan. Raises OutputError."""
    lines = [f"{p.readers},{p.patients},{p.power:.4f},{p.se:.4f},{p.gain:.4f}" for p in points]
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with moving_into(folder) as part:
            (part / "power.csv").write_text("\n".join(["readers,patients,power,se,gain", *lines]) + "\n")
            (part / "power.png").write_bytes(as_png(power_curve(points)))


def _write(analysis: Analysis, parts: list[Section], folder: Path) -> None:
    text = html_report(analysis.title, analysis.simulated, parts)
    (folder / "report.html").write_text(text, encoding="utf-8")
    (folder / "report.pdf").write_bytes(pdf_report(analysis.title, analysis.simulated, parts))
    (folder / "analysis.json").write_text(as_json(analysis) + "\n", encoding="utf-8")
    for part in parts:
        for picture in part.pictures:
            (folder / f"{picture.name}.png").write_bytes(picture.png)


def _write_manifest(folder: Path) -> None:
    """SHA-256 of each file, by name."""
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    (folder / MANIFEST).write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")
