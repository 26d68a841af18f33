"""The folders that evaluations read from and write to."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "eval" / "results"
ORACLE = ROOT / "eval" / "oracle"
"""The oracle: a network trained with the phantom's pairs, against which others are measured."""
RUNS = ROOT / "runs"
"""Trained measures and rendered clips. They are made when missing, and never committed."""
SHARED = ROOT.parent / "shared"
"""Real clips and stills, which are not part of the project. Evaluations that need them say so where they are absent."""
CAMUS = SHARED / "data" / "camus"
