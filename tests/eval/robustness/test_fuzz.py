"""Damaged files of every kind end in a sentence or in a clip, never in a fault; the same seed makes the same files."""

import json
import subprocess
import sys

import numpy as np

from echogan.clips.files import open_clip
from eval.paths import ROOT
from eval.robustness.dicom_inputs import dicom_input
from eval.robustness.file_inputs import file_input
from eval.robustness.seeds import FRAMES, seed_files


def test_the_files_that_damage_begins_with_are_clips(tmp_path):
    (tmp_path / "seeds").mkdir()
    for name, data in seed_files(tmp_path / "seeds", np.random.default_rng(0)).items():
        (tmp_path / name).write_bytes(data)
        assert open_clip(tmp_path / name).frames == (1 if name.startswith("s.") else FRAMES)


def test_the_same_seed_makes_the_same_files():
    whole = bytes(range(256)) * 20
    for index in range(30):
        one, other = (np.random.default_rng((0, index)) for _ in range(2))
        assert dicom_input(one) == dicom_input(other)
        assert file_input(whole, one) == file_input(whole, other)


def test_a_few_files_without_a_fault():
    command = [sys.executable, "-m", "eval", "fuzz", "--count", "25", "--seed", "3"]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    result = json.loads(out)
    assert result["tracebacks"] == 0, result["faults"]
    assert result["ended"] == 0
    assert sum(result["outcomes"].values()) == 25
    assert result["longest_s"] < 20
    assert result["largest_mb"] < 2000
