"""Where evaluation finds and leaves its files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "eval" / "results"
ORACLE = ROOT / "eval" / "oracle"
"""The network trained with the phantom's pairs: what an unpaired one is measured against."""
RUNS = ROOT / "runs"
"""Trained measures and rendered clips, made anew where they are missing; never committed."""
SHARED = ROOT.parent / "shared"
"""Real clips and stills that are no part of the project; what needs them says so where they are absent."""
CAMUS = SHARED / "data" / "camus"
